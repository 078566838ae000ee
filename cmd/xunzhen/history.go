// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// historyCommand shows a record as it stood, with who and when.
type historyCommand struct {
	officeFlags
	ID         string `arg:"" help:"help_id" placeholder:"ID"`
	AsOf       string `name:"as-of" help:"help_history_as_of" placeholder:"DATE"`
	ReceivedBy string `name:"received-by" help:"help_history_received_by" placeholder:"DATE"`
	Json       bool   `help:"help_json"`
}

// Run prints the values that were live, then the saves behind them.
func (f historyCommand) Run(c *call) error {
	id, _, err := named(f.ID, "")
	if err != nil {
		return err
	}
	captured, err := moment(f.AsOf)
	if err != nil {
		return err
	}
	received, err := moment(f.ReceivedBy)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		registers, revisions, err := o.AsOf(c.ctx, id, captured, received)
		if err != nil {
			return err
		}
		h, err := stoodOf(id, registers, revisions)
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(h)
		}
		return c.tellStood(id, h, captured, received)
	})
}

// moment reads a day, which is meant to its end, or a minute or an instant. Days and
// minutes are of this machine's time zone. No text is a zero time.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation("2006-01-02", text, time.Local); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Millisecond), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if minute, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return minute.Add(time.Minute - time.Millisecond), nil
		}
	}
	instant, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return instant, problemf("problem_moment", text)
	}
	return instant, nil
}

// stood is a record as it stood, for programs. Instants are UTC milliseconds.
type stood struct {
	Record string          `json:"record"`
	Kind   string          `json:"kind"`
	Values []stoodRegister `json:"values"`
	Saves  []stoodSave     `json:"saves"`
}

type stoodRegister struct {
	Path   string       `json:"path"`
	Values []stoodValue `json:"values"` // displayed one first; more are siblings
	path   record.Path
}

type stoodValue struct {
	Value  json.RawMessage `json:"value"` // null: cleared, or erased
	Erased bool            `json:"erased"`
	Dot    string          `json:"dot"`
	Author string          `json:"author"`
	value  record.Value
}

type stoodSave struct {
	Dot        string `json:"dot"`
	Author     string `json:"author"`
	CapturedMs int64  `json:"captured_ms"`
	ReceivedMs int64  `json:"received_ms"`
	Entry      uint64 `json:"ledger_index"`
	Verdict    string `json:"verdict"`
}

func stoodOf(id record.ID, registers []*syncv1.RecordRegister, revisions []*syncv1.Revision) (stood, error) {
	out := stood{Record: id.String(), Kind: kindName(id.Kind()), Values: []stoodRegister{}, Saves: []stoodSave{}}
	authors := map[string]string{}
	for _, r := range revisions {
		dot, _, err := causal.DecodeDot(r.GetDot())
		if err != nil {
			return out, err
		}
		authors[dot.String()] = r.GetAuthor()
		out.Saves = append(out.Saves, stoodSave{
			dot.String(), r.GetAuthor(), r.GetClockMs(), r.GetReceivedAtMs(), r.GetLedgerIndex(), ledger.Verdict(r.GetVerdict()).String(),
		})
	}
	for _, g := range registers {
		path := record.Path(g.GetPath())
		one := stoodRegister{Path: care.FormatPath(id.Kind(), path), path: path}
		for _, s := range g.GetSiblings() {
			dot, _, err := causal.DecodeDot(s.GetDot())
			if err != nil {
				return out, err
			}
			v := valueFromWire(s.GetValue())
			one.Values = append(one.Values, stoodValue{
				jsonOf(id.Kind(), path, v), v.Form == record.Erased, dot.String(), authors[dot.String()], v,
			})
		}
		out.Values = append(out.Values, one)
	}
	return out, nil
}

func valueFromWire(m *syncv1.RegisterValue) record.Value {
	switch m.GetForm() {
	case syncv1.ValueForm_VALUE_FORM_PRESENT:
		return record.Of(m.GetPresent())
	case syncv1.ValueForm_VALUE_FORM_ERASED:
		return record.Value{Form: record.Erased}
	}
	return record.Value{}
}

func (c *call) tellStood(id record.ID, h stood, captured, received time.Time) error {
	fmt.Fprintln(c.Stdout, c.kind(h.Kind)+"  "+h.Record)
	if !captured.IsZero() {
		c.line("history_captured", c.at(captured))
	}
	if !received.IsZero() {
		c.line("history_received", c.at(received))
	}
	if len(h.Saves) == 0 {
		c.line("history_nothing")
		return nil
	}
	t := terminal.Table{Indent: 2, Columns: c.tableColumns()}
	for _, g := range h.Values {
		for i, v := range g.Values {
			label := c.pathLabel(id.Kind(), g.path)
			if i > 0 {
				label = c.say("history_or")
			}
			text := c.say("proof_erased")
			if !v.Erased {
				text = c.valueText(id.Kind(), g.path, v.value)
			}
			t.Add(label, v.Author, text)
		}
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout)
	saves := terminal.Table{Indent: 2, Head: []string{c.say("head_captured"), c.say("head_received"), c.say("head_author"), c.say("head_verdict"), c.say("head_dot")}}
	for _, s := range h.Saves {
		saves.Add(c.atMs(s.CapturedMs), c.atMs(s.ReceivedMs), s.Author, c.verdictText(s.Verdict), s.Dot)
	}
	return saves.Write(c.Stdout)
}
