// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// By the unique index of id.
const sqlRecord = `
	SELECT ref, id, position, class, flags, divisions, subject, cuts, places, state FROM records WHERE id = ?1`

const sqlInsertRecord = `
	INSERT INTO records (id, position, class, flags, divisions, subject, cuts, places, state)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)`

const sqlUpdateRecord = `
	UPDATE records SET position = ?2, class = ?3, flags = ?4, divisions = ?5, subject = ?6, cuts = ?7,
		places = ?8, state = ?9
	WHERE ref = ?1 AND id = ?10`

func (r reader) Record(id record.ID) (row syncengine.RecordRow, found bool, err error) {
	found, err = sqlitefile.One(
		r.conn, sqlRecord,
		func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) },
		func(s *sqlite.Stmt) { row = r.columnRecord(s) },
	)
	return row, found, err
}

// columnRecord reads the columns of sqlRecord, sqlFeed and sqlFlagged.
func (r reader) columnRecord(s *sqlite.Stmt) syncengine.RecordRow {
	row := syncengine.RecordRow{
		Ref:       s.ColumnInt64(0),
		Position:  syncengine.Position(s.ColumnInt64(2)),
		Class:     record.Class(s.ColumnInt32(3)),
		Flags:     syncengine.Flags(s.ColumnInt32(4)),
		Divisions: columnDivisions(s, 5),
		Places:    sqlitefile.Bytes(s, 8),
	}
	s.ColumnBytes(1, row.ID[:])
	s.ColumnBytes(6, row.Subject[:])
	row.State = r.names.now.Load().columnState(s, 9, cuts(s.ColumnInt64(7)), &row)
	return row
}

// Record is that of a reader, and remembers where in the feed the record stands.
func (t tx) Record(id record.ID) (syncengine.RecordRow, bool, error) {
	row, found, err := t.reader.Record(id)
	if found && err == nil {
		t.moves.at[row.Ref] = int64(row.Position)
	}
	return row, found, err
}

func (t tx) PutRecord(row syncengine.RecordRow) error {
	position, err := stored(row.Position)
	if err != nil {
		return fmt.Errorf("record %s: %w", row.ID, err)
	}
	if row.Ref == 0 {
		return t.insertRecord(row, position)
	}
	return t.updateRecord(row, position)
}

func (t tx) insertRecord(row syncengine.RecordRow, position int64) error {
	err := t.write(afterRecord, sqlInsertRecord, func(s *sqlite.Stmt) {
		s.BindBytes(1, row.ID[:])
		t.bindRecord(s, row, position)
	})
	if sqlite.ErrCode(err) == sqlite.ResultConstraintUnique { // of id: no other column is unique
		return fmt.Errorf("record %s: %w", row.ID, syncengine.ErrRecordStored)
	}
	if err != nil {
		return err
	}
	row.Ref = t.conn.LastInsertRowID()
	return t.place(row, 0, position)
}

func (t tx) updateRecord(row syncengine.RecordRow, position int64) error {
	from, err := t.standing(row)
	if err != nil {
		return err
	}
	err = t.write(afterRecord, sqlUpdateRecord, func(s *sqlite.Stmt) {
		s.BindInt64(1, row.Ref)
		t.bindRecord(s, row, position)
		s.BindBytes(10, row.ID[:])
	})
	if err == nil && t.conn.Changes() != 1 {
		err = fmt.Errorf("record %s: it was not read from this store", row.ID)
	}
	if err != nil {
		return err
	}
	return t.place(row, from, position)
}

// standing returns where in the feed a record stands, which this update has read, or
// reads now.
func (t tx) standing(row syncengine.RecordRow) (int64, error) {
	if _, known := t.moves.at[row.Ref]; !known {
		if _, _, err := t.Record(row.ID); err != nil {
			return 0, err
		}
	}
	return t.moves.at[row.Ref], nil
}

// bindRecord binds what a record may change, as parameters 2 to 9.
func (t tx) bindRecord(s *sqlite.Stmt, row syncengine.RecordRow, position int64) {
	state, c := t.names.now.Load().cut(row)
	bindPosition(s, 2, position)
	s.BindInt64(3, int64(row.Class))
	s.BindInt64(4, int64(row.Flags))
	bindDivisions(s, 5, row.Divisions)
	bindSubject(s, 6, row.Subject)
	s.BindInt64(7, int64(c))
	s.BindBytes(8, row.Places)
	s.BindBytes(9, state)
}

// bindPosition binds null for what is not in the feed, so that its indexes skip it.
func bindPosition(s *sqlite.Stmt, param int, position int64) {
	if position == 0 {
		s.BindNull(param)
		return
	}
	s.BindInt64(param, position)
}

func bindSubject(s *sqlite.Stmt, param int, subject record.ID) {
	if subject.IsZero() {
		s.BindNull(param)
		return
	}
	s.BindBytes(param, subject[:])
}

const sqlSums = `SELECT division, class, count, total FROM sums`

const sqlPutSum = `
	INSERT INTO sums (division, class, count, total) VALUES (?1, ?2, ?3, ?4)
	ON CONFLICT (division, class) DO UPDATE SET count = excluded.count, total = excluded.total`

const sqlDeleteSum = `DELETE FROM sums WHERE division = ?1 AND class = ?2`

func (r reader) Sums() (map[syncengine.SumKey]syncengine.Sum, error) {
	out := map[syncengine.SumKey]syncengine.Sum{}
	err := sqlitefile.Query(r.conn, sqlSums, nil, func(s *sqlite.Stmt) bool {
		sum := syncengine.Sum{Count: uint64(s.ColumnInt64(2))}
		s.ColumnBytes(3, sum.Total[:])
		out[syncengine.SumKey{Division: record.Division(s.ColumnText(0)), Class: record.Class(s.ColumnInt32(1))}] = sum
		return true
	})
	return out, err
}

func (t tx) PutSum(k syncengine.SumKey, sum syncengine.Sum) error {
	key := func(s *sqlite.Stmt) {
		s.BindText(1, string(k.Division))
		s.BindInt64(2, int64(k.Class))
	}
	if sum.Count == 0 {
		return t.write(afterUnsummed, sqlDeleteSum, key)
	}
	return t.write(afterSum, sqlPutSum, func(s *sqlite.Stmt) {
		key(s)
		s.BindInt64(3, int64(sum.Count))
		s.BindBytes(4, sum.Total[:])
	})
}
