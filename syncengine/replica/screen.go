// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Screen is a record as this replica shows it: what the centre sent, with the
// revisions held here that the centre's state has not received.
type Screen struct {
	Record record.ID
	// Registers are the values by path, the displayed one first. An own value that
	// the centre holds stands beside the live ones, marked held.
	Registers []record.Register
	Life      record.Life
	// State is what the registers come from, without own held values.
	State record.State
	// Opens says whether a form may be opened. A record that departed from this
	// replica's scope opens none until it comes back.
	Opens bool
	// Departed says that the record is no longer in this replica's scope; only own
	// or carried saves that are not yet known to have arrived are shown.
	Departed bool
	// Damaged says that what the centre sent cannot be read here any more. Nothing is
	// shown, no form opens, and the next complete sync brings it anew.
	Damaged bool
	// Trimmed says that what the centre sent was let go for want of room (see Trim). Nothing
	// of it is shown, and it opens no form, until it is fetched again or changes.
	Trimmed bool
	// Unreadable are revisions that should be shown and are damaged on this disk.
	Unreadable []causal.Dot
	// Lent are the saves of colleagues among the values shown that a hub lent and the
	// centre has not sent: at the clinic, and nobody knows yet what the centre makes of
	// them. Sorted.
	Lent causal.Vector
	// Shown goes with the form.
	Shown Shown
}

// Register returns the register at a path and whether it has a value.
func (s Screen) Register(p record.Path) (record.Register, bool) {
	i := slices.IndexFunc(s.Registers, func(g record.Register) bool { return g.Path == p })
	if i < 0 {
		return record.Register{}, false
	}
	return s.Registers[i], true
}

// Parents returns the dots shown at a path; none for an empty register.
func (s Screen) Parents(p record.Path) []causal.Dot {
	g, _ := s.Register(p)
	return g.Parents()
}

// FromClinic returns how many registers show a value that a hub lent.
func (s Screen) FromClinic() int {
	n := 0
	for _, g := range s.Registers {
		if slices.ContainsFunc(g.Siblings, func(b record.Sibling) bool { return s.Lent.Has(b.Dot) }) {
			n++
		}
	}
	return n
}

// broken reports whether something of the record cannot be shown.
func (s Screen) broken() bool { return s.Damaged || len(s.Unreadable) > 0 }

// View returns a record as it is shown now. Its error wraps ErrUnknownRecord when
// nothing of it is here.
func (r *Replica) View(ctx context.Context, id record.ID) (Screen, error) {
	var s Screen
	err := r.looking(ctx, func(v *viewer) (err error) {
		s, err = v.screen(id)
		return err
	})
	return s, err
}

// Query selects records.
type Query struct {
	Kind      record.Kind // 0: all kinds, unless Subject is set
	Subject   record.ID   // zero: all
	Conflicts bool        // only those with siblings of different bytes
	Trimmed   bool        // those that were let go for want of room, too
	After     record.ID   // exclusive, in order of kind and id
	Limit     int         // at most this many; 0: all
}

// List returns the records that a query selects, in order of kind and id, without
// those of which there is nothing to show. What is damaged is among them, marked,
// but in no conflict.
func (r *Replica) List(ctx context.Context, q Query) ([]Screen, error) {
	var out []Screen
	err := r.looking(ctx, func(v *viewer) error {
		return v.candidates(q, func(id record.ID) (bool, error) {
			s, err := v.screen(id)
			if err != nil || !q.selects(s) {
				return true, err
			}
			out = append(out, s)
			return q.Limit == 0 || len(out) < q.Limit, nil
		})
	})
	return out, err
}

func (q Query) selects(s Screen) bool {
	if len(s.Registers) == 0 && !s.broken() {
		return q.Trimmed && s.Trimmed
	}
	if q.Conflicts && !slices.ContainsFunc(s.Registers, record.Register.Conflict) {
		return false
	}
	if q.Subject.IsZero() {
		return true
	}
	g, ok := s.Register(record.PathSubject)
	if !ok {
		return s.broken() // listed under the resident by its head
	}
	return slices.ContainsFunc(g.Siblings, func(b record.Sibling) bool { return string(b.Value.Bytes) == string(q.Subject[:]) })
}

// viewer shows records of one snapshot.
type viewer struct {
	r      *Replica
	tx     Reader
	self   self
	epoch  ledger.Epoch
	passed passedRow
	open   map[segment.Hash]*segment.Segment // nil: damaged

	damaged    bool         // some base was
	unreadable []causal.Dot // revisions of the present record
	lending    lendingView
}

func (r *Replica) newViewer(tx Reader) (*viewer, error) {
	v := &viewer{r: r, tx: tx, open: map[segment.Hash]*segment.Segment{}}
	var err error
	if v.self, err = r.readSelf(tx); err != nil {
		return nil, err
	}
	if v.epoch, err = readEpoch(tx); err != nil {
		return nil, err
	}
	v.passed, err = readPassed(tx)
	return v, err
}

func readPassed(r Reader) (passedRow, error) {
	p, _, err := load(r, Values, []byte(valuePassed), unpackPassed)
	return p, err
}

// candidates calls f for every record a query may select, in order, until f
// returns false.
func (v *viewer) candidates(q Query, f func(record.ID) (bool, error)) error {
	if !q.Subject.IsZero() {
		return v.ofSubject(q, f)
	}
	var prefix, after []byte
	if q.Kind != 0 {
		prefix = []byte{byte(q.Kind >> 8), byte(q.Kind)}
	}
	if !q.After.IsZero() {
		after = recordKey(q.After)
	}
	for {
		rows, err := v.tx.Scan(Bases, prefix, after, scanStep)
		if err != nil {
			return err
		}
		for _, row := range rows {
			b, err := unpackBase(row.Head)
			if err != nil {
				return err
			}
			if q.Conflicts && !b.conflict && !b.places {
				continue
			}
			if more, err := f(idOfKey(row.Key)); err != nil || !more {
				return err
			}
		}
		if len(rows) < scanStep {
			return nil
		}
		after = rows[len(rows)-1].Key
	}
}

// ofSubject calls f for the records about a resident, in order of kind and id.
func (v *viewer) ofSubject(q Query, f func(record.ID) (bool, error)) error {
	var keys []string
	err := scan(v.tx, Subjects, q.Subject[:], func(row Row) error {
		id := record.ID(row.Key[16:])
		if q.Kind == 0 || id.Kind() == q.Kind {
			keys = append(keys, string(recordKey(id)))
		}
		return nil
	})
	slices.Sort(keys)
	for _, k := range keys {
		if !q.After.IsZero() && k <= string(recordKey(q.After)) {
			continue
		}
		if more, ferr := f(idOfKey([]byte(k))); ferr != nil || !more {
			return ferr
		}
	}
	return err
}

// screen puts together what is shown of a record.
func (v *viewer) screen(id record.ID) (Screen, error) {
	b, state, err := readState(v.tx, id)
	if errors.Is(err, ErrDamaged) {
		v.damaged = true
		return Screen{Record: id, Damaged: true, Departed: b.status == baseDeparted}, nil
	}
	if err != nil {
		return Screen{}, fmt.Errorf("base of %s: %w", id, err)
	}
	v.unreadable, v.lending.lent, v.lending.scopes = nil, nil, nil
	var held []record.Revision
	if b.places {
		if state, held, err = v.overlay(id, b, state); err != nil {
			return Screen{}, fmt.Errorf("record %s: %w", id, err)
		}
	}
	return v.finish(id, b, state, held), nil
}

func (v *viewer) finish(id record.ID, b baseRow, state record.State, held []record.Revision) Screen {
	s := Screen{Record: id, State: state, Departed: b.status == baseDeparted, Trimmed: b.status == baseTrimmed, Life: state.Life(), Unreadable: v.unreadable}
	s.Registers = state.RegistersWith(held)
	s.Lent = causal.NewVector(v.lending.lent...)
	s.Opens = b.status == baseLive && len(s.Registers) > 0 || b.status == baseNone && len(state.Live) > 0
	s.Shown = Shown{Record: id, Life: s.Parents(record.PathLife), Scope: v.scopeShown(s)}
	return s
}

// scopeShown returns the scope a save from this screen is judged on: the
// displayed one, or, when people disagree, the first that this replica may
// write in, because any one suffices.
func (v *viewer) scopeShown(s Screen) record.ScopeSeen {
	g, _ := s.Register(record.PathScope)
	var first record.ScopeSeen
	for _, b := range g.Siblings {
		seen := record.ScopeSeen{Dot: b.Dot, Division: record.Division(b.Value.Bytes)}
		if b.Value.Form != record.Present {
			continue
		}
		if seen.Division.WithinAny(v.self.cert.Divisions) {
			return seen
		}
		if first.Dot.IsZero() {
			first = seen
		}
	}
	return first
}
