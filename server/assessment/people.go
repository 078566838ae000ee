// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Selection says who of a denominator is listed.
type Selection int

// Selections.
const (
	Everybody Selection = iota
	Counted
	Failed
)

// PeopleQuery asks who is behind one figure.
type PeopleQuery struct {
	Query
	Code      indicators.Code
	Doctor    string // empty: of all
	Selection Selection
	Classes   []record.Class // that the caller may see
	After     PeoplePlace
	Limit     int
}

// PeoplePlace is a place in a list of people; the zero one is before all.
type PeoplePlace struct {
	Division record.Division
	Person   record.ID
}

// compare orders places as lists of people are ordered.
func (p PeoplePlace) compare(o PeoplePlace) int {
	return cmp.Or(cmp.Compare(p.Division, o.Division), bytes.Compare(p.Person[:], o.Person[:]))
}

// Person is somebody, or a record about nobody, behind a figure.
type Person struct {
	ID      record.ID
	Outcome indicators.Outcome
	Name    string
	Number  string
	Phone   string
}

// People is a page of a list.
type People struct {
	People []Person
	Next   PeoplePlace
	More   bool // the list may go on behind Next
}

const (
	// By the primary key of places, then by that of persons.
	sqlPlaces = `SELECT p.division, f.id, f.person, f.home, f.kind, f.facts FROM assessment_places AS p CROSS JOIN assessment_facts AS f ON f.person = p.person
		WHERE (p.division, p.person) > (?1, ?2) AND p.division < ?3 ORDER BY p.division, p.person`

	// scanned is how many are looked at for one page at most: some tenths of a second.
	scanned = 40_000
)

// People returns a page of those behind a figure, in order of division and id. It can be short, and
// even empty, when many were looked at for few.
func (a *Assessment) People(ctx context.Context, q PeopleQuery) (People, error) {
	query, err := q.check(a.today())
	if err != nil {
		return People{}, err
	}
	q.Query = query
	one, ok := indicators.Lookup(q.Code)
	if !ok || restricted(q.Code) && !q.Sensitive {
		return People{}, problem(ProblemCode, "there is no indicator %q", q.Code)
	}
	if one.Derived != indicators.Counted {
		return People{}, problem(ProblemPeople, "%s follows from other figures: ask for the people behind %s", q.Code, behindDerived(one))
	}
	var page People
	err = a.count(ctx, func(c *counting) (err error) {
		page, err = c.people(ctx, q)
		return err
	})
	if err != nil {
		return People{}, err
	}
	for i := range page.People {
		if err := a.describe(ctx, &page.People[i], q); err != nil {
			return People{}, err
		}
	}
	return page, nil
}

func behindDerived(one indicators.Indicator) string {
	switch one.Derived {
	case indicators.PointsOf:
		return string(one.Of)
	case indicators.QuartersOf:
		return "X03.1 to X03.4"
	}
	return "the statistics that were entered"
}

func (c *counting) people(ctx context.Context, q PeopleQuery) (People, error) {
	w := on(q.Period, c.asOf(q.Query))
	ask := w.question()
	ask.ReceivedBy, ask.Codes = q.ReceivedBy, []indicators.Code{q.Code}
	explain := ask
	explain.Explain = true
	l := listing{
		q: q, quick: indicators.NewEvaluator(ask, c.book.settings), why: indicators.NewEvaluator(explain, c.book.settings), left: scanned,
		page: People{Next: q.After},
	}
	for _, prefix := range apart(q.Divisions) {
		if err := l.under(ctx, c.conn, prefix); err != nil || l.full {
			return l.page, err
		}
	}
	l.page.More = false
	return l.page, nil
}

// apart returns prefixes in order, without those that lie under another.
func apart(all []record.Division) (out []record.Division) {
	sorted := slices.Sorted(slices.Values(all))
	for _, d := range sorted {
		if !within(d, out) {
			out = append(out, d)
		}
	}
	return out
}

// listing makes one page.
type listing struct {
	q          PeopleQuery
	quick, why *indicators.Evaluator
	page       People
	left       int // to be looked at
	full       bool
}

// under lists those under one prefix who are behind the place that was come to.
func (l *listing) under(ctx context.Context, conn *sqlite.Conn, prefix record.Division) error {
	from := l.page.Next
	if low := (PeoplePlace{Division: prefix}); from.compare(low) < 0 {
		from = low
	}
	var failed error
	err := sqlitefile.Query(conn, sqlPlaces, func(s *sqlite.Stmt) {
		s.BindText(1, string(from.Division))
		s.BindBytes(2, from.Person[:])
		s.BindText(3, string(prefix)+":") // which is behind every digit
	}, func(s *sqlite.Stmt) bool {
		if l.full = len(l.page.People) >= l.q.Limit || l.left == 0; l.full {
			l.page.More = true
			return false
		}
		l.left--
		row := factsRow{facts: sqlitefile.Bytes(s, 5)}
		s.ColumnBytes(2, row.person[:])
		at := PeoplePlace{record.Division(s.ColumnText(0)), row.person}
		failed = errors.Join(ctx.Err(), l.look(at, row))
		l.page.Next = at
		return failed == nil
	})
	return errors.Join(err, failed)
}

// look adds somebody who counts, or could, at a place.
func (l *listing) look(at PeoplePlace, row factsRow) error {
	f, err := row.decode()
	if err != nil {
		return err
	}
	for _, o := range l.quick.Append(nil, &f) {
		if o.Division != at.Division || l.q.Doctor != "" && o.Doctor != l.q.Doctor || !l.q.selects(o) {
			continue
		}
		for _, why := range l.why.Append(nil, &f) {
			if why.Division == o.Division && why.Doctor == o.Doctor {
				l.page.People = append(l.page.People, Person{ID: row.person, Outcome: why})
			}
		}
		return nil
	}
	return nil
}

func (q PeopleQuery) selects(o indicators.Outcome) bool {
	counts := o.Numerator > 0 || o.Amount != 0
	switch q.Selection {
	case Counted:
		return counts
	case Failed:
		return o.Denominator > o.Numerator
	}
	return counts || o.Denominator > 0
}

// describe adds what a person is called, from the resident's record, and hides the records that
// the caller may not see. Who is gone meanwhile has no name.
func (a *Assessment) describe(ctx context.Context, p *Person, q PeopleQuery) error {
	one, err := a.cfg.Projection.Person(ctx, p.ID)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for i, c := range p.Outcome.Failed {
		if row, ok := one.Rows[c.Record]; ok && !slices.Contains(q.Classes, row.Class) {
			p.Outcome.Failed[i].Record = record.ID{}
		}
	}
	for _, e := range one.Rules.Entries() {
		r, ok := e.Form.(*carev1.Resident)
		if !ok || p.Name != "" && e.ID != p.ID {
			continue
		}
		p.Name, p.Number, p.Phone = r.GetName(), r.GetIdentityDocument().GetNumber(), r.GetPhone()
	}
	if p.Name == "" && !care.AboutResident(p.ID.Kind()) {
		p.Name = titleOf(one.Rules.Entries())
	}
	return nil
}
