// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// factsRow is the facts of one person as they are stored; without facts it is nobody's.
type factsRow struct {
	id        int64 // 0: not stored
	person    record.ID
	home      record.Division
	kind      record.Kind // of a record about nobody; 0: a person
	facts     []byte
	divisions []record.Division // when it is to be stored
}

const factsColumns = `id, person, home, kind, facts`

const (
	// By the index of UNIQUE.
	sqlFactsOf   = `SELECT ` + factsColumns + ` FROM assessment_facts WHERE person = ?1`
	sqlAllFacts  = `SELECT ` + factsColumns + ` FROM assessment_facts`
	sqlByPerson  = `SELECT ` + factsColumns + ` FROM assessment_facts ORDER BY person`
	sqlCountAll  = `SELECT count(*) FROM assessment_facts`
	sqlPutFacts  = `INSERT INTO assessment_facts (person, home, kind, facts) VALUES (?1, ?2, ?3, ?4)`
	sqlSetFacts  = `UPDATE assessment_facts SET person = ?1, home = ?2, kind = ?3, facts = ?4 WHERE id = ?5`
	sqlDropFacts = `DELETE FROM assessment_facts WHERE id = ?1`

	sqlPutPlace  = `INSERT INTO assessment_places (division, person, home) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`
	sqlDropPlace = `DELETE FROM assessment_places WHERE division = ?1 AND person = ?2`
)

func columnFacts(s *sqlite.Stmt) factsRow {
	row := factsRow{id: s.ColumnInt64(0), home: record.Division(s.ColumnText(2)), kind: record.Kind(s.ColumnInt64(3)), facts: sqlitefile.Bytes(s, 4)}
	s.ColumnBytes(1, row.person[:])
	return row
}

func readFacts(conn *sqlite.Conn, person record.ID) (row factsRow, ok bool, err error) {
	ok, err = sqlitefile.One(conn, sqlFactsOf, func(s *sqlite.Stmt) { s.BindBytes(1, person[:]) }, func(s *sqlite.Stmt) { row = columnFacts(s) })
	return row, ok, err
}

func (r factsRow) decode() (indicators.Facts, error) {
	f, err := indicators.DecodeFacts(r.facts)
	if err != nil {
		return f, fmt.Errorf("facts of %s: %w", r.person, err)
	}
	return f, nil
}

// replaceFacts writes a row in place of those of the same residents, and where it may count.
func replaceFacts(conn *sqlite.Conn, before []factsRow, now factsRow) error {
	for i, row := range before {
		if err := dropPlaces(conn, row); err != nil {
			return err
		}
		if i == 0 && len(now.facts) > 0 {
			now.id = row.id
			continue
		}
		if err := sqlitefile.Write(conn, sqlDropFacts, func(s *sqlite.Stmt) { s.BindInt64(1, row.id) }); err != nil {
			return err
		}
	}
	if len(now.facts) == 0 {
		return nil
	}
	question := sqlPutFacts
	if now.id != 0 {
		question = sqlSetFacts
	}
	err := sqlitefile.Write(conn, question, func(s *sqlite.Stmt) {
		s.BindBytes(1, now.person[:])
		s.BindText(2, string(now.home))
		s.BindInt64(3, int64(now.kind))
		s.BindBytes(4, now.facts)
		if now.id != 0 {
			s.BindInt64(5, now.id)
		}
	})
	if err != nil {
		return err
	}
	for _, d := range now.divisions {
		err := sqlitefile.Write(conn, sqlPutPlace, func(s *sqlite.Stmt) {
			s.BindText(1, string(d))
			s.BindBytes(2, now.person[:])
			s.BindBool(3, d == now.home)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// dropPlaces removes where a stored row may count.
func dropPlaces(conn *sqlite.Conn, row factsRow) error {
	f, err := row.decode()
	if err != nil {
		return err
	}
	for _, d := range append(placesOf(f), row.home) {
		err := sqlitefile.Write(conn, sqlDropPlace, func(s *sqlite.Stmt) {
			s.BindText(1, string(d))
			s.BindBytes(2, row.person[:])
		})
		if err != nil {
			return err
		}
	}
	return nil
}
