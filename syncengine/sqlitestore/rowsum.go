// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// rowSum returns a sum over the columns of a row: a CRC, because it is against
// accident only, and 32 bits of it, because rows are few.
func rowSum(columns ...[]byte) int64 {
	sum := uint32(0)
	for _, c := range columns {
		sum = crc32.Update(sum, crc32.IEEETable, binary.AppendUvarint(nil, uint64(len(c))))
		sum = crc32.Update(sum, crc32.IEEETable, c)
	}
	return int64(sum)
}

func actSum(a syncengine.Act) int64 {
	return rowSum([]byte{byte(a.Family)}, a.Key, a.Dot.Append(nil), a.Body)
}

func valueSum(name string, value []byte) int64 { return rowSum([]byte(name), value) }

func headSum(h syncengine.SegmentHead) int64 {
	var b []byte
	for _, n := range []uint64{uint64(h.Index), h.First, h.Last, uint64(h.Position), uint64(h.Class)} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	if h.Office {
		b = append(b, 1)
	}
	return rowSum(b, h.Hash[:], h.Replica[:], h.Previous[:], h.Certificate[:], []byte(h.Division))
}

// Rows of an earlier program, which have no sum yet.
const (
	sqlSumlessActs   = `SELECT family, key, dot, body FROM acts WHERE sum IS NULL`
	sqlSumAct        = `UPDATE acts SET sum = ?5 WHERE family = ?1 AND key = ?2 AND dot = ?3 AND body = ?4`
	sqlSumlessValues = `SELECT name, value FROM named_values WHERE sum IS NULL`
)

// complete gives sums to the rows of an earlier program.
func (s *Store) complete(ctx context.Context) error {
	var acts [][4][]byte
	values := map[string][]byte{}
	err := s.file.View(ctx, func(conn *sqlite.Conn) error {
		err := sqlitefile.Query(conn, sqlSumlessActs, nil, func(s *sqlite.Stmt) bool {
			acts = append(acts, columnsOfAct(s))
			return true
		})
		if err != nil {
			return err
		}
		return sqlitefile.Query(conn, sqlSumlessValues, nil, func(s *sqlite.Stmt) bool {
			values[s.ColumnText(0)] = sqlitefile.Bytes(s, 1)
			return true
		})
	})
	if err != nil || len(acts)+len(values) == 0 {
		return err
	}
	return s.file.Update(ctx, func(conn *sqlite.Conn) error {
		for _, a := range acts {
			if err := sumAct(conn, a); err != nil {
				return err
			}
		}
		t := tx{reader: reader{conn, &s.names}}
		for name, value := range values {
			if err := t.PutValue(name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// columnsOfAct reads family, key, dot and body; the family as its one byte.
func columnsOfAct(s *sqlite.Stmt) [4][]byte {
	return [4][]byte{{byte(s.ColumnInt64(0))}, sqlitefile.Bytes(s, 1), sqlitefile.Bytes(s, 2), sqlitefile.Bytes(s, 3)}
}

func sumAct(conn *sqlite.Conn, a [4][]byte) error {
	return sqlitefile.Write(conn, sqlSumAct, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(a[0][0]))
		for i, c := range a[1:] {
			s.BindBytes(2+i, c)
		}
		s.BindInt64(5, rowSum(a[:]...))
	})
}

const (
	sqlSummedActs   = `SELECT family, key, dot, body, sum FROM acts`
	sqlSummedValues = `SELECT name, value, sum FROM named_values`
)

// checkActs holds each act against its sum.
func (r reader) checkActs() (findings []string, err error) {
	err = sqlitefile.Query(r.conn, sqlSummedActs, nil, func(s *sqlite.Stmt) bool {
		if a := columnsOfAct(s); rowSum(a[:]...) != s.ColumnInt64(4) || s.ColumnInt64(0) != int64(a[0][0]) {
			findings = append(findings, fmt.Sprintf("an act of family %d about %x is not as it was written", s.ColumnInt64(0), a[1]))
		}
		return len(findings) < maxFindings
	})
	return findings, err
}

// checkValues holds each named value against its sum. Of a name only the beginning is
// said: the rest can be a hash.
func (r reader) checkValues() (findings []string, err error) {
	err = sqlitefile.Query(r.conn, sqlSummedValues, nil, func(s *sqlite.Stmt) bool {
		if name := s.ColumnText(0); valueSum(name, sqlitefile.Bytes(s, 1)) != s.ColumnInt64(2) {
			findings = append(findings, fmt.Sprintf("the value named %.8q is not as it was written", name))
		}
		return len(findings) < maxFindings
	})
	return findings, err
}

const sqlSummedHeads = sqlHeadColumns + `, sum FROM segments WHERE sum IS NOT NULL`

// checkHeads holds the head of each segment against its sum.
func (r reader) checkHeads() (findings []string, err error) {
	err = sqlitefile.Query(r.conn, sqlSummedHeads, nil, func(s *sqlite.Stmt) bool {
		if h := columnHead(s); headSum(h) != s.ColumnInt64(11) {
			findings = append(findings, fmt.Sprintf("the head of the segment at leaf %d is not as it was written", h.Index))
		}
		return len(findings) < maxFindings
	})
	return findings, err
}
