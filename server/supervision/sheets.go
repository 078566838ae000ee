// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Sheet is what is needed for calling somebody.
type Sheet struct {
	ID       record.ID // of the check
	Resident record.ID
	Division record.Division
	Stratum  supervision.Stratum

	Name, Phone, ContactPhone, Address string
	Birth                              care.Date
	Questions                          []supervision.Question
	Form                               *carev1.Verification
}

// SheetQuery selects sheets; what is not given does not select.
type SheetQuery struct {
	Round    record.ID
	Division record.Division
	Doctor   string
	OpenOnly bool
	Check    record.ID
	// Whole leaves telephones whole where the caller may see them so; it is for the caller to
	// write into the access log.
	Whole bool
}

// row is a row of supervision_check.
type row struct {
	id, person      record.ID
	place           record.Division
	stratum, doctor string
	scope           string
	contact         int64
	tally           supervision.Tally
}

// By supervision_check_round.
const sqlChecks = `SELECT id, person, place, stratum, doctor, scope, contact, truth, standard FROM supervision_check
	WHERE round = ?1 AND (place, stratum, id) > (?2, ?3, ?4) ORDER BY place, stratum, id`

// checks calls each with the rows of a round behind a place, until it returns false.
func (s *Supervision) checks(ctx context.Context, round record.ID, after SheetPlace, sight Sight, each func(row) bool) error {
	return s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlChecks, func(q *sqlite.Stmt) {
			q.BindBytes(1, round[:])
			q.BindText(2, string(after.Division))
			q.BindText(3, string(after.Stratum))
			q.BindBytes(4, after.ID[:])
		}, func(q *sqlite.Stmt) bool {
			r := row{
				id: columnID(q, 0), person: columnID(q, 1), place: record.Division(q.ColumnText(2)), stratum: q.ColumnText(3), doctor: q.ColumnText(4),
				scope: q.ColumnText(5), contact: q.ColumnInt64(6),
			}
			r.tally = supervision.Count(&carev1.Verification{
				Contact: carev1.VerificationContact(r.contact), TruthVerdict: carev1.VerificationVerdict(q.ColumnInt64(7)),
				StandardVerdict: carev1.StandardVerdict(q.ColumnInt64(8)),
			})
			return !sight.sees(r.scope) || each(r)
		})
	})
}

// SheetPlace is where a list of sheets goes on: behind the one with these.
type SheetPlace struct {
	Division record.Division
	Stratum  supervision.Stratum
	ID       record.ID
}

// Sheets returns a page of sheets, by division and stratum, behind a place.
func (s *Supervision) Sheets(ctx context.Context, q SheetQuery, sight Sight, after SheetPlace, limit int) (out []Sheet, next *SheetPlace, err error) {
	if _, err := s.cfg.Persons.Follow(ctx); err != nil {
		return nil, nil, fmt.Errorf("call sheets: %w", err)
	}
	round, err := read(ctx, s.cfg.Records, q.Round, &carev1.SupervisionRound{})
	if err != nil {
		return nil, nil, fmt.Errorf("call sheets: %w", err)
	}
	var rows []row
	err = s.checks(ctx, q.Round, after, sight, func(r row) bool {
		if !q.selects(r) {
			return true
		}
		if len(rows) == limit {
			last := rows[limit-1]
			next = &SheetPlace{last.place, supervision.Stratum(last.stratum), last.id}
			return false
		}
		rows = append(rows, r)
		return true
	})
	for _, r := range rows {
		if err != nil {
			break
		}
		var one Sheet
		one, err = s.sheet(ctx, r, round.m.GetPlan(), sight.Masked || !q.Whole)
		out = append(out, one)
	}
	return out, next, err
}

func (q SheetQuery) selects(r row) bool {
	return (q.Division == "" || r.place.Within(q.Division)) && (q.Doctor == "" || r.doctor == q.Doctor) &&
		(!q.OpenOnly || r.contact == 0) && (q.Check.IsZero() || r.id == q.Check)
}

// sheet lays out one check.
func (s *Supervision) sheet(ctx context.Context, r row, plan *carev1.SupervisionPlan, masked bool) (Sheet, error) {
	out := Sheet{ID: r.id, Resident: r.person, Division: r.place, Stratum: supervision.Stratum(r.stratum)}
	check, err := read(ctx, s.cfg.Records, r.id, &carev1.Verification{})
	if err != nil {
		return out, err
	}
	out.Form = check.m
	said, err := s.said(ctx, r.person, plan)
	if err != nil {
		return out, err
	}
	out.Questions = supervision.Questions(check.m.GetPopulations(), said)
	if one := said.Resident; one != nil {
		out.Name, out.Address, out.Birth = one.GetName(), one.GetAddress().GetText(), care.Date(one.GetBirthDate())
		out.Phone, out.ContactPhone = one.GetPhone(), one.GetContactPerson().GetPhone()
	}
	if masked {
		out.Phone, out.ContactPhone = care.MaskPhone(out.Phone), care.MaskPhone(out.ContactPhone)
	}
	return out, nil
}

// said returns what the records say about a person in the plan's period; nothing where the person
// is not there any more.
func (s *Supervision) said(ctx context.Context, person record.ID, plan *carev1.SupervisionPlan) (supervision.Said, error) {
	from, to := care.Date(plan.GetFromOn()), care.Date(plan.GetToOn())
	p, err := s.cfg.Persons.Person(ctx, person)
	switch {
	case syncengine.ReasonOf(err) == syncengine.ReasonNotFound || err == nil && p == nil:
		return supervision.SaidOf(rules.NewPerson(person, nil), from, to), nil
	case err != nil:
		return supervision.Said{}, fmt.Errorf("person: %w", err)
	}
	return supervision.SaidOf(p.Rules, from, to), nil
}

// tallies sums the checks of a round by what by says of them, of those that a caller sees.
func (s *Supervision) tallies(ctx context.Context, round record.ID, within record.Division, sight Sight, by func(row) string) (map[string]supervision.Tally, error) {
	out := map[string]supervision.Tally{}
	err := s.checks(ctx, round, SheetPlace{}, sight, func(r row) bool {
		if within == "" || r.place.Within(within) {
			out[by(r)] = out[by(r)].Plus(r.tally)
		}
		return true
	})
	return out, err
}

// Level is by what results are summed.
type Level int

// The levels.
const (
	ByTownship Level = iota + 1
	ByVillage
	ByDoctor
	ByGroup
)

// Unit is one unit's results.
type Unit struct {
	supervision.Ranked
	Faults, OpenFaults int
}

// Results are those of a round.
type Results struct {
	Total          supervision.Tally
	Units          []Unit // ranked
	ContactPercent int32
}

// Results sums a round by units, the best truth rate first.
func (s *Supervision) Results(ctx context.Context, round record.ID, level Level, within record.Division, sight Sight) (Results, error) {
	if _, err := s.cfg.Persons.Follow(ctx); err != nil {
		return Results{}, fmt.Errorf("results: %w", err)
	}
	r, err := read(ctx, s.cfg.Records, round, &carev1.SupervisionRound{})
	if err != nil {
		return Results{}, err
	}
	out := Results{ContactPercent: r.m.GetPlan().GetContactPercent()}
	sums, err := s.tallies(ctx, round, within, sight, func(r row) string { return level.unit(r.place, r.doctor, supervision.Stratum(r.stratum)) })
	if err != nil {
		return out, err
	}
	for _, one := range supervision.RankUnits(sums) {
		out.Total = out.Total.Plus(one.Tally)
		out.Units = append(out.Units, Unit{Ranked: one})
	}
	faults, err := s.faultsOf(ctx, round, sight, level)
	for i := range out.Units {
		n := faults[out.Units[i].Unit]
		out.Units[i].Faults, out.Units[i].OpenFaults = n[0], n[1]
	}
	return out, err
}

func (l Level) unit(place record.Division, doctor string, s supervision.Stratum) string {
	switch l {
	case ByVillage:
		return string(place)
	case ByDoctor:
		return doctor
	case ByGroup:
		return fmt.Sprint(int(s.Group()))
	}
	return string(care.Above(place, care.LevelTownship))
}

const sqlFaultsOfRound = `SELECT place, doctor, scope, state FROM supervision_fault WHERE round = ?1`

// faultsOf counts the rectifications of a round by unit: all, and those that are not settled.
func (s *Supervision) faultsOf(ctx context.Context, round record.ID, sight Sight, level Level) (map[string][2]int, error) {
	out := map[string][2]int{}
	err := s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlFaultsOfRound, func(q *sqlite.Stmt) { q.BindBytes(1, round[:]) }, func(q *sqlite.Stmt) bool {
			if sight.sees(q.ColumnText(2)) && level != ByGroup {
				unit := level.unit(record.Division(q.ColumnText(0)), q.ColumnText(1), "")
				n := out[unit]
				n[0]++
				if !supervision.State(q.ColumnInt64(3)).Settled() {
					n[1]++
				}
				out[unit] = n
			}
			return true
		})
	})
	return out, err
}

// TruthRates returns the truth rates of a period by division or doctor, over all rounds whose
// services lie in it: what reported indicators are adjusted by.
func (s *Supervision) TruthRates(ctx context.Context, from, to care.Date, level Level, sight Sight) (map[string]supervision.Tally, error) {
	out := map[string]supervision.Tally{}
	for after := (*Place)(nil); ; {
		rounds, next, err := s.Rounds(ctx, sight, after, 100)
		if err != nil {
			return nil, err
		}
		for _, r := range rounds {
			plan := r.Round.GetPlan()
			if care.Date(plan.GetFromOn()) < from || care.Date(plan.GetToOn()) > to {
				continue
			}
			sums, err := s.tallies(ctx, r.ID, "", sight, func(r row) string { return level.unit(r.place, r.doctor, supervision.Stratum(r.stratum)) })
			if err != nil {
				return nil, err
			}
			for unit, t := range sums {
				out[unit] = out[unit].Plus(t)
			}
		}
		if after = next; after == nil {
			return out, nil
		}
	}
}

// clean cuts a text to what a form has room for.
func clean(text string, most int) string {
	r := []rune(strings.TrimSpace(text))
	return string(r[:min(len(r), most)])
}
