// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletShow shows a record with its siblings.
type tabletShow struct {
	tabletFlags
	ID   string `arg:"" help:"help_id" placeholder:"ID"`
	Json bool   `help:"help_show_json"`
}

// Run prints the record: for people, or as the JSON that save takes back.
func (f tabletShow) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		r, err := t.Get(f.ID)
		if err != nil {
			return err
		}
		if f.Json {
			text, err := r.Document()
			if err == nil {
				_, err = fmt.Fprintln(c.Stdout, terminal.TameJSON(text))
			}
			return err
		}
		return c.tellRecord(t, r)
	})
}

func (c *call) tellRecord(t *tablet.Tablet, r *tablet.Record) error {
	fmt.Fprintln(c.Stdout, strings.TrimSpace(c.kind(r.Kind)+"  "+r.ID+"  "+c.marks(r)))
	table := terminal.Table{Indent: 2, Columns: c.tableColumns()}
	if r.SubjectID != "" {
		table.Add(c.say("head_resident"), r.SubjectID)
	}
	table.Add(c.say("head_division"), r.Division)
	table.Add(c.say("head_state"), c.state(r))
	if r.Stage != "" {
		table.Add(c.say("head_stage"), c.stage(r.Stage, r.Level))
	}
	if r.ReturnReason != "" {
		table.Add(c.say("head_returned_for"), r.ReturnReason)
	}
	if r.Voided {
		table.Add(c.say("head_void_reason"), r.VoidReason)
	}
	switch {
	case r.Beyond:
		table.Add(c.say("head_beyond"), c.say("show_beyond"))
	case r.Damaged:
		table.Add(c.say("head_damaged"), c.say("show_damaged"))
	case r.Unreadable > 0:
		table.Add(c.say("head_damaged"), c.say("show_unreadable", r.Unreadable))
	}
	if err := c.addForm(&table, r); err != nil {
		return err
	}
	if err := table.Write(c.Stdout); err != nil {
		return err
	}
	for i := range r.Conflicts.Len() {
		if err := c.tellConflict(r, r.Conflicts.At(i)); err != nil {
			return err
		}
	}
	if err := c.tellSameNumber(t, r); err != nil {
		return err
	}
	return c.tellToDo(t, r)
}

// tellToDo says what to think of: of a resident what is due and found, of another record
// what is found about it.
func (c *call) tellToDo(t *tablet.Tablet, r *tablet.Record) error {
	if r.Voided || r.JSON == "" || r.Departed {
		return nil
	}
	if r.Kind == "resident" {
		l, err := t.Prompts(r.ID)
		if err != nil || l.Len() == 0 {
			return err
		}
		return c.tellPrompts(l)
	}
	l, err := t.RecordFindings(r.ID)
	if err != nil || l.Len() == 0 {
		return err
	}
	fmt.Fprintln(c.Stdout)
	c.line("show_findings")
	return c.listFindings(c.Stdout, l)
}

func (c *call) addForm(table *terminal.Table, r *tablet.Record) error {
	if r.JSON == "" {
		return nil
	}
	lines, err := formReader{c.words.Language()}.read(r.Kind, r.JSON)
	if err != nil {
		return err
	}
	for _, l := range lines {
		table.Add(strings.Repeat("  ", l.depth)+l.label, l.text)
	}
	return nil
}

// tellConflict lists siblings by number, as resolve --pick takes them.
func (c *call) tellConflict(r *tablet.Record, conflict *tablet.Conflict) error {
	label := conflict.LabelEN
	if c.words.Language() == words.Chinese {
		label = conflict.LabelZH
	}
	fmt.Fprintln(c.Stdout)
	c.line("show_conflict", strings.TrimSpace(label+" ("+conflict.Path+")"))
	table := terminal.Table{Indent: 2}
	for i := range conflict.Values.Len() {
		v := conflict.Values.At(i)
		from := c.say("value_other")
		if v.Mine {
			from = c.say("value_mine")
		}
		if v.Held {
			from += ", " + c.say("state_held")
		}
		table.Add(fmt.Sprintf("%d", i+1), oneLine(v.JSON), from, time.UnixMilli(v.SavedAtMs).Local().Format("2006-01-02 15:04:05"))
	}
	if err := table.Write(c.Stdout); err != nil {
		return err
	}
	c.line("show_resolve", r.ID, conflict.Path)
	return nil
}

// oneLine writes JSON without line breaks, for a cell of a table.
func oneLine(text string) string {
	var line bytes.Buffer
	if json.Compact(&line, []byte(text)) != nil {
		return text
	}
	return line.String()
}

// tellSameNumber says who else bears the same document: maybe the same person.
func (c *call) tellSameNumber(t *tablet.Tablet, r *tablet.Record) error {
	if r.Kind != "resident" || r.Voided {
		return nil
	}
	same, err := t.SameNumber(r.ID)
	if err != nil || same.Len() == 0 {
		return err
	}
	fmt.Fprintln(c.Stdout)
	c.line("show_same_number")
	for i := range same.Len() {
		fmt.Fprintf(c.Stdout, "  %s  %s\n", same.At(i).ID, terminal.Tame(same.At(i).Name))
	}
	return nil
}
