// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/xunzhen/xunzhen/tablet"
)

// tabletSave saves a record: a new one, or an edited form.
type tabletSave struct {
	tabletFlags
	File    string `arg:"" optional:"" default:"-" help:"${help_save_file}" placeholder:"FILE"`
	Kind    string `help:"${help_save_kind}" placeholder:"KIND"`
	Subject string `help:"${help_save_subject}" placeholder:"ID"`
	Scope   string `help:"${help_save_scope}" placeholder:"DIVISION"`
	Author  string `help:"${help_author}" placeholder:"ID"`
	Json    bool   `help:"${help_json}"`
}

// savedJSON is a save for programs.
type savedJSON struct {
	ID      string `json:"id"`
	Dot     string `json:"dot"`
	Form    string `json:"form"`
	Warning string `json:"warning,omitempty"`
}

// Run saves. With --kind the text is a new form; without, it is what show --json
// printed, edited under values.
func (f tabletSave) Run(c *call) error {
	text, err := c.text(f.File)
	if err != nil {
		return err
	}
	return f.open(c, func(t *tablet.Tablet) error {
		if f.Kind == "" {
			return c.saved(t.SaveDocument(text, f.Author))(f.Json)
		}
		return c.saved(t.Add(f.Kind, f.Subject, f.Scope, text, f.Author))(f.Json)
	})
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
			return c.json(savedJSON{s.ID, s.Dot, s.Form, s.Warning})
		}
		if s.Warning != "" {
			c.note("saved_warning", c.say("save_warning_"+s.Warning))
		}
		_, err := fmt.Fprintln(c.Stdout, c.say("saved", s.ID, shortDot(s.Dot)))
		return err
	}
}
