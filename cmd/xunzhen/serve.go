// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// dataFlag says where a server keeps everything.
type dataFlag struct {
	Data string `help:"help_data" placeholder:"DIR"`
}

const (
	dataVariable = "XUNZHEN_DATA"
	usualData    = "xunzhen-data"
)

// folder returns the data folder: the flag's, the environment's, or the usual one.
func (f dataFlag) folder(c *call) (string, error) {
	return filepath.Abs(cmp.Or(f.Data, c.Env(dataVariable), usualData))
}

// serveCommand runs the centre.
type serveCommand struct {
	dataFlag
	storeFlag
	County   string   `help:"help_serve_county" placeholder:"CODE"`
	Upstream string   `help:"help_upstream" placeholder:"CODE|HOST:PORT"`
	Listen   string   `help:"help_listen" default:":7443" placeholder:"HOST:PORT"`
	Announce []string `help:"help_announce" placeholder:"HOST:PORT"`
	Staff    []string `help:"help_serve_staff" default:"doctor1" placeholder:"ID"`
	backupFlags
	Json bool `help:"help_serve_json"`
	// WithInput ends the server when its standard input does: with the process that
	// started it, however that ended.
	WithInput bool  `hidden:""`
	Memory    int64 `help:"help_memory" default:"200" placeholder:"MIB"`
	operateFlag
	Log string `help:"help_log" enum:"info,warn,error" default:"warn" placeholder:"info|warn|error"`
}

// firstCodeLife is how long the code that serve prints is good: the first tablet is
// at hand.
const firstCodeLife = 24 * time.Hour

// Run serves until the process is told to end, then drains.
func (f serveCommand) Run(c *call) (err error) {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if f.isHub(data) {
		return f.serveHub(c, data)
	}
	if err := f.needsCounty(data); err != nil {
		return err
	}
	if f.Memory > 0 {
		server.LimitMemory(f.Memory << 20)
		go server.KeepMemory(c.ctx, f.Memory<<20)
	}
	cfg := f.config(c, data)
	if cfg.Rules, err = builtInRules(); err != nil {
		return err
	}
	to, err := f.destination()
	if err != nil {
		return err
	}
	open, disconnect, err := f.connect(c)
	if err != nil {
		return err
	}
	defer disconnect()
	cfg.OpenStore = open
	figures := f.observe(&cfg)
	s, err := server.New(c.ctx, cfg)
	if err != nil {
		return explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	first, err := f.begin(c, s)
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return &problem{key: "problem_listen", args: []any{f.Listen}, cause: err}
	}
	address, unlisten, err := f.listen(s, figures, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlisten()) }()
	return f.serve(c, s, cfg, first, address, to)
}

// builtInRules returns the pack of this program. Nobody changes it, and checking it takes a
// fraction of a second, so it is loaded once.
var builtInRules = sync.OnceValues(func() (findings.Rules, error) { return rulepack.Load() })

// needsCounty refuses to make a data folder without knowing for which county.
func (f serveCommand) needsCounty(data string) error {
	if f.County != "" {
		return nil
	}
	if found, err := county.Find(data); err == nil && len(found) > 0 {
		return nil
	}
	return problemf("problem_needs_county", data)
}

func (f serveCommand) config(c *call, data string) server.Config {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.Log)) // the flag allows nothing else
	return server.Config{
		Data: data, Listen: f.Listen, Addresses: f.Announce, Schema: care.Kinds(), Clock: c.Clock, Rand: c.Rand,
		Log: slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: level})),
	}
}

// begin makes the county if it must, and returns the one to invite the first tablet
// to; nil when there are tablets already.
func (f serveCommand) begin(c *call, s *server.Server) (*county.County, error) {
	var one *county.County
	if f.County != "" {
		var err error
		if one, err = s.County(c.ctx, f.County); err != nil {
			return nil, explainCounty(err, f.County)
		}
	} else if all := s.Counties(); len(all) == 1 {
		one = all[0]
	}
	if one == nil || one.Engine.Stopped() {
		return nil, nil
	}
	replicas, err := one.Engine.Replicas(c.ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range replicas {
		if r.Certificate.Role.Saves() {
			return nil, nil
		}
	}
	return one, nil
}

func (f serveCommand) serve(c *call, s *server.Server, cfg server.Config, first *county.County, operate string, to county.Destination) error {
	local, err := localAddress(s.Address())
	if err != nil {
		return err
	}
	now := office.ServingOf(s, cfg.Data, local)
	now.Operate = operate
	if first != nil {
		if now.Invitation, err = f.invite(c, s, first); err != nil {
			return err
		}
	}
	if err := now.Write(); err != nil {
		return explainOpen(err, cfg.Data)
	}
	defer func() { _ = now.Remove() }()
	if err := f.announce(c, now); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.ctx)
	if f.WithInput {
		go func() {
			_, _ = io.Copy(io.Discard, c.Stdin)
			stop()
		}()
	}
	following := follow(ctx, s)
	c.notify(notifyReady)
	context.AfterFunc(ctx, func() { c.notify(notifyStopping) })
	if to.Folder != "" {
		back := s.PlanBackups(to, f.BackupEvery)
		following.Go(func() { back(ctx) })
	}
	err = s.Serve(ctx)
	stop()
	following.Wait()
	if !f.Json {
		c.line("serve_stopped")
	}
	return err
}

func (f serveCommand) invite(c *call, s *server.Server, to *county.County) (string, error) {
	i, err := s.Invite(c.ctx, to, syncengine.Rights{
		Role: segment.RoleTablet, Staff: f.Staff, Divisions: []record.Division{record.Division(to.Code)},
		Classes: []record.Class{record.ClassGeneral, record.ClassSensitive}, Label: "first tablet",
	}, firstCodeLife)
	if err != nil {
		return "", err
	}
	return i.String(), nil
}

// follow runs the followers of every county until ctx ends.
func follow(ctx context.Context, s *server.Server) *sync.WaitGroup {
	var running sync.WaitGroup
	for _, one := range s.Counties() {
		running.Go(func() { one.Refresh(ctx) })
		running.Go(func() { one.People.Run(ctx) })
		running.Go(func() { one.Divisions.Run(ctx) })
		if p, err := one.Projection(); err == nil {
			running.Go(func() { p.Run(ctx) })
		}
	}
	return &running
}

// announce prints what a person, or a program, must know of the server.
func (f serveCommand) announce(c *call, now office.Serving) error {
	if f.Json {
		f.tellBackup(c.note, now.Data)
		return json.NewEncoder(c.Stdout).Encode(now)
	}
	ready := now.Ready()
	if ready {
		c.line("serve_ready", strings.Join(now.Addresses, ", "))
	} else {
		c.line("serve_not_ready", strings.Join(now.Addresses, ", "))
	}
	for _, one := range now.Counties {
		c.line("serve_county", one.Code, one.Shard)
		c.line("serve_operator", one.OperatorKey)
		if one.Stopped {
			c.line("serve_county_stopped", one.Code, now.Data)
		}
	}
	switch {
	case now.Invitation != "":
		c.line("serve_first_code", strings.Join(f.Staff, ", "), firstCodeLife.Hours(), now.Invitation)
	case ready:
		c.line("serve_more_codes")
	}
	announceOperate(c, now)
	fmt.Fprintln(c.Stdout)
	f.tellBackup(c.line, now.Data)
	return nil
}

// localAddress is where this machine finds a server that listens at an address.
func localAddress(listening string) (string, error) {
	host, port, err := net.SplitHostPort(listening)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// explainOpen says why a data folder could not be opened.
func explainOpen(err error, data string) error {
	var of *problem
	if explained := explainDatabase(err); errors.As(explained, &of) {
		return of
	}
	switch {
	case errors.Is(err, sqlitefile.ErrLocked):
		return &problem{key: "problem_in_use", args: []any{data}, cause: err}
	case errors.Is(err, sqlitefile.ErrNewer):
		return &problem{key: "problem_newer", args: []any{data}, cause: err}
	case errors.Is(err, sqlitefile.ErrCorrupt), errors.Is(err, sqlitefile.ErrForeign):
		return &problem{key: "problem_corrupt", args: []any{data}, cause: err}
	case errors.Is(err, sqlitefile.ErrFull), errors.Is(err, syscall.ENOSPC):
		return &problem{key: "problem_full", args: []any{data}, cause: err}
	case errors.Is(err, sqlitefile.ErrReadOnly), errors.Is(err, fs.ErrPermission):
		return &problem{key: "problem_read_only", args: []any{data}, cause: err}
	case errors.Is(err, fs.ErrNotExist):
		return &problem{key: "problem_missing", args: []any{data}, cause: err}
	}
	return &problem{key: "problem_open", args: []any{data}, cause: err}
}

func explainCounty(err error, code string) error {
	if errors.Is(err, county.ErrCode) {
		return problemf("problem_county_code", code)
	}
	return fmt.Errorf("county %s: %w", code, err)
}
