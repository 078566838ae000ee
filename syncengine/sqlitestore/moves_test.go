// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"path/filepath"
	"slices"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const movers = 128

func mover(n int) record.ID { return record.ID{1, byte(n)} }

// moved returns a store whose records moved to the end of the feed so many times, in
// updates of some moves each.
func moved(t *testing.T, moves, each int) (*Store, syncengine.Position) {
	s, err := Open(filepath.Join(t.TempDir(), "shard.db"), Options{Create: true, Readers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	at := syncengine.Position(0)
	for done := -movers; done < moves; {
		err := s.Update(t.Context(), func(tx syncengine.Tx) error {
			for range each {
				row, _, err := tx.Record(mover(int(at % movers)))
				if err != nil {
					return err
				}
				at, done = at+1, done+1
				row.ID, row.Position = mover(int((at-1)%movers)), at
				if err := tx.PutRecord(row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, at
}

// TestEntriesLeftBehindAreRemovedInTime counts the entries of the feed: there are
// never more too many than allowed, and some are removed at last.
func TestEntriesLeftBehindAreRemovedInTime(t *testing.T) {
	for _, c := range []struct{ moves, each, want int }{
		{0, 16, 0},
		{leftLeast - 16, 16, leftLeast - 16},
		{leftLeast, 16, leftLeast},
		{leftLeast + 16, 16, 0},
		{leftLeast + 32, 16, 16},
		{3 * leftLeast, 2*leftLeast + movers, 0},
	} {
		s, at := moved(t, c.moves, c.each)
		if n := countFeed(t, s) - movers; n != c.want {
			t.Errorf("after %d moves, %d an update, %d entries are left behind, want %d", c.moves, c.each, n, c.want)
		}
		haveFeed(t, s, at)
		if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Errorf("after %d moves: check: %q, %v", c.moves, findings, err)
		}
	}
}

func countFeed(t *testing.T, s *Store) (n int) {
	t.Helper()
	err := s.file.View(t.Context(), func(conn *sqlite.Conn) error {
		_, err := sqlitefile.One(conn, "SELECT count(*) FROM feed", nil, func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// haveFeed checks that the feed is all records once, in order, up to a position.
func haveFeed(t *testing.T, s *Store, last syncengine.Position) {
	t.Helper()
	err := s.View(t.Context(), func(r syncengine.Reader) error {
		rows, err := r.Feed(syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: []record.Class{0}, Limit: 2 * movers})
		for i, row := range rows {
			if want := last - movers + syncengine.Position(i) + 1; row.Position != want {
				t.Fatalf("row %d of the feed stands at %d, want %d", i, row.Position, want)
			}
		}
		if len(rows) != movers {
			t.Errorf("%d records are in the feed, want %d", len(rows), movers)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Positions go up in the engine, but a store takes any that is free: also one where
// an entry was left behind, by this record or by another, in this update or before.
func TestARecordMayStandWhereOthersStoodBefore(t *testing.T) {
	for _, each := range []int{1, 3, 8} { // moves an update
		s, at := moved(t, 64, 16)
		standing := map[int]syncengine.Position{}
		for some := range slices.Chunk([]struct {
			record   int
			position syncengine.Position
		}{
			{1, 1}, {2, 20}, {1, at + 1}, {3, 1}, {1, 21}, {2, 0}, {2, 2}, {2, 2}, {3, at + 2},
		}, each) {
			err := s.Update(t.Context(), func(tx syncengine.Tx) error {
				for _, to := range some {
					row, _, err := tx.Record(mover(to.record))
					if err != nil {
						return err
					}
					row.Position, standing[to.record] = to.position, to.position
					if err := tx.PutRecord(row); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			for n, want := range standing {
				if have := feedPosition(t, s, n); have != want {
					t.Errorf("%d an update: record %d stands at %d in the feed, want %d", each, n, have, want)
				}
			}
		}
		if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Errorf("%d an update: check: %q, %v", each, findings, err)
		}
	}
}

func feedPosition(t *testing.T, s *Store, n int) (at syncengine.Position) {
	t.Helper()
	err := s.View(t.Context(), func(r syncengine.Reader) error {
		rows, err := r.Feed(syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: []record.Class{0}, Limit: 2 * movers})
		for _, row := range rows {
			if row.ID == mover(n) {
				at = row.Position
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Two records at one position: whoever goes on from there would miss one.
func TestAPositionIsGivenOnce(t *testing.T) {
	s, at := moved(t, 0, 16)
	err := s.Update(t.Context(), func(tx syncengine.Tx) error {
		return tx.PutRecord(syncengine.RecordRow{ID: mover(200), Position: at})
	})
	if err == nil {
		t.Error("a taken position was given again")
	}
	haveFeed(t, s, at)
}

// Subjects whose short forms are the same are told apart by the row.
func TestSubjectsAlikeInTheFeedAreToldApart(t *testing.T) {
	s, _ := moved(t, 0, 16)
	one, other := record.ID{1, 15: 9}, record.ID{2, 15: 9}
	if short(one) != short(other) {
		t.Fatal("the subjects are not alike")
	}
	err := s.Update(t.Context(), func(tx syncengine.Tx) error {
		for i, subject := range []record.ID{one, other, one} {
			err := tx.PutRecord(syncengine.RecordRow{ID: mover(200 + i), Position: syncengine.Position(1000 + i), Subject: subject})
			if err != nil {
				return err
			}
		}
		q := syncengine.FeedQuery{Divisions: []record.Division{""}, Classes: []record.Class{0}, Subject: other, Limit: 10}
		rows, err := tx.Feed(q)
		if len(rows) != 1 || rows[0].ID != mover(201) {
			t.Errorf("records of the subject: %v", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
