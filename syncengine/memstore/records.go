// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func (w *world) Record(id record.ID) (syncengine.RecordRow, bool, error) {
	row, ok := w.records.get(byID(id))
	if !ok {
		return syncengine.RecordRow{}, false, nil
	}
	return *row, true, nil
}

func (w *world) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if err := atLeastOne(q.Limit); err != nil {
		return nil, err
	}
	if q.After+1 == 0 {
		return nil, nil
	}
	var out []syncengine.RecordRow
	size := 0
	for _, row := range w.candidates(q).from(byPosition{position: q.After + 1}) {
		if q.UpTo != 0 && row.Position > q.UpTo || len(out) == q.Limit || q.Bytes > 0 && size >= q.Bytes {
			break
		}
		if selects(q, row) {
			out, size = append(out, *row), size+row.Size()
		}
	}
	return out, nil
}

// candidates returns a part of the feed that holds all that q can select.
func (w *world) candidates(q syncengine.FeedQuery) tree[byPosition, *syncengine.RecordRow] {
	if q.Subject.IsZero() {
		return w.feed
	}
	var feed tree[byPosition, *syncengine.RecordRow]
	about, _ := w.subject.get(byID(q.Subject))
	for _, row := range about.all() {
		if row.Position != 0 {
			feed = feed.put(byPosition{row.Position, row.Ref}, row)
		}
	}
	return feed
}

func selects(q syncengine.FeedQuery, row *syncengine.RecordRow) bool {
	return slices.Contains(q.Classes, row.Class) &&
		within(row.Divisions, q.Divisions) &&
		(q.Kind == 0 || q.Kind == row.ID.Kind()) &&
		(q.Subject.IsZero() || q.Subject == row.Subject) &&
		(q.Flags == 0 || q.Flags&row.Flags != 0)
}

func (w *world) PutRecord(row syncengine.RecordRow) error {
	before, known := w.records.get(byID(row.ID))
	switch {
	case row.Ref == 0 && known:
		return fmt.Errorf("record %s: %w", row.ID, syncengine.ErrRecordStored)
	case row.Ref == 0:
		w.lastRef++
		row.Ref = w.lastRef
	case !known || row.Ref != before.Ref:
		return fmt.Errorf("record %s: it was not read from this store", row.ID)
	}
	if known {
		w.forget(before)
	}
	w.remember(&row)
	return nil
}

func (w *world) forget(row *syncengine.RecordRow) {
	w.feed = w.feed.without(byPosition{row.Position, row.Ref})
	if about, ok := w.subject.get(byID(row.Subject)); ok {
		w.subject = w.subject.put(byID(row.Subject), about.without(byID(row.ID)))
	}
}

func (w *world) remember(row *syncengine.RecordRow) {
	w.records = w.records.put(byID(row.ID), row)
	if row.Position != 0 {
		w.feed = w.feed.put(byPosition{row.Position, row.Ref}, row)
	}
	if !row.Subject.IsZero() {
		about, _ := w.subject.get(byID(row.Subject))
		w.subject = w.subject.put(byID(row.Subject), about.put(byID(row.ID), row))
	}
}

func (w *world) Departures(after, upTo syncengine.Position, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.Departure, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	if after+1 == 0 {
		return nil, nil
	}
	var out []syncengine.Departure
	for _, d := range w.leavings.from(byLeaving{position: after + 1}) {
		if upTo != 0 && d.Position > upTo || len(out) == limit {
			break
		}
		if d.Division.WithinAny(prefixes) && slices.Contains(classes, d.Class) {
			out = append(out, d)
		}
	}
	return out, nil
}

func (w *world) PutDeparture(d syncengine.Departure) error {
	leaver := byLeaver{d.Record, d.Division}
	if before, ok := w.departures.get(leaver); ok {
		w.leavings = w.leavings.without(byLeaving{before.Position, leaver})
	}
	w.departures = w.departures.put(leaver, d)
	w.leavings = w.leavings.put(byLeaving{d.Position, leaver}, d)
	return nil
}

func (w *world) DeleteDeparture(id record.ID, division record.Division) error {
	leaver := byLeaver{id, division}
	if before, ok := w.departures.get(leaver); ok {
		w.departures = w.departures.without(leaver)
		w.leavings = w.leavings.without(byLeaving{before.Position, leaver})
	}
	return nil
}

func (w *world) Sums() (map[syncengine.SumKey]syncengine.Sum, error) {
	out := map[syncengine.SumKey]syncengine.Sum{}
	for k, sum := range w.sums.all() {
		out[syncengine.SumKey(k)] = sum
	}
	return out, nil
}

func (w *world) PutSum(k syncengine.SumKey, sum syncengine.Sum) error {
	if sum.Count == 0 {
		w.sums = w.sums.without(byPile(k))
		return nil
	}
	w.sums = w.sums.put(byPile(k), sum)
	return nil
}
