// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/xunzhen/xunzhen/tablet"
)

// tabletSave saves a record: a new one, or an edited form.
type tabletSave struct {
	tabletFlags
	File    string `arg:"" optional:"" default:"-" help:"help_save_file" placeholder:"FILE"`
	Kind    string `help:"help_save_kind" placeholder:"KIND"`
	Subject string `help:"help_save_subject" placeholder:"ID"`
	Scope   string `help:"help_save_scope" placeholder:"DIVISION"`
	Author  string `help:"help_author" placeholder:"ID"`
	Fill    bool   `help:"help_save_fill"`
	Confirm bool   `help:"help_save_confirm"`
	Check   bool   `help:"help_save_check"`
	Json    bool   `help:"help_json"`
}

// savedJSON is a save for programs.
type savedJSON struct {
	ID      string `json:"id"`
	Dot     string `json:"dot"`
	Form    string `json:"form"`
	Warning string `json:"warning,omitempty"`

	Findings  []findingJSON  `json:"findings,omitempty"`
	Filled    []proposalJSON `json:"filled,omitempty"`
	Proposals []proposalJSON `json:"proposals,omitempty"`
}

// Run looks at the form and saves it. With --kind the text is a new form; without, it is
// what show --json or form --for printed, edited under values. What is found to be wrong
// or odd must be meant so.
func (f tabletSave) Run(c *call) error {
	text, err := c.text(f.File)
	if err != nil {
		return err
	}
	return f.open(c, func(t *tablet.Tablet) error {
		look, err := f.look(t, text)
		if err != nil {
			return err
		}
		if f.Check {
			return c.tellCheck(look, f.Json)
		}
		return f.save(c, look)
	})
}

// look checks the form, and fills in what is proposed if that is wanted.
func (f tabletSave) look(t *tablet.Tablet, text string) (look *tablet.Check, err error) {
	if f.Kind == "" {
		look, err = t.CheckDocument(text)
	} else {
		look, err = t.CheckNew(f.Kind, f.Subject, f.Scope, text)
	}
	if err == nil && f.Fill {
		err = look.Fill()
	}
	return look, err
}

// save saves what was looked at, once a person said that it is meant so.
func (f tabletSave) save(c *call, look *tablet.Check) error {
	if !f.Json {
		c.showCheck(c.Stderr, look)
	}
	found := checkFor(look)
	if err := f.confirm(c, look); err != nil {
		return err
	}
	saved, err := look.Save(f.Author)
	if err != nil || !f.Json {
		return c.saved(saved, err)(false)
	}
	return c.json(savedJSON{saved.ID, saved.Dot, saved.Form, saved.Warning, found.Findings, found.Filled, found.Proposals})
}

// confirm has the odd values confirmed, if a person says so, and fails where one must and
// does not.
func (f tabletSave) confirm(c *call, look *tablet.Check) error {
	if !f.Confirm && !look.MustConfirm() {
		return nil
	}
	if !f.Confirm {
		if err := f.ask(c, look); err != nil {
			return err
		}
	}
	_, err := look.Confirm()
	return err
}

// ask asks whether the form is meant as it is. Where there is nobody to ask, it says how
// to go on.
func (f tabletSave) ask(c *call, look *tablet.Check) error {
	if c.AskLine != nil && f.File != "-" && !f.Json {
		answer, err := c.AskLine(c.say("save_ask"))
		if err != nil {
			return err
		}
		switch strings.ToLower(answer) {
		case "y", "yes", "是", "对":
			return nil
		}
		return &problem{key: "problem_save_declined", cause: errUnconfirmed}
	}
	if f.Json {
		if err := c.json(checkFor(look)); err != nil {
			return err
		}
	}
	return &problem{key: "problem_save_unconfirmed", cause: errUnconfirmed}
}

// text reads a file; "-" is the standard input.
func (c *call) text(file string) (string, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(c.Stdin)
	} else {
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return "", &problem{key: "problem_read", args: []any{file}, cause: err}
	}
	return string(raw), nil
}

// saved tells about a save.
func (c *call) saved(s *tablet.Saved, err error) func(asJSON bool) error {
	return func(asJSON bool) error {
		switch {
		case err != nil:
			return err
		case asJSON:
			return c.json(savedJSON{ID: s.ID, Dot: s.Dot, Form: s.Form, Warning: s.Warning})
		}
		if s.Warning != "" {
			c.note("saved_warning", c.say("save_warning_"+s.Warning))
		}
		_, err := fmt.Fprintln(c.Stdout, c.say("saved", s.ID, shortDot(s.Dot)))
		return err
	}
}
