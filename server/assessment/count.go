// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"errors"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// cell is a place in a table of sums.
type cell struct {
	code indicators.Code
	unit Unit
}

type sums map[cell]indicators.Tally

// Basis says what figures were made of.
type Basis struct {
	Standing
	AsOf       care.Date // the last day that counts
	Pack       [2]string // name and version of the rule pack
	Settings   [32]byte
	CountedOn  care.Date // the day on which the tallies were made
	FromTables bool      // nothing had to be counted from facts
	Freeze     *Freeze   // the figures are those that were frozen; nil: they were counted
}

// counting is one look at the tables, in one snapshot.
type counting struct {
	ctx  context.Context //nolint:containedctx // of the one question that it is made for
	a    *Assessment
	conn *sqlite.Conn
	book rulebook

	standing   Standing
	generation generation // the last one that is done; number 0: there is none
	day        care.Date  // as of which people are looked at where nobody says
}

// count runs do on one snapshot of the tables.
func (a *Assessment) count(ctx context.Context, do func(*counting) error) error {
	book, err := a.cfg.Module.books.current()
	if err != nil {
		return errors.Join(problem(ProblemSettings, "the rule pack cannot be counted by: %v", err), err)
	}
	return a.cfg.Projection.View(ctx, func(conn *sqlite.Conn) error {
		c := &counting{ctx: ctx, a: a, conn: conn, book: book, day: a.today()}
		if c.standing, err = a.cfg.Projection.Standing(conn); err != nil {
			return err
		}
		all, err := readGenerations(conn)
		if err != nil {
			return err
		}
		for _, g := range all {
			if g.done && g.settings == book.digest {
				c.generation, c.day = g, g.day
			}
		}
		return do(c)
	})
}

func (c *counting) basis(last care.Date) Basis {
	return Basis{
		Standing: c.standing, AsOf: last, Pack: [2]string{c.book.pack.Name(), c.book.pack.Version()}, Settings: c.book.digest, CountedOn: c.day,
	}
}

// asOf returns the day on which a query is asked.
func (c *counting) asOf(q Query) care.Date {
	if q.AsOf != 0 {
		return q.AsOf
	}
	return max(c.day, q.Period.From)
}

// sums counts some codes of windows by units of the query: from the tables where they have the
// window, else from the facts.
func (c *counting) sums(ctx context.Context, q Query, codes []indicators.Code, ws []window, progress Progress) (out []sums, fromTables bool, err error) {
	out = make([]sums, len(ws))
	var left []int
	standard := windowsOn(c.generation.day)
	for i, w := range ws {
		out[i] = sums{}
		at := slices.Index(standard, w)
		if c.generation.number == 0 || at < 0 || q.ReceivedBy != 0 {
			left = append(left, i)
			continue
		}
		if err := c.read(q, codes, int64(at), out[i]); err != nil {
			return nil, false, err
		}
	}
	if len(left) == 0 {
		return out, true, nil
	}
	return out, false, c.stream(ctx, q, codes, ws, left, out, progress)
}

const (
	// By the primary key.
	sqlTalliesOfCode = `SELECT code, division, doctor, numerator, denominator, amount FROM assessment_tallies WHERE generation = ?1 AND window = ?2 AND code = ?3`
	sqlTalliesOfAll  = `SELECT code, division, doctor, numerator, denominator, amount FROM assessment_tallies WHERE generation = ?1 AND window = ?2`
)

// fewCodes is up to how many codes are asked for one by one.
const fewCodes = 12

// read adds the tallies of a standard window.
func (c *counting) read(q Query, codes []indicators.Code, at int64, into sums) error {
	all := indicators.All()
	take := func(s *sqlite.Stmt) bool {
		code, d := all[s.ColumnInt(0)].Code, record.Division(s.ColumnText(1))
		if !within(d, q.Divisions) || !slices.Contains(codes, code) {
			return true
		}
		key := cell{code, unitOf(d, s.ColumnText(2), q.Level, record.Division(c.a.cfg.County))}
		into[key] = into[key].Plus(indicators.Tally{Numerator: s.ColumnInt64(3), Denominator: s.ColumnInt64(4), Amount: s.ColumnInt64(5)})
		return true
	}
	if len(codes) > fewCodes {
		return sqlitefile.Query(c.conn, sqlTalliesOfAll, func(s *sqlite.Stmt) {
			s.BindInt64(1, c.generation.number)
			s.BindInt64(2, at)
		}, take)
	}
	for _, code := range codes {
		err := sqlitefile.Query(c.conn, sqlTalliesOfCode, func(s *sqlite.Stmt) {
			s.BindInt64(1, c.generation.number)
			s.BindInt64(2, at)
			s.BindInt64(3, int64(c.a.cfg.Module.codes[code]))
		}, take)
		if err != nil {
			return err
		}
	}
	return nil
}

// within reports whether a division is under one of some prefixes; what is nowhere is only under
// the empty one.
func within(d record.Division, prefixes []record.Division) bool {
	return slices.ContainsFunc(prefixes, func(p record.Division) bool { return d.Within(p) })
}

// tellEvery is after how many people progress is told.
const tellEvery = 4096

// walk calls each with all facts, in the order in which they stand in the file or in order of person.
func (c *counting) walk(ctx context.Context, question string, progress Progress, each func(factsRow, *indicators.Facts) error) error {
	total := 0
	if _, err := sqlitefile.One(c.conn, sqlCountAll, nil, func(s *sqlite.Stmt) { total = s.ColumnInt(0) }); err != nil {
		return err
	}
	done := 0
	var failed error
	err := sqlitefile.Query(c.conn, question, nil, func(s *sqlite.Stmt) bool {
		if done%tellEvery == 0 {
			progress(done, total)
			failed = ctx.Err()
		}
		done++
		row := columnFacts(s)
		f, err := row.decode()
		if failed = errors.Join(failed, err); failed == nil {
			failed = each(row, &f)
		}
		return failed == nil
	})
	if failed != nil {
		return failed
	}
	progress(total, total)
	return err
}

// share is how many people a worker takes at a time; tests have others.
var share = 512

// walkShared is walk on all processors, in no order: work makes what each of them does with everybody's
// facts, which is called by one goroutine only.
func (c *counting) walkShared(ctx context.Context, question string, progress Progress, work func() func(*indicators.Facts) error) error {
	total := 0
	if _, err := sqlitefile.One(c.conn, sqlCountAll, nil, func(s *sqlite.Stmt) { total = s.ColumnInt(0) }); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	shares := make(chan []factsRow, 1)
	for range runtime.GOMAXPROCS(0) {
		each := work()
		g.Go(func() error {
			for rows := range shares {
				for _, row := range rows {
					f, err := row.decode()
					if err == nil {
						err = each(&f)
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	done := 0
	var rows []factsRow
	hand := func() bool {
		select {
		case shares <- rows:
			rows = nil
			return true
		case <-ctx.Done():
			return false
		}
	}
	err := sqlitefile.Query(c.conn, question, nil, func(s *sqlite.Stmt) bool {
		if done%tellEvery == 0 {
			progress(done, total)
		}
		done++
		rows = append(rows, columnFacts(s))
		return len(rows) < share || hand()
	})
	if err == nil && len(rows) > 0 {
		hand()
	}
	close(shares)
	given := ctx.Err() // before the wait, which ends ctx
	if err := errors.Join(err, g.Wait(), given); err != nil {
		return err
	}
	progress(total, total)
	return nil
}

// stream adds what everybody's facts say of those windows that are left.
func (c *counting) stream(ctx context.Context, q Query, codes []indicators.Code, ws []window, left []int, out []sums, progress Progress) error {
	county := record.Division(c.a.cfg.County)
	var parts [][]sums
	work := func() func(*indicators.Facts) error {
		evaluators, mine := make([]*indicators.Evaluator, len(left)), make([]sums, len(left))
		for i, at := range left {
			question := ws[at].question()
			question.ReceivedBy, question.Codes = q.ReceivedBy, codes
			evaluators[i], mine[i] = indicators.NewEvaluator(question, c.book.settings), sums{}
		}
		parts = append(parts, mine)
		var outcomes []indicators.Outcome
		return func(f *indicators.Facts) error {
			for i, e := range evaluators {
				outcomes = e.Append(outcomes[:0], f)
				for _, o := range outcomes {
					if !within(o.Division, q.Divisions) {
						continue
					}
					key := cell{o.Code, unitOf(o.Division, o.Doctor, q.Level, county)}
					t := mine[i][key]
					t.Add(o)
					mine[i][key] = t
				}
			}
			return nil
		}
	}
	if err := c.walkShared(ctx, sqlAllFacts, progress, work); err != nil {
		return err
	}
	for _, mine := range parts {
		for i, at := range left {
			for key, t := range mine[i] {
				out[at][key] = out[at][key].Plus(t)
			}
		}
	}
	return nil
}

const sqlFactsOfKind = `SELECT ` + factsColumns + ` FROM assessment_facts WHERE kind = ?1 AND kind > 0`

// registry reads what the bureau entered and what tasks say.
func (c *counting) registry(cutoff care.Date) (*indicators.Registry, error) {
	var rows []indicators.Registered
	for _, kind := range []record.Kind{kindStatistic, kindTask} {
		var failed error
		err := sqlitefile.Query(c.conn, sqlFactsOfKind, func(s *sqlite.Stmt) { s.BindInt64(1, int64(kind)) }, func(s *sqlite.Stmt) bool {
			f, err := columnFacts(s).decode()
			if failed = err; err == nil {
				rows = append(rows, f.Registered(cutoff)...)
			}
			return failed == nil
		})
		if err := errors.Join(err, failed); err != nil {
			return nil, err
		}
	}
	return indicators.NewRegistry(rows), nil
}
