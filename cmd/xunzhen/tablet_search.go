// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletSearch finds residents by name.
type tabletSearch struct {
	tabletFlags
	Text  string `arg:"" help:"help_search_text" placeholder:"TEXT"`
	Limit int    `help:"help_limit" default:"50" placeholder:"N"`
	Json  bool   `help:"help_json"`
}

// found is one resident for programs.
type found struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	BirthDate string `json:"birth_date,omitempty"`
	Voided    bool   `json:"voided,omitempty"`
}

// Run prints who was found.
func (f tabletSearch) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		hits, err := t.Search(f.Text, f.Limit)
		if err != nil {
			return err
		}
		all := make([]found, hits.Len())
		for i := range all {
			h := hits.At(i)
			all[i] = found{h.ID, h.Name, h.BirthDate, h.Voided}
		}
		if f.Json {
			return c.json(all)
		}
		if hits.Damaged() > 0 {
			c.note("search_damaged", hits.Damaged())
		}
		return c.tellFound(all)
	})
}

func (c *call) tellFound(all []found) error {
	if len(all) == 0 {
		c.line("search_none")
		return nil
	}
	t := terminal.Table{Head: []string{"id", c.say("head_name"), c.say("head_birth_date"), ""}}
	for _, h := range all {
		mark := ""
		if h.Voided {
			mark = "[" + c.say("mark_void") + "]"
		}
		t.Add(h.ID, h.Name, h.BirthDate, mark)
	}
	return t.Write(c.Stdout)
}
