// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// heldChange is what a save changed in one register, in the words of its form.
type heldChange struct {
	Path   string   `json:"path"`
	Label  string   `json:"label"`
	Before []string `json:"before,omitempty"` // the values that its author saw there
	After  string   `json:"after"`            // "" when it was cleared
}

// changesOf says what a save changed, given the history of its record.
func (c *call) changesOf(id record.ID, r *syncv1.Revision, history []*syncv1.Revision) []heldChange {
	values := map[string]*syncv1.RegisterValue{}
	for _, other := range history {
		for _, change := range other.GetChanges() {
			values[string(other.GetDot())+string(change.GetPath())] = change.GetValue()
		}
	}
	out := []heldChange{}
	for _, change := range r.GetChanges() {
		p := record.Path(change.GetPath())
		label, after := c.inWords(id.Kind(), p, change.GetValue())
		one := heldChange{Path: care.FormatPath(id.Kind(), p), Label: label, After: after}
		for _, parent := range change.GetParents() {
			if v, ok := values[string(parent)+string(p)]; ok {
				if _, text := c.inWords(id.Kind(), p, v); text != "" {
					one.Before = append(one.Before, text)
				}
			}
		}
		if p != record.PathLife || len(one.Before) != 1 || one.Before[0] != after { // every edit says anew that a record is valid
			out = append(out, one)
		}
	}
	return out
}

// inWords returns what a register is called and what a value in it says.
func (c *call) inWords(kind record.Kind, p record.Path, m *syncv1.RegisterValue) (label, text string) {
	present := m.GetForm() == syncv1.ValueForm_VALUE_FORM_PRESENT
	switch {
	case m.GetForm() == syncv1.ValueForm_VALUE_FORM_ERASED:
		text = c.say("value_erased")
	case present:
		text = fmt.Sprintf("%x", m.GetPresent())
	}
	switch p {
	case record.PathScope:
		return c.say("head_division"), string(m.GetPresent())
	case record.PathSubject:
		return c.say("head_resident"), text
	case record.PathLife:
		if present && record.ParseLife(record.Of(m.GetPresent())) == record.LifeVoided {
			return c.say("head_life"), c.say("mark_void") + " " + record.VoidReason(record.Of(m.GetPresent()))
		}
		return c.say("head_life"), c.say("life_active")
	}
	label = care.FormatPath(kind, p)
	if l, ok := care.LabelOf(kind, p); ok {
		label = formReader{c.words.Language()}.either(l.ZH, l.EN, label)
	}
	if raw, err := care.FormatValue(kind, p, record.Of(m.GetPresent())); present && err == nil {
		if lines, err := (formReader{c.words.Language()}).read(kindName(kind), string(raw)); err == nil {
			text = joined(lines)
		}
	}
	return label, text
}

// joined writes the values of a form that has one register's only.
func joined(lines []formLine) string {
	var texts []string
	for _, l := range lines {
		if l.text != "" {
			texts = append(texts, l.text)
		}
	}
	return strings.Join(texts, " ")
}

// historyOf returns the whole history of a record, read once for each.
func historyOf(c *call, o *office.Office, known map[record.ID][]*syncv1.Revision, id record.ID) ([]*syncv1.Revision, error) {
	if h, ok := known[id]; ok {
		return h, nil
	}
	_, h, err := o.Get(c.ctx, id)
	if err == nil {
		known[id] = h
	}
	return h, err
}

func (c *call) tellChanges(changes []heldChange) error {
	t := terminal.Table{Indent: 4, Columns: c.tableColumns()}
	for _, one := range changes {
		after := one.After
		if after == "" {
			after = c.say("value_cleared")
		}
		if len(one.Before) > 0 {
			after = strings.Join(one.Before, " / ") + " → " + after
		}
		t.Add(one.Label, after)
	}
	return t.Write(c.Stdout)
}
