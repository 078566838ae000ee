// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// generationKey is what the counts of a generation follow from, beside the facts.
type generationKey struct {
	day      care.Date
	settings [32]byte
}

// generation is the counts of all standard windows on a day.
type generation struct {
	number int64
	generationKey
	division record.Division // who is behind this place is not counted yet
	person   record.ID
	done     bool
}

// has reports whether somebody who is first looked for at home is counted.
func (g generation) has(row factsRow) bool {
	return g.done || cmp.Or(cmp.Compare(row.home, g.division), bytes.Compare(row.person[:], g.person[:])) <= 0
}

const (
	sqlGenerations = `SELECT generation, day, settings, division, person, done FROM assessment_generations ORDER BY generation`
	// Its number is behind that of all tallies there are, those of dropped generations, too.
	sqlBeginGeneration = `INSERT INTO assessment_generations (generation, day, settings, division, person, done)
		VALUES (1 + max((SELECT ifnull(max(generation), 0) FROM assessment_generations), (SELECT ifnull(max(generation), 0) FROM assessment_tallies)), ?1, ?2, '', x'', 0)`
	sqlStepGeneration = `UPDATE assessment_generations SET division = ?2, person = ?3, done = ?4 WHERE generation = ?1`
	sqlEndGeneration  = `DELETE FROM assessment_generations WHERE generation = ?1`
	sqlLeastTally     = `SELECT min(generation) FROM assessment_tallies`
	sqlDropSome       = `DELETE FROM assessment_tallies WHERE generation = ?1 AND window = (SELECT min(window) FROM assessment_tallies WHERE generation = ?1)`

	sqlAddTally = `INSERT INTO assessment_tallies (generation, window, code, division, doctor, numerator, denominator, amount)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
		ON CONFLICT DO UPDATE SET numerator = numerator + excluded.numerator, denominator = denominator + excluded.denominator, amount = amount + excluded.amount`

	// By the primary key of places, then by that of persons.
	sqlNextHomes = `SELECT f.id, f.person, f.home, f.kind, f.facts FROM assessment_places AS p CROSS JOIN assessment_facts AS f ON f.person = p.person
		WHERE (p.division, p.person) > (?1, ?2) AND p.home = 1 ORDER BY p.division, p.person LIMIT ?3`
)

func readGenerations(conn *sqlite.Conn) (all []generation, err error) {
	err = sqlitefile.Query(conn, sqlGenerations, nil, func(s *sqlite.Stmt) bool {
		g := generation{number: s.ColumnInt64(0), division: record.Division(s.ColumnText(3)), done: s.ColumnBool(5)}
		g.day = care.Date(s.ColumnInt64(1))
		s.ColumnBytes(2, g.settings[:])
		s.ColumnBytes(4, g.person[:])
		all = append(all, g)
		return true
	})
	return all, err
}

// usable returns the generations that can be kept up by the rulebook at hand, and drops those of
// another one: what left them could not be taken out any more.
func (m *Module) usable(conn *sqlite.Conn, book rulebook) ([]generation, error) {
	all, err := readGenerations(conn)
	if err != nil {
		return nil, err
	}
	var out []generation
	for _, g := range all {
		if g.settings == book.digest {
			out = append(out, g)
			continue
		}
		if err := dropGeneration(conn, g); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// dropGenerations drops all but one.
func dropGenerations(conn *sqlite.Conn, keep int64) error {
	all, err := readGenerations(conn)
	if err != nil {
		return err
	}
	for _, g := range all {
		if g.number == keep {
			continue
		}
		if err := dropGeneration(conn, g); err != nil {
			return err
		}
	}
	return nil
}

func dropGeneration(conn *sqlite.Conn, g generation) error {
	return sqlitefile.Write(conn, sqlEndGeneration, func(s *sqlite.Stmt) { s.BindInt64(1, g.number) })
}

// tallyKey is a row of the tallies of one generation.
type tallyKey struct {
	window, code int16
	division     record.Division
	doctor       string
}

type tallies map[tallyKey]indicators.Tally

// evaluatorsOf returns one for each standard window of a generation.
func (m *Module) evaluatorsOf(g generationKey, book rulebook) []*indicators.Evaluator {
	if all, ok := m.evaluators[g]; ok {
		return all
	}
	if len(m.evaluators) > 3 {
		clear(m.evaluators)
	}
	var all []*indicators.Evaluator
	for _, w := range windowsOn(g.day) {
		all = append(all, indicators.NewEvaluator(w.question(), book.settings))
	}
	m.evaluators[g] = all
	return all
}

// add takes somebody into the sums of all windows, or out of them when sign is -1.
func (m *Module) add(into tallies, evaluators []*indicators.Evaluator, row factsRow, sign int64) error {
	f, err := row.decode()
	if err != nil {
		return err
	}
	for w, e := range evaluators {
		m.out = e.Append(m.out[:0], &f)
		for _, o := range m.out {
			key := tallyKey{int16(w), m.codes[o.Code], o.Division, o.Doctor}
			t := into[key]
			into[key] = t.Plus(indicators.Tally{Numerator: sign * o.Numerator, Denominator: sign * o.Denominator, Amount: sign * o.Amount})
		}
	}
	return nil
}

// recount takes old rows out of the tallies, and the new one in.
func (m *Module) recount(conn *sqlite.Conn, before []factsRow, now factsRow) error {
	book, err := m.books.current()
	if err != nil {
		return dropGenerations(conn, 0) // which nobody can keep up; Settle says why
	}
	all, err := m.usable(conn, book)
	if err != nil {
		return err
	}
	for _, g := range all {
		change := tallies{}
		evaluators := m.evaluatorsOf(g.generationKey, book)
		for _, row := range before {
			if g.has(row) {
				if err := m.add(change, evaluators, row, -1); err != nil {
					return err
				}
			}
		}
		if len(now.facts) > 0 && g.has(now) {
			if err := m.add(change, evaluators, now, 1); err != nil {
				return err
			}
		}
		if err := change.write(conn, g.number); err != nil {
			return err
		}
	}
	return nil
}

func (t tallies) write(conn *sqlite.Conn, generation int64) error {
	for k, v := range t {
		if v == (indicators.Tally{}) {
			continue
		}
		err := sqlitefile.Write(conn, sqlAddTally, func(s *sqlite.Stmt) {
			s.BindInt64(1, generation)
			s.BindInt64(2, int64(k.window))
			s.BindInt64(3, int64(k.code))
			s.BindText(4, string(k.division))
			s.BindText(5, k.doctor)
			s.BindInt64(6, v.Numerator)
			s.BindInt64(7, v.Denominator)
			s.BindInt64(8, v.Amount)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// What one Settle does: so many people are read at a time, for so long.
const (
	settlePiece = 1000
	settleFor   = 700 * time.Millisecond
)

// Settle makes the tallies of the day and the rulebook at hand, in pieces; then it drops those
// of an earlier one.
func (m *Module) Settle(ctx context.Context, file *sqlitefile.File, day care.Date) (done bool, err error) {
	book, err := m.books.current()
	if err != nil {
		return true, err
	}
	err = file.Update(ctx, func(conn *sqlite.Conn) error {
		g, err := m.present(conn, book, day)
		if err != nil {
			return err
		}
		if !g.done {
			return m.countOn(ctx, conn, book, g)
		}
		done, err = m.tidy(conn, g)
		return err
	})
	return done, err
}

// present returns the generation of the day and the rulebook, which it begins if there is none.
// Of earlier ones the last that is done stays until this one is.
func (m *Module) present(conn *sqlite.Conn, book rulebook, day care.Date) (generation, error) {
	all, err := m.usable(conn, book)
	if err != nil {
		return generation{}, err
	}
	key := generationKey{day, book.digest}
	found := generation{generationKey: key}
	for i, g := range all {
		switch {
		case g.generationKey == key:
			found = g
		case !g.done || i < len(all)-2:
			if err := dropGeneration(conn, g); err != nil {
				return found, err
			}
		}
	}
	if found.number != 0 {
		return found, nil
	}
	err = sqlitefile.Write(conn, sqlBeginGeneration, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(day))
		s.BindBytes(2, book.digest[:])
	})
	found.number = conn.LastInsertRowID()
	return found, err
}

// countOn takes the next people into a generation.
func (m *Module) countOn(ctx context.Context, conn *sqlite.Conn, book rulebook, g generation) error {
	began := time.Now()
	evaluators := m.evaluatorsOf(g.generationKey, book)
	sums := tallies{}
	for !g.done && time.Since(began) < settleFor && ctx.Err() == nil {
		rows, err := nextHomes(conn, g)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if err := m.add(sums, evaluators, row, 1); err != nil {
				return err
			}
			g.division, g.person = row.home, row.person
		}
		g.done = len(rows) < settlePiece
	}
	if err := sums.write(conn, g.number); err != nil {
		return err
	}
	return sqlitefile.Write(conn, sqlStepGeneration, func(s *sqlite.Stmt) {
		s.BindInt64(1, g.number)
		s.BindText(2, string(g.division))
		s.BindBytes(3, g.person[:])
		s.BindBool(4, g.done)
	})
}

func nextHomes(conn *sqlite.Conn, g generation) (rows []factsRow, err error) {
	err = sqlitefile.Query(conn, sqlNextHomes, func(s *sqlite.Stmt) {
		s.BindText(1, string(g.division))
		s.BindBytes(2, g.person[:])
		s.BindInt64(3, settlePiece)
	}, func(s *sqlite.Stmt) bool {
		rows = append(rows, columnFacts(s))
		return true
	})
	return rows, err
}

// tidy drops what is no more asked for: other generations, then their tallies, a window at a time.
func (m *Module) tidy(conn *sqlite.Conn, keep generation) (done bool, err error) {
	if err := dropGenerations(conn, keep.number); err != nil {
		return false, err
	}
	least := keep.number
	_, err = sqlitefile.One(conn, sqlLeastTally, nil, func(s *sqlite.Stmt) {
		if s.ColumnType(0) != sqlite.TypeNull {
			least = s.ColumnInt64(0)
		}
	})
	if err != nil || least == keep.number {
		return err == nil, err
	}
	return false, sqlitefile.Write(conn, sqlDropSome, func(s *sqlite.Stmt) { s.BindInt64(1, least) })
}
