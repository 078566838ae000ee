// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// A record that moves to the end of the feed leaves an entry behind, somewhere in the
// middle. Removing it would write one more page for nearly every save, so it stays
// until there are many. The feed's question sees by the row that the record is gone.
//
// While an entry is left behind, its position is listed in feed_left, and no record
// stands there. Left behind are at most one in leftShare of all positions there were,
// but leftLeast in a small file, and leftMost in a large one, so that removing them
// does not hold up a push for long.
const (
	leftShare = 16
	leftLeast = 4 << 10
	leftMost  = 32 << 10
)

const positionSize = 8

// Entries are written together, because the statement costs more than its rows.
const (
	sqlEnterFeed = `INSERT INTO feed (position, division, subject, ref, kind) VALUES (?, ?, ?, ?, ?)`
	sqlEnterMany = sqlEnterFeed + moreEntries + moreEntries + moreEntries + moreEntries + moreEntries
	moreEntries  = `, (?, ?, ?, ?, ?), (?, ?, ?, ?, ?), (?, ?, ?, ?, ?)`
	many         = 1 + 5*3
)

const sqlChangeInFeed = `UPDATE feed SET division = ?2, subject = ?3 WHERE position = ?1 AND ref = ?4 AND kind = ?5`

const sqlLeaveFeed = `DELETE FROM feed WHERE position = ?1`

const sqlFeedEnd = `SELECT coalesce(max(position), 0) FROM feed`

// How many were left behind: those before the last part, and that part.
const sqlCountLeft = `SELECT before + length(positions) / 8 FROM feed_left ORDER BY before DESC LIMIT 1`

const sqlLeft = `SELECT positions FROM feed_left`

const sqlLeaveBehind = `INSERT INTO feed_left (before, positions) VALUES (?1, ?2)`

const sqlForgetLeft = `DELETE FROM feed_left`

// moves is what an update knows of the feed. Positions are as the file has them.
type moves struct {
	at      map[int64]int64 // where the records stand that were read, by Ref; 0: not in the feed
	entries []entry         // not written yet
	left    []int64         // what records left behind and feed_left does not list yet
	end     int64           // the greatest position; 0: not known
}

// entry is a row of the feed.
type entry struct {
	position, ref, kind, subject int64
	division                     int64
	divided                      bool // into one division, which is a number
}

func newEntry(row syncengine.RecordRow, position int64) entry {
	e := entry{position: position, ref: row.Ref, kind: int64(row.ID.Kind()), subject: short(row.Subject)}
	e.division, e.divided = number(row.Divisions)
	return e
}

// bind binds position, division and subject, then ref and kind from the parameter on.
func (e entry) bind(s *sqlite.Stmt, param int) {
	s.BindInt64(param, e.position)
	s.BindNull(param + 1)
	if e.divided {
		s.BindInt64(param+1, e.division)
	}
	s.BindInt64(param+2, e.subject)
	s.BindInt64(param+3, e.ref)
	s.BindInt64(param+4, e.kind)
}

// place puts a record that stands at from (0: nowhere) in the feed, out of it, or
// elsewhere in it.
func (t tx) place(row syncengine.RecordRow, from, to int64) error {
	t.moves.at[row.Ref] = to
	switch {
	case to == from && to == 0:
		return nil
	case to == from:
		return t.change(newEntry(row, to))
	case to == 0:
		return t.leave(from)
	case from != 0:
		t.moves.left = append(t.moves.left, from)
	}
	return t.enter(newEntry(row, to))
}

// enter puts a record at a position. Behind the end nobody ever stood; elsewhere
// somebody may have left an entry, and so all of them are removed.
func (t tx) enter(e entry) error {
	inside, err := t.inside(e.position)
	if err == nil && inside {
		err = t.sweep()
	}
	t.moves.entries = append(t.moves.entries, e)
	if err == nil && len(t.moves.entries) == many {
		err = t.writeEntries()
	}
	return err
}

// writeEntries writes what waits to be written.
func (t tx) writeEntries() error {
	statement, rows := sqlEnterFeed, 1
	if len(t.moves.entries) == many {
		statement, rows = sqlEnterMany, many
	}
	for some := range slices.Chunk(t.moves.entries, rows) {
		err := t.write(afterFeed, statement, func(s *sqlite.Stmt) {
			for i, e := range some {
				e.bind(s, 1+5*i)
			}
		})
		if err != nil {
			return fmt.Errorf("feed at %d: %w", some[0].position, err)
		}
	}
	t.moves.entries = t.moves.entries[:0]
	return nil
}

// Feed is that of a reader, over what the update itself wrote too.
func (t tx) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if err := t.writeEntries(); err != nil {
		return nil, err
	}
	return t.reader.Feed(q)
}

func (t tx) change(e entry) error {
	if err := t.writeEntries(); err != nil {
		return err
	}
	return t.write(afterFeed, sqlChangeInFeed, func(s *sqlite.Stmt) { e.bind(s, 1) })
}

// inside reports whether a position is not behind the feed's end; if it is, the end
// is there from now on.
func (t tx) inside(position int64) (bool, error) {
	if t.moves.end == 0 {
		_, err := sqlitefile.One(t.conn, sqlFeedEnd, nil, func(s *sqlite.Stmt) { t.moves.end = s.ColumnInt64(0) })
		if err != nil {
			return false, err
		}
	}
	if position <= t.moves.end {
		return true, nil
	}
	t.moves.end = position
	return false, nil
}

// leave takes an entry out of the feed.
func (t tx) leave(position int64) error {
	if err := t.writeEntries(); err != nil {
		return err
	}
	return t.write(afterFeed, sqlLeaveFeed, func(s *sqlite.Stmt) { s.BindInt64(1, position) })
}

// settle ends an update: all entries are written, and what its records left behind is
// listed, or, when there is too much, removed with all that was listed before.
func (t tx) settle() error {
	if err := t.writeEntries(); err != nil || len(t.moves.left) == 0 {
		return err
	}
	var before int64
	_, err := sqlitefile.One(t.conn, sqlCountLeft, nil, func(s *sqlite.Stmt) { before = s.ColumnInt64(0) })
	if err != nil {
		return err
	}
	if before+int64(len(t.moves.left)) > min(max(t.moves.end/leftShare, leftLeast), leftMost) {
		return t.sweep()
	}
	return t.write(afterFeed, sqlLeaveBehind, func(s *sqlite.Stmt) {
		s.BindInt64(1, before)
		s.BindBytes(2, encodePositions(t.moves.left))
	})
}

// sweep removes all entries that were left behind, in order of position.
func (t tx) sweep() error {
	err := sqlitefile.Query(t.conn, sqlLeft, nil, func(s *sqlite.Stmt) bool {
		t.moves.left = appendPositions(t.moves.left, sqlitefile.Bytes(s, 0))
		return true
	})
	if err != nil || len(t.moves.left) == 0 {
		return err
	}
	slices.Sort(t.moves.left)
	for _, position := range t.moves.left {
		if err := t.leave(position); err != nil {
			return fmt.Errorf("position %d: %w", position, err)
		}
	}
	t.moves.left = t.moves.left[:0]
	return t.write(afterFeed, sqlForgetLeft, nil)
}

func encodePositions(positions []int64) []byte {
	b := make([]byte, 0, positionSize*len(positions))
	for _, p := range positions {
		b = binary.BigEndian.AppendUint64(b, uint64(p))
	}
	return b
}

func appendPositions(out []int64, b []byte) []int64 {
	for ; len(b) >= positionSize; b = b[positionSize:] {
		out = append(out, int64(binary.BigEndian.Uint64(b)))
	}
	return out
}

// short returns what the feed has of a subject: its last two bytes, which are drawn at
// random. Whoever chooses by it must look at the row.
func short(subject record.ID) int64 { return int64(int16(binary.BigEndian.Uint16(subject[14:]))) }
