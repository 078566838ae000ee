// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// maxSieved is how many division prefixes the feed's questions take. Of more, only
// what they have in common is used.
const maxSieved = 4

// By the rowid of feed, then that of records. What is not asked for is passed over by
// what stands in the feed, without its row: 0.3 µs against 1.2 µs. It may let too much
// through; selects has the last word. ?5 = 1 takes every division.
const sqlFeed = `
	SELECT r.ref, r.id, r.position, r.class, r.flags, r.divisions, r.subject, r.cuts, r.places, r.state
	FROM feed AS f CROSS JOIN records AS r ON r.ref = f.ref AND r.position = f.position
	WHERE f.position > ?1 AND f.position <= ?2
	AND (?3 = 0 OR f.kind = ?3)
	AND (?4 IS NULL OR f.subject = ?4)
	AND (?5 = 1 OR f.division IS NULL
		OR f.division BETWEEN ?6 AND ?7
		OR f.division BETWEEN ?8 AND ?9
		OR f.division BETWEEN ?10 AND ?11
		OR f.division BETWEEN ?12 AND ?13)
	ORDER BY f.position`

// By records_flagged.
const sqlFlagged = `
	SELECT ref, id, position, class, flags, divisions, subject, cuts, places, state
	FROM records INDEXED BY records_flagged
	WHERE flags <> 0 AND position > ?1 AND position <= ?2 AND flags & ?3 <> 0
	ORDER BY position`

func (r reader) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if err := atLeastOne(q.Limit); err != nil || len(q.Divisions) == 0 {
		return nil, err
	}
	question, bind := sqlFeed, bindFeed
	if q.Flags != 0 {
		question, bind = sqlFlagged, bindFlagged
	}
	var out []syncengine.RecordRow
	size := 0
	err := sqlitefile.Query(
		r.conn, question,
		func(s *sqlite.Stmt) { bind(s, q) },
		func(s *sqlite.Stmt) bool {
			if row := r.columnRecord(s); selects(q, row) {
				out, size = append(out, row), size+row.Size()
			}
			return len(out) < q.Limit && (q.Bytes <= 0 || size < q.Bytes)
		},
	)
	return out, err
}

func bindFeed(s *sqlite.Stmt, q syncengine.FeedQuery) {
	from, to := span(q.After, q.UpTo)
	s.BindInt64(1, from)
	s.BindInt64(2, to)
	s.BindInt64(3, int64(q.Kind))
	if !q.Subject.IsZero() {
		s.BindInt64(4, short(q.Subject))
	}
	prefixes := sieve(q.Divisions)
	s.BindBool(5, prefixes[0] == "")
	for i, p := range prefixes {
		from, to := numbers(p)
		s.BindInt64(6+2*i, from)
		s.BindInt64(7+2*i, to)
	}
}

func bindFlagged(s *sqlite.Stmt, q syncengine.FeedQuery) {
	from, to := span(q.After, q.UpTo)
	s.BindInt64(1, from)
	s.BindInt64(2, to)
	s.BindInt64(3, int64(q.Flags))
}

// sieve returns from one to maxSieved prefixes that hold all that lies under the
// given ones. There must be some.
func sieve(prefixes []record.Division) []record.Division {
	if len(prefixes) <= maxSieved && !slices.Contains(prefixes, "") {
		return prefixes
	}
	common := prefixes[0]
	for _, p := range prefixes {
		for !p.Within(common) {
			common = common[:len(common)-1]
		}
	}
	return []record.Division{common}
}

func selects(q syncengine.FeedQuery, row syncengine.RecordRow) bool {
	return slices.Contains(q.Classes, row.Class) &&
		(q.Kind == 0 || row.ID.Kind() == q.Kind) &&
		(q.Subject.IsZero() || row.Subject == q.Subject) &&
		within(row.Divisions, q.Divisions)
}

// within reports whether one of the divisions lies under one of the prefixes. An
// empty prefix has every record, those without division too.
func within(divisions, prefixes []record.Division) bool {
	return slices.ContainsFunc(divisions, func(d record.Division) bool { return d.WithinAny(prefixes) }) ||
		slices.Contains(prefixes, "")
}

// By departures_feed, which ends in the key.
const sqlDepartures = `
	SELECT record, division, class, position FROM departures
	WHERE position > ?1 AND position <= ?2
	ORDER BY position, record, division`

const sqlPutDeparture = `
	INSERT INTO departures (record, division, class, position) VALUES (?1, ?2, ?3, ?4)
	ON CONFLICT (record, division) DO UPDATE SET class = excluded.class, position = excluded.position`

const sqlDeleteDeparture = `DELETE FROM departures WHERE record = ?1 AND division = ?2`

func (r reader) Departures(after, upTo syncengine.Position, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.Departure, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	var out []syncengine.Departure
	err := sqlitefile.Query(r.conn, sqlDepartures, func(s *sqlite.Stmt) {
		from, to := span(after, upTo)
		s.BindInt64(1, from)
		s.BindInt64(2, to)
	}, func(s *sqlite.Stmt) bool {
		d := columnDeparture(s)
		if d.Division.WithinAny(prefixes) && slices.Contains(classes, d.Class) {
			out = append(out, d)
		}
		return len(out) < limit
	})
	return out, err
}

func columnDeparture(s *sqlite.Stmt) syncengine.Departure {
	d := syncengine.Departure{
		Division: record.Division(s.ColumnText(1)),
		Class:    record.Class(s.ColumnInt32(2)),
		Position: syncengine.Position(s.ColumnInt64(3)),
	}
	s.ColumnBytes(0, d.Record[:])
	return d
}

func (t tx) PutDeparture(d syncengine.Departure) error {
	position, err := stored(d.Position)
	if err != nil {
		return err
	}
	return t.write(afterDeparture, sqlPutDeparture, func(s *sqlite.Stmt) {
		s.BindBytes(1, d.Record[:])
		s.BindText(2, string(d.Division))
		s.BindInt64(3, int64(d.Class))
		s.BindInt64(4, position)
	})
}

func (t tx) DeleteDeparture(id record.ID, division record.Division) error {
	return t.write(afterUndeparted, sqlDeleteDeparture, func(s *sqlite.Stmt) {
		s.BindBytes(1, id[:])
		s.BindText(2, string(division))
	})
}
