// SPDX-License-Identifier: Apache-2.0

package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Query selects persons. What is zero does not select; what is given must all hold.
type Query struct {
	Name          string // any part of it
	Pinyin        string // how it begins, from the first or the second syllable; initials do
	Number        string // of a document: whole, or its end of 4 characters and more
	Phone         string // the same, the contact person's too
	ArchiveNumber string // the same
	AnyNumber     string // any of these three

	Divisions  []record.Division // prefixes, any of them
	Doctor     string            // staff id, of any of the residents
	Population carev1.PopulationCode
	Sex        carev1.Sex
	// BornFrom and BornTo are both included; ages are for the caller to turn into days. Who has no date of birth is in
	// no range.
	BornFrom, BornTo care.Date
	Statuses         []Status // any of them

	// Scope is what the caller may see: persons with a resident under one of the prefixes. None: nobody.
	Scope []record.Division
	// Sensitive: the caller may see who is in a population whose records are of the sensitive class.
	Sensitive bool
	// Today is the day as of which statuses and populations hold.
	Today care.Date
}

// Hit is a person that was found.
type Hit struct {
	Person    record.ID
	Residents []record.ID // in order, at least one
	Name      string      // of the first resident
	Sex       carev1.Sex
	BirthDate care.Date
	Divisions []record.Division
	Doctors   []string
	// Populations hold today, in order; those of the sensitive class only for whom they are for.
	Populations []carev1.PopulationCode
	Status      Status
	Since       care.Date // the day of death, or of leaving; 0: here
}

// sensitivePopulation reports whether belonging to a population is told only to whom the sensitive class is for.
func sensitivePopulation(c carev1.PopulationCode) bool {
	return c == carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL || c == carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS
}

// Viewer reads the file that the tables are in.
type Viewer interface {
	View(context.Context, func(*sqlite.Conn) error) error
}

// Residents returns the forms of residents, in any order; those that are not there are left out.
type Residents func(context.Context, []record.ID) ([]*carev1.Resident, error)

const (
	// maxLooked is how many rows one call looks at: a page then ends before it is full, and the list goes on.
	maxLooked = 3_000
	// enoughToCount is where counting what a key has ends: what has more is all the same.
	enoughToCount = 4_000
)

// Find returns at most limit persons after a place, and where the list goes on: the zero Place at its end. A page can be
// shorter than limit, even empty, though the list goes on. In a list that is changed meanwhile somebody can come twice.
// Residents is asked where a number has to be compared. It returns ErrQuery for a query that cannot be.
func (m Module) Find(ctx context.Context, v Viewer, residents Residents, q Query, from Place, limit int) ([]Hit, Place, error) {
	s := search{ctx: ctx, query: q, limit: limit, residents: residents}
	if err := s.prepare(tokens{m.Key}); err != nil {
		return nil, Place{}, err
	}
	err := v.View(ctx, func(conn *sqlite.Conn) error {
		s.conn = conn
		return s.run(from)
	})
	if err != nil {
		return nil, Place{}, fmt.Errorf("search the register: %w", err)
	}
	return s.hits, s.next, nil
}

// search is one call of Find.
type search struct {
	ctx       context.Context
	conn      *sqlite.Conn
	query     Query
	limit     int
	residents Residents

	name    string   // normalised
	pinyin  string   // folded
	numbers []number // that must all hold
	sources []source // of candidates; at least one

	looked int
	hits   []Hit
	next   Place
}

// run goes through the candidates of the source that has fewest.
func (s *search) run(from Place) error {
	src, err := s.choose(from)
	if err != nil {
		return err
	}
	return src.each(s.conn, from, func(at Place) (more bool, err error) {
		if len(s.hits) == s.limit || s.looked == maxLooked {
			s.next = from
			return false, nil
		}
		from, s.looked = at, s.looked+1
		return true, s.consider(src, at)
	})
}

// choose returns the source of a place, or at the beginning of a list the one with the fewest candidates.
func (s *search) choose(from Place) (best source, err error) {
	fewest := enoughToCount + 1
	for _, src := range s.sources {
		if from.kind != 0 {
			if src.kind == from.kind {
				return src, nil
			}
			continue
		}
		n, err := src.count(s.conn, min(fewest, enoughToCount))
		if err != nil {
			return best, err
		}
		if n < fewest { // of equals the first: they stand in the order of how much they usually say
			best, fewest = src, n
		}
	}
	if best.kind == 0 {
		return best, fmt.Errorf("%w: the place is of another list", ErrQuery)
	}
	return best, nil
}

// consider adds a candidate to the hits if it is one.
func (s *search) consider(src source, at Place) error {
	r, ok, err := rowAt(s.conn, at.Ref, s.counts)
	if err != nil || !ok || !s.selects(r) {
		return err
	}
	if first, err := src.first(s.conn, r, at); err != nil || !first {
		return err
	}
	if fits, err := s.fits(r); err != nil || !fits {
		return err
	}
	s.hits = append(s.hits, s.hit(r))
	return nil
}

// counts reports whether what a row says in figures is as the query wants it.
func (s *search) counts(r row) bool {
	q := s.query
	switch {
	case q.Sex != 0 && r.sex != q.Sex,
		(q.BornFrom != 0 || q.BornTo != 0) && r.birth == 0,
		q.BornFrom != 0 && r.birth < q.BornFrom,
		q.BornTo != 0 && r.birth > q.BornTo:
		return false
	}
	return len(q.Statuses) == 0 || slices.Contains(q.Statuses, r.status(q.Today))
}

// selects reports whether all the rest but the numbers of a query holds.
func (s *search) selects(r row) bool {
	q := s.query
	inScope := func(d record.Division) bool { return d.WithinAny(q.Scope) }
	inQuery := func(d record.Division) bool { return d.WithinAny(q.Divisions) }
	switch {
	case !slices.ContainsFunc(r.divisions, inScope) && !slices.Contains(q.Scope, ""),
		len(q.Divisions) > 0 && !slices.ContainsFunc(r.divisions, inQuery),
		q.Doctor != "" && !slices.Contains(r.doctors, q.Doctor),
		q.Population != 0 && !slices.Contains(s.populations(r), q.Population),
		s.name != "" && !slices.ContainsFunc(r.names, func(n string) bool { return strings.Contains(n, s.name) }):
		return false
	}
	return s.pinyin == "" || slices.ContainsFunc(r.spelt, func(text string) bool { return strings.HasPrefix(text, s.pinyin) })
}

// populations returns those in which a person is today, as far as the caller may know.
func (s *search) populations(r row) (out []carev1.PopulationCode) {
	for _, t := range r.tags {
		if t.On(s.query.Today) && !slices.Contains(out, t.Code) && (s.query.Sensitive || !sensitivePopulation(t.Code)) {
			out = append(out, t.Code)
		}
	}
	return out
}

// fits holds the numbers of a query against the forms of a person.
func (s *search) fits(r row) (bool, error) {
	if len(s.numbers) == 0 {
		return true, nil
	}
	forms, err := s.residents(s.ctx, r.residents)
	if err != nil {
		return false, err
	}
	for _, n := range s.numbers {
		if !slices.ContainsFunc(forms, n.of) {
			return false, nil
		}
	}
	return true, nil
}

func (s *search) hit(r row) Hit {
	h := Hit{
		Person: r.id, Residents: r.residents, Name: r.name, Sex: r.sex, BirthDate: r.birth, Divisions: r.divisions, Doctors: r.doctors,
		Populations: s.populations(r), Status: r.status(s.query.Today),
	}
	switch h.Status {
	case Dead:
		h.Since = r.died
	case Away:
		h.Since = r.left
	}
	return h
}
