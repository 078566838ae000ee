// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"context"
	"math"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Figure is one indicator of one unit.
type Figure struct {
	Code indicators.Code
	Unit
	indicators.Tally
	StatisticX1000 Value // the registered denominator, or total; thousandths here
	Value          Value // that scores
	Other          Value // by the other denominator, or the registered total
	ByStatistic    bool
	AboveAll       bool // more than all count: the denominator is wrong
	LastYear       Value
	Target         Value
	Meets          bool
	Rank           int // among the units with a value, the best is 1; 0: it has none
}

// Spread is how far the units are apart in one indicator.
type Spread struct {
	Code                           indicators.Code
	Units                          int
	Worst, Best, Median, Deviation int64 // hundredths
}

// Attainment is how many of the targets of a unit are met.
type Attainment struct {
	Unit
	Met, Of int
}

// Report is figures with what they rest on.
type Report struct {
	Figures      []Figure // in order of indicator, then of unit
	Basis        Basis
	Completeness Completeness
	Spreads      []Spread
	Attainments  []Attainment
	Names        map[Unit]string
}

// Figures answers a query: from what was frozen where the window is frozen and neither another
// day nor a cutoff nor a doctor is asked for, else by counting.
func (a *Assessment) Figures(ctx context.Context, q Query, progress Progress) (Report, error) {
	q, err := q.check(a.today())
	if err != nil {
		return Report{}, err
	}
	var report Report
	err = a.count(ctx, func(c *counting) error {
		made, err := c.countedOrFrozen(ctx, q, q.wanted(), progress)
		if err != nil {
			return err
		}
		report, err = c.report(q, made)
		return err
	})
	if err != nil {
		return Report{}, err
	}
	report.Completeness, err = a.completeness(ctx, report.Basis)
	return report, err
}

// countedOrFrozen returns what was frozen, where that is what is asked for, else what is counted.
func (c *counting) countedOrFrozen(ctx context.Context, q Query, wanted []indicators.Indicator, progress Progress) (counted, error) {
	if f, ok, err := c.frozenFor(q); err != nil || ok {
		return f, err
	}
	return c.counted(ctx, q, wanted, progress)
}

// report makes figures of what was counted.
func (c *counting) report(q Query, made counted) (Report, error) {
	n, err := c.names()
	if err != nil {
		return Report{}, err
	}
	t, err := c.targets(q.Period.To.Year(), n)
	if err != nil {
		return Report{}, err
	}
	return made.report(q, n, t, record.Division(c.a.cfg.County)), nil
}

func (c *counted) report(q Query, n names, t targets, county record.Division) Report {
	r := Report{Basis: c.basis, Names: map[Unit]string{}}
	var also []Unit
	if q.Level == County {
		also = []Unit{{Division: county}}
	}
	units := c.units(also)
	if q.Level != Doctor {
		units = onlyUnits(units, q.Divisions)
	}
	met := map[Unit]*Attainment{}
	for _, u := range units {
		r.Names[u] = n.of(u)
		met[u] = &Attainment{Unit: u}
	}
	for _, one := range q.wanted() {
		from := len(r.Figures)
		for _, u := range units {
			f := c.figure(one, u, t.of(u, one, county))
			if a := met[u]; f.Target.OK && f.Value.OK {
				a.Of++
				if f.Meets {
					a.Met++
				}
			}
			r.Figures = append(r.Figures, f)
		}
		if s, ok := rank(one, r.Figures[from:]); ok {
			r.Spreads = append(r.Spreads, s)
		}
	}
	for _, u := range units {
		if met[u].Of > 0 {
			r.Attainments = append(r.Attainments, *met[u])
		}
	}
	return r
}

// figure reads one indicator of one unit against its target, which may be nil.
func (c *counted) figure(one indicators.Indicator, u Unit, target *carev1.AssessmentTarget) Figure {
	live := target.GetScore().GetDenominator() == carev1.TargetDenominator_TARGET_DENOMINATOR_LIVE
	at := cell{one.Code, u}
	now := c.read(one, u, live, false)
	f := Figure{
		Code: one.Code, Unit: u, Tally: c.now[at], Value: now.value, Other: now.other, ByStatistic: now.byStatistic, AboveAll: now.aboveAll,
		LastYear: c.read(one, u, live, true).value,
	}
	if one.Derived == indicators.PointsOf {
		at = cell{one.Of, u}
		f.Tally = c.now[at]
	}
	if one.Unit == indicators.Count && target.GetScore().GetDenominator() == carev1.TargetDenominator_TARGET_DENOMINATOR_REGISTERED && f.Other.OK {
		f.Value, f.Other, f.ByStatistic = f.Other, f.Value, true
	}
	if n, ok := c.statistics[at]; ok {
		f.StatisticX1000 = Value{n, true}
	}
	if target != nil && target.GetScore().BaselineX100 != nil {
		f.Target = Value{target.GetScore().GetBaselineX100(), true}
		f.Meets = indicators.ScoreOf(target, f.Value.N, f.Value.OK).Attained
	}
	return f
}

// rank gives the figures of one indicator their places, equal ones the same, and says how far
// they are apart; false when fewer than two have a value.
func rank(one indicators.Indicator, figures []Figure) (Spread, bool) {
	var with []*Figure
	for i := range figures {
		if figures[i].Value.OK && figures[i].Division+record.Division(figures[i].Doctor) != "" {
			with = append(with, &figures[i])
		}
	}
	if len(with) < 2 {
		return Spread{}, false
	}
	slices.SortStableFunc(with, func(a, b *Figure) int {
		if one.HigherIsBetter {
			a, b = b, a
		}
		return cmp.Compare(a.Value.N, b.Value.N)
	})
	for i, f := range with {
		f.Rank = i + 1
		if i > 0 && with[i-1].Value.N == f.Value.N {
			f.Rank = with[i-1].Rank
		}
	}
	s := Spread{Code: one.Code, Units: len(with), Best: with[0].Value.N, Worst: with[len(with)-1].Value.N}
	s.Median = (with[(len(with)-1)/2].Value.N + with[len(with)/2].Value.N) / 2
	mean, square := 0.0, 0.0
	for _, f := range with {
		mean += float64(f.Value.N) / float64(len(with))
	}
	for _, f := range with {
		square += (float64(f.Value.N) - mean) * (float64(f.Value.N) - mean) / float64(len(with))
	}
	s.Deviation = int64(math.Round(math.Sqrt(square)))
	return s, true
}
