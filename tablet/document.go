// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"encoding/json"
	"fmt"
)

// document is a record as one JSON text: what Document writes and SaveDocument
// reads. A new record has no id and no form.
type document struct {
	ID           string             `json:"id,omitempty"`
	Kind         string             `json:"kind,omitempty"`
	Subject      string             `json:"subject,omitempty"`
	Division     string             `json:"division,omitempty"`
	State        string             `json:"state,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	Stage        string             `json:"stage,omitempty"`
	Level        int                `json:"level,omitempty"`
	ReturnReason string             `json:"return_reason,omitempty"`
	Voided       bool               `json:"voided,omitempty"`
	VoidReason   string             `json:"void_reason,omitempty"`
	Departed     bool               `json:"departed,omitempty"`
	Conflicts    []documentConflict `json:"conflicts,omitempty"`
	Form         string             `json:"form,omitempty"`
	Values       json.RawMessage    `json:"values,omitempty"`
}

type documentConflict struct {
	Path   string          `json:"path"`
	Values []documentValue `json:"values"`
}

type documentValue struct {
	Dot       string          `json:"dot"`
	SavedAtMs int64           `json:"saved_at_ms"`
	Mine      bool            `json:"mine,omitempty"`
	Held      bool            `json:"held,omitempty"`
	Value     json.RawMessage `json:"value"`
}

// Document returns the record as one JSON text with the form's token inside: edit
// what stands under values, and give it to SaveDocument.
func (r *Record) Document() (string, error) {
	d := document{
		ID: r.ID, Kind: r.Kind, Subject: r.SubjectID, Division: r.Division, State: r.State, Reason: r.Reason,
		Stage: r.Stage, Level: r.Level, ReturnReason: r.ReturnReason,
		Voided: r.Voided, VoidReason: r.VoidReason, Departed: r.Departed, Form: r.Form, Values: json.RawMessage(r.JSON),
	}
	for _, c := range r.Conflicts.all {
		one := documentConflict{Path: c.Path}
		for _, v := range c.Values.all {
			one.Values = append(one.Values, documentValue{v.Dot, v.SavedAtMs, v.Mine, v.Held, json.RawMessage(v.JSON)})
		}
		d.Conflicts = append(d.Conflicts, one)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	return string(text), fail("document", err)
}

// SaveDocument saves what Document wrote and a person edited under values, or a
// new record: {"kind", "subject", "division", "values"}. Everything else in it is
// for reading. Reasons are those of Save and Add.
func (t *Tablet) SaveDocument(text, author string) (*Saved, error) {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return nil, fail("save", fmt.Errorf("%w: %w", err, errJSON))
	}
	switch {
	case d.Form != "":
		return t.Save(d.Form, string(d.Values), author)
	case d.ID != "":
		return nil, fail("save", fmt.Errorf("of record %s: %w", d.ID, errForm))
	}
	return t.Add(d.Kind, d.Subject, d.Division, string(d.Values), author)
}
