// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// edition is another one when Look writes something else than before.
const edition = 1

// Found returns what rules and the checks of authenticity find about a person's records, and
// whether they were asked.
type Found func(conn *sqlite.Conn, p *projection.Person) (all []*carev1.Finding, asked bool, err error)

// Module keeps facts and tallies; it is a projection.Module.
type Module struct {
	heard heard

	books books
	found Found // nil: nobody looks for anything
	log   *slog.Logger

	codes      map[indicators.Code]int16
	evaluators map[generationKey][]*indicators.Evaluator // of the generations at work
	out        []indicators.Outcome
}

var _ projection.Module = (*Module)(nil)

// NewModule returns a module that counts by the pack that pack returns, which is asked often.
func NewModule(pack func() Pack, found Found, log *slog.Logger) *Module {
	m := &Module{books: books{pack: pack}, found: found, log: log, codes: map[indicators.Code]int16{}, evaluators: map[generationKey][]*indicators.Evaluator{}}
	for i, one := range indicators.All() {
		m.codes[one.Code] = int16(i)
	}
	return m
}

// Name is what its tables' names begin with.
func (m *Module) Name() string { return "assessment" }

// Schema returns the statements that create its tables, which are made anew when facts mean
// something else.
func (m *Module) Schema() string {
	return fmt.Sprintf("-- facts of edition %d\n%s", indicators.Edition(), tables)
}

// Settings names what facts and tallies depend on: this edition, and the pack. Findings follow from
// the day, too.
func (m *Module) Settings() (name [32]byte, daily bool) {
	h := sha256.New()
	fmt.Fprintf(h, "assessment %d\n", edition)
	hash := m.books.pack().Hash()
	h.Write(hash[:])
	return [32]byte(h.Sum(nil)), m.found != nil
}

// Look writes the facts of a person in place of those of its residents, and takes the difference
// into the tallies.
func (m *Module) Look(conn *sqlite.Conn, p *projection.Person, _ care.Date) error {
	if err := m.paper(conn, p); err != nil {
		return err
	}
	now, err := m.extract(conn, p)
	if err != nil {
		return err
	}
	var before []factsRow
	for _, r := range p.Residents {
		row, ok, err := readFacts(conn, r)
		if err != nil {
			return err
		}
		if ok {
			before = append(before, row)
		}
	}
	if len(before) == 1 && before[0].same(now) || len(before) == 0 && len(now.facts) == 0 {
		return nil
	}
	if err := m.recount(conn, before, now); err != nil {
		return err
	}
	return replaceFacts(conn, before, now)
}

// extract returns the row of a person; one without facts if there is nothing to count.
func (m *Module) extract(conn *sqlite.Conn, p *projection.Person) (factsRow, error) {
	row := factsRow{person: p.ID}
	if len(p.Rules.Entries()) == 0 {
		return row, nil
	}
	in := inputOf(p)
	if m.found != nil {
		var err error
		if in.Findings, in.Judged, err = m.found(conn, p); err != nil {
			return row, fmt.Errorf("findings: %w", err)
		}
	}
	f := indicators.Extract(in)
	if f.Empty() {
		return row, nil
	}
	row.facts, row.divisions = f.Encode(), placesOf(f)
	if kind := p.ID.Kind(); kind != care.KindResident && !care.AboutResident(kind) {
		row.kind = kind
	}
	if home := in.Division(p.ID); home != "" {
		row.home = home
	} else if len(row.divisions) > 0 {
		row.home = row.divisions[0]
	}
	if !slices.Contains(row.divisions, row.home) {
		row.divisions = append(row.divisions, row.home)
	}
	return row, nil
}

// inputOf returns what facts are taken from, but for findings.
func inputOf(p *projection.Person) indicators.Input {
	return indicators.Input{
		Person: p.Rules,
		Received: func(id record.ID) care.Date {
			if at := p.Rows[id].First.ReceivedAt; !at.IsZero() {
				return care.DateOf(at)
			}
			return 0
		},
		Division: func(id record.ID) record.Division {
			if all := p.Rows[id].Divisions; len(all) > 0 {
				return all[0]
			}
			return ""
		},
		Updated: func(id record.ID) (care.Date, string) {
			row := p.Rows[id]
			if row.Last.ReceivedAt.Equal(row.First.ReceivedAt) || row.Last.ReceivedAt.IsZero() {
				return 0, ""
			}
			return care.DateOf(row.Last.ReceivedAt), row.Last.Author
		},
	}
}

// placesOf returns where somebody can count, sorted, "" for those whom nobody placed.
func placesOf(f indicators.Facts) []record.Division {
	all := f.Divisions()
	slices.Sort(all)
	return slices.Compact(all)
}

// kinds of papers.
const (
	kindTask       record.Kind = 44
	kindStatistic  record.Kind = 45
	kindOrg        record.Kind = 47
	kindStaff      record.Kind = 48
	kindTarget     record.Kind = 54
	kindFreeze     record.Kind = 55
	kindAdjustment record.Kind = 59
)

func isPaper(k record.Kind) bool {
	return k == kindTask || k == kindOrg || k == kindStaff || k == kindTarget || k == kindFreeze || k == kindAdjustment
}

const (
	sqlPutPaper  = `INSERT INTO assessment_papers (record, kind, form) VALUES (?1, ?2, ?3) ON CONFLICT (record) DO UPDATE SET form = excluded.form`
	sqlDropPaper = `DELETE FROM assessment_papers WHERE record = ?1`
)

// paper keeps the form of a record that says what units are called, are to reach, or reached.
func (m *Module) paper(conn *sqlite.Conn, p *projection.Person) error {
	if !isPaper(p.ID.Kind()) {
		return nil
	}
	for _, e := range p.Rules.Entries() {
		if e.ID != p.ID {
			continue
		}
		form, err := proto.MarshalOptions{Deterministic: true}.Marshal(e.Form)
		if err != nil {
			return fmt.Errorf("form of %s: %w", e.ID, err)
		}
		return sqlitefile.Write(conn, sqlPutPaper, func(s *sqlite.Stmt) {
			s.BindBytes(1, e.ID[:])
			s.BindInt64(2, int64(e.Kind))
			s.BindBytes(3, form)
		})
	}
	return sqlitefile.Write(conn, sqlDropPaper, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) })
}

// same reports whether two rows say the same.
func (r factsRow) same(o factsRow) bool {
	return r.person == o.person && r.home == o.home && r.kind == o.kind && bytes.Equal(r.facts, o.facts) && len(o.facts) > 0
}
