// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const village = "431124101201"

// shelf is a centre that shows what a test put there.
type shelf struct {
	record  *syncv1.Record
	history []*syncv1.Revision
	held    []*syncv1.HeldRevision
}

func (s *shelf) Get(context.Context, record.ID) (*syncv1.Record, []*syncv1.Revision, error) {
	return s.record, s.history, nil
}

func (s *shelf) Held(context.Context) ([]*syncv1.HeldRevision, error) { return s.held, nil }

// oneSave is a book with one save of one phone number, and a centre that has it.
func oneSave(t *testing.T) (*book, *shelf, causal.Dot) {
	t.Helper()
	id := record.DerivedID(care.KindResident, []byte("x"))
	d := causal.Dot{Replica: causal.ReplicaID{7}, Counter: 3, Hash: causal.Hash8{9}}
	changes, err := created(care.KindResident, &carev1.Resident{Phone: "10000000001"}, "", village)
	if err != nil {
		t.Fatal(err)
	}
	b := newBook()
	if err := b.write(id.String(), d.String(), changes); err != nil {
		t.Fatal(err)
	}
	s := &shelf{record: &syncv1.Record{Id: id[:]}}
	rev := &syncv1.Revision{Dot: d.Append(nil), Verdict: syncv1.Verdict_VERDICT_ADMITTED}
	for _, c := range changes {
		v := &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: c.Value.Bytes}
		rev.Changes = append(rev.Changes, &syncv1.RegisterChange{Path: []byte(c.Path), Value: v})
		s.record.Registers = append(s.record.Registers, &syncv1.RecordRegister{
			Path: []byte(c.Path), Siblings: []*syncv1.Sibling{{Dot: rev.GetDot(), Value: v}},
		})
	}
	s.history = []*syncv1.Revision{rev}
	return b, s, d
}

// replacing is a save that names d as replaced at every path.
func replacing(s *shelf, d causal.Dot, verdict syncv1.Verdict) *syncv1.Revision {
	other := causal.Dot{Replica: causal.ReplicaID{8}, Counter: 1}
	rev := &syncv1.Revision{Dot: other.Append(nil), Verdict: verdict}
	for _, g := range s.record.GetRegisters() {
		rev.Changes = append(rev.Changes, &syncv1.RegisterChange{
			Path: g.GetPath(), Value: &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_CLEAR}, Parents: [][]byte{d.Append(nil)},
		})
	}
	return rev
}

func TestWhatCountsAsLost(t *testing.T) {
	const paths = 3 // phone, life, scope
	for _, test := range []struct {
		name   string
		doctor func(*shelf, causal.Dot)
		stored int
		held   int
		lost   int
	}{
		{"everything live", func(*shelf, causal.Dot) {}, 1, 0, 0},
		{"replaced by an admitted save", func(s *shelf, d causal.Dot) {
			s.history = append(s.history, replacing(s, d, syncv1.Verdict_VERDICT_ADMITTED))
			s.record.Registers = nil
		}, 1, 0, 0},
		{"replaced by a save that is only held", func(s *shelf, d causal.Dot) {
			s.history = append(s.history, replacing(s, d, syncv1.Verdict_VERDICT_HELD_SCOPE))
			s.record.Registers = nil
		}, 1, 0, paths},
		{"held, and listed", func(s *shelf, d causal.Dot) {
			s.record.Registers = nil
			s.history[0].Verdict = syncv1.Verdict_VERDICT_HELD_SCOPE
			s.held = []*syncv1.HeldRevision{{Revision: s.history[0]}}
		}, 1, 1, 0},
		{"held, and listed nowhere", func(s *shelf, _ causal.Dot) {
			s.record.Registers = nil
			s.history[0].Verdict = syncv1.Verdict_VERDICT_HELD_SCOPE
		}, 1, 0, paths},
		{"one register gone", func(s *shelf, _ causal.Dot) { s.record.Registers = s.record.GetRegisters()[1:] }, 1, 0, 1},
		{"live under the dot of another save", func(s *shelf, _ causal.Dot) {
			other := causal.Dot{Replica: causal.ReplicaID{8}, Counter: 1}
			s.record.Registers[0].Siblings[0].Dot = other.Append(nil)
		}, 1, 0, 1},
		{"live with other bytes", func(s *shelf, _ causal.Dot) {
			s.record.Registers[0].Siblings[0].Value = &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte("x")}
		}, 1, 0, 1},
		{"live as cleared", func(s *shelf, _ causal.Dot) {
			s.record.Registers[0].Siblings[0].Value = &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_CLEAR}
		}, 1, 0, 1},
		{"stored with another value", func(s *shelf, _ causal.Dot) {
			s.history[0].Changes[0].Value = &syncv1.RegisterValue{Form: syncv1.ValueForm_VALUE_FORM_PRESENT, Present: []byte("x")}
		}, 0, 0, 0},
		{"nothing there at all", func(s *shelf, _ causal.Dot) { s.record, s.history = &syncv1.Record{}, nil }, 0, 0, paths},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, s, d := oneSave(t)
			test.doctor(s, d)
			steps := 0
			f, err := b.compare(t.Context(), s, func() { steps++ })
			if err != nil {
				t.Fatal(err)
			}
			if want := (found{saves: 1, stored: test.stored, held: test.held, values: paths, lost: test.lost}); f != want {
				t.Errorf("%+v, want %+v", f, want)
			}
			if steps != 1 {
				t.Errorf("%d steps", steps)
			}
		})
	}
}

func TestABookRefusesOneNameForTwoSaves(t *testing.T) {
	b, s, d := oneSave(t)
	if err := b.write(record.ID(s.record.GetId()).String(), d.String(), nil); err == nil {
		t.Error("written twice")
	}
}

func TestWhatAnEditSaves(t *testing.T) {
	shown := &carev1.Resident{Phone: "1", Name: "a", Workplace: "b"}
	changes, err := edited(care.KindResident, shown, &carev1.Resident{Phone: "2", Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]record.Form{}
	for _, c := range changes {
		got[care.FormatPath(care.KindResident, c.Path)] = c.Value.Form
	}
	if len(got) != 3 || got["phone"] != record.Present || got["workplace"] != record.Clear || got["life"] != record.Present {
		t.Errorf("%v", got)
	}
}

func TestOnlyAnUnblemishedResultIsGood(t *testing.T) {
	good := Result{FingerprintsEqual: true, LogVerified: true, ReplayEqual: true, ConflictsOpen: 3, Held: 2}
	for name, doctor := range map[string]func(*Result){
		"lost":         func(r *Result) { r.Lost = 1 },
		"not stored":   func(r *Result) { r.Saves = 1 },
		"fingerprints": func(r *Result) { r.FingerprintsEqual = false },
		"log":          func(r *Result) { r.LogVerified = false },
		"replay":       func(r *Result) { r.ReplayEqual = false },
	} {
		r := good
		doctor(&r)
		if !good.OK() || r.OK() {
			t.Errorf("%s: good %t, doctored %t", name, good.OK(), r.OK())
		}
	}
}
