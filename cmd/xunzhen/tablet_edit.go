// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/tablet"
)

// editFlags are those of commands that save over what a record shows now. Who looked
// at it before and wants to save over that only gives the form token.
type editFlags struct {
	tabletFlags
	ID     string `arg:"" help:"${help_id}" placeholder:"ID"`
	Form   string `help:"${help_form}" placeholder:"TOKEN"`
	Author string `help:"${help_author}" placeholder:"ID"`
	Json   bool   `help:"${help_json}"`
}

// edit opens the form, as it stands or as it was shown, and saves with do.
func (f editFlags) edit(c *call, do func(t *tablet.Tablet, form string) (*tablet.Saved, error)) error {
	return f.open(c, func(t *tablet.Tablet) error {
		form := f.Form
		if form == "" {
			r, err := t.Get(f.ID)
			if err != nil {
				return err
			}
			form = r.Form
		}
		return c.saved(do(t, form))(f.Json)
	})
}

// tabletVoid declares a record void.
type tabletVoid struct {
	editFlags
	Reason string `help:"${help_void_reason}" required:"" placeholder:"TEXT"`
}

// Run saves that the record is void.
func (f tabletVoid) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, form string) (*tablet.Saved, error) { return t.Void(form, f.Reason, f.Author) })
}

// tabletRestore takes that back.
type tabletRestore struct{ editFlags }

// Run saves that the record is good again.
func (f tabletRestore) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, form string) (*tablet.Saved, error) { return t.Restore(form, f.Author) })
}

// tabletMove gives a record another division.
type tabletMove struct {
	editFlags
	Scope string `help:"${help_save_scope}" required:"" placeholder:"DIVISION"`
}

// Run saves the new division.
func (f tabletMove) Run(c *call) error {
	return f.edit(c, func(t *tablet.Tablet, form string) (*tablet.Saved, error) { return t.Move(form, f.Scope, f.Author) })
}

// tabletResolve settles a conflict.
type tabletResolve struct {
	editFlags
	Path  string `arg:"" help:"${help_path}" placeholder:"PATH"`
	Pick  int    `help:"${help_pick}" placeholder:"N" xor:"choice"`
	Dot   string `help:"${help_pick_dot}" placeholder:"DOT" xor:"choice"`
	Value string `help:"${help_pick_value}" placeholder:"JSON" xor:"choice"`
}

// Run saves the chosen value, or another one, over all that are shown.
func (f tabletResolve) Run(c *call) error {
	switch {
	case f.Value != "":
		return f.give(c)
	case f.Pick == 0 && f.Dot == "":
		return problemf("problem_pick")
	case f.Dot != "":
		return f.edit(c, func(t *tablet.Tablet, form string) (*tablet.Saved, error) {
			return t.Resolve(form, f.Path, f.Dot, f.Author)
		})
	}
	return f.pick(c)
}

// give saves another value than those shown.
func (f tabletResolve) give(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		r, err := t.Get(f.ID)
		if err != nil {
			return err
		}
		edited, err := withValue(r.JSON, f.Path, f.Value)
		if err != nil {
			return &problem{key: "problem_value", args: []any{f.Path}, cause: err}
		}
		return c.saved(t.Save(r.Form, edited, f.Author))(f.Json)
	})
}

// withValue puts a value into a form at a path such as "general.body_size".
func withValue(form, path, value string) (string, error) {
	var whole map[string]any
	if err := json.Unmarshal([]byte(form), &whole); err != nil {
		return "", err
	}
	var given any
	if err := json.Unmarshal([]byte(value), &given); err != nil {
		return "", err
	}
	steps := strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(path), ".")
	at := whole
	for _, s := range steps[:len(steps)-1] {
		inner, ok := at[s].(map[string]any)
		if !ok {
			inner = map[string]any{}
			at[s] = inner
		}
		at = inner
	}
	at[steps[len(steps)-1]] = given
	raw, err := json.Marshal(whole)
	return string(raw), err
}

// pick chooses by the number that show printed.
func (f tabletResolve) pick(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		r, err := t.Get(f.ID)
		if err != nil {
			return err
		}
		for i := range r.Conflicts.Len() {
			conflict := r.Conflicts.At(i)
			if conflict.Path != f.Path {
				continue
			}
			if f.Pick < 1 || f.Pick > conflict.Values.Len() {
				return problemf("problem_pick_range", conflict.Values.Len())
			}
			return c.saved(t.Resolve(r.Form, f.Path, conflict.Values.At(f.Pick-1).Dot, f.Author))(f.Json)
		}
		return problemf("problem_no_conflict", f.Path, fmt.Sprint(conflictPaths(r)))
	})
}
