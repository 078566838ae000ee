// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Place is how far a save has come.
type Place uint8

const (
	// PlaceTablet: only here.
	PlaceTablet Place = 1 + iota
	// PlaceClinic: a hub confirmed that it holds it too.
	PlaceClinic
	// PlaceCentre: the centre's signed ack of this epoch says that it is stored.
	PlaceCentre
	// PlaceBackedUp: and two successive verified backups cover it.
	PlaceBackedUp
)

var placeNames = [...]string{PlaceTablet: "tablet", PlaceClinic: "clinic", PlaceCentre: "centre", PlaceBackedUp: "backed_up"}

// String returns tablet, clinic, centre or backed_up.
func (p Place) String() string {
	if p >= PlaceTablet && p <= PlaceBackedUp {
		return placeNames[p]
	}
	return fmt.Sprintf("place_%d", uint8(p))
}

// Whereabouts say how far saves have come and what became of them.
type Whereabouts struct {
	Place Place
	// Held says that the centre received it and does not admit it; for a record,
	// that this is so of at least one own save.
	Held bool
	// Verdict is the reason, as the centre last told it; 0 when it told none. It may
	// be ledger.Waiting without Held: stored, but an earlier save is missing.
	Verdict ledger.Verdict
}

// WhereSave returns the whereabouts of one own save. Its error wraps
// ErrUnknownRecord when there is no such save.
func (r *Replica) WhereSave(ctx context.Context, id record.ID, d causal.Dot) (Whereabouts, error) {
	return r.where(ctx, id, func(o causal.Dot) bool { return o == d })
}

// Where returns the whereabouts of a record: the least far of its own saves. The
// place is 0 when none of its saves was made here.
func (r *Replica) Where(ctx context.Context, id record.ID) (Whereabouts, error) {
	return r.where(ctx, id, func(causal.Dot) bool { return true })
}

func (r *Replica) where(ctx context.Context, id record.ID, wanted func(causal.Dot) bool) (Whereabouts, error) {
	var out Whereabouts
	err := r.view(ctx, func(tx Reader) error {
		l, err := r.newLocator(tx)
		if err != nil {
			return err
		}
		v, err := r.newViewer(tx)
		if err != nil {
			return err
		}
		state, live, err := baseState(tx, id)
		if err != nil {
			return err
		}
		places, err := v.places(id)
		for _, p := range places {
			if !p.own || !wanted(p.dot) || err != nil {
				continue
			}
			var w Whereabouts
			w, err = l.locate(p, state, live)
			out = out.and(w)
		}
		return err
	})
	return out, err
}

// and joins the whereabouts of two saves of one record.
func (w Whereabouts) and(o Whereabouts) Whereabouts {
	if w.Place == 0 || o.Place < w.Place {
		w.Place = o.Place
	}
	if o.Held && !w.Held || w.Verdict == 0 {
		w.Verdict = o.Verdict
	}
	w.Held = w.Held || o.Held
	return w
}

// baseState returns the base of a record and whether it is live and can be read.
// Its error wraps ErrUnknownRecord when nothing of the record is here.
func baseState(r Reader, id record.ID) (record.State, bool, error) {
	b, s, err := readState(r, id)
	if errors.Is(err, ErrDamaged) {
		return record.State{}, false, nil
	}
	return s, err == nil && b.status == baseLive, err
}

func unknown(id record.ID) error { return fmt.Errorf("record %s: %w", id, ErrUnknownRecord) }

// locator tells whereabouts within one snapshot.
type locator struct {
	tx    Reader
	epoch ledger.Epoch
	marks []ledger.BackupMark
}

func (r *Replica) newLocator(tx Reader) (*locator, error) {
	l := &locator{tx: tx}
	var err error
	if l.epoch, err = readEpoch(tx); err != nil {
		return nil, err
	}
	marks, err := readMarks(tx)
	for _, m := range marks {
		l.marks = append(l.marks, m.BackupMark)
	}
	return l, err
}

func (l *locator) locate(p heldHere, base record.State, live bool) (Whereabouts, error) {
	w := Whereabouts{Place: PlaceTablet}
	var err error
	if !p.segment.IsZero() {
		if w.Place, err = l.place(p.segment); err != nil {
			return w, err
		}
	}
	v, found, err := load(l.tx, Verdicts, dotKey(p.dot), unpackVerdict)
	switch {
	case err != nil:
		return w, err
	case live && base.Received(p.dot):
		if w.Held = base.Held.Has(p.dot); w.Held {
			w.Verdict = v.verdict
		}
	case found:
		w.Held, w.Verdict = !v.verdict.Waiting(), v.verdict
	}
	return w, nil
}

// place returns how far an own segment has come.
func (l *locator) place(h segment.Hash) (Place, error) {
	a, err := readAck(l.tx, h)
	if err != nil {
		return 0, err
	}
	if a.of(l.epoch) {
		if backedUp(a, l.marks) {
			return PlaceBackedUp, nil
		}
		return PlaceCentre, nil
	}
	s, _, err := readSegmentRow(l.tx, h)
	if err == nil && s.clinic {
		return PlaceClinic, nil
	}
	return PlaceTablet, err
}

// Status is the first thing a person wants to know.
type Status struct {
	Unsent int       // own saves that are not known to be at the centre
	Clinic int       // of these, saves that a hub confirmed to hold
	Since  time.Time // when the oldest of them was made, by the own clock; zero: none
	Held   int       // own saves that the centre holds
	// HeldAtMost says that some of Held may be admitted meanwhile: what shows that
	// cannot be read now, because it is locked or damaged.
	HeldAtMost bool
	// Lost is how many own saves were stated to the centre as gone: damaged here, and
	// not there. A copy elsewhere may still bring them.
	Lost   int
	Forked bool // somebody else saves under this replica's key
}

// Status counts what is still to be done. It works while bodies are locked.
func (r *Replica) Status(ctx context.Context) (Status, error) {
	var s Status
	err := r.view(ctx, func(tx Reader) (err error) {
		if _, s.Forked, err = value(tx, valueForked); err != nil {
			return err
		}
		if err := countUnsent(tx, &s); err != nil {
			return err
		}
		if s.Lost, err = countLost(tx); err != nil {
			return err
		}
		s.Held, s.HeldAtMost, err = countHeld(tx)
		return err
	})
	return s, err
}

// countLost counts the own counters that are stated to be gone.
func countLost(tx Reader) (int, error) {
	ids, err := ownIDs(tx)
	n := 0
	for _, id := range ids {
		gaps, gerr := statedGaps(tx, id)
		err = errors.Join(err, gerr)
		for _, g := range gaps {
			n += int(g.To - g.From + 1)
		}
	}
	return n, err
}

// countHeld counts as held what the centre last said it holds, unless a base shows
// that it was admitted since. atMost says that some base could not be read.
func countHeld(tx Reader) (n int, atMost bool, err error) {
	err = scanHeld(tx, func(h HeldSave) error {
		_, s, err := readState(tx, h.Record)
		if errors.Is(err, ErrLocked) || errors.Is(err, ErrDamaged) {
			n, atMost = n+1, true
			return nil
		}
		if err == nil && (!s.Received(h.Dot) || s.Held.Has(h.Dot)) {
			n++
		}
		return err
	})
	return n, atMost, err
}

// countUnsent counts own saves that are neither known to be at the centre nor
// stated to be gone.
func countUnsent(tx Reader, s *Status) error {
	gone, err := gapsUnder(tx, nil)
	if err != nil {
		return err
	}
	note := func(n uint64, ms int64) {
		s.Unsent += int(n)
		if at := time.UnixMilli(ms).UTC(); s.Since.IsZero() || at.Before(s.Since) {
			s.Since = at
		}
	}
	err = scan(tx, Revisions, nil, func(row Row) error {
		u := unpacker{rest: row.Head}
		at := u.time()
		if !gone.Has(causal.ReplicaID(row.Key[:16]), binary.BigEndian.Uint64(row.Key[16:])) {
			note(1, at)
		}
		return u.done("unsealed save")
	})
	if err != nil {
		return err
	}
	epoch, err := readEpoch(tx)
	if err != nil {
		return err
	}
	return scan(tx, Unsettled, nil, func(row Row) error {
		h := hashOfChainKey(row.Key)
		a, err := readAck(tx, h)
		if err != nil || a.of(epoch) {
			return err
		}
		seg, ok, err := readSegmentRow(tx, h)
		if err == nil && ok && seg.made && !gone.Covers(seg.replica, seg.first, seg.last()) {
			note(seg.count, seg.savedMs)
			if seg.clinic {
				s.Clinic += int(seg.count)
			}
		}
		return err
	})
}

// HeldSave is an own save that the centre received and does not admit.
type HeldSave struct {
	Record  record.ID
	Dot     causal.Dot
	Verdict ledger.Verdict // as last told; 0: held later, for a reason not told
}

// Held lists own saves that the centre holds, in order of dot, also those of
// records that left this replica's scope.
func (r *Replica) Held(ctx context.Context) ([]HeldSave, error) {
	var out []HeldSave
	err := r.view(ctx, func(tx Reader) (err error) {
		out, err = r.held(tx)
		return err
	})
	return out, err
}

func (r *Replica) held(tx Reader) ([]HeldSave, error) {
	var out []HeldSave
	err := scanHeld(tx, func(h HeldSave) error {
		s, live, err := baseState(tx, h.Record)
		if err == nil && (!live || !s.Received(h.Dot) || s.Held.Has(h.Dot)) {
			out = append(out, h)
		}
		return err
	})
	return out, err
}

// scanHeld calls f for every own save that the centre last said it holds, in order
// of dot.
func scanHeld(tx Reader, f func(HeldSave) error) error {
	return scan(tx, Verdicts, nil, func(row Row) error {
		v, err := unpackVerdict(row.Head)
		if err != nil || v.verdict.Waiting() {
			return err
		}
		d, _, err := causal.DecodeDot(row.Key)
		if err != nil {
			return err
		}
		return f(HeldSave{v.record, d, v.verdict})
	})
}
