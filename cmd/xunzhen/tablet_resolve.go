// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/tablet"
)

// tabletResolve settles a conflict.
type tabletResolve struct {
	editFlags
	Path  string `arg:"" help:"help_path" placeholder:"PATH"`
	Pick  int    `help:"help_pick" placeholder:"N" xor:"choice"`
	Dot   string `help:"help_pick_dot" placeholder:"DOT" xor:"choice"`
	Value string `help:"help_pick_value" placeholder:"JSON" xor:"choice"`
}

// Run saves the chosen value, or another one, over all that are shown.
func (f tabletResolve) Run(c *call) error {
	if f.Value == "" && f.Pick == 0 && f.Dot == "" {
		return problemf("problem_pick")
	}
	return f.edit(c, func(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
		if f.Value != "" {
			return f.give(t, r)
		}
		dot, err := f.choice(r)
		if err != nil {
			return nil, err
		}
		return t.Resolve(r.Form, f.Path, dot, f.Author)
	})
}

// give saves another value than those shown.
func (f tabletResolve) give(t *tablet.Tablet, r *tablet.Record) (*tablet.Saved, error) {
	edited, err := withValue(r.JSON, f.Path, f.Value)
	if err != nil {
		return nil, &problem{key: "problem_value", args: []any{f.Path}, cause: err}
	}
	return t.Save(r.Form, edited, f.Author)
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

// choice returns the dot that was given, or the one whose number show printed.
func (f tabletResolve) choice(r *tablet.Record) (string, error) {
	if f.Dot != "" {
		return f.Dot, nil
	}
	for i := range r.Conflicts.Len() {
		conflict := r.Conflicts.At(i)
		if conflict.Path != f.Path {
			continue
		}
		if f.Pick < 1 || f.Pick > conflict.Values.Len() {
			return "", problemf("problem_pick_range", conflict.Values.Len())
		}
		return conflict.Values.At(f.Pick - 1).Dot, nil
	}
	return "", problemf("problem_no_conflict", f.Path, fmt.Sprint(conflictPaths(r)))
}
