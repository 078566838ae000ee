// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"slices"
	"strings"

	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// counted is what figures are made of: sums of a window and of the same one of the year before,
// with the denominators that the bureau entered, times 1000.
type counted struct {
	period                       indicators.Period
	now, before                  sums
	statistics, statisticsBefore map[cell]int64
	basis                        Basis
}

// counted counts a window by the units of a query; with all it counts every indicator, as for
// a freeze.
func (c *counting) counted(ctx context.Context, q Query, wanted []indicators.Indicator, progress Progress) (counted, error) {
	w := on(q.Period, c.asOf(q))
	out := counted{period: q.Period}
	all, fromTables, err := c.sums(ctx, q, needed(wanted), []window{w, w.lastYear()}, progress)
	if err != nil {
		return out, err
	}
	out.now, out.before = all[0], all[1]
	out.basis = c.basis(w.last)
	out.basis.FromTables = fromTables
	return out, c.register(&out, q, wanted, w)
}

// register adds what follows from registered numbers and from quarters.
func (c *counting) register(out *counted, q Query, wanted []indicators.Indicator, w window) error {
	out.statistics, out.statisticsBefore = map[cell]int64{}, map[cell]int64{}
	r, err := c.registry(q.ReceivedBy)
	if err != nil {
		return err
	}
	last := w.lastYear()
	for _, u := range out.units(c.registeredUnits(q, r)) {
		for _, one := range withBases(wanted) {
			at := cell{one.Code, u}
			switch one.Derived {
			case indicators.QuartersOf:
				out.now[at] = c.quarters(out.now, u, w)
				out.before[at] = c.quarters(out.before, u, last)
			case indicators.RegisteredOf:
				if t, ok := r.Share(u.Division, w.period); ok && u.Doctor == "" {
					out.now[at] = t
				}
				if t, ok := r.Share(u.Division, last.period); ok && u.Doctor == "" {
					out.before[at] = t
				}
			}
			if u.Doctor != "" || u.Division == "" {
				continue
			}
			if n, ok := c.statistic(q, r, one, u, w.period); ok {
				out.statistics[at] = n
			}
			if n, ok := c.statistic(q, r, one, u, last.period); ok {
				out.statisticsBefore[at] = n
			}
		}
	}
	return nil
}

// withBases adds the indicators that others rise above, since their registered numbers are needed, too.
func withBases(wanted []indicators.Indicator) []indicators.Indicator {
	out := slices.Clone(wanted)
	for _, one := range wanted {
		of, ok := indicators.Lookup(one.Of)
		if one.Derived == indicators.PointsOf && ok && !slices.ContainsFunc(out, func(have indicators.Indicator) bool { return have.Code == of.Code }) {
			out = append(out, of)
		}
	}
	return out
}

// statistic returns the registered denominator of a unit, or of a counter its registered total,
// times 1000. Who sees part of the county has none of the whole.
func (c *counting) statistic(q Query, r *indicators.Registry, one indicators.Indicator, u Unit, p indicators.Period) (int64, bool) {
	if !whole(u, q) {
		return 0, false
	}
	if one.Unit == indicators.Count {
		if d, ok := r.Count(one.Code, u.Division, p); ok {
			return d.ValueX1000, true
		}
	}
	d, ok := r.Of(one.Code, u.Division, p)
	return d.ValueX1000, ok
}

// whole reports whether a unit is seen as a whole.
func whole(u Unit, q Query) bool { return u.Doctor == "" && within(u.Division, q.Divisions) }

func (c *counting) quarters(s sums, u Unit, w window) indicators.Tally {
	var parts [4]indicators.Tally
	for i, code := range quarterParts() {
		parts[i] = s[cell{code, u}]
	}
	return indicators.Quarters(parts, w.period, w.last, c.book.settings)
}

// units returns the units that have any sum, and the others that were named, in order.
func (c *counted) units(also []Unit) []Unit {
	seen := map[Unit]bool{}
	for _, s := range []sums{c.now, c.before} {
		for at, t := range s {
			if t != (indicators.Tally{}) {
				seen[at.unit] = true
			}
		}
	}
	for _, u := range also {
		seen[u] = true
	}
	out := make([]Unit, 0, len(seen))
	for u := range seen {
		out = append(out, u)
	}
	sortUnits(out)
	return out
}

// registeredUnits returns the county itself: it has registered numbers even where nobody counts.
func (c *counting) registeredUnits(q Query, _ *indicators.Registry) []Unit {
	if q.Level != County {
		return nil
	}
	return []Unit{{Division: record.Division(c.a.cfg.County)}}
}

// byAmount reports whether the value of an indicator that is a number is its amount: times, money;
// not the people or events behind them.
func byAmount(one indicators.Indicator) bool {
	code := string(one.Code)
	if code == "B02" || code == "E03" || code == "E04" || strings.HasPrefix(code, "E01") {
		return false
	}
	return one.Unit == indicators.Fen || one.AmountZH != ""
}

// Value is a number in hundredths that there may not be.
type Value struct {
	N  int64
	OK bool
}

// reading is a value with the other one that could be read.
type reading struct {
	value, other Value
	byStatistic  bool
	aboveAll     bool
}

// read returns the value of an indicator for a unit, by the statistic where there is one and
// nothing else is wanted.
func (c *counted) read(one indicators.Indicator, u Unit, live, before bool) reading {
	s, statistics := c.now, c.statistics
	if before {
		s, statistics = c.before, c.statisticsBefore
	}
	t, registered := s[cell{one.Code, u}], statistics[cell{one.Code, u}]
	_, has := statistics[cell{one.Code, u}]
	switch {
	case one.Derived == indicators.PointsOf:
		return c.points(one, u, live, before)
	case one.Unit == indicators.Count || one.Unit == indicators.Fen:
		return number(one, t, registered, has, live)
	}
	return rate(t, registered, has, live)
}

func rate(t indicators.Tally, registered int64, has, live bool) reading {
	var counted, entered Value
	counted.N, counted.OK = t.Rate()
	if has {
		entered.N, entered.OK = indicators.Rate(t.Numerator*1000, registered)
	}
	r := reading{value: counted, other: entered}
	if entered.OK && !live {
		r = reading{value: entered, other: counted, byStatistic: true}
	}
	r.aboveAll = r.value.OK && r.value.N > 100_00
	return r
}

// number reads what is no rate: what was counted, unless somebody wants what was registered.
func number(one indicators.Indicator, t indicators.Tally, registered int64, has, live bool) reading {
	n := t.Numerator
	if byAmount(one) {
		n = t.Amount
	}
	r := reading{value: Value{n * 100, true}}
	if has {
		r.other = Value{registered / 10, true}
	}
	return r
}

// points reads how much the rate of another indicator has risen within a year.
func (c *counted) points(one indicators.Indicator, u Unit, live, before bool) reading {
	of, ok := indicators.Lookup(one.Of)
	if !ok || before {
		return reading{}
	}
	now, then := c.read(of, u, live, false), c.read(of, u, live, true)
	if now.byStatistic != then.byStatistic { // not the same thing: both as counted
		now, then = c.read(of, u, true, false), c.read(of, u, true, true)
	}
	r := reading{byStatistic: now.byStatistic}
	if now.value.OK && then.value.OK {
		r.value = Value{now.value.N - then.value.N, true}
	}
	return r
}

// onlyUnits drops units that are not under the prefixes.
func onlyUnits(all []Unit, prefixes []record.Division) []Unit {
	return slices.DeleteFunc(all, func(u Unit) bool { return u.Doctor == "" && u.Division != "" && !touches(u.Division, prefixes) })
}

// touches reports whether something of a division is under one of some prefixes.
func touches(d record.Division, prefixes []record.Division) bool {
	return slices.ContainsFunc(prefixes, func(p record.Division) bool { return d.Within(p) || p.Within(d) })
}
