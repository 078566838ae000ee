// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"errors"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// heldHere is a revision held here, beside where it is.
type heldHere struct {
	dot causal.Dot
	placeRow
}

func (v *viewer) places(id record.ID) ([]heldHere, error) {
	var out []heldHere
	prefix := recordKey(id)
	err := scan(v.tx, Places, prefix, func(row Row) error {
		d, _, err := causal.DecodeDot(row.Key[len(prefix):])
		if err != nil {
			return err
		}
		l, err := unpackPlace(row.Head)
		out = append(out, heldHere{d, l})
		return err
	})
	return out, err
}

// overlay works into a base what is held here and it has not received, and
// returns the own saves that the centre holds.
func (v *viewer) overlay(id record.ID, b baseRow, s record.State) (record.State, []record.Revision, error) {
	places, err := v.places(id)
	o := overlay{viewer: v, id: id, row: b, base: s, state: s}
	for _, l := range places {
		if err == nil {
			err = o.take(l)
		}
	}
	if err != nil {
		return s, nil, err
	}
	if o.state, err = v.applyCarried(o.state, o.carried); err == nil {
		err = o.applyLent(id, places)
	}
	return o.state, o.held, err
}

// overlay is the making of one screen.
type overlay struct {
	*viewer
	id      record.ID
	row     baseRow
	base    record.State // as received
	state   record.State // with what was taken
	held    []record.Revision
	carried []heldHere
}

// take works in one revision held here, or leaves it for applyCarried.
func (o *overlay) take(l heldHere) error {
	if o.r.rules.received(o.base, l.dot) {
		if !l.own || !o.base.Held.Has(l.dot) {
			return nil
		}
		return o.takeHeld(l)
	}
	shown, err := o.shows(o.id, o.row, l)
	switch {
	case err != nil:
		return err
	case !shown && l.own && o.row.status == baseNone:
		return o.takeIfHeld(l)
	case !shown:
		return nil
	case !l.own:
		o.carried = append(o.carried, l)
		return nil
	}
	o.state, err = o.apply(o.state, l)
	return err
}

// takeIfHeld keeps an own save in sight that the centre holds, in a record that
// it sends no state of.
func (o *overlay) takeIfHeld(l heldHere) error {
	row, ok, err := load(o.tx, Verdicts, dotKey(l.dot), unpackVerdict)
	if err != nil || !ok || row.verdict.Waiting() {
		return err
	}
	return o.takeHeld(l)
}

func (o *overlay) takeHeld(l heldHere) error {
	revs, err := o.appendRevision(nil, l)
	if err != nil || len(revs) == 0 {
		return err
	}
	o.held = append(o.held, revs[0])
	o.state = o.state.Apply(revs[0], false) // changes nothing where the base holds it
	return nil
}

// shows reports whether a revision that the base has not received is shown. On a
// live base every one is.
func (v *viewer) shows(id record.ID, b baseRow, l heldHere) (bool, error) {
	if b.status == baseLive {
		return true, nil
	}
	ack, err := readAck(v.tx, l.segment)
	if err != nil {
		return false, err
	}
	all, err := v.toEverybody(id, l)
	return v.r.rules.shows(piece{base: b, ack: ack, epoch: v.epoch, passed: v.passed, toEverybody: all}), err
}

// toEverybody reports whether a revision is the centre's own in a record that every
// receiver needs: its segments come to all, and no state of it to anybody.
func (v *viewer) toEverybody(id record.ID, l heldHere) (bool, error) {
	class, known := v.r.classOf(id)
	if !known || class != record.ClassEveryone || id.Kind() <= lastActKind {
		return false, nil
	}
	row, ok, err := readSegmentRow(v.tx, l.segment)
	return ok && row.office, err
}

// readAck returns what the centre last said of a segment; zero: nothing.
func readAck(r Reader, h segment.Hash) (ackRow, error) {
	a, _, err := load(r, Acked, h[:], unpackAck)
	return a, err
}

// applyCarried applies others' saves, each once its author's previous one is
// there. What still waits for one is not shown.
func (v *viewer) applyCarried(s record.State, carried []heldHere) (record.State, error) {
	for progress := true; progress && len(carried) > 0; {
		progress = false
		var waiting []heldHere
		for _, l := range carried {
			met, err := v.met(s, l)
			if err != nil {
				return s, err
			}
			if !met {
				waiting = append(waiting, l)
				continue
			}
			if s, err = v.apply(s, l); err != nil {
				return s, err
			}
			progress = true
		}
		carried = waiting
	}
	return s, nil
}

// met reports whether the author's previous save of the record is in s, or stated
// to be gone.
func (v *viewer) met(s record.State, l heldHere) (bool, error) {
	if l.prev.Counter == 0 {
		return true, nil
	}
	prev := causal.Dot{Replica: l.dot.Replica, Counter: l.prev.Counter, Hash: l.prev.Hash}
	if s.Received(prev) {
		return true, nil
	}
	gaps, err := statedGaps(v.tx, l.dot.Replica)
	return gaps.Has(prev.Replica, prev.Counter), err
}

func (v *viewer) apply(s record.State, l heldHere) (record.State, error) {
	revs, err := v.appendRevision(nil, l)
	if err != nil || len(revs) == 0 {
		return s, err
	}
	v.noteScope(revs[0])
	return s.Apply(revs[0], true), nil
}

// appendRevision adds the revision at a place, unless it cannot be read; a damaged
// one is noted.
func (v *viewer) appendRevision(to []record.Revision, l heldHere) ([]record.Revision, error) {
	if l.segment.IsZero() {
		s, _, err := readSave(v.tx, counterKey(l.dot.Replica, l.dot.Counter))
		if errors.Is(err, ErrDamaged) {
			v.unreadable = append(v.unreadable, l.dot)
			return to, nil
		}
		return append(to, s.Revision), err
	}
	seg, ok := v.open[l.segment]
	if !ok {
		var err error
		if seg, _, err = segmentOf(v.tx, l.segment); err != nil {
			return to, err
		}
		v.open[l.segment] = seg
	}
	if seg == nil {
		v.unreadable = append(v.unreadable, l.dot)
		return to, nil
	}
	rev, err := seg.Revision(int(l.at))
	if err != nil {
		return to, nil // malformed, and so are the centre's: it will say so
	}
	return append(to, rev), nil
}

// greatestClock returns the greatest clock among a record's values as received.
func greatestClock(r Reader, id record.ID) int64 {
	row, ok, err := r.Get(Bases, recordKey(id))
	if err != nil || !ok || len(row.Body) == 0 {
		return 0
	}
	s, err := record.DecodeState(row.Body)
	if err != nil {
		return 0
	}
	var out int64
	for _, e := range s.Live {
		out = max(out, e.ClockMs)
	}
	return out
}
