// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"fmt"
	"path/filepath"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// Result is what came of a demo.
type Result struct {
	Tablets   int     `json:"tablets"` // without the copy
	Clones    int     `json:"clones"`
	NewKeys   int     `json:"new_keys"` // taken because of the copy
	Seed      uint64  `json:"seed"`
	Seconds   float64 `json:"seconds"`
	Residents int     `json:"residents"` // records of residents
	Persons   int     `json:"persons"`   // people they are, with links counted
	Saves     int     `json:"saves"`
	Stored    int     `json:"stored"` // of the saves, at the centre byte for byte
	Held      int     `json:"held"`
	Values    int     `json:"values"` // in all saves
	Lost      int     `json:"lost"`   // of the values

	ConflictsFound    int  `json:"conflicts_found"`
	ConflictsOpen     int  `json:"conflicts_open"`
	FingerprintsEqual bool `json:"fingerprints_equal"` // every tablet's records add up to what the centre signed
	LogVerified       bool `json:"log_verified"`       // every invariant of the centre's store holds
	ReplayEqual       bool `json:"replay_equal"`       // replaying the ledger gives every state again
	ConnectionCuts    int  `json:"connection_cuts"`
}

func (r *Result) take(f found) {
	r.Saves, r.Stored, r.Held, r.Values, r.Lost = f.saves, f.stored, f.held, f.values, f.lost
}

// OK reports whether nothing was lost and every check holds.
func (r Result) OK() bool {
	return r.Lost == 0 && r.Stored == r.Saves && r.FingerprintsEqual && r.LogVerified && r.ReplayEqual
}

// conclude writes the table at the end.
func (s *story) conclude() error {
	r := s.result
	fmt.Fprintln(s.Out)
	t := terminal.Table{Indent: 3, Right: []bool{false, true}}
	row := func(key string, value, note any) { t.Add(s.say("end_"+key), value, note) }
	row("tablets", r.Tablets, s.say("end_tablets_note", r.Clones))
	row("persons", r.Persons, s.say("end_persons_note", r.Residents))
	row("cuts", r.ConnectionCuts, "")
	row("saves", r.Saves, "")
	row("stored", r.Stored, "")
	row("held", r.Held, "")
	row("conflicts", r.ConflictsFound, s.say("end_conflicts_note", r.ConflictsOpen))
	row("values", r.Values, "")
	row("lost", r.Lost, "")
	row("fingerprints", s.mark(r.FingerprintsEqual), s.say("end_fingerprints_note"))
	row("log", s.mark(r.LogVerified), s.say("end_log_note"))
	row("replay", s.mark(r.ReplayEqual), s.say("end_replay_note"))
	if err := t.Write(s.Out); err != nil {
		return err
	}
	verdict := "good"
	if !r.OK() {
		verdict = "bad"
	}
	fmt.Fprintf(s.Out, "\n%s\n", s.say(verdict, r.Seconds))
	if s.Keep {
		s.tellKept()
	}
	return nil
}

func (s *story) mark(good bool) string {
	if good {
		return s.say("yes")
	}
	return s.say("no")
}

// tellKept says how to look around in what was left.
func (s *story) tellKept() {
	data := filepath.Join(s.dir, "server")
	fmt.Fprintf(s.Out, "\n%s\n", s.say("kept",
		s.Command, s.centre.serving.PID, data, s.tablets[0].dir, demoSecret, s.dir))
}
