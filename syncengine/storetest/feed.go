// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func feedPromises() []promise {
	return []promise{
		{"the feed selects by position, division, class, kind, subject and flags, in order of position", feedSelects},
		{"the feed gives each record once, at its latest position", feedMoves},
		{"the feed has the whole row", feedRows},
		{"the feed refuses a limit below 1", feedLimit},
		{"pages joined at their last positions are the whole feed", feedPages},
		{"many prefixes select as well as one", feedManyPrefixes},
	}
}

// feedWorld puts ten records: one per position, in another order than that.
func feedWorld(t *testing.T, s syncengine.Store) {
	t.Helper()
	rows := []syncengine.RecordRow{
		10: feedRow(10, homeVisit, 1, 0, 0, village),
		9:  feedRow(9, homeVisit, 2, 1, syncengine.FlagHeld, elsewhere),
		8:  feedRow(8, resident, 1, 0, syncengine.FlagConflict|syncengine.FlagWaiting, neighbour, elsewhere),
		7:  feedRow(7, homeVisit, 0, 0, 0, village),
		6:  feedRow(6, homeVisit, 1, 2, syncengine.FlagNoScope),
		5:  feedRow(5, resident, 1, 0, syncengine.FlagVoided, village, neighbour),
		4:  feedRow(4, homeVisit, 1, 1, 0, neighbour),
		3:  feedRow(3, homeVisit, 2, 1, 0, village),
		2:  feedRow(2, resident, 1, 0, 0, village),
		1:  feedRow(1, homeVisit, 1, 1, syncengine.FlagConflict, village),
		0:  feedRow(0, homeVisit, 1, 1, syncengine.FlagWaiting, village),
	}
	update(t, s, func(tx syncengine.Tx) {
		for i := range rows {
			must(t, tx.PutRecord(rows[(i*7)%len(rows)]))
		}
	})
}

func feedRow(at syncengine.Position, kind record.Kind, class record.Class, subject int, flags syncengine.Flags, divisions ...record.Division) syncengine.RecordRow {
	row := sampleRow(int(at), at)
	row.ID, row.Class, row.Flags, row.Divisions, row.Subject = sampleID(kind, int(at)), class, flags, divisions, record.ID{}
	if subject != 0 {
		row.Subject = sampleID(resident, subject)
	}
	return row
}

func feedSelects(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	one, two, all := []record.Class{1}, []record.Class{1, 2}, []record.Class{0, 1, 2}
	type query = syncengine.FeedQuery
	for _, c := range []struct {
		name string
		q    query
		want []syncengine.Position
	}{
		{"everything", query{Divisions: anywhere(), Classes: all}, positions(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)},
		{"after a position", query{After: 7, Divisions: anywhere(), Classes: all}, positions(8, 9, 10)},
		{"after the last", query{After: 10, Divisions: anywhere(), Classes: all}, nil},
		{"after the greatest position there can be", query{After: math.MaxUint64, Divisions: anywhere(), Classes: all}, nil},
		{"after a position out of the signed range", query{After: 1 << 63, Divisions: anywhere(), Classes: all}, nil},
		{"up to a position", query{UpTo: 3, Divisions: anywhere(), Classes: all}, positions(1, 2, 3)},
		{"up to the greatest position there can be", query{After: 9, UpTo: math.MaxUint64, Divisions: anywhere(), Classes: all}, positions(10)},
		{"between positions", query{After: 2, UpTo: 5, Divisions: anywhere(), Classes: all}, positions(3, 4, 5)},
		{"between positions the wrong way", query{After: 5, UpTo: 2, Divisions: anywhere(), Classes: all}, nil},
		{"limited", query{Divisions: anywhere(), Classes: all, Limit: 4}, positions(1, 2, 3, 4)},
		{"limited to what is selected", query{Divisions: []record.Division{elsewhere}, Classes: all, Limit: 1}, positions(8)},
		{"limited in bytes", query{Divisions: anywhere(), Classes: all, Bytes: 2*sampleRow(1, 1).Size() + 1}, positions(1, 2, 3)},
		{"limited to what just fits", query{Divisions: anywhere(), Classes: all, Bytes: 2 * sampleRow(1, 1).Size()}, positions(1, 2)},
		{"limited to what no row fits into", query{Divisions: anywhere(), Classes: all, Bytes: 1}, positions(1)},
		{"limited in bytes of what is selected", query{Divisions: []record.Division{neighbour}, Classes: all, Bytes: 2}, positions(4)},
		{"no division", query{Classes: all}, nil},
		{"no class", query{Divisions: anywhere()}, nil},
		{"a class", query{Divisions: anywhere(), Classes: []record.Class{2}}, positions(3, 9)},
		{"two classes", query{Divisions: anywhere(), Classes: two}, positions(1, 2, 3, 4, 5, 6, 8, 9, 10)},
		{"a class nobody has", query{Divisions: anywhere(), Classes: []record.Class{77}}, nil},
		{"a village", query{Divisions: []record.Division{village}, Classes: all}, positions(1, 2, 3, 5, 7, 10)},
		{"another village", query{Divisions: []record.Division{neighbour}, Classes: all}, positions(4, 5, 8)},
		{"a township", query{Divisions: []record.Division{"360121001"}, Classes: all}, positions(1, 2, 3, 4, 5, 7, 8, 10)},
		{"a prefix inside no code", query{Divisions: []record.Division{"21001"}, Classes: all}, nil},
		{"a prefix longer than a code", query{Divisions: []record.Division{village + "0"}, Classes: all}, nil},
		{"two prefixes", query{Divisions: []record.Division{neighbour, elsewhere}, Classes: all}, positions(4, 5, 8, 9)},
		{"one prefix inside another", query{Divisions: []record.Division{"3601", village}, Classes: one}, positions(1, 2, 4, 5, 8, 10)},
		{"an empty prefix beside another", query{Divisions: []record.Division{village, ""}, Classes: one}, positions(1, 2, 4, 5, 6, 8, 10)},
		{"a kind", query{Divisions: anywhere(), Classes: all, Kind: resident}, positions(2, 5, 8)},
		{"a subject", query{Divisions: anywhere(), Classes: all, Subject: sampleID(resident, 1)}, positions(1, 3, 4, 9)},
		{"a subject in a village", query{After: 1, Divisions: []record.Division{village}, Classes: all, Subject: sampleID(resident, 1)}, positions(3)},
		{"a subject, limited", query{Divisions: anywhere(), Classes: all, Subject: sampleID(resident, 1), Limit: 2}, positions(1, 3)},
		{"a subject nobody has", query{Divisions: anywhere(), Classes: all, Subject: sampleID(resident, 3)}, nil},
		{"a flag", query{Divisions: anywhere(), Classes: all, Flags: syncengine.FlagConflict}, positions(1, 8)},
		{"any of two flags", query{Divisions: anywhere(), Classes: all, Flags: syncengine.FlagHeld | syncengine.FlagWaiting}, positions(8, 9)},
		{"a flag in a village", query{Divisions: []record.Division{village}, Classes: all, Flags: math.MaxUint8}, positions(1, 5)},
		{"a flag, limited", query{After: 1, Divisions: anywhere(), Classes: all, Flags: math.MaxUint8, Limit: 2}, positions(5, 6)},
		{"a flag and a subject", query{Divisions: anywhere(), Classes: all, Flags: math.MaxUint8, Subject: sampleID(resident, 1)}, positions(1, 9)},
		{"a flag and a kind", query{Divisions: anywhere(), Classes: all, Flags: math.MaxUint8, Kind: resident}, positions(5, 8)},
		{"all at once", query{
			After: 2, UpTo: 9, Divisions: []record.Division{"3601"}, Classes: two, Kind: homeVisit,
			Subject: sampleID(resident, 1), Flags: syncengine.FlagHeld, Limit: 5,
		}, positions(9)},
	} {
		if c.q.Limit == 0 {
			c.q.Limit = 100
		}
		view(t, s, func(r syncengine.Reader) {
			if d := diff(c.want, feedPositions(t, r, c.q)); d != "" {
				t.Errorf("%s (-want +read): %s", c.name, d)
			}
		})
	}
}

func positions(p ...syncengine.Position) []syncengine.Position { return p }

func feedPositions(t *testing.T, r syncengine.Reader, q syncengine.FeedQuery) []syncengine.Position {
	t.Helper()
	var out []syncengine.Position
	for _, row := range got[[]syncengine.RecordRow](t)(r.Feed(q)) {
		out = append(out, row.Position)
	}
	return out
}

func feedMoves(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	next := syncengine.Position(10)
	everything := syncengine.FeedQuery{Divisions: anywhere(), Classes: classes(), Limit: 100}
	for _, move := range []struct {
		id   record.ID
		want []syncengine.Position
	}{
		{sampleID(homeVisit, 3), positions(1, 2, 4, 5, 6, 7, 8, 9, 10, 11)},
		{sampleID(homeVisit, 10), positions(1, 2, 4, 5, 6, 7, 8, 9, 11, 12)},
		{sampleID(homeVisit, 0), positions(1, 2, 4, 5, 6, 7, 8, 9, 11, 12, 13)},
		{sampleID(homeVisit, 3), positions(1, 2, 4, 5, 6, 7, 8, 9, 12, 13, 14)},
	} {
		next++
		update(t, s, func(tx syncengine.Tx) {
			row := found[syncengine.RecordRow](t)(tx.Record(move.id))
			row.Position = next
			must(t, tx.PutRecord(row))
		})
		view(t, s, func(r syncengine.Reader) {
			if d := diff(move.want, feedPositions(t, r, everything)); d != "" {
				t.Errorf("after the move to %d (-want +read): %s", next, d)
			}
		})
	}
}

func feedRows(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	view(t, s, func(r syncengine.Reader) {
		for _, row := range got[[]syncengine.RecordRow](t)(r.Feed(syncengine.FeedQuery{Divisions: anywhere(), Classes: classes(), Limit: 100})) {
			if d := diff(found[syncengine.RecordRow](t)(r.Record(row.ID)), row); d != "" {
				t.Errorf("at %d the feed differs from the record: %s", row.Position, d)
			}
		}
	})
}

func feedLimit(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	view(t, s, func(r syncengine.Reader) {
		for _, limit := range []int{0, -1} {
			if rows, err := r.Feed(syncengine.FeedQuery{Divisions: anywhere(), Classes: classes(), Limit: limit}); err == nil {
				t.Errorf("limit %d: %d rows and no error", limit, len(rows))
			}
		}
	})
}

func feedPages(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	q := syncengine.FeedQuery{Divisions: []record.Division{village, neighbour}, Classes: []record.Class{1, 2}, Limit: 100}
	view(t, s, func(r syncengine.Reader) {
		whole := feedPositions(t, r, q)
		for limit := 1; limit <= len(whole)+1; limit++ {
			var joined []syncengine.Position
			q := q
			for q.Limit = limit; ; q.After = joined[len(joined)-1] {
				page := feedPositions(t, r, q)
				if joined = append(joined, page...); len(page) < limit || len(joined) > len(whole) {
					break
				}
			}
			if d := diff(whole, joined); d != "" {
				t.Errorf("pages of %d (-whole +joined): %s", limit, d)
			}
		}
	})
}

func feedManyPrefixes(t *testing.T, s syncengine.Store) {
	feedWorld(t, s)
	for _, n := range []int{1, 2, 3, 4, 5, 8, 9, 16, 17, 256} {
		prefixes := make([]record.Division, n)
		for i := range prefixes {
			prefixes[i] = record.Division(fmt.Sprintf("99%010d", i))
		}
		prefixes[n/2] = neighbour
		view(t, s, func(r syncengine.Reader) {
			q := syncengine.FeedQuery{Divisions: prefixes, Classes: classes(), Limit: 100}
			if d := diff(positions(4, 5, 8), feedPositions(t, r, q)); d != "" {
				t.Errorf("%d prefixes (-want +read): %s", n, d)
			}
		})
	}
}
