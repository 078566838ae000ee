// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletSync hands over what was saved and takes what changed.
type tabletSync struct {
	tabletFlags
	Locked  bool   `help:"help_sync_locked"`
	Address string `help:"help_address" placeholder:"HOST:PORT"`
	With    string `help:"help_sync_with" placeholder:"centre|NAME"`
	Json    bool   `help:"help_json"`
}

// Run syncs and says what came of it. What was done before an error is kept.
func (f tabletSync) Run(c *call) error {
	open := f.open
	if f.Locked {
		open = f.openLocked
	}
	return open(c, func(t *tablet.Tablet) error {
		report, err := c.sync(t, f.Address, f.With, f.Locked)
		if err != nil {
			return err
		}
		if f.Json {
			return errors.Join(c.json(report), count(t))
		}
		if err := c.tellReport(report); err != nil {
			return err
		}
		return c.tellReturned(t)
	})
}

// count has an unlocked tablet count what was returned, so that a locked one can tell.
func count(t *tablet.Tablet) error {
	_, err := t.Status()
	return err
}

// tellReturned says which forms wait for a correction, where an unlocked tablet has any.
func (c *call) tellReturned(t *tablet.Tablet) error {
	if t.Locked() {
		return nil
	}
	s, err := t.Status()
	if err == nil && s.Returned > 0 {
		c.line("sync_returned", c.returned(s))
	}
	return err
}

func (c *call) tellReport(r *tablet.SyncReport) error {
	switch {
	case r.AtHub && r.HubBehind:
		c.line("sync_with_hub_behind", r.With)
	case r.AtHub:
		c.line("sync_with_hub", r.With)
	default:
		c.line("sync_with_centre")
	}
	t := terminal.Table{Indent: 2, Right: []bool{false, true}}
	add := func(key string, n int, always bool) {
		if n > 0 || always {
			t.Add(c.say(key), n)
		}
	}
	if r.ScopeRecords > 0 {
		t.Add(c.say("sync_scope"), c.say("limits_size", r.ScopeRecords, mib(r.ScopeBytes)))
	}
	add("sync_pushed", r.Pushed, true)
	add("sync_already", r.Already, false)
	add("sync_refused", r.Refused, false)
	add("sync_blocked", r.Blocked, false)
	add("sync_received", r.Received, true)
	add("sync_departures", r.Departures, false)
	add("sync_dropped", r.Dropped, false)
	add("sync_beyond", r.Beyond, false)
	add("sync_findings", r.Findings, false)
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if r.FindingsReason != "" {
		c.note("sync_findings_failed", c.reason(r.FindingsReason))
	}
	for _, happened := range []struct {
		it  bool
		key string
	}{
		{r.Complete, "sync_complete"},
		{r.NewEpoch, "sync_new_epoch"},
		{r.Repulled, "sync_repulled"},
		{r.Revoked, "warn_revoked"},
		{r.NewReplica != "", "warn_new_key"},
		{r.Forked && r.NewReplica == "", "warn_forked"},
	} {
		if happened.it {
			c.line(happened.key)
		}
	}
	return nil
}
