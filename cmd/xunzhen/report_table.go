// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// reportTable is a table in which some rows stand out: in red, where the terminal has colours.
type reportTable struct {
	terminal.Table
	short map[int]bool // rows that fall short
}

// add adds a row, which falls short or not.
func (t *reportTable) add(short bool, cells ...any) {
	if short {
		if t.short == nil {
			t.short = map[int]bool{}
		}
		t.short[len(t.Rows)] = true
	}
	t.Add(cells...)
}

const (
	red   = "\x1b[31m"
	plain = "\x1b[0m"
)

// headLines is how many lines stand above the rows of a table with a head.
const headLines = 2

// tell writes the table.
func (t *reportTable) tell(c *call) error {
	var text strings.Builder
	if err := t.Write(&text); err != nil {
		return err
	}
	colours := c.OutIsTerminal && c.Env("NO_COLOR") == "" && c.Env("TERM") != "dumb"
	for i, line := range strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n") {
		if colours && t.short[i-headLines] {
			line = red + line + plain
		}
		if _, err := fmt.Fprintln(c.Stdout, line); err != nil {
			return err
		}
	}
	return nil
}
