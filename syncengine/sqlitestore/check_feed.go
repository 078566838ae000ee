// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"encoding/binary"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const sqlEntries = `
	SELECT f.position, f.ref, f.kind, f.division, f.subject, r.id, r.position, r.divisions, r.subject
	FROM feed AS f LEFT JOIN records AS r ON r.ref = f.ref`

// checkEntries holds each entry of the feed against the record that it is of.
func (r reader) checkEntries() (findings []string, err error) {
	err = sqlitefile.Query(r.conn, sqlEntries, nil, func(s *sqlite.Stmt) bool {
		if wrong := entryFinding(s); wrong != "" {
			findings = append(findings, wrong)
		}
		return len(findings) < maxFindings
	})
	return findings, err
}

// entryFinding reads sqlEntries. Of an entry that was left behind only the kind is as it
// was.
func entryFinding(s *sqlite.Stmt) string {
	position := s.ColumnInt64(0)
	if s.ColumnIsNull(5) {
		return fmt.Sprintf("position %d of the feed is of no record", position)
	}
	row := syncengine.RecordRow{Ref: s.ColumnInt64(1), Divisions: columnDivisions(s, 7)}
	s.ColumnBytes(5, row.ID[:])
	s.ColumnBytes(8, row.Subject[:])
	want := newEntry(row, position)
	have := entry{
		position: position, ref: row.Ref, kind: s.ColumnInt64(2), subject: s.ColumnInt64(4),
		division: s.ColumnInt64(3), divided: !s.ColumnIsNull(3),
	}
	if s.ColumnInt64(6) != position {
		have.division, have.divided, have.subject = want.division, want.divided, want.subject
	}
	if have != want {
		return fmt.Sprintf("position %d of the feed is not that of record %s", position, row.ID)
	}
	return ""
}

const sqlLeftParts = `SELECT before, positions FROM feed_left ORDER BY before`

// checkLeftBehind wants the entries that no record stands at to be those that are
// listed.
func (r reader) checkLeftBehind() (findings []string, err error) {
	listed := map[int64]bool{}
	err = sqlitefile.Query(r.conn, sqlLeftParts, nil, func(s *sqlite.Stmt) bool {
		if s.ColumnInt64(0) != int64(len(listed)) {
			findings = append(findings, "the list of what was left behind in the feed is not whole")
		}
		for b := sqlitefile.Bytes(s, 1); len(b) >= positionSize; b = b[positionSize:] {
			listed[int64(binary.BigEndian.Uint64(b))] = true
		}
		return true
	})
	if err != nil {
		return findings, err
	}
	err = sqlitefile.Query(r.conn, sqlEntries, nil, func(s *sqlite.Stmt) bool {
		if position := s.ColumnInt64(0); listed[position] == (position == s.ColumnInt64(6)) {
			findings = append(findings, fmt.Sprintf("position %d of the feed is left behind, or not, other than is listed", position))
		}
		delete(listed, s.ColumnInt64(0))
		return len(findings) < maxFindings
	})
	if err == nil && len(listed) > 0 && len(findings) == 0 {
		findings = append(findings, fmt.Sprintf("%d positions are listed as left behind that the feed has not", len(listed)))
	}
	return findings, err
}
