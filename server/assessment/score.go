// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"context"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Sheet is the score sheet of one unit. Points are in hundredths.
type Sheet struct {
	Unit
	Name        string
	Lines       []ScoreLine
	Total, Full int64
	Rank        int
}

// ScoreLine is one indicator on a sheet, or points beside all indicators: then Title says what for.
type ScoreLine struct {
	Code      indicators.Code
	Title     string
	Algorithm carev1.ScoreAlgorithm
	Target    Value
	Value     Value
	Full      int64
	Points    Value // not OK: nobody can say yet, or the algorithm gives none
	Lost      int64
	Owner     string
	LostBy    []LostBy
	Evidence  string
	Missing   string // why there are no points yet: MissingValue, MissingAdjustment
}

// Why there are no points.
const (
	MissingValue      = "no_value"      // an empty denominator
	MissingAdjustment = "no_adjustment" // a person has to say
)

// LostBy is a part of a unit in which an indicator falls short.
type LostBy struct {
	Division record.Division
	Name     string
	Missing  int64 // people or things to the target
	Value    Value
}

// mostLostBy is how many parts a line names.
const mostLostBy = 5

// Scores returns the sheets of the units of a query, the best first. ProblemUnit for doctors, who
// have no targets of their own.
func (a *Assessment) Scores(ctx context.Context, q Query, progress Progress) ([]Sheet, Report, error) {
	if q.Level == Doctor {
		return nil, Report{}, problem(ProblemUnit, "doctors have work points, not score sheets: ask for the county, townships or villages")
	}
	q, err := q.check(a.today())
	if err != nil {
		return nil, Report{}, err
	}
	var sheets []Sheet
	var report Report
	err = a.count(ctx, func(c *counting) error {
		all, err := c.allLevels(ctx, q, progress)
		if err != nil {
			return err
		}
		sheets, report, err = c.sheets(q, all)
		return err
	})
	if err != nil {
		return nil, Report{}, err
	}
	report.Completeness, err = a.completeness(ctx, report.Basis)
	return sheets, report, err
}

// allLevels counts villages, townships and the county at once, or takes what was frozen of them.
func (c *counting) allLevels(ctx context.Context, q Query, progress Progress) (counted, error) {
	deep := q
	deep.Level = Village
	wanted := q.wanted()
	if f, ok, err := c.frozenLevels(deep); err != nil || ok {
		return f, err
	}
	w := on(q.Period, c.asOf(q))
	all, fromTables, err := c.sums(ctx, deep, needed(wanted), []window{w, w.lastYear()}, progress)
	if err != nil {
		return counted{}, err
	}
	out := counted{period: q.Period, now: all[0], before: all[1], basis: c.basis(w.last)}
	out.basis.FromTables = fromTables
	out.raise(record.Division(c.a.cfg.County))
	return out, c.register(&out, deep, wanted, w)
}

// frozenLevels is frozenFor, with the units of all levels, for who sees the whole county.
func (c *counting) frozenLevels(q Query) (counted, bool, error) {
	county := record.Division(c.a.cfg.County)
	if !within(county, q.Divisions) || q.Live || q.ReceivedBy != 0 || q.AsOf != 0 && q.AsOf < q.Period.To {
		return counted{}, false, nil
	}
	f, ok, err := c.freezeAt(q.Period)
	if err == nil && !ok {
		err = c.notFrozen(q.Period)
	}
	if err != nil || !ok {
		return counted{}, false, err
	}
	out, err := c.everyLevel(f)
	return out, err == nil, err
}

func (c *counting) sheets(q Query, all counted) ([]Sheet, Report, error) {
	county := record.Division(c.a.cfg.County)
	n, err := c.names()
	if err != nil {
		return nil, Report{}, err
	}
	t, err := c.targets(q.Period.To.Year(), n)
	if err != nil {
		return nil, Report{}, err
	}
	owners, err := c.owners(q.Period.To.Year())
	if err != nil {
		return nil, Report{}, err
	}
	adjusted, err := c.adjustments(q.Period)
	if err != nil {
		return nil, Report{}, err
	}
	s := scoring{q: q, all: all, names: n, targets: t, owners: owners, adjusted: adjusted, county: county}
	var sheets []Sheet
	length := map[Level]int{County: 6, Township: 9, Village: 12}[q.Level]
	units := onlyUnits(all.units([]Unit{{Division: county}}), q.Divisions)
	s.units = units
	for _, u := range units {
		if len(u.Division) == length {
			sheets = append(sheets, s.sheet(u))
		}
	}
	slices.SortStableFunc(sheets, func(a, b Sheet) int { return cmp.Compare(b.Total, a.Total) })
	for i := range sheets {
		sheets[i].Rank = i + 1
		if i > 0 && sheets[i-1].Total == sheets[i].Total {
			sheets[i].Rank = sheets[i-1].Rank
		}
	}
	return sheets, Report{Basis: all.basis}, nil
}

// scoring is what sheets are made of.
type scoring struct {
	q        Query
	all      counted
	names    names
	targets  targets
	owners   map[targetKey]string
	adjusted []adjustment
	county   record.Division
	units    []Unit
}

func (s *scoring) sheet(u Unit) Sheet {
	sheet := Sheet{Unit: u, Name: s.names.of(u)}
	for _, one := range s.q.wanted() {
		target := s.targets.of(u, one, s.county)
		if target == nil {
			continue
		}
		l := s.line(u, one, target)
		sheet.Lines = append(sheet.Lines, l)
		sheet.Total, sheet.Full = sheet.Total+l.Points.N, sheet.Full+l.Full
	}
	for _, a := range s.adjusted {
		if a.division != u.Division || a.form.GetIndicatorCode() != "" {
			continue
		}
		p := int64(a.form.GetPoints().GetPointsX100())
		sheet.Lines = append(sheet.Lines, ScoreLine{
			Title: a.form.GetTitle(), Algorithm: carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH, Points: Value{p, true}, Lost: max(-p, 0),
			Owner: a.form.GetPoints().GetDecidedById(), Evidence: a.form.GetPoints().GetEvidence(),
		})
		sheet.Total += p
	}
	return sheet
}

// line scores one indicator of one unit.
func (s *scoring) line(u Unit, one indicators.Indicator, target *carev1.AssessmentTarget) ScoreLine {
	f := s.all.figure(one, u, target)
	l := ScoreLine{Code: one.Code, Algorithm: target.GetScore().GetAlgorithm(), Target: f.Target, Value: f.Value, Owner: s.ownerOf(u, one.Code)}
	if l.Algorithm == carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH {
		l.Value, l.Evidence = s.given(u, one.Code)
		if !l.Value.OK {
			l.Missing = MissingAdjustment
		}
	} else if !l.Value.OK {
		l.Missing = MissingValue
	}
	scored := indicators.ScoreOf(target, l.Value.N, l.Value.OK)
	if scored.Scored {
		l.Full, l.Lost = scored.Weight, scored.Deduction
		l.Points = Value{scored.Points, l.Value.OK}
	}
	if l.Lost > 0 {
		l.LostBy = s.lostBy(u, one, target)
	}
	return l
}

// ownerOf returns who is in charge of an indicator: of the unit, else of what it lies in.
func (s *scoring) ownerOf(u Unit, code indicators.Code) string {
	for at := u.Division; at != ""; at = above(at) {
		if owner := s.owners[targetKey{at, code}]; owner != "" {
			return owner
		}
	}
	return ""
}

// given returns the points that persons gave a unit for an indicator, with their evidence.
func (s *scoring) given(u Unit, code indicators.Code) (v Value, evidence string) {
	for _, a := range s.adjusted {
		if a.division != u.Division || indicators.Code(a.form.GetIndicatorCode()) != code {
			continue
		}
		v = Value{v.N + int64(a.form.GetPoints().GetPointsX100()), true}
		if evidence != "" {
			evidence += "; "
		}
		evidence += a.form.GetPoints().GetEvidence()
	}
	return v, evidence
}

// lostBy returns the parts of a unit, one level down, that fall short of the unit's target, those
// with the most missing first.
func (s *scoring) lostBy(u Unit, one indicators.Indicator, target *carev1.AssessmentTarget) (out []LostBy) {
	length := int(care.LevelTownship)
	if len(u.Division) >= length {
		length = int(care.LevelVillage)
	}
	for _, part := range s.units {
		if len(part.Division) != length || !part.Division.Within(u.Division) || part == u {
			continue
		}
		f := s.all.figure(one, part, target)
		if !f.Value.OK || f.Meets || !scales(one) {
			continue
		}
		out = append(out, LostBy{part.Division, s.names.of(part), short(one, f), f.Value})
	}
	slices.SortStableFunc(out, func(a, b LostBy) int {
		return cmp.Or(cmp.Compare(b.Missing, a.Missing), cmp.Compare(a.Value.N, b.Value.N))
	})
	return out[:min(len(out), mostLostBy)]
}

// short returns how many people are missing to a target that is a rate, of more that is better; else 0.
func short(one indicators.Indicator, f Figure) int64 {
	if one.Unit != indicators.Percent || !one.HigherIsBetter || one.Derived != indicators.Counted {
		return 0
	}
	whole := f.Denominator * 1000
	if f.ByStatistic {
		whole = f.StatisticX1000.N
	}
	wanted := (whole*f.Target.N + 10_000_000 - 1) / 10_000_000
	return max(wanted-f.Numerator, 0)
}
