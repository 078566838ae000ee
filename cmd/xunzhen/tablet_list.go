// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletList lists records.
type tabletList struct {
	tabletFlags
	Kind      string `help:"help_list_kind" placeholder:"KIND"`
	Resident  string `help:"help_list_resident" placeholder:"ID"`
	Conflicts bool   `help:"help_list_conflicts"`
	Returned  bool   `help:"help_list_returned"`
	Held      bool   `help:"help_list_held"`
	Limit     int    `help:"help_limit" default:"50" placeholder:"N"`
	Json      bool   `help:"help_json"`
}

// listed is one record of a list for programs.
type listed struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Subject   string   `json:"subject,omitempty"`
	Division  string   `json:"division,omitempty"`
	State     string   `json:"state"`
	Reason    string   `json:"reason,omitempty"`
	Stage     string   `json:"stage,omitempty"`
	Level     int      `json:"level,omitempty"`
	Returned  string   `json:"return_reason,omitempty"`
	Conflicts []string `json:"conflicts,omitempty"`
	Voided    bool     `json:"voided,omitempty"`
	Departed  bool     `json:"departed,omitempty"`
	Damaged   bool     `json:"damaged,omitempty"`
	// Unreadable is how many saves of it are damaged here.
	Unreadable int             `json:"unreadable,omitempty"`
	Values     json.RawMessage `json:"values,omitempty"`
}

// Run prints a table, or JSON.
func (f tabletList) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		if f.Held {
			return f.held(c, t)
		}
		records, err := t.List(&tablet.Query{Kind: f.Kind, SubjectID: f.Resident, ConflictsOnly: f.Conflicts, ReturnedOnly: f.Returned, Limit: f.Limit})
		if err != nil {
			return err
		}
		if f.Json {
			return f.json(c, records)
		}
		if err := c.tellRecords(records, f.Limit); err != nil || !f.Returned {
			return err
		}
		c.tellReasons(records)
		return nil
	})
}

func (f tabletList) json(c *call, records *tablet.RecordList) error {
	out := make([]listed, records.Len())
	for i := range out {
		r := records.At(i)
		out[i] = listed{
			ID: r.ID, Kind: r.Kind, Subject: r.SubjectID, Division: r.Division, State: r.State, Reason: r.Reason,
			Stage: r.Stage, Level: r.Level, Returned: r.ReturnReason, Conflicts: conflictPaths(r), Voided: r.Voided, Departed: r.Departed,
			Damaged: r.Damaged, Unreadable: r.Unreadable, Values: json.RawMessage(r.JSON),
		}
	}
	return c.json(out)
}

func conflictPaths(r *tablet.Record) (paths []string) {
	for i := range r.Conflicts.Len() {
		paths = append(paths, r.Conflicts.At(i).Path)
	}
	return paths
}

func (c *call) tellRecords(records *tablet.RecordList, limit int) error {
	if records.Len() == 0 {
		c.line("list_none")
		return nil
	}
	t := terminal.Table{Head: []string{"id", c.say("head_kind"), c.say("head_what"), c.say("head_division"), c.say("head_state"), c.say("head_stage"), ""}}
	for i := range records.Len() {
		r := records.At(i)
		t.Add(r.ID, c.kind(r.Kind), terminal.Cut(gist(r), 24), r.Division, c.state(r), c.stage(r.Stage, r.Level), c.marks(r))
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if records.Len() == limit {
		c.note("list_more", limit)
	}
	return nil
}

// held lists own saves that the centre does not admit.
func (f tabletList) held(c *call, t *tablet.Tablet) error {
	all, err := t.Held()
	if err != nil {
		return err
	}
	if f.Json {
		out := make([]tablet.Held, all.Len())
		for i := range out {
			out[i] = *all.At(i)
		}
		return c.json(out)
	}
	if all.Len() == 0 {
		c.line("held_none")
		return nil
	}
	table := terminal.Table{Head: []string{"id", c.say("head_dot"), c.say("head_reason")}}
	for i := range all.Len() {
		h := all.At(i)
		table.Add(h.RecordID, shortDot(h.Dot), c.verdict(h.Reason))
	}
	return table.Write(c.Stdout)
}

// tellReasons says why each form was returned, and how to answer.
func (c *call) tellReasons(records *tablet.RecordList) {
	for i := range records.Len() {
		if r := records.At(i); r.ReturnReason != "" {
			c.line("list_return_reason", r.ID, r.ReturnReason)
		}
	}
	if records.Len() > 0 {
		c.line("list_correct")
	}
}

// kind names a kind in the reader's language: in a short word where there is one, else
// as its form is headed.
func (c *call) kind(name string) string {
	if key := "kind_" + name; c.words.Has(key) {
		return c.say(key)
	}
	number, _ := care.KindNamed(name)
	label, _ := care.KindLabel(number)
	return formReader{c.words.Language()}.either(label.ZH, label.EN, name)
}

// stage says where a form stands between its author and its reviewers.
func (c *call) stage(stage string, level int) string {
	switch {
	case stage == "":
		return ""
	case level == 0:
		return c.say("stage_" + stage)
	}
	return c.say("stage_"+stage) + " (" + c.level(level) + ")"
}

// level says who reviews at a level.
func (c *call) level(level int) string { return c.say(fmt.Sprintf("level_%d", level)) }

// state says how far a record has come.
func (c *call) state(r *tablet.Record) string {
	text := c.say("state_" + r.State)
	if r.Reason != "" {
		text += ": " + c.verdict(r.Reason)
	}
	return text
}

// verdict says why something is held.
func (c *call) verdict(v string) string {
	if key := "verdict_" + v; c.words.Has(key) {
		return c.say(key)
	}
	return v
}

func (c *call) marks(r *tablet.Record) string {
	text := ""
	mark := func(is bool, key string) {
		if is {
			text += "[" + c.say(key) + "] "
		}
	}
	mark(r.Conflicts.Len() > 0, "mark_conflict")
	mark(r.Voided, "mark_void")
	mark(r.Departed, "mark_departed")
	mark(r.Damaged || r.Unreadable > 0, "mark_damaged")
	return text
}

// gist is what a person knows a record by: a name, or a date.
func gist(r *tablet.Record) string {
	var known struct {
		Name        string `json:"name"`
		ServiceDate int    `json:"service_date"`
	}
	if r.JSON == "" || json.Unmarshal([]byte(r.JSON), &known) != nil {
		return ""
	}
	if known.Name == "" && known.ServiceDate > 0 {
		return fmt.Sprintf("%04d-%02d-%02d", known.ServiceDate/10000, known.ServiceDate/100%100, known.ServiceDate%100)
	}
	return known.Name
}

// shortDot writes a dot so that people can tell two apart.
func shortDot(dot string) string {
	if len(dot) <= 20 {
		return dot
	}
	return dot[:8] + "…" + dot[len(dot)-10:]
}
