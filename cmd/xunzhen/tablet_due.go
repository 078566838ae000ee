// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletDue lists what is due.
type tabletDue struct {
	tabletFlags
	Until    string `help:"help_due_until" placeholder:"DATE"`
	Village  string `help:"help_due_village" placeholder:"DIVISION"`
	Kind     string `help:"help_due_kind" placeholder:"KIND"`
	Resident string `help:"help_list_resident" placeholder:"ID"`
	Limit    int    `help:"help_limit" default:"50" placeholder:"N"`
	Json     bool   `help:"help_json"`
}

// dueJSON is something due, for programs.
type dueJSON struct {
	Resident string `json:"resident"`
	Name     string `json:"name"`
	Division string `json:"division"`
	Kind     string `json:"kind"`
	Rule     string `json:"rule"`
	On       string `json:"on"`
	Days     int    `json:"days"`
	Overdue  bool   `json:"overdue"`
	ReasonZH string `json:"reason_zh"`
	ReasonEN string `json:"reason_en"`
}

// Run prints a table, overdue first, then by date; or all of it as JSON.
func (f tabletDue) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		p := &syncProgress{call: c}
		l, err := t.Due(c.ctx, &tablet.DueQuery{Until: f.Until, Division: f.Village, Kind: f.Kind, ResidentID: f.Resident, Progress: p})
		p.end("")
		if err != nil {
			return err
		}
		if f.Json {
			return f.json(c, l)
		}
		return f.tell(c, l)
	})
}

func (f tabletDue) json(c *call, l *tablet.DueList) error {
	out := make([]dueJSON, l.Len())
	for i := range out {
		d := l.At(i)
		out[i] = dueJSON{d.ResidentID, d.Name, d.Division, d.Kind, d.RuleID, d.On, d.Days, d.Overdue, d.ReasonZH, d.ReasonEN}
	}
	return c.json(out)
}

// offers reports whether it has no day of its own: a contract that may be offered at any
// visit. Of these the list tells the number, unless they, or one resident, are asked for.
func (f tabletDue) offers(d *tablet.Due) bool {
	return f.Kind == "" && f.Resident == "" && d.Kind == "contract" && d.Days == 0 && !d.Overdue
}

func (f tabletDue) tell(c *call, l *tablet.DueList) error {
	t := terminal.Table{Head: []string{c.say("head_due"), "", c.say("head_name"), c.say("head_what"), "id"}}
	shown, offers, more := 0, 0, 0
	for i := range l.Len() {
		d := l.At(i)
		switch {
		case f.offers(d):
			offers++
		case f.Limit > 0 && shown == f.Limit:
			more++
		default:
			shown++
			t.Add(d.On, c.late(d.Days, d.Overdue), d.Name, c.either(d.ReasonZH, d.ReasonEN), d.ResidentID)
		}
	}
	if shown == 0 {
		c.line("due_none")
	} else if err := t.Write(c.Stdout); err != nil {
		return err
	}
	c.count("due_more", more)
	c.count("due_offers", offers)
	c.count("due_later", l.Later())
	c.count("due_damaged", l.Damaged())
	c.count("due_beyond", l.Beyond())
	return nil
}

// count writes a line with a number, unless it is 0.
func (c *call) count(key string, n int) {
	if n > 0 {
		c.note(key, n)
	}
}

// late says how far a day is from today.
func (c *call) late(days int, overdue bool) string {
	switch {
	case overdue:
		return c.say("due_overdue", -days)
	case days < 0:
		return c.say("due_past", -days)
	case days == 0:
		return c.say("due_today")
	}
	return c.say("due_in", days)
}

// tellPrompts says what to think of while a resident is there.
func (c *call) tellPrompts(l *tablet.PromptList) error {
	c.Stdout.Write([]byte("\n")) //nolint:errcheck // the table says it
	c.line("show_prompts")
	t := terminal.Table{Indent: 2, Columns: c.tableColumns()}
	for i := range l.Len() {
		p := l.At(i)
		text := c.either(p.TextZH, p.TextEN)
		switch p.About {
		case tablet.PromptReturned:
			t.Add(c.say("prompt_returned"), c.kind(p.Kind)+" "+p.On+": "+text)
		case tablet.PromptFindings:
			t.Add(c.say("prompt_findings", p.Count), c.kind(p.Kind)+" "+p.On+": "+text)
		default:
			t.Add(c.dueMark(p), p.On+"  "+text)
		}
	}
	return t.Write(c.Stdout)
}

func (c *call) dueMark(p *tablet.Prompt) string {
	if p.Overdue {
		return c.say("prompt_overdue")
	}
	return c.say("prompt_due")
}
