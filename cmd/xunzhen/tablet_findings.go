// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletFindings lists what is found about records.
type tabletFindings struct {
	tabletFlags
	Resident string `arg:"" optional:"" help:"help_tablet_findings_resident" placeholder:"RESIDENT"`
	Limit    int    `help:"help_limit" default:"50" placeholder:"N"`
	Json     bool   `help:"help_json"`
}

// Run prints a table, the gravest first, or all as JSON.
func (f tabletFindings) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		l, err := t.Findings(f.Resident)
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(findingsFor(l))
		}
		return f.tell(c, l)
	})
}

func (f tabletFindings) tell(c *call, l *tablet.FindingList) error {
	if l.Len() == 0 {
		c.line("tablet_findings_none")
		return nil
	}
	t := terminal.Table{Head: []string{"", c.say("head_kind"), c.say("head_what"), "id"}}
	n := l.Len()
	if f.Limit > 0 {
		n = min(n, f.Limit)
	}
	for i := range n {
		one := l.At(i)
		id := one.RecordID
		if id == "" {
			id = one.ResidentID
		}
		t.Add(c.severity(one), c.kind(one.Kind), c.either(one.MessageZH, one.MessageEN)+c.origin(one), id)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	c.count("due_more", l.Len()-n)
	return nil
}
