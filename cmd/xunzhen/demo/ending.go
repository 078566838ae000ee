// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// decide lists the conflicts at the centre and lets somebody settle one on a tablet.
func (s *story) decide(ctx context.Context) error {
	s.line.mend()
	conflicts, err := s.centre.office.Conflicts(ctx)
	if err != nil {
		return err
	}
	s.result.ConflictsFound = registersOf(conflicts)
	s.tell("decide", s.result.ConflictsFound)
	if err := s.resolveOne(); err != nil {
		return err
	}
	if err := s.syncAll(ctx); err != nil {
		return err
	}
	if conflicts, err = s.centre.office.Conflicts(ctx); err != nil {
		return err
	}
	s.result.ConflictsOpen = registersOf(conflicts)
	return nil
}

func registersOf(records []*syncv1.Record) int {
	n := 0
	for _, r := range records {
		n += len(r.GetRegisters())
	}
	return n
}

// resolveOne picks, on the first tablet, one of two phone numbers.
func (s *story) resolveOne() error {
	t := s.tablets[0]
	clash := s.registered[0][s.plan.scenes]
	r, err := t.Get(clash.resident)
	if err != nil {
		return err
	}
	if r.Conflicts.Len() == 0 {
		return errors.New("there is no conflict to settle")
	}
	c := r.Conflicts.At(0)
	other := c.Values.At(c.Values.Len() - 1)
	s.explain("resolve_text", clash.name(), c.Path, valueOf(c.Values.At(0).JSON), valueOf(other.JSON))
	saved, err := t.Resolve(r.Form, c.Path, other.Dot, "")
	if err != nil {
		return err
	}
	path, err := care.ParsePath(care.KindResident, c.Path)
	if err != nil {
		return err
	}
	m, err := care.ParseJSON(care.KindResident, []byte(other.JSON))
	if err != nil {
		return err
	}
	changes, err := care.Diff(care.KindResident, nil, m)
	if err != nil {
		return err
	}
	if len(changes) != 1 || changes[0].Path != path {
		return fmt.Errorf("the value at %s is more or less than that", c.Path)
	}
	changes = append(changes, record.Change{Path: record.PathLife, Value: record.Active()})
	return s.book.write(saved.ID, saved.Dot, changes)
}

// valueOf writes a form with one value as that value: {"phone": "100…"} as "100…".
func valueOf(form string) string {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(form), &fields); err != nil || len(fields) != 1 {
		return form
	}
	for _, v := range fields {
		return string(v)
	}
	return form
}

// count looks for every value ever saved, and lets everybody check everything.
func (s *story) count(ctx context.Context) error {
	s.tell("count")
	s.result.Saves = s.book.len()
	bar := s.Screen.Begin(s.say("bar_count"), len(s.book.records()))
	f, err := s.book.compare(ctx, s.centre.office, bar.Step)
	if err != nil {
		return err
	}
	bar.End(s.say("bar_counted", f.values))
	s.result.take(f)
	s.result.FingerprintsEqual = true
	for _, t := range s.tablets {
		s.result.FingerprintsEqual = s.result.FingerprintsEqual && t.report.Complete
		if t.newKey {
			s.result.NewKeys++
		}
	}
	s.result.ConnectionCuts = s.line.cuts()
	if err := s.persons(ctx); err != nil {
		return err
	}
	return s.verify(ctx)
}

// linkPatience is how long the centre may take to link who was registered twice.
const linkPatience = 10 * time.Second

// persons counts residents and the people they are.
func (s *story) persons(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, linkPatience)
	defer cancel()
	for {
		residents, links, err := s.readPeople(ctx)
		if err != nil {
			return err
		}
		s.result.Residents, s.result.Persons = len(residents), components(residents, links)
		if s.result.Persons < s.result.Residents {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("who was registered twice was not linked")
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// readPeople returns the residents that are not void, and the pairs that are said to
// be one person.
func (s *story) readPeople(ctx context.Context) (residents []record.ID, links [][2]record.ID, err error) {
	err = s.centre.office.Records(ctx, care.KindResident, func(r *syncv1.Record) error {
		if !voided(r) {
			residents = append(residents, record.ID(r.GetId()))
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	err = s.centre.office.Records(ctx, care.KindResidentLink, func(r *syncv1.Record) error {
		pair, linked, err := linkIn(r)
		if linked && !voided(r) {
			links = append(links, pair)
		}
		return err
	})
	return residents, links, err
}

func voided(r *syncv1.Record) bool {
	for _, f := range r.GetFlags() {
		if f == syncv1.RecordFlag_RECORD_FLAG_VOIDED {
			return true
		}
	}
	return false
}

// verify asks the server to walk its store, first as it stands, then with a replay of
// the ledger.
func (s *story) verify(ctx context.Context) error {
	for _, replay := range []bool{false, true} {
		label := "bar_verify"
		if replay {
			label = "bar_replay"
		}
		bar := s.Screen.Begin(s.say(label), 0)
		report, err := s.centre.office.Verify(ctx, replay, func(done, total uint64) { bar.Set(int(done), int(total)) })
		if err != nil {
			return err
		}
		good := len(report.GetViolations()) == 0
		if replay {
			s.result.ReplayEqual = good && report.GetReplayed()
			bar.End(s.say("bar_replayed", report.GetRecords()))
		} else {
			s.result.LogVerified = good
			bar.End(s.say("bar_verified", report.GetRevisions(), report.GetLeaves()))
		}
		for _, v := range report.GetViolations() {
			fmt.Fprintf(s.Out, "   ✗ %s %s\n", v.GetInvariant(), v.GetWhat())
		}
	}
	return nil
}
