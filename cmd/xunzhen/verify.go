// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// verifyCommand walks every invariant of a data folder.
type verifyCommand struct {
	dataFlag
	storeFlag
	Replay bool `help:"help_replay"`
	Json   bool `help:"help_json"`
}

// verified is what was found in one county.
type verified struct {
	County     string             `json:"county"`
	Leaves     uint64             `json:"leaves"`
	Segments   uint64             `json:"segments"`
	Revisions  uint64             `json:"revisions"`
	Records    uint64             `json:"records"`
	Held       uint64             `json:"held"`
	Waiting    uint64             `json:"waiting"`
	Replayed   bool               `json:"replayed"`
	Violations []verifiedBreakage `json:"violations"`
}

type verifiedBreakage struct {
	Invariant string `json:"invariant"`
	What      string `json:"what"`
}

// Run looks at every county: by itself when no server runs on the folder, else
// through that server. It fails when anything is broken.
func (f verifyCommand) Run(c *call) error {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if found, err := county.Find(data); err != nil || len(found) == 0 {
		return problemf("problem_no_data", data)
	}
	found, err := f.here(c, data)
	if errors.Is(err, sqlitefile.ErrLocked) {
		found, err = f.there(c, data)
	}
	if err != nil {
		return err
	}
	return f.tell(c, found)
}

// here opens the folder and looks.
func (f verifyCommand) here(c *call, data string) (out []verified, err error) {
	open, disconnect, err := f.connect(c)
	if err != nil {
		return nil, err
	}
	defer disconnect()
	s, err := server.New(c.ctx, server.Config{
		OpenStore: open, Data: data, Schema: care.Kinds(), Clock: c.Clock, Rand: c.Rand, Log: slog.New(slog.DiscardHandler),
	})
	if errors.Is(err, sqlitefile.ErrLocked) {
		return nil, err
	} else if err != nil {
		return nil, explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, one := range s.Counties() {
		v, err := f.one(c, one)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (f verifyCommand) one(c *call, one *county.County) (verified, error) {
	bar := c.screen().Begin(c.say("verify_bar", one.Code), 0)
	report, err := one.Engine.Verify(c.ctx, syncengine.VerifyOptions{
		Replay: f.Replay, Progress: func(done, total int64) { bar.Set(int(done), int(total)) },
	})
	bar.End("")
	if err != nil {
		return verified{}, err
	}
	v := verified{
		County: one.Code, Leaves: uint64(report.Leaves), Segments: uint64(report.Segments), Revisions: uint64(report.Revisions),
		Records: uint64(report.Records), Held: uint64(report.Held), Waiting: uint64(report.Waiting), Replayed: report.Replayed,
		Violations: []verifiedBreakage{},
	}
	for _, b := range report.Violations {
		v.Violations = append(v.Violations, verifiedBreakage{b.Invariant, b.What})
	}
	return v, nil
}

// there asks the server that runs on the folder.
func (f verifyCommand) there(c *call, data string) ([]verified, error) {
	running, err := office.ReadServing(data)
	if err != nil {
		return nil, err
	}
	var out []verified
	for _, one := range running.Counties {
		v, err := f.ask(c.ctx, c, running, one.Code)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (f verifyCommand) ask(ctx context.Context, c *call, running office.Serving, code string) (verified, error) {
	o, err := running.Connect(code)
	if err != nil {
		return verified{}, err
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	bar := c.screen().Begin(c.say("verify_bar", code), 0)
	report, err := o.Verify(ctx, f.Replay, func(done, total uint64) { bar.Set(int(done), int(total)) })
	bar.End("")
	if err != nil {
		return verified{}, err
	}
	return verifiedOf(code, report), nil
}

func verifiedOf(code string, r *syncv1.VerifyReport) verified {
	v := verified{
		County: code, Leaves: r.GetLeaves(), Segments: r.GetSegments(), Revisions: r.GetRevisions(), Records: r.GetRecords(),
		Held: r.GetHeld(), Waiting: r.GetWaiting(), Replayed: r.GetReplayed(), Violations: []verifiedBreakage{},
	}
	for _, b := range r.GetViolations() {
		v.Violations = append(v.Violations, verifiedBreakage{b.GetInvariant(), b.GetWhat()})
	}
	return v
}

// tell prints what was found and fails if something is broken.
func (f verifyCommand) tell(c *call, found []verified) error {
	broken := 0
	for _, v := range found {
		broken += len(v.Violations)
		if f.Json {
			continue
		}
		if err := c.tellVerified(v); err != nil {
			return err
		}
	}
	if f.Json {
		if err := c.json(found); err != nil {
			return err
		}
	}
	if broken > 0 {
		return errSilent
	}
	return nil
}

func (c *call) tellVerified(v verified) error {
	c.line("verify_county", v.County)
	t := terminal.Table{Indent: 2, Right: []bool{false, true}}
	for _, row := range []struct {
		key string
		n   uint64
	}{
		{"verify_leaves", v.Leaves},
		{"verify_segments", v.Segments},
		{"verify_revisions", v.Revisions},
		{"verify_records", v.Records},
		{"verify_held", v.Held},
		{"verify_waiting", v.Waiting},
	} {
		t.Add(c.say(row.key), row.n)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	for _, b := range v.Violations {
		fmt.Fprintf(c.Stdout, "  ✗ %s %s\n    %s\n", b.Invariant, b.What, c.say("invariant_"+b.Invariant))
	}
	switch {
	case len(v.Violations) > 0:
		c.line("verify_broken", len(v.Violations))
	case v.Replayed:
		c.line("verify_good_replayed")
	default:
		c.line("verify_good")
	}
	return nil
}
