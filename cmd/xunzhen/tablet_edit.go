// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/xunzhen/xunzhen/tablet"
)

// editFlags are those of commands that save over what a record shows now. Who looked
// at it before and wants to save over that only gives the form token.
type editFlags struct {
	tabletFlags
	ID     string `arg:"" help:"help_id" placeholder:"ID"`
	Form   string `help:"help_form" placeholder:"TOKEN"`
	Author string `help:"help_author" placeholder:"ID"`
	Json   bool   `help:"help_json"`
}

// edit opens the form, as it stands or as it was shown, and saves with do.
func (f editFlags) edit(c *call, do func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error)) error {
	return f.open(c, func(t *tablet.Tablet) error {
		r, err := f.shown(t)
		if err != nil {
			return err
		}
		return c.saved(do(t, r))(f.Json)
	})
}

// shown returns the record as the form token has it, which must be one of this
// record; without a token as it is now.
func (f editFlags) shown(t *tablet.Tablet) (*tablet.Record, error) {
	if f.Form == "" {
		return t.Get(f.ID)
	}
	r, err := t.Shown(f.Form)
	if err == nil && r.ID != f.ID {
		return nil, problemf("problem_other_form", r.ID, f.ID)
	}
	return r, err
}

// tabletVoid declares a record void.
type tabletVoid struct {
	editFlags
	Reason string `help:"help_void_reason" required:"" placeholder:"TEXT"`
}

// Run saves that the record is void.
func (f tabletVoid) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
		return t.Void(r.Form, f.Reason, f.Author)
	})
}

// tabletRestore takes that back.
type tabletRestore struct{ editFlags }

// Run saves that the record is good again.
func (f tabletRestore) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
		return t.Restore(r.Form, f.Author)
	})
}

// tabletMove gives a record another division.
type tabletMove struct {
	editFlags
	Scope   string `help:"help_save_scope" required:"" placeholder:"DIVISION"`
	Outside bool   `help:"help_move_outside"`
}

// Run saves the new division. One outside the county, where a slip of the finger takes a
// record out of everybody's sight, must be meant.
func (f tabletMove) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
		who, err := t.Identity()
		if err == nil && !f.Outside && !inCounty(f.Scope, who.Divisions) {
			return nil, problemf("problem_move_outside", f.Scope, list(who.Divisions))
		}
		return t.Move(r.Form, f.Scope, f.Author)
	})
}

// countyDigits is how much of a division's code names the county.
const countyDigits = 6

// inCounty reports whether a division is in the county of some others: those of a
// tablet's certificate.
func inCounty(division string, others *tablet.Strings) bool {
	for i := range others.Len() {
		d := others.At(i)
		if strings.HasPrefix(division, d[:min(len(d), countyDigits)]) {
			return true
		}
	}
	return false
}
