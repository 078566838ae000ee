// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletSync hands over what was saved and takes what changed.
type tabletSync struct {
	tabletFlags
	Locked  bool   `help:"${help_sync_locked}"`
	Address string `help:"${help_address}" placeholder:"HOST:PORT"`
	With    string `help:"${help_sync_with}" placeholder:"centre|NAME"`
	Json    bool   `help:"${help_json}"`
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
			return c.json(report)
		}
		return c.tellReport(report)
	})
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
	add("sync_pushed", r.Pushed, true)
	add("sync_already", r.Already, false)
	add("sync_refused", r.Refused, false)
	add("sync_blocked", r.Blocked, false)
	add("sync_received", r.Received, true)
	add("sync_departures", r.Departures, false)
	if err := t.Write(c.Stdout); err != nil {
		return err
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
