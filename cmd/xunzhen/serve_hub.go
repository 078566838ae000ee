// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/hub"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// hubFolder is where in a data folder a hub is kept, beside its TLS authority.
func hubFolder(data string) string { return filepath.Join(data, hub.Folder) }

// isHub reports whether a data folder is a hub's, or shall become one.
func (f serveCommand) isHub(data string) bool { return f.Upstream != "" || hub.Exists(hubFolder(data)) }

// hubServing is what a program must know of a hub that runs.
type hubServing struct {
	Address   string   `json:"address"`   // from this machine
	Addresses []string `json:"addresses"` // from elsewhere, best first
	Pin       string   `json:"pin"`
	PID       int      `json:"pid"`
	Data      string   `json:"data"`
	Shard     string   `json:"shard"`
	Replica   string   `json:"replica"`
	Label     string   `json:"label"`
	Add       string   `json:"add"`               // what a tablet needs to know the hub
	Operate   string   `json:"operate,omitempty"` // where whoever runs it looks at it
}

// serveHub runs a clinic hub until the process is told to end, then drains.
func (f serveCommand) serveHub(c *call, data string) (err error) {
	if err := f.fitsHub(data); err != nil {
		return err
	}
	if f.Memory > 0 {
		server.LimitMemory(f.Memory << 20)
	}
	cfg := f.config(c, data)
	screen := &hubScreen{call: c, quiet: f.Json}
	h, err := hub.Open(c.ctx, hub.Config{
		Dir: hubFolder(data), Schema: cfg.Schema, Clock: c.Clock, Rand: c.Rand, Log: cfg.Log, Tell: screen.tell,
	})
	if err != nil {
		return explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	if err := f.join(c, h); err != nil {
		return err
	}
	cfg.Hub = h
	figures := f.observe(&cfg)
	s, err := server.New(c.ctx, cfg)
	if err != nil {
		return explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.Listen(); err != nil {
		return &problem{key: "problem_listen", args: []any{f.Listen}, cause: err}
	}
	if figures != nil {
		figures.WatchHub(h.Status)
	}
	operate, unlisten, err := f.listen(s, figures, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlisten()) }()
	now, err := hubServingOf(c.ctx, s, h, data)
	if err != nil {
		return err
	}
	now.Operate = operate
	return f.runHub(c, s, h, now)
}

// fitsHub refuses to make a hub of a county's folder, or a county of a hub's.
func (f serveCommand) fitsHub(data string) error {
	if f.County != "" {
		return problemf("problem_hub_county", data)
	}
	if f.Backup != "" {
		return problemf("problem_hub_backup")
	}
	if found, err := county.Find(data); err == nil && len(found) > 0 {
		return problemf("problem_county_hub", data)
	}
	return nil
}

// join makes the hub one of a county by an invitation, or notes where the centre is
// from now on. A hub that is in a county needs neither.
func (f serveCommand) join(c *call, h *hub.Hub) error {
	_, err := h.Certificate(c.ctx)
	joined := err == nil
	if err != nil && !errors.Is(err, hub.ErrNotJoined) {
		return err
	}
	if _, ierr := session.ParseInvitation(f.Upstream); ierr == nil {
		return explainJoin(h.Join(c.ctx, f.Upstream))
	}
	switch {
	case joined && f.Upstream == "":
		return nil
	case !joined:
		return problemf("problem_hub_invitation")
	}
	if err := h.Move(strings.Split(f.Upstream, ",")); err != nil {
		return &problem{key: "problem_hub_upstream", args: []any{f.Upstream}, cause: err}
	}
	return nil
}

func explainJoin(err error) error {
	switch {
	case errors.Is(err, hub.ErrRole):
		return &problem{key: "problem_hub_role", cause: err}
	case errors.Is(err, replica.ErrOtherShard):
		return &problem{key: "problem_hub_shard", cause: err}
	}
	return err
}

func (f serveCommand) runHub(c *call, s *server.Server, h *hub.Hub, now hubServing) error {
	if err := f.announceHub(c, now); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(c.ctx)
	defer stop()
	if f.WithInput {
		go func() {
			_, _ = io.Copy(io.Discard, c.Stdin)
			stop()
		}()
	}
	// It goes on with the centre while the last tablets are answered.
	upstream, rest := context.WithCancel(context.WithoutCancel(c.ctx))
	defer rest()
	var syncing sync.WaitGroup
	syncing.Go(func() { h.Run(upstream) })
	c.notify(notifyReady)
	context.AfterFunc(ctx, func() { c.notify(notifyStopping) })
	err := s.Serve(ctx)
	rest()
	syncing.Wait()
	if !f.Json {
		c.line("serve_stopped")
	}
	return err
}

func hubServingOf(ctx context.Context, s *server.Server, h *hub.Hub, data string) (hubServing, error) {
	cert, err := h.Certificate(ctx)
	if err != nil {
		return hubServing{}, err
	}
	local, err := localAddress(s.Address())
	if err != nil {
		return hubServing{}, err
	}
	pin := s.Pin()
	return hubServing{
		Address: local, Addresses: s.Addresses(), Pin: hex.EncodeToString(pin[:]), PID: os.Getpid(), Data: data,
		Shard: cert.Shard.String(), Replica: cert.Replica().String(), Label: cert.Label,
		Add: h.Invitation(s.Addresses(), pin).String(),
	}, nil
}

func (f serveCommand) announceHub(c *call, now hubServing) error {
	if f.Json {
		return json.NewEncoder(c.Stdout).Encode(now)
	}
	c.line("hub_ready", strings.Join(now.Addresses, ", "))
	c.line("hub_who", cmp.Or(now.Label, now.Replica), now.Shard)
	c.line("hub_pin", now.Pin)
	c.line("hub_add", now.Add)
	if now.Operate != "" {
		c.line("serve_operate", now.Operate)
	}
	fmt.Fprintln(c.Stdout)
	return nil
}

// hubScreen says on the screen of serve when something changed that a person should
// know: whether the centre is there, and whether anything waits for it.
type hubScreen struct {
	*call
	quiet bool
	last  string
}

// tell is called by one after the other.
func (s *hubScreen) tell(now hub.Status) {
	key := fmt.Sprint(now.Reason, now.Revoked, now.Waiting > 0)
	if s.quiet || key == s.last {
		return
	}
	s.last = key
	fmt.Fprintln(s.Stdout, s.when(now.AtMs)+"  "+s.hubLine(now))
}

// hubLine is how a hub stands, in a line.
func (c *call) hubLine(s hub.Status) string {
	text := c.say("hub_nothing_waits")
	if s.Waiting > 0 {
		text = c.say("hub_waits", s.Waiting, c.when(s.SinceMs))
	}
	switch {
	case s.Revoked:
		return text + " " + c.say("hub_revoked")
	case s.Reason != "":
		return text + " " + c.say("hub_out_of_reach", c.when(s.LastSyncMs), c.hubReason(s.Reason))
	}
	return text
}

// hubReason says why the centre was not reached. What is usual is said for a hub.
func (c *call) hubReason(reason string) string {
	if reason == remote.ReasonUnreachable {
		return c.say("hub_unreachable")
	}
	return c.reason(reason)
}
