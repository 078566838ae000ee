// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletLimits says how much the tablet keeps, or sets it.
type tabletLimits struct {
	tabletFlags
	Records *int64   `help:"help_limits_records" placeholder:"N"`
	Mib     *int64   `help:"help_limits_mib" placeholder:"N"`
	Village []string `help:"help_limits_village" placeholder:"CODE"`
	Usual   bool     `help:"help_limits_usual"`
	Json    bool     `help:"help_json"`
}

// limitsJSON are the limits for programs.
type limitsJSON struct {
	Records       int64  `json:"records"`
	Bytes         int64  `json:"bytes"`
	DeviceRecords int64  `json:"device_records,omitempty"`
	DeviceBytes   int64  `json:"device_bytes,omitempty"`
	Villages      string `json:"villages,omitempty"`
	Kept          int64  `json:"kept"`
	KeptBytes     int64  `json:"kept_bytes"`
	Beyond        int64  `json:"beyond"`
	ScopeRecords  int64  `json:"scope_records"`
	ScopeBytes    int64  `json:"scope_bytes"`
	ScopeMs       int64  `json:"scope_ms"`
}

// Run sets what is given and prints what holds. It needs a secret: what a rule pack says is
// read while unlocked.
func (f tabletLimits) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		if err := f.set(t); err != nil {
			return err
		}
		l, err := t.Limits()
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(limitsJSON(*l))
		}
		return c.tellLimits(l)
	})
}

// set changes what flags name and leaves the rest.
func (f tabletLimits) set(t *tablet.Tablet) error {
	if f.Usual {
		return t.SetLimits(0, 0, "")
	}
	if f.Records == nil && f.Mib == nil && f.Village == nil {
		return nil
	}
	now, err := t.Limits()
	if err != nil {
		return err
	}
	records, bytes, villages := now.DeviceRecords, now.DeviceBytes, now.Villages
	if f.Records != nil {
		records = *f.Records
	}
	if f.Mib != nil {
		bytes = *f.Mib << 20
	}
	if f.Village != nil {
		villages = strings.Join(f.Village, ",")
	}
	return t.SetLimits(records, bytes, villages)
}

func (c *call) tellLimits(l *tablet.Limits) error {
	t := terminal.Table{Indent: 2}
	from := "limits_of_pack"
	if l.DeviceRecords+l.DeviceBytes > 0 {
		from = "limits_of_device"
	}
	t.Add(c.say("limits_most"), c.say("limits_size", l.Records, mib(l.Bytes))+" ("+c.say(from)+")")
	t.Add(c.say("limits_kept"), c.say("limits_size", l.Kept, mib(l.KeptBytes)))
	if l.ScopeMs > 0 {
		t.Add(c.say("limits_scope"), c.say("limits_size", l.ScopeRecords, mib(l.ScopeBytes))+" ("+c.when(l.ScopeMs)+")")
	}
	if l.Villages != "" {
		t.Add(c.say("limits_villages"), l.Villages)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if l.Beyond > 0 {
		c.line("limits_beyond", l.Beyond)
	}
	return nil
}

// mib writes bytes in MiB.
func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }
