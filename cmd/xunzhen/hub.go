// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io/fs"

	"github.com/xunzhen/xunzhen/server/hub"
)

// hubCommand says how the clinic hub in a folder stands, whether or not it runs.
type hubCommand struct {
	dataFlag
	Evidence string `help:"help_hub_evidence" placeholder:"FILE"`
	Json     bool   `help:"help_json"`
}

// Run prints what the hub last wrote of itself.
func (f hubCommand) Run(c *call) error {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if f.Evidence != "" {
		return f.evidence(c, data)
	}
	s, err := hub.ReadStatus(hubFolder(data))
	if errors.Is(err, fs.ErrNotExist) {
		return problemf("problem_no_hub", data)
	}
	if err != nil {
		return err
	}
	if f.Json {
		return c.json(s)
	}
	if s.Contradictions > 0 {
		c.line("hub_contradicted")
	}
	c.line("hub_as_of", c.when(s.AtMs), c.hubLine(s))
	if s.Reached() {
		c.line("hub_reached", c.when(s.LastSyncMs), s.Centre)
	}
	return nil
}

// evidence writes what the hub has seen of the centre's ledger.
func (f hubCommand) evidence(c *call, data string) error {
	raw, err := hub.ReadTestimony(hubFolder(data))
	if errors.Is(err, fs.ErrNotExist) {
		return problemf("problem_no_hub", data)
	}
	if err != nil {
		return err
	}
	if err := writeNew(f.Evidence, raw); err != nil {
		return err
	}
	c.line("evidence_written", f.Evidence)
	return nil
}
