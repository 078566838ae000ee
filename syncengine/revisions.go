// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// RevisionView is one stored revision of a record with what is known of it.
type RevisionView struct {
	Revision   record.Revision // Changes nil when it cannot be read
	Verdict    ledger.Verdict
	Place      HistoryPlace
	ReceivedAt time.Time
	// DatedAhead: the saver's clock was more than a day ahead of the centre's when
	// the revision was received, so its place among siblings means little.
	DatedAhead bool
}

// HistoryPlace says where a revision is stored: in the segment at a leaf, and as
// which of its revisions, from 0. The zero value is before or at every place.
type HistoryPlace struct {
	Leaf ledger.Index
	At   int
}

// Compare orders places as histories are ordered.
func (p HistoryPlace) Compare(o HistoryPlace) int {
	return cmp.Or(cmp.Compare(p.Leaf, o.Leaf), cmp.Compare(p.At, o.At))
}

// partBytes is about where a part of a list of revisions ends, in bytes of sealed
// revisions: however many are wanted, their memory is bounded.
const partBytes = 256 << 10

// clockTolerance is how far ahead of the centre a saver's clock may be before its
// date is doubted.
const clockTolerance = 24 * time.Hour

// History returns stored revisions of a record at or after a place, in order of
// ledger leaf, then of their place in the segment: held and waiting ones too (I2,
// I8). At most limit of them (at least 1 is given), fewer where they are large;
// next is where the others begin, zero when there are none. A revision that is
// stored later comes later. ReasonNotFound: there is no such record.
func (e *Engine) History(ctx context.Context, id record.ID, from HistoryPlace, limit int) (out []RevisionView, next HistoryPlace, err error) {
	err = e.view(ctx, func(r Reader) error {
		ps, err := storedPlaces(r, id)
		if err != nil {
			return err
		}
		ps = slices.DeleteFunc(ps, func(p place) bool { return p.history().Compare(from) < 0 })
		slices.SortFunc(ps, func(a, b place) int { return a.history().Compare(b.history()) })
		out, next, err = e.historyPart(r, ps, limit)
		return err
	})
	return out, next, err
}

// historyPart reads revisions from the front of ps, and says where the others begin.
func (e *Engine) historyPart(r Reader, ps places, limit int) (out []RevisionView, next HistoryPlace, err error) {
	for size := 0; len(ps) > 0; ps = ps[1:] {
		if len(out) > 0 && (len(out) >= limit || size >= partBytes) {
			return out, ps[0].history(), nil
		}
		v, n, err := e.revisionView(r, ps[0])
		if err != nil {
			return nil, next, err
		}
		out, size = append(out, v), size+n
	}
	return out, next, nil
}

func storedPlaces(r Reader, id record.ID) (places, error) {
	row, ok, err := r.Record(id)
	if err == nil && !ok {
		err = refuse(ReasonNotFound, "record", nil)
	}
	if err != nil {
		return nil, err
	}
	_, ps, err := row.decode()
	return ps, err
}

func (p place) history() HistoryPlace { return HistoryPlace{p.leaf, p.at} }

// revisionView reads a revision and returns its sealed size in bytes with it.
func (e *Engine) revisionView(r Reader, p place) (RevisionView, int, error) {
	v := RevisionView{Verdict: p.verdict, Place: p.history()}
	seg, _, err := e.openStored(r, p.leaf)
	if err != nil {
		return v, 0, err
	}
	rev, err := seg.Revision(p.at)
	if err != nil {
		rev = record.Revision{Record: seg.RecordID(p.at), Prev: seg.Prev(p.at)}
	}
	rev.Dot = p.dot
	v.Revision = rev
	raw, ok, err := r.Leaf(p.leaf)
	if err != nil || !ok {
		return v, 0, fmt.Errorf("leaf %d: missing: %w", p.leaf, err)
	}
	leaf, err := ledger.DecodeLeaf(raw)
	v.ReceivedAt = leaf.ReceivedAt
	v.DatedAhead = rev.ClockMs > leaf.ReceivedAt.Add(clockTolerance).UnixMilli()
	return v, seg.Size(p.at), err
}

// HeldRevision is a revision that is stored but not part of its record: held, or
// waiting for its prev.
type HeldRevision struct {
	Record record.ID
	Place  HeldPlace
	RevisionView
}

// HeldPlace is a place in the list of held revisions: the feed position of a
// record, and the revision's dot. The zero value is the beginning.
type HeldPlace struct {
	Position Position
	Dot      causal.Dot
}

// Held returns the held and waiting revisions at or after a place, in feed order of
// their records, then by dot. At most limit of them (at least 1 is given), fewer
// where they are large; next is where the others begin, zero when there are none. A
// record that changes meanwhile comes later, with all of its own.
func (e *Engine) Held(ctx context.Context, from HeldPlace, limit int) (out []HeldRevision, next HeldPlace, err error) {
	err = e.view(ctx, func(r Reader) error {
		l := heldList{e: e, r: r, limit: limit}
		err := l.read(from)
		out, next = l.out, l.next
		return err
	})
	return out, next, err
}

// heldList collects one part of the list of held revisions.
type heldList struct {
	e     *Engine
	r     Reader
	limit int
	size  int // bytes of out, sealed
	out   []HeldRevision
	next  HeldPlace // zero: not full
}

func (l *heldList) read(from HeldPlace) error {
	q := FeedQuery{Divisions: everywhere, Classes: allClasses, Flags: FlagHeld | FlagWaiting, Limit: 100, Bytes: scanBytes}
	q.After = max(from.Position, 1) - 1
	for {
		rows, err := l.r.Feed(q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			q.After = row.Position
			if err := l.row(row, from); err != nil || l.next != (HeldPlace{}) {
				return err
			}
		}
		if !q.Full(rows) {
			return nil
		}
	}
}

// row adds what is held of one record, of the one at from what is not passed yet.
func (l *heldList) row(row RecordRow, from HeldPlace) error {
	_, ps, err := row.decode()
	if err != nil {
		return err
	}
	for _, p := range ps {
		at := HeldPlace{row.Position, p.dot}
		if p.verdict.Admitted() || row.Position == from.Position && p.dot.Compare(from.Dot) < 0 {
			continue
		}
		if len(l.out) > 0 && (len(l.out) >= l.limit || l.size >= partBytes) {
			l.next = at
			return nil
		}
		v, n, err := l.e.revisionView(l.r, p)
		if err != nil {
			return err
		}
		l.out, l.size = append(l.out, HeldRevision{row.ID, at, v}), l.size+n
	}
	return nil
}
