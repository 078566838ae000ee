// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// row is a Set as it is stored.
type row struct {
	position  Position
	about     string // a record, or a person and a zero byte
	combined  bool
	gone      string // a class and a division that the live row has left; empty: this is the live one
	person    record.ID
	class     record.Class
	divisions string
	findings  int
	changed   care.Date
	content   []byte

	shown []*carev1.Finding // what the content has; nil: it is to be decoded
}

type rowKey struct {
	about    string
	combined bool
}

const columns = `position, about, combined, gone, person, class, divisions, findings, changed, content`

const (
	// By findings_rows_person.
	sqlRowsOf = `SELECT ` + columns + ` FROM findings_rows WHERE person = ?1 AND gone = ''`
	// By findings_rows_about.
	sqlRowAbout = `SELECT ` + columns + ` FROM findings_rows WHERE about = ?1 AND combined = ?2 AND gone = ?3`

	sqlPutRow    = `INSERT INTO findings_rows (` + columns + `) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`
	sqlDropRow   = `DELETE FROM findings_rows WHERE position = ?1`
	sqlPutFound  = `INSERT INTO findings_found (rule, position, severity, findings) VALUES (?1, ?2, ?3, 1) ON CONFLICT DO UPDATE SET findings = findings + 1`
	sqlDropFound = `DELETE FROM findings_found WHERE rule = ?1 AND position = ?2`
)

func columnRow(s *sqlite.Stmt) row {
	return row{
		position: Position(s.ColumnInt64(0)), about: string(sqlitefile.Bytes(s, 1)), combined: s.ColumnBool(2), gone: s.ColumnText(3),
		person: columnID(s, 4), class: record.Class(s.ColumnInt64(5)), divisions: s.ColumnText(6), findings: s.ColumnInt(7),
		changed: care.Date(s.ColumnInt64(8)), content: sqlitefile.Bytes(s, 9),
	}
}

func (r row) key() rowKey { return rowKey{r.about, r.combined} }

// same reports whether receivers would learn nothing from r who have other.
func (r row) same(other row) bool {
	return r.person == other.person && r.class == other.class && r.divisions == other.divisions && bytes.Equal(r.content, other.content)
}

// record returns the record that r is about, zero when that is the person as a whole.
func (r row) record() (id record.ID) {
	if len(r.about) == len(id) {
		copy(id[:], r.about)
	}
	return id
}

// set returns r as others see it.
func (r row) set() (Set, error) {
	s := Set{
		Record: r.record(), Person: r.person, Combined: r.combined, ChangedOn: r.changed, Class: r.class,
		Divisions: splitDivisions(r.divisions), Position: r.position,
	}
	var err error
	s.Findings, s.Omitted, err = decodeContent(r.content)
	return s, err
}

// rowOf returns a set as it is stored, with the content of the row before where nothing is another.
func rowOf(s Set, before map[rowKey]row) (row, error) {
	r := row{about: string(s.Record[:]), combined: s.Combined, person: s.Person, class: s.Class, divisions: joinDivisions(s.Divisions)}
	if s.Record.IsZero() {
		r.about = string(append(s.Person[:], 0))
	}
	if was, ok := before[r.key()]; ok && slices.Equal(was.shown, s.Findings) { // the very ones that were read
		r.content, r.findings, r.shown = was.content, was.findings, was.shown
		return r, nil
	}
	var err error
	r.content, r.findings, err = encodeContent(s.Findings)
	r.shown = s.Findings[:r.findings]
	return r, err
}

// writing is the rows of one transaction.
type writing struct {
	conn *sqlite.Conn
	h    *header
	day  care.Date
}

// person puts what was found about a person in place of what the rows of all its residents
// say, which are before and are taken from it. Rows that say the same already stay where they are.
func (w writing) person(sets []Set, before map[rowKey]row) error {
	for _, s := range sets {
		now, err := rowOf(s, before)
		if err != nil {
			return err
		}
		was, ok := before[now.key()]
		delete(before, now.key())
		if !ok { // another person's until now, if there is one
			if was, ok, err = w.about(now, ""); err != nil {
				return err
			}
		}
		if ok && was.same(now) {
			continue
		}
		if err := w.replace(was, ok, now); err != nil {
			return err
		}
	}
	return w.closeAll(before)
}

// about returns the row about the same as r.
func (w writing) about(r row, gone string) (out row, ok bool, err error) {
	ok, err = sqlitefile.One(w.conn, sqlRowAbout, func(s *sqlite.Stmt) {
		s.BindBytes(1, []byte(r.about))
		s.BindBool(2, r.combined)
		s.BindText(3, gone)
	}, func(s *sqlite.Stmt) { out = columnRow(s) })
	return out, ok, err
}

// closeAll closes rows that say what nobody finds any more.
func (w writing) closeAll(rows map[rowKey]row) error {
	var open []row
	for _, r := range rows {
		if r.findings > 0 {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(a, b row) int { return cmp.Compare(a.position, b.position) })
	for _, was := range open {
		now := was
		now.findings, now.content = 0, nil
		if err := w.replace(was, true, now); err != nil {
			return err
		}
	}
	return nil
}

// replace writes now at the next position in place of was, if there is one.
func (w writing) replace(was row, ok bool, now row) error {
	if ok {
		if err := w.drop(was); err != nil {
			return err
		}
	}
	now.changed = w.day
	if err := w.put(now); err != nil {
		return err
	}
	if !ok {
		return nil
	}
	for _, d := range splitDivisions(was.divisions) {
		if now.class == was.class && slices.Contains(splitDivisions(now.divisions), d) {
			continue
		}
		left := row{
			about: now.about, combined: now.combined, gone: fmt.Sprintf("%d %s", was.class, d), person: now.person,
			class: was.class, divisions: string(d), changed: w.day,
		}
		if former, ok, err := w.about(left, left.gone); err != nil {
			return err
		} else if ok {
			if err := w.drop(former); err != nil {
				return err
			}
		}
		if err := w.put(left); err != nil {
			return err
		}
	}
	return nil
}

// put writes a row at the next position.
func (w writing) put(r row) error {
	w.h.last++
	r.position = w.h.last
	err := sqlitefile.Write(w.conn, sqlPutRow, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(r.position))
		s.BindBytes(2, []byte(r.about))
		s.BindBool(3, r.combined)
		s.BindText(4, r.gone)
		s.BindBytes(5, r.person[:])
		s.BindInt64(6, int64(r.class))
		s.BindText(7, r.divisions)
		s.BindInt64(8, int64(r.findings))
		s.BindInt64(9, int64(r.changed))
		s.BindBytes(10, r.content)
	})
	if err != nil {
		return err
	}
	all := r.shown
	if all == nil {
		if all, _, err = decodeContent(r.content); err != nil {
			return err
		}
	}
	for _, f := range all {
		err := sqlitefile.Write(w.conn, sqlPutFound, func(s *sqlite.Stmt) {
			s.BindText(1, f.GetRuleId())
			s.BindInt64(2, int64(r.position))
			s.BindInt64(3, int64(f.GetSeverity()))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// drop removes a row.
func (w writing) drop(r row) error {
	all, _, err := decodeContent(r.content)
	if err != nil {
		return err
	}
	for _, f := range all {
		err := sqlitefile.Write(w.conn, sqlDropFound, func(s *sqlite.Stmt) {
			s.BindText(1, f.GetRuleId())
			s.BindInt64(2, int64(r.position))
		})
		if err != nil {
			return err
		}
	}
	return sqlitefile.Write(w.conn, sqlDropRow, func(s *sqlite.Stmt) { s.BindInt64(1, int64(r.position)) })
}

func bindID(id record.ID) func(*sqlite.Stmt) {
	return func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }
}

func columnID(s *sqlite.Stmt, column int) (id record.ID) {
	s.ColumnBytes(column, id[:])
	return id
}
