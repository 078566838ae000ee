// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/demo"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// demoCommand shows everything at once.
type demoCommand struct {
	Residents int    `help:"help_residents" default:"442" placeholder:"N"`
	Seed      uint64 `help:"help_seed" default:"1" placeholder:"N"`
	Keep      bool   `help:"help_keep"`
	Json      bool   `help:"help_demo_json"`
}

// commandFor is what a person types to start an executable.
func commandFor(executable string) string {
	if strings.Contains(executable, "go-build") {
		return "go run ./cmd/xunzhen"
	}
	return "xunzhen"
}

// Run plays the demo and fails when anything was lost or a check does not hold.
func (f demoCommand) Run(c *call) error {
	if f.Residents < demo.MinResidents || f.Residents > demo.MaxResidents {
		return problemf("problem_residents", demo.MinResidents, demo.MaxResidents)
	}
	executable, err := c.Executable()
	if err != nil {
		return err
	}
	out, looksOn := io.Writer(c.Stdout), c.OutIsTerminal
	if f.Json {
		out, looksOn = c.Stderr, c.ErrIsTerminal
	}
	result, err := demo.Run(c.ctx, demo.Options{
		Executable: executable, Command: commandFor(executable), Residents: f.Residents, Seed: f.Seed, Keep: f.Keep, Words: c.words, Out: out,
		Columns: c.Columns, Screen: &terminal.Screen{Out: out, Terminal: looksOn, Clock: c.Clock, Indent: 3}, Clock: c.Clock,
	})
	if err != nil {
		return err
	}
	if f.Json {
		if err := json.NewEncoder(c.Stdout).Encode(result); err != nil {
			return err
		}
	}
	if !result.OK() {
		return errSilent
	}
	return nil
}
