// SPDX-License-Identifier: Apache-2.0

package register

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Place is where a list goes on; the zero Place is its beginning.
//
//	place = kind of source (1) | part, number, ref (uvarint each) | text
type Place struct {
	kind   byte
	part   int    // of the source
	number int64  // key in that, where keys are numbers
	text   string // or where they are texts
	Ref    int64
}

// Append writes p; DecodePlace reads it.
func (p Place) Append(b []byte) []byte {
	b = append(b, p.kind)
	for _, v := range []uint64{uint64(p.part), uint64(p.number), uint64(p.Ref)} {
		b = binary.AppendUvarint(b, v)
	}
	return append(b, p.text...)
}

// DecodePlace reads what Append writes. Error: ErrQuery.
func DecodePlace(b []byte) (p Place, err error) {
	if len(b) == 0 {
		return p, fmt.Errorf("%w: no place", ErrQuery)
	}
	p.kind, b = b[0], b[1:]
	var v [3]uint64
	for i := range v {
		n := 0
		if v[i], n = binary.Uvarint(b); n <= 0 || v[i] > math.MaxInt64 {
			return Place{}, fmt.Errorf("%w: no place", ErrQuery)
		}
		b = b[n:]
	}
	if v[0] > maxParts || len(b) > 4*MaxText*maxRead {
		return Place{}, fmt.Errorf("%w: no place", ErrQuery)
	}
	p.part, p.number, p.Ref, p.text = int(v[0]), int64(v[1]), int64(v[2]), string(b)
	return p, nil
}

// maxParts is more than any source has.
const maxParts = 1 << 16

// source is where candidates come from: one kind of key, in one or more parts that are gone through one after the other.
type source struct {
	kind  byte
	parts int
	// question asks for key and ref of what is in a part after a place; bind binds both.
	question string
	text     bool // keys are texts
	bind     func(s *sqlite.Stmt, at Place)
	// first reports whether a row has not come before in this source, at an earlier key.
	first func(conn *sqlite.Conn, r row, at Place) (bool, error)
}

// each calls yield for the candidates after a place, until it returns false.
func (s source) each(conn *sqlite.Conn, from Place, yield func(Place) (bool, error)) error {
	at := from
	for part := from.part; part < s.parts; part++ {
		if part != from.part {
			at = Place{}
		}
		at.kind, at.part = s.kind, part
		if at.Ref == 0 {
			at.Ref, at.number, at.text = -1, 0, ""
		}
		more, failed := true, error(nil)
		err := sqlitefile.Query(conn, s.question, func(stmt *sqlite.Stmt) { s.bind(stmt, at) }, func(stmt *sqlite.Stmt) bool {
			next := Place{kind: s.kind, part: part, Ref: stmt.ColumnInt64(1)}
			if s.text {
				next.text = stmt.ColumnText(0)
			} else {
				next.number = stmt.ColumnInt64(0)
			}
			more, failed = yield(next)
			return more && failed == nil
		})
		if err == nil {
			err = failed
		}
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// count returns how many candidates there are, at most limit.
func (s source) count(conn *sqlite.Conn, limit int) (n int, err error) {
	if s.kind == 'a' {
		return limit, nil
	}
	for part := 0; part < s.parts && n < limit && err == nil; part++ {
		err = sqlitefile.Query(conn, "SELECT count(*) FROM ("+s.question+" LIMIT ?9)", func(stmt *sqlite.Stmt) {
			s.bind(stmt, Place{part: part, Ref: -1})
			stmt.BindInt64(9, int64(limit-n))
		}, func(stmt *sqlite.Stmt) bool {
			n += stmt.ColumnInt(0)
			return true
		})
	}
	return n, err
}

func once(*sqlite.Conn, row, Place) (bool, error) { return true, nil }

const (
	sqlToken    = `SELECT token, ref FROM register_tokens WHERE token = ?1 AND ref > ?2 ORDER BY ref`
	sqlHasToken = `SELECT 1 FROM register_tokens WHERE token = ?1 AND ref = ?2`
)

// tokenSource has who has one of these tokens.
func tokenSource(kind byte, of ...int64) source {
	return source{
		kind: kind, parts: len(of), question: sqlToken,
		bind: func(s *sqlite.Stmt, at Place) {
			s.BindInt64(1, of[at.part])
			s.BindInt64(2, at.Ref)
		},
		first: func(conn *sqlite.Conn, r row, at Place) (bool, error) {
			for _, earlier := range of[:at.part] {
				has, err := sqlitefile.One(conn, sqlHasToken, func(s *sqlite.Stmt) {
					s.BindInt64(1, earlier)
					s.BindInt64(2, r.ref)
				}, func(*sqlite.Stmt) {})
				if err != nil || has {
					return false, err
				}
			}
			return true, nil
		},
	}
}

const sqlPinyin = `SELECT text, ref FROM register_pinyin WHERE (text, ref) > (?1, ?2) AND text >= ?3 AND text < ?4 ORDER BY text, ref`

// pinyinSource has whose name is spelt so from its beginning.
func pinyinSource(text string) source {
	return source{
		kind: 'p', parts: 1, question: sqlPinyin, text: true,
		bind: func(s *sqlite.Stmt, at Place) {
			s.BindText(1, max(at.text, text))
			s.BindInt64(2, at.Ref)
			s.BindText(3, text)
			s.BindText(4, text+"\x7f")
		},
		first: func(_ *sqlite.Conn, r row, at Place) (bool, error) {
			i := slices.IndexFunc(r.spelt, func(one string) bool { return strings.HasPrefix(one, text) })
			return i >= 0 && r.spelt[i] == at.text, nil
		},
	}
}

const sqlPlace = `SELECT division, ref FROM register_places WHERE (division, ref) > (?1, ?2) AND division >= ?3 AND division <= ?4 ORDER BY division, ref`

// placeSource has who is under one of the prefixes.
func placeSource(kind byte, prefixes []record.Division) source {
	return source{
		kind: kind, parts: len(prefixes), question: sqlPlace,
		bind: func(s *sqlite.Stmt, at Place) {
			from, to := rangeOf(prefixes[at.part])
			s.BindInt64(1, max(at.number, from))
			s.BindInt64(2, at.Ref)
			s.BindInt64(3, from)
			s.BindInt64(4, to)
		},
		first: func(_ *sqlite.Conn, r row, at Place) (bool, error) {
			for part, prefix := range prefixes {
				for _, d := range r.divisions { // sorted
					if d.Within(prefix) {
						n, _ := numberOf(d)
						return part == at.part && n == at.number, nil
					}
				}
			}
			return false, nil
		},
	}
}

const sqlBirth = `
	SELECT birth, ref FROM register_persons INDEXED BY register_birth
	WHERE (birth, ref) > (?1, ?2) AND birth >= ?3 AND birth <= ?4 ORDER BY birth, ref`

// birthSource has who was born between two days; 0 is no bound.
func birthSource(from, to care.Date) source {
	if to == 0 {
		to = 99991231
	}
	from = max(from, 1)
	return source{
		kind: 'y', parts: 1, question: sqlBirth, first: once,
		bind: func(s *sqlite.Stmt, at Place) {
			s.BindInt64(1, max(at.number, int64(from)))
			s.BindInt64(2, at.Ref)
			s.BindInt64(3, int64(from))
			s.BindInt64(4, int64(to))
		},
	}
}

const sqlEverybody = `SELECT 0, ref FROM register_persons WHERE ref > ?1 ORDER BY ref`

func everybody() source {
	return source{
		kind: 'a', parts: 1, question: sqlEverybody, first: once,
		bind: func(s *sqlite.Stmt, at Place) { s.BindInt64(1, at.Ref) },
	}
}

const sqlRow = `SELECT ` + rowColumns + ` FROM register_persons WHERE ref = ?1`

// rowAt returns the row of a ref; false when there is none, or its numbers are not wanted.
func rowAt(conn *sqlite.Conn, ref int64, wanted func(row) bool) (r row, ok bool, err error) {
	var failed error
	_, err = sqlitefile.One(conn, sqlRow, func(s *sqlite.Stmt) { s.BindInt64(1, ref) }, func(s *sqlite.Stmt) { r, ok, failed = columnRow(s, wanted) })
	if err == nil {
		err = failed
	}
	return r, ok, err
}
