// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletLast shows what a resident's forms of a kind said last.
type tabletLast struct {
	tabletFlags
	Resident string `arg:"" help:"help_last_resident" placeholder:"RESIDENT"`
	Kind     string `arg:"" help:"help_last_kind" placeholder:"KIND"`
	Json     bool   `help:"help_json"`
}

// lastJSON is a last value for programs.
type lastJSON struct {
	Path    string `json:"path"`
	TextZH  string `json:"text_zh"`
	TextEN  string `json:"text_en"`
	On      string `json:"on"`
	Record  string `json:"record"`
	Carried bool   `json:"carried,omitempty"`
}

// Run prints each field's last value with its day.
func (f tabletLast) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		l, err := t.Last(f.Resident, f.Kind)
		if err != nil {
			return err
		}
		if f.Json {
			return f.json(c, l)
		}
		return f.tell(c, l)
	})
}

func (f tabletLast) json(c *call, l *tablet.LastValueList) error {
	out := make([]lastJSON, l.Len())
	for i := range out {
		v := l.At(i)
		out[i] = lastJSON{v.Path, v.TextZH, v.TextEN, v.On, v.RecordID, v.Carried}
	}
	return c.json(out)
}

func (f tabletLast) tell(c *call, l *tablet.LastValueList) error {
	if l.Len() == 0 {
		c.line("last_none", c.kind(f.Kind))
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns()}
	for i := range l.Len() {
		v := l.At(i)
		t.Add(v.On, c.either(v.LabelZH, v.LabelEN), c.either(v.TextZH, v.TextEN))
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	c.note("last_form", f.Kind, f.Resident)
	return nil
}
