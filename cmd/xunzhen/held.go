// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// heldCommand lists what the centre stores and does not admit.
type heldCommand struct {
	officeFlags
	Json bool `help:"help_json"`
}

// heldSave is one save that is held or waits.
type heldSave struct {
	Record     string            `json:"record"`
	Dot        string            `json:"dot"`
	Kind       string            `json:"kind"`
	Device     string            `json:"device"` // the replica that made it
	Author     string            `json:"author"`
	SavedMs    int64             `json:"saved_ms"` // by the saver's clock
	ReceivedMs int64             `json:"received_ms"`
	Verdict    string            `json:"verdict"`
	Values     []json.RawMessage `json:"values"` // each a form with one value only
	Changes    []heldChange      `json:"changes"`
}

// Run prints what a person must decide, with the values, because that is what they
// decide about.
func (f heldCommand) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := heldAt(c, o)
		switch {
		case err != nil:
			return err
		case f.Json:
			return c.json(all)
		case len(all) == 0:
			c.line("held_none_at_centre")
			return nil
		}
		for _, h := range all {
			if err := c.tellHeld(h); err != nil {
				return err
			}
		}
		c.line("held_release")
		return nil
	})
}

func (c *call) tellHeld(h heldSave) error {
	fmt.Fprintf(c.Stdout, "%s %s\n", h.Record, h.Dot)
	c.line("held_what", c.kind(h.Kind), h.Author, time.UnixMilli(h.SavedMs).Local().Format("2006-01-02 15:04"), c.verdict(h.Verdict))
	return c.tellChanges(h.Changes)
}

// heldAt returns what the centre holds, in order of the feed, with what each save
// changed. An empty list is not nil.
func heldAt(c *call, o *office.Office) ([]heldSave, error) {
	all, err := o.Held(c.ctx)
	if err != nil {
		return nil, err
	}
	out, histories := make([]heldSave, len(all)), map[record.ID][]*syncv1.Revision{}
	for i, h := range all {
		if out[i], err = heldSaveOf(h.GetRecord(), h.GetRevision()); err != nil {
			return nil, err
		}
		id := record.ID(h.GetRecord())
		history, err := historyOf(c, o, histories, id)
		if err != nil {
			return nil, err
		}
		out[i].Changes = c.changesOf(id, h.GetRevision(), history)
	}
	return out, nil
}

func heldSaveOf(rec []byte, r *syncv1.Revision) (heldSave, error) {
	dot, _, err := causal.DecodeDot(r.GetDot())
	if err != nil || len(rec) != len(record.ID{}) {
		return heldSave{}, fmt.Errorf("held revision: %w", record.ErrMalformed)
	}
	id := record.ID(rec)
	h := heldSave{
		Record: id.String(), Dot: dot.String(), Kind: kindName(id.Kind()), Device: dot.Replica.String(), Author: r.GetAuthor(),
		SavedMs: r.GetClockMs(), ReceivedMs: r.GetReceivedAtMs(), Verdict: ledger.Verdict(r.GetVerdict()).String(), Values: []json.RawMessage{},
	}
	for _, change := range r.GetChanges() {
		if text, ok := valueText(id.Kind(), change); ok {
			h.Values = append(h.Values, text)
		}
	}
	return h, nil
}

func kindName(kind record.Kind) string {
	if info, ok := care.Kinds().Lookup(kind); ok {
		return info.Name
	}
	return fmt.Sprint(uint16(kind))
}

// valueText writes what a save put into a register, on one line; false for registers
// that no form has, and for what cannot be read.
func valueText(kind record.Kind, m *syncv1.RegisterChange) (json.RawMessage, bool) {
	path := record.Path(m.GetPath())
	if m.GetValue().GetForm() == syncv1.ValueForm_VALUE_FORM_CLEAR {
		text, err := json.Marshal(map[string]any{care.FormatPath(kind, path): nil})
		return text, err == nil
	}
	text, err := care.FormatValue(kind, path, record.Of(m.GetValue().GetPresent()))
	if err != nil {
		return nil, false
	}
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil || line.String() == "{}" {
		return nil, false
	}
	return line.Bytes(), true
}

// releaseCommand admits one held save.
type releaseCommand struct {
	officeFlags
	ID     string `arg:"" help:"help_id" placeholder:"ID"`
	Dot    string `arg:"" help:"help_release_dot" placeholder:"DOT"`
	Author string `help:"help_release_author" required:"" placeholder:"ID"`
	Reason string `help:"help_release_reason" placeholder:"TEXT"`
}

// Run releases a save that is held now: the centre itself would also take the name of
// one that never existed.
func (f releaseCommand) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := heldAt(c, o)
		if err != nil {
			return err
		}
		h, err := f.among(all)
		if err != nil {
			return err
		}
		id, err := record.ParseID(h.Record)
		if err != nil {
			return err
		}
		dot, err := causal.ParseDot(h.Dot)
		if err != nil {
			return err
		}
		if err := o.Release(c.ctx, id, dot, f.Author, f.Reason); err != nil {
			return err
		}
		c.line("released", h.Record, shortDot(h.Dot))
		return nil
	})
}

// among returns the save that is meant.
func (f releaseCommand) among(all []heldSave) (heldSave, error) {
	for _, h := range all {
		if h.Record != f.ID || !strings.EqualFold(h.Dot, f.Dot) {
			continue
		}
		if h.Verdict == ledger.Waiting.String() {
			return h, problemf("problem_waits")
		}
		return h, nil
	}
	return heldSave{}, problemf("problem_not_held", f.ID, f.Dot)
}
