// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"encoding/base64"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/tablet"
)

// tabletEvidence writes what a tablet has seen of the centre's ledger.
type tabletEvidence struct {
	tabletFlags
	File string `arg:"" help:"help_evidence_file" placeholder:"FILE"`
}

// Run writes the file; it needs no secret, and has nothing of any resident.
func (f tabletEvidence) Run(c *call) error {
	return f.openLocked(c, func(t *tablet.Tablet) error {
		raw, err := t.Testimony()
		if err != nil {
			return err
		}
		if err := writeNew(f.File, raw); err != nil {
			return err
		}
		c.line("evidence_written", f.File)
		return nil
	})
}

// testifiedJSON is what a testimony shows, for programs.
type testifiedJSON struct {
	Holds          bool               `json:"holds"`
	Seen           []checkpointJSON   `json:"seen"`
	Contradictions []contradictedJSON `json:"contradictions"`
}

type checkpointJSON struct {
	Epoch string `json:"epoch"`
	Size  int64  `json:"ledger_size"`
	Root  string `json:"ledger_root"`
}

type contradictedJSON struct {
	Before checkpointJSON `json:"before"`
	After  checkpointJSON `json:"after"`
	Proven bool           `json:"proven"`
}

func checkpointOf(p ledger.Checkpoint) checkpointJSON {
	return checkpointJSON{p.Epoch.String(), int64(p.Size), base64.StdEncoding.EncodeToString(p.Root[:])}
}

// testimony says what a tablet or hub has seen.
func (f checkCommand) testimony(c *call, raw []byte, key ed25519.PublicKey) error {
	seen, err := evidence.CheckTestimony(raw, key)
	if err != nil {
		return f.refuse(c, err)
	}
	if f.Json {
		out := testifiedJSON{Holds: true, Seen: []checkpointJSON{}, Contradictions: []contradictedJSON{}}
		for _, p := range seen.Seen {
			out.Seen = append(out.Seen, checkpointOf(p))
		}
		for _, p := range seen.Contradictions {
			out.Contradictions = append(out.Contradictions, contradictedJSON{checkpointOf(p.Before), checkpointOf(p.After), p.Proven})
		}
		return c.json(out)
	}
	c.line("testimony_head")
	for _, p := range seen.Seen {
		c.line("testimony_seen", p.Epoch.Number, int64(p.Size), p.Root)
	}
	for _, p := range seen.Contradictions {
		c.line("testimony_pair", p.Before.Epoch.Number, int64(p.Before.Size), p.Before.Root, int64(p.After.Size), p.After.Root)
		if p.Proven {
			c.line("testimony_proven")
		} else {
			c.line("testimony_open")
		}
	}
	if len(seen.Contradictions) == 0 {
		c.line("testimony_none")
	}
	return nil
}
