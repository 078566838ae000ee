// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"slices"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// columns writes the figures of units as columns of numbers. Of a village what is said of people of
// the sensitive class is left out: so few people are easily known.
func (c *counted) columns(units []Unit) *carev1.FrozenFigures {
	out := &carev1.FrozenFigures{}
	all := indicators.All()
	for _, one := range all {
		out.Codes = append(out.Codes, string(one.Code))
	}
	for _, u := range units {
		w := &carev1.FrozenUnit{Division: string(u.Division)}
		for _, one := range all {
			at := cell{one.Code, u}
			if len(u.Division) == int(care.LevelVillage) && restricted(one.Code) {
				at = cell{}
			}
			now, before := c.now[at], c.before[at]
			w.Numerators, w.Denominators, w.Amounts = append(w.Numerators, uint64(now.Numerator)), append(w.Denominators, uint64(now.Denominator)), append(w.Amounts, now.Amount)
			w.LastNumerators, w.LastDenominators = append(w.LastNumerators, uint64(before.Numerator)), append(w.LastDenominators, uint64(before.Denominator))
			w.LastAmounts = append(w.LastAmounts, before.Amount)
			w.StatisticsX1000 = append(w.StatisticsX1000, entry(c.statistics, at))
			w.LastStatisticsX1000 = append(w.LastStatisticsX1000, entry(c.statisticsBefore, at))
		}
		shorten(w)
		out.Units = append(out.Units, w)
	}
	return out
}

func entry(m map[cell]int64, at cell) uint64 {
	if n, ok := m[at]; ok {
		return uint64(n) + 1
	}
	return 0
}

// shorten drops zeros at the end of columns.
func shorten(w *carev1.FrozenUnit) {
	for _, column := range []*[]uint64{&w.Numerators, &w.Denominators, &w.StatisticsX1000, &w.LastNumerators, &w.LastDenominators, &w.LastStatisticsX1000} {
		for n := len(*column); n > 0 && (*column)[n-1] == 0; n = len(*column) {
			*column = (*column)[:n-1]
		}
	}
	for _, column := range []*[]int64{&w.Amounts, &w.LastAmounts} {
		for n := len(*column); n > 0 && (*column)[n-1] == 0; n = len(*column) {
			*column = (*column)[:n-1]
		}
	}
}

// take reads columns.
func (c *counted) take(f *carev1.FrozenFigures) {
	for _, w := range f.GetUnits() {
		u := Unit{Division: record.Division(w.GetDivision())}
		for i, code := range f.GetCodes() {
			at := cell{indicators.Code(code), u}
			c.now[at] = indicators.Tally{Numerator: int64(nth(w.Numerators, i)), Denominator: int64(nth(w.Denominators, i)), Amount: nth(w.Amounts, i)}
			c.before[at] = indicators.Tally{Numerator: int64(nth(w.LastNumerators, i)), Denominator: int64(nth(w.LastDenominators, i)), Amount: nth(w.LastAmounts, i)}
			if n := nth(w.StatisticsX1000, i); n > 0 {
				c.statistics[at] = int64(n) - 1
			}
			if n := nth(w.LastStatisticsX1000, i); n > 0 {
				c.statisticsBefore[at] = int64(n) - 1
			}
		}
	}
}

func nth[N int64 | uint64](column []N, i int) N {
	if i < len(column) {
		return column[i]
	}
	return 0
}

// freezeOf reads the head of a freeze.
func freezeOf(id record.ID, form *carev1.AssessmentFreeze) Freeze {
	b := form.GetBasis()
	f := Freeze{
		Record: id, Period: windowOf(form.GetWindow()), At: time.UnixMilli(b.GetFrozenAtMs()).UTC(), Author: b.GetAuthorId(), Epoch: b.GetEpoch(),
		Size: ledger.Size(b.GetLedgerSize()), Position: b.GetPosition(), Persons: b.GetPersons(), Pack: [2]string{b.GetPackName(), b.GetPackVersion()},
		PackHash: b.GetPackSha256(), Records: int(b.GetRecords()),
	}
	copy(f.Root[:], b.GetLedgerRoot())
	copy(f.Digest[:], b.GetOutcomesSha256())
	copy(f.Settings[:], b.GetSettingsSha256())
	w := b.GetCompleteness()
	f.Completeness = Completeness{Tablets: int(w.GetTablets()), Heard: int(w.GetHeard()), OldestSyncDays: int(w.GetOldestSyncDays()), HeldSaves: int(w.GetHeldSaves())}
	f.Completeness.CoversPermille = 1000
	if f.Completeness.Tablets > 0 {
		f.Completeness.CoversPermille = f.Completeness.Heard * 1000 / f.Completeness.Tablets
	}
	return f
}

// freezes returns the heads of all freezes, the latest window first.
func (c *counting) freezes() (all []Freeze, err error) {
	err = eachPaper(c.conn, kindFreeze, func() *carev1.AssessmentFreeze { return &carev1.AssessmentFreeze{} }, func(id record.ID, form *carev1.AssessmentFreeze) {
		if form.GetBasis() != nil {
			all = append(all, freezeOf(id, form))
		}
	})
	slices.SortFunc(all, func(a, b Freeze) int {
		return cmp.Or(cmp.Compare(b.Period.To, a.Period.To), cmp.Compare(b.Period.From, a.Period.From))
	})
	return all, err
}

// freezeAt returns the freeze of a window, false if there is none.
func (c *counting) freezeAt(p indicators.Period) (Freeze, bool, error) {
	all, err := c.freezes()
	at := slices.IndexFunc(all, func(f Freeze) bool { return f.Period == p })
	if err != nil || at < 0 {
		return Freeze{}, false, err
	}
	return all[at], true, nil
}

// frozenFor returns what was frozen, if that answers a query.
func (c *counting) frozenFor(q Query) (counted, bool, error) {
	if q.Live || q.Level == Doctor || q.ReceivedBy != 0 || q.AsOf != 0 && q.AsOf < q.Period.To {
		return counted{}, false, nil
	}
	f, ok, err := c.freezeAt(q.Period)
	if err == nil && !ok {
		err = c.notFrozen(q.Period)
	}
	if err != nil || !ok {
		return counted{}, false, err
	}
	out, err := c.frozen(f, q)
	return out, err == nil, err
}

// notFrozen asks the records themselves, while not all of them have been looked at: what is frozen is
// never counted anew in silence.
func (c *counting) notFrozen(p indicators.Period) error {
	if !freezable(p) {
		return nil
	}
	_, err := c.a.freezeShown(c.ctx, p)
	if at := ProblemOf(err); at != nil && at.Code == ProblemFrozen {
		return errReading(p)
	}
	return err
}

func errReading(p indicators.Period) error {
	return problem(ProblemReading, "the frozen figures of %s are just being read again: try again in some minutes", p)
}

// frozen reads the figures of a freeze for the units of a query. Who sees a part of the county has
// the sum of what can be seen.
func (c *counting) frozen(f Freeze, q Query) (counted, error) {
	all, err := c.everyLevel(f)
	if err == nil {
		all.narrow(q, record.Division(c.a.cfg.County))
	}
	return all, err
}

// everyLevel reads the figures of a freeze: of the county, of townships and of villages.
func (c *counting) everyLevel(f Freeze) (counted, error) {
	all := counted{period: f.Period, now: sums{}, before: sums{}, statistics: map[cell]int64{}, statisticsBefore: map[cell]int64{}}
	all.basis = Basis{
		Standing: c.standing, AsOf: f.Period.To, Pack: f.Pack, Settings: f.Settings, CountedOn: care.DateOf(f.At), FromTables: true, Freeze: &f,
	}
	all.basis.Position = f.Position
	parts := 0
	err := eachPaper(c.conn, kindFreeze, func() *carev1.AssessmentFreeze { return &carev1.AssessmentFreeze{} }, func(_ record.ID, form *carev1.AssessmentFreeze) {
		if windowOf(form.GetWindow()) != f.Period {
			return
		}
		if len(form.GetFigures().GetUnits()) > 0 {
			parts++
		}
		all.take(form.GetFigures())
	})
	if err == nil && parts < f.Records {
		err = errReading(f.Period)
	}
	return all, err
}

// narrow keeps the units of a query's level, made of what lies under its prefixes.
func (c *counted) narrow(q Query, county record.Division) {
	length := map[Level]int{County: int(care.LevelCounty), Township: int(care.LevelTownship), Village: int(care.LevelVillage)}[q.Level]
	if within(county, q.Divisions) { // everything is seen
		c.keep(func(u Unit) bool { return len(u.Division) == length })
		return
	}
	for i, s := range []sums{c.now, c.before} {
		made := sums{}
		for at, t := range s {
			d := at.unit.Division
			whole := len(d) == length && within(d, q.Divisions)
			part := len(d) > length && within(d, q.Divisions) && !within(care.Above(d, care.Level(length)), q.Divisions) && c.finest(d, q)
			if !whole && !part {
				continue
			}
			key := cell{at.code, Unit{Division: care.Above(d, care.Level(length))}}
			made[key] = made[key].Plus(t)
		}
		if i == 0 {
			c.now = made
		} else {
			c.before = made
		}
	}
	for _, m := range []map[cell]int64{c.statistics, c.statisticsBefore} {
		for at := range m {
			if len(at.unit.Division) != length || !within(at.unit.Division, q.Divisions) {
				delete(m, at)
			}
		}
	}
}

// finest reports whether a frozen unit is to be added up: the highest ones that are seen whole, so
// that nothing is added twice.
func (c *counted) finest(d record.Division, q Query) bool {
	up := above(d)
	return up == "" || !within(up, q.Divisions)
}

func (c *counted) keep(wanted func(Unit) bool) {
	for _, s := range []sums{c.now, c.before} {
		for at := range s {
			if !wanted(at.unit) {
				delete(s, at)
			}
		}
	}
	for _, m := range []map[cell]int64{c.statistics, c.statisticsBefore} {
		for at := range m {
			if !wanted(at.unit) {
				delete(m, at)
			}
		}
	}
}
