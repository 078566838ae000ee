// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// book is the demo's own list of everything that was saved, kept apart from tablets
// and server: at the end each line of it must be found again. It is safe for
// concurrent use.
type book struct {
	mu    sync.Mutex
	saves map[causal.Dot]savedRecord
}

// savedRecord is one save: which record, and the value it gave each path.
type savedRecord struct {
	record record.ID
	values map[record.Path]record.Value
}

func newBook() *book { return &book{saves: map[causal.Dot]savedRecord{}} }

// write notes a save that a tablet said is on disk.
func (b *book) write(recordID, dot string, changes []record.Change) error {
	id, err := record.ParseID(recordID)
	if err != nil {
		return err
	}
	d, err := causal.ParseDot(dot)
	if err != nil {
		return err
	}
	values := map[record.Path]record.Value{}
	for _, c := range changes {
		values[c.Path] = c.Value
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, twice := b.saves[d]; twice {
		return fmt.Errorf("save %s was given to two saves", d)
	}
	b.saves[d] = savedRecord{id, values}
	return nil
}

// len returns the number of saves.
func (b *book) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.saves)
}

// records returns which records were saved.
func (b *book) records() map[record.ID][]causal.Dot {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[record.ID][]causal.Dot{}
	for d, s := range b.saves {
		out[s.record] = append(out[s.record], d)
	}
	return out
}

// created is what saving a new record must have saved: its fields, and the registers
// that every record has.
func created(kind record.Kind, form proto.Message, subject, division string) ([]record.Change, error) {
	changes, err := care.Diff(kind, nil, form)
	if err != nil {
		return nil, err
	}
	changes = append(changes,
		record.Change{Path: record.PathLife, Value: record.Active()},
		record.Change{Path: record.PathScope, Value: record.Of([]byte(division))})
	if subject != "" {
		id, err := record.ParseID(subject)
		if err != nil {
			return nil, err
		}
		changes = append(changes, record.Change{Path: record.PathSubject, Value: record.Of(id[:])})
	}
	return changes, nil
}

// edited is what saving an edited form must have saved: what differs, and that the
// record is good, which every edit says.
func edited(kind record.Kind, shown, now proto.Message) ([]record.Change, error) {
	before, err := care.Diff(kind, nil, shown)
	if err != nil {
		return nil, err
	}
	registers := make([]record.Register, len(before))
	for i, c := range before {
		registers[i] = record.Register{Path: c.Path, Siblings: []record.Sibling{{Value: c.Value}}}
	}
	changes, err := care.Diff(kind, registers, now)
	return append(changes, record.Change{Path: record.PathLife, Value: record.Active()}), err
}

// reader reads records back from the centre.
type reader interface {
	Get(context.Context, record.ID) (*syncv1.Record, []*syncv1.Revision, error)
	Held(context.Context) ([]*syncv1.HeldRevision, error)
}

// found is what the book finds at the centre.
type found struct {
	saves  int // in the book
	stored int // of them at the centre, byte for byte as they were saved
	held   int // of them listed as held or waiting
	values int // in the book
	lost   int // of them neither live, nor named as parent by an admitted save, nor in a held one
}

// compare looks for every value of the book at the centre; step is called after each
// record.
func (b *book) compare(ctx context.Context, centre reader, step func()) (found, error) {
	f := found{saves: b.len()}
	held, err := heldDots(ctx, centre)
	if err != nil {
		return f, err
	}
	for id, dots := range b.records() {
		rec, history, err := centre.Get(ctx, id)
		if err != nil {
			return f, fmt.Errorf("read back: %w", err)
		}
		at := newEvidence(rec, history, held)
		for _, d := range dots {
			at.look(d, b.saves[d].values, &f)
		}
		step()
	}
	return f, nil
}

func heldDots(ctx context.Context, centre reader) (map[string]bool, error) {
	all, err := centre.Held(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, h := range all {
		out[string(h.GetRevision().GetDot())] = true
	}
	return out, nil
}

// place is one value's place: the save that bore it, and its path.
type place struct{ dot, path string }

// evidence is what the centre shows of one record.
type evidence struct {
	live     map[place]*syncv1.RegisterValue
	replaced map[place]bool
	stored   map[string]*syncv1.Revision
	held     map[string]bool
}

func newEvidence(rec *syncv1.Record, history []*syncv1.Revision, held map[string]bool) evidence {
	e := evidence{map[place]*syncv1.RegisterValue{}, map[place]bool{}, map[string]*syncv1.Revision{}, held}
	for _, g := range rec.GetRegisters() {
		for _, s := range g.GetSiblings() {
			e.live[place{string(s.GetDot()), string(g.GetPath())}] = s.GetValue()
		}
	}
	for _, r := range history {
		e.stored[string(r.GetDot())] = r
		if r.GetVerdict() != syncv1.Verdict_VERDICT_ADMITTED {
			continue
		}
		for _, c := range r.GetChanges() {
			for _, parent := range c.GetParents() {
				e.replaced[place{string(parent), string(c.GetPath())}] = true
			}
		}
	}
	return e
}

// look counts one save.
func (e evidence) look(d causal.Dot, values map[record.Path]record.Value, f *found) {
	dot := string(d.Append(nil))
	if e.storedAs(dot, values) {
		f.stored++
	}
	if e.held[dot] {
		f.held++
	}
	for path, v := range values {
		f.values++
		at := place{dot, string(path)}
		live, ok := e.live[at]
		switch {
		case ok && same(live, v):
		case !ok && (e.replaced[at] || e.held[dot]):
		default:
			f.lost++
		}
	}
}

// storedAs reports whether the history has a save with these values and no others.
func (e evidence) storedAs(dot string, values map[record.Path]record.Value) bool {
	r := e.stored[dot]
	if r == nil || len(r.GetChanges()) != len(values) {
		return false
	}
	for _, c := range r.GetChanges() {
		v, ok := values[record.Path(c.GetPath())]
		if !ok || !same(c.GetValue(), v) {
			return false
		}
	}
	return true
}

// same reports whether a value came back as it was saved.
func same(got *syncv1.RegisterValue, want record.Value) bool {
	switch want.Form {
	case record.Present:
		return got.GetForm() == syncv1.ValueForm_VALUE_FORM_PRESENT && bytes.Equal(got.GetPresent(), want.Bytes)
	case record.Clear:
		return got.GetForm() == syncv1.ValueForm_VALUE_FORM_CLEAR
	}
	return false
}
