// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// How much one transaction does, so that each takes a fraction of a second: a doctor's year of
// 5,000 visits takes some 30 ms, most shared things have one or two members.
const (
	pieceShared   = 500
	pieceYears    = 8
	pieceQuarters = 1
	// maxVisits bounds a doctor's year: ten times what sixty visits on each working day are.
	maxVisits = 150_000
)

const (
	sqlNextDue = `SELECT stage, name, number FROM authenticity_due ORDER BY stage, name, number LIMIT ?1`
	sqlDone    = `DELETE FROM authenticity_due WHERE stage = ?1 AND name = ?2 AND number = ?3`
	sqlWaiting = `SELECT count(*) FROM authenticity_due`

	sqlMembers     = `SELECT content FROM authenticity_keys WHERE kind = ?1 AND hash = ?2 ORDER BY record LIMIT ?3`
	sqlVisits      = `SELECT content FROM authenticity_visits WHERE doctor = ?1 AND year = ?2 ORDER BY record LIMIT ?3`
	sqlHome        = `SELECT latitude, longitude, accuracy, system FROM authenticity_homes WHERE household = ?1`
	sqlPosts       = `SELECT since, until FROM authenticity_posts WHERE staff = ?1`
	sqlAnyPosts    = `SELECT 1 FROM authenticity_posts LIMIT 1`
	sqlDropTests   = `DELETE FROM authenticity_tests WHERE quarter = ?1 AND doctor = ?2`
	sqlPutTest     = `INSERT INTO authenticity_tests (quarter, doctor, rule, n, statistic, df, p, q, large, finding) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9)`
	sqlTests       = `SELECT doctor, rule, n, statistic, df, p, large, finding FROM authenticity_tests WHERE quarter = ?1 ORDER BY doctor, rule`
	sqlWeighTest   = `UPDATE authenticity_tests SET q = ?4 WHERE quarter = ?1 AND doctor = ?2 AND rule = ?3`
	quartersOfYear = 4
)

// dueItem is something to be looked at.
type dueItem struct {
	stage  int
	name   string
	number int64
}

// Settle does the next piece of what is due: shared things first, since they may make a doctor's
// year due, then doctors' years, and when there is nothing else the quarters whose tests changed.
func (m *Module) Settle(ctx context.Context, file *sqlitefile.File, _ care.Date) (done bool, err error) {
	var items []dueItem
	err = file.View(ctx, func(conn *sqlite.Conn) error {
		items, err = nextDue(conn)
		return err
	})
	if err != nil || len(items) == 0 {
		return err == nil, err
	}
	err = file.Update(ctx, func(conn *sqlite.Conn) error {
		for _, item := range items {
			if err := m.do(conn, item); err != nil {
				return err
			}
		}
		return nil
	})
	return false, err
}

// nextDue returns a piece of what is due, all of one stage.
func nextDue(conn *sqlite.Conn) (items []dueItem, err error) {
	most := map[int]int{stageShared: pieceShared, stageYear: pieceYears, stageQuarter: pieceQuarters}
	err = sqlitefile.Query(conn, sqlNextDue, func(s *sqlite.Stmt) { s.BindInt64(1, pieceShared) }, func(s *sqlite.Stmt) bool {
		next := dueItem{s.ColumnInt(0), s.ColumnText(1), s.ColumnInt64(2)}
		if len(items) > 0 && (next.stage != items[0].stage || len(items) >= most[next.stage]) {
			return false
		}
		items = append(items, next)
		return true
	})
	return items, err
}

func (m *Module) do(conn *sqlite.Conn, item dueItem) error {
	var err error
	switch item.stage {
	case stageShared:
		err = m.shared(conn, item)
	case stageYear:
		err = m.year(conn, item.name, int(item.number))
	case stageQuarter:
		err = m.quarter(conn, authenticity.Quarter(item.number))
	}
	if err != nil {
		return fmt.Errorf("stage %d: %w", item.stage, err)
	}
	return sqlitefile.Write(conn, sqlDone, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(item.stage))
		s.BindText(2, item.name)
		s.BindInt64(3, item.number)
	})
}

// shared looks at those who bear a key.
func (m *Module) shared(conn *sqlite.Conn, item dueItem) error {
	kind, err := strconv.Atoi(item.name)
	if err != nil {
		return err
	}
	var members []authenticity.Member
	var bad error
	most := int64(authenticity.MaxMembers)
	if !authenticity.KeyKind(kind).Compared() {
		most = -1 // all
	}
	err = sqlitefile.Query(conn, sqlMembers, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(kind))
		s.BindInt64(2, item.number)
		s.BindInt64(3, most)
	}, func(s *sqlite.Stmt) bool {
		var one authenticity.Member
		one, bad = authenticity.DecodeMember(sqlitefile.Bytes(s, 0))
		members = append(members, one)
		return bad == nil
	})
	if err != nil || bad != nil {
		return fmt.Errorf("members: %w", firstOf(err, bad))
	}
	if !authenticity.KeyKind(kind).Compared() {
		for _, one := range members {
			if err := due(conn, stageYear, one.Doctor, int64(one.Day.Year())); err != nil {
				return err
			}
		}
		return nil
	}
	source := fmt.Sprintf("k%d/%x", kind, uint64(item.number))
	return replace(conn, source, allToWire(m.rules.Load().Shared(authenticity.KeyKind(kind), item.number, members)))
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// year looks at one doctor's year, and marks the quarters whose tests it has.
func (m *Module) year(conn *sqlite.Conn, doctor string, year int) error {
	visits, err := visitsOf(conn, doctor, year)
	if err != nil {
		return err
	}
	around, err := aroundOf(conn, visits)
	if err != nil {
		return err
	}
	found, tests := m.rules.Load().Year(doctor, year, visits, around)
	for part := 1; part <= quartersOfYear; part++ {
		q := authenticity.Quarter(year*10 + part)
		if err := putTests(conn, q, doctor, tests[q]); err != nil {
			return err
		}
	}
	return replace(conn, fmt.Sprintf("y%d %s", year, doctor), allToWire(found))
}

func visitsOf(conn *sqlite.Conn, doctor string, year int) (visits []authenticity.Visit, err error) {
	var bad error
	err = sqlitefile.Query(conn, sqlVisits, func(s *sqlite.Stmt) {
		s.BindText(1, doctor)
		s.BindInt64(2, int64(year))
		s.BindInt64(3, maxVisits)
	}, func(s *sqlite.Stmt) bool {
		var v authenticity.Visit
		v, bad = authenticity.DecodeVisit(sqlitefile.Bytes(s, 0))
		visits = append(visits, v)
		return bad == nil
	})
	return visits, firstOf(err, bad)
}

// aroundOf reads what must be known beside the visits.
func aroundOf(conn *sqlite.Conn, visits []authenticity.Visit) (around authenticity.Around, err error) {
	around.Homes = map[record.ID]authenticity.Point{}
	posts := map[string]authenticity.Posts{}
	for i := range visits {
		v := &visits[i]
		if _, known := around.Homes[v.Household]; !known && !v.Household.IsZero() {
			if around.Homes[v.Household], err = homeOf(conn, v.Household); err != nil {
				return around, err
			}
		}
		for _, who := range []string{v.Doctor, v.Signer} {
			if _, known := posts[who]; !known && who != "" {
				if posts[who], err = postsOf(conn, who); err != nil {
					return around, err
				}
			}
		}
	}
	any, err := sqlitefile.One(conn, sqlAnyPosts, func(*sqlite.Stmt) {}, func(*sqlite.Stmt) {})
	if any {
		around.OnList = func(staff string, day care.Date) bool { return posts[staff].On(day) }
	}
	return around, err
}

func homeOf(conn *sqlite.Conn, household record.ID) (p authenticity.Point, err error) {
	_, err = sqlitefile.One(conn, sqlHome, func(s *sqlite.Stmt) { s.BindBytes(1, household[:]) }, func(s *sqlite.Stmt) {
		p = authenticity.PointAt(s.ColumnInt32(0), s.ColumnInt32(1), s.ColumnInt32(2), s.ColumnInt32(3))
	})
	return p, err
}

func postsOf(conn *sqlite.Conn, staff string) (p authenticity.Posts, err error) {
	p.Staff = staff
	err = sqlitefile.Query(conn, sqlPosts, func(s *sqlite.Stmt) { s.BindText(1, staff) }, func(s *sqlite.Stmt) bool {
		p.Spans = append(p.Spans, [2]care.Date{care.Date(s.ColumnInt64(0)), care.Date(s.ColumnInt64(1))})
		return true
	})
	return p, err
}

// putTests keeps a doctor's tests of a quarter, and marks the quarter if there are or were any.
func putTests(conn *sqlite.Conn, q authenticity.Quarter, doctor string, tests []authenticity.Test) error {
	err := sqlitefile.Write(conn, sqlDropTests, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(q))
		s.BindText(2, doctor)
	})
	if err != nil {
		return err
	}
	if len(tests) == 0 && conn.Changes() == 0 {
		return nil
	}
	for i := range tests {
		t := &tests[i]
		content := []byte{}
		if t.Large {
			if content, err = (proto.MarshalOptions{Deterministic: true}).Marshal(toWire(&t.Finding)); err != nil {
				return err
			}
		}
		err := sqlitefile.Write(conn, sqlPutTest, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(q))
			s.BindText(2, doctor)
			s.BindText(3, t.Finding.Rule)
			s.BindInt64(4, int64(t.N))
			s.BindFloat(5, t.Statistic)
			s.BindFloat(6, t.DF)
			s.BindFloat(7, t.P)
			s.BindBool(8, t.Large)
			s.BindBytes(9, content)
		})
		if err != nil {
			return err
		}
	}
	return due(conn, stageQuarter, "", int64(q))
}

// quarter weighs all tests of a quarter against each other, and keeps which of them stand.
func (m *Module) quarter(conn *sqlite.Conn, q authenticity.Quarter) error {
	var tests []authenticity.Test
	var contents [][]byte
	err := sqlitefile.Query(conn, sqlTests, func(s *sqlite.Stmt) { s.BindInt64(1, int64(q)) }, func(s *sqlite.Stmt) bool {
		tests = append(tests, authenticity.Test{
			N: s.ColumnInt(2), Statistic: s.ColumnFloat(3), DF: s.ColumnFloat(4), P: s.ColumnFloat(5), Large: s.ColumnBool(6),
			Finding: authenticity.Finding{Rule: s.ColumnText(1), Doctor: s.ColumnText(0)},
		})
		contents = append(contents, sqlitefile.Bytes(s, 7))
		return true
	})
	if err != nil {
		return err
	}
	authenticity.Weigh(tests)
	rules := m.rules.Load()
	var standing []*officev1.AuthenticityFinding
	for i, t := range tests {
		err := sqlitefile.Write(conn, sqlWeighTest, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(q))
			s.BindText(2, t.Finding.Doctor)
			s.BindText(3, t.Finding.Rule)
			s.BindFloat(4, t.Q)
		})
		if err != nil {
			return err
		}
		if !rules.Stands(t) {
			continue
		}
		f := &officev1.AuthenticityFinding{}
		if err := proto.Unmarshal(contents[i], f); err != nil {
			return err
		}
		f.Test = testToWire(t)
		standing = append(standing, f)
	}
	return replace(conn, "q"+q.String(), standing)
}
