// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"math"
	"slices"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// quarter looks at one quarter of a doctor.
func (y *doctorYear) quarter(q Quarter, visits []*Visit) {
	systolic := once(visits, Systolic)
	y.digits("A04.systolic", q, systolic, func(v *Visit) int32 { n, _ := v.Get(Systolic); return n })
	y.digits("A04.diastolic", q, once(visits, Diastolic), func(v *Visit) int32 { n, _ := v.Get(Diastolic); return n })
	y.digits("A04.glucose", q, only(visits, func(v *Visit) bool { return v.Glucose > 0 }), func(v *Visit) int32 { return v.Glucose })
	y.pressures(q, systolic)
	y.heap(q, systolic)
	y.controlled(q, only(visits, func(v *Visit) bool { return v.FollowUp() && v.Face() && v.Result != 0 }))
	y.repeats(q, systolic)
	y.late(q, visits)
	y.away(q, visits)
	y.clocks(q, visits)
}

// once returns the visits that measured a field, one for each person and day: what stands on two
// forms of one day was measured once.
func once(visits []*Visit, f Field) []*Visit {
	type measurement struct {
		person record.ID
		day    care.Date
	}
	seen := map[measurement]bool{}
	return only(visits, func(v *Visit) bool {
		m := measurement{v.Person, v.Day}
		if _, ok := v.Get(f); !ok || seen[m] {
			return false
		}
		seen[m] = true
		return true
	})
}

// digits tests last digits (A04): all ten where a device shows them all; where a cuff is read at
// even marks only these; where both are in use, even digits among each other and odd ones. A cuff
// is honestly read to the nearest ten, so that 0 is left out unless it is nearly all there is.
func (y *doctorYear) digits(rule string, q Quarter, visits []*Visit, value func(*Visit) int32) {
	s := y.Settings
	if int64(len(visits)) < s.DigitMin {
		return
	}
	var counts [10]float64
	for _, v := range visits {
		counts[value(v)%10]++
	}
	n := float64(len(visits))
	odds := (counts[1] + counts[3] + counts[5] + counts[7] + counts[9]) * 100 / n
	zero := counts[0] * 100 / n
	manual, mixed := odds <= float64(s.DigitOdd), odds < float64(s.DigitElectronic)
	limit := float64(s.DigitZero)
	if mixed && rule != "A04.glucose" {
		limit = float64(s.DigitManualZero)
	}
	manual, mixed = manual && rule != "A04.glucose", mixed && rule != "A04.glucose"
	t := Test{N: len(visits), DF: 9, P: 1}
	used, ok := n, false
	withZero := s.DigitWithZero > 0 || zero > limit
	switch {
	case manual:
		t.Statistic, t.DF, t.P, used, ok = parity(counts, withZero, false)
	case mixed:
		t.Statistic, t.DF, t.P, used, ok = parity(counts, withZero, true)
	default:
		t.Statistic, t.P, ok = chiSquare(counts[:], slices.Repeat([]float64{0.1}, 10))
	}
	if !ok {
		return
	}
	t.Large = zero > limit || math.Sqrt(t.Statistic/used) >= float64(s.DigitEffect)/100
	y.test(rule, q, visits, t, Number{"n", n}, Number{"chi2", t.Statistic}, Number{"df", t.DF}, Number{"zero", zero}, Number{"odd", odds})
}

// parity tests even digits among each other, and with odd also odd ones.
func parity(counts [10]float64, withZero, odd bool) (chi2, df, p, used float64, ok bool) {
	evens := []float64{counts[2], counts[4], counts[6], counts[8]}
	if withZero {
		evens = append(evens, counts[0])
	}
	groups := [][]float64{evens}
	if odd {
		groups = append(groups, []float64{counts[1], counts[3], counts[5], counts[7], counts[9]})
	}
	for _, g := range groups {
		one, _, enough := chiSquare(g, slices.Repeat([]float64{1 / float64(len(g))}, len(g)))
		if !enough {
			continue
		}
		chi2, df, ok = chi2+one, df+float64(len(g)-1), true
		for _, c := range g {
			used += c
		}
	}
	if !ok {
		return 0, 0, 1, 1, false
	}
	return chi2, df, survival(chi2, df), used, true
}

// pressures tests whether pressures vary too little, or crowd into one band (A05).
func (y *doctorYear) pressures(q Quarter, visits []*Visit) {
	s := y.Settings
	if int64(len(visits)) < s.SpreadMin {
		return
	}
	values := make([]float64, len(visits))
	within := 0
	for i, v := range visits {
		n, _ := v.Get(Systolic)
		values[i] = float64(n)
		if int64(n) >= s.BandLow && int64(n) <= s.BandHigh {
			within++
		}
	}
	n := Number{"n", float64(len(values))}
	mean, sd, chi2, p := spread(values, float64(s.SpreadUsual))
	y.test("A05.spread", q, visits, Test{N: len(values), Statistic: chi2, DF: float64(len(values) - 1), P: p, Large: sd < float64(s.SpreadMmhg)},
		n, Number{"sd", sd}, Number{"mean", mean})
	part := percent(within, len(values))
	inBand := mean >= float64(s.BandMean) && mean <= float64(s.BandHigh)
	y.test("A05.band", q, visits, Test{
		N: len(values), Statistic: part.Value, P: atLeast(within, len(values), float64(s.BandUsual)/100), Large: inBand && share(within, len(values), s.BandPercent),
	}, n, Number{"mean", mean}, part, Number{"low", float64(s.BandLow)}, Number{"high", float64(s.BandHigh)})
}

// heap tests whether pressures stand below the target that ought to stand above it (A06).
func (y *doctorYear) heap(q Quarter, visits []*Visit) {
	s := y.Settings
	if int64(len(visits)) < s.HeapMin {
		return
	}
	below, above := 0, 0
	for _, v := range visits {
		switch n, _ := v.Get(Systolic); {
		case int64(n) >= s.HeapLimit-s.HeapWidth && int64(n) < s.HeapLimit:
			below++
		case int64(n) >= s.HeapLimit && int64(n) < s.HeapLimit+s.HeapWidth:
			above++
		}
	}
	part := percent(below, below+above)
	y.test("A06.heap", q, visits, Test{
		N: below + above, Statistic: part.Value, P: atLeast(below, below+above, float64(s.HeapUsual)/100), Large: int64(below) > s.HeapRatio*int64(above),
	}, Number{"below", float64(below)}, Number{"above", float64(above)}, Number{"low", float64(s.HeapLimit - s.HeapWidth)}, Number{"high", float64(s.HeapLimit - 1)}, part)
}

func (y *doctorYear) controlled(q Quarter, visits []*Visit) {
	s := y.Settings
	if int64(len(visits)) < s.ControlledMin {
		return
	}
	well := len(only(visits, func(v *Visit) bool { return v.Result == carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED }))
	part := percent(well, len(visits))
	y.test("A05.controlled", q, visits, Test{
		N: len(visits), Statistic: part.Value, P: atLeast(well, len(visits), float64(s.ControlledUsual)/100), Large: share(well, len(visits), s.ControlledPercent),
	}, Number{"n", float64(len(visits))}, part)
}

// allNormal tests whether nothing was found in a year (A20), in the quarter of the last one:
// checkups are of a year, and those of a quarter are few. Who refused was not examined.
func (y *doctorYear) allNormal(rule string, result func(*Visit) carev1.FindingResult) {
	s := y.Settings
	done := only(y.visits, func(v *Visit) bool {
		return result(v) == carev1.FindingResult_FINDING_RESULT_NORMAL || result(v) == carev1.FindingResult_FINDING_RESULT_ABNORMAL
	})
	if int64(len(done)) < s.NormalMin {
		return
	}
	normal := len(only(done, func(v *Visit) bool { return result(v) == carev1.FindingResult_FINDING_RESULT_NORMAL }))
	part := percent(normal, len(done))
	y.test(rule, QuarterOf(done[len(done)-1].Day), done, Test{
		N: len(done), Statistic: part.Value, P: atLeast(normal, len(done), float64(s.NormalUsual)/100), Large: normal == len(done),
	}, Number{"n", float64(len(done))}, part)
}

// repeats tests how many patients have the pressure of their last visit again (A02). Rounded
// pairs are left out: they come again by themselves.
func (y *doctorYear) repeats(q Quarter, _ []*Visit) {
	s := y.Settings
	type pair [2]int32
	last := map[record.ID]pair{}
	seen, again := map[record.ID]bool{}, map[record.ID]bool{}
	var rest []*Visit
	for _, v := range once(y.visits, Systolic) {
		sys, _ := v.Get(Systolic)
		dia, _ := v.Get(Diastolic)
		if sys%10 == 0 && dia%10 == 0 || dia == 0 {
			continue
		}
		before, ok := last[v.Person]
		last[v.Person] = pair{sys, dia}
		if !ok || QuarterOf(v.Day) != q {
			continue
		}
		seen[v.Person] = true
		if before == (pair{sys, dia}) {
			again[v.Person] = true
			rest = append(rest, v)
		}
	}
	if int64(len(seen)) < s.RepeatMin {
		return
	}
	part := percent(len(again), len(seen))
	y.test("A02.repeat", q, rest, Test{
		N: len(seen), Statistic: part.Value, P: atLeast(len(again), len(seen), float64(s.RepeatUsual)/100), Large: share(len(again), len(seen), s.RepeatPercent),
	}, part, Number{"repeated", float64(len(again))}, Number{"persons", float64(len(seen))})
}

// late finds records that were entered long after the service (A09).
func (y *doctorYear) late(q Quarter, visits []*Visit) {
	s := y.Settings
	var all, late, overdue []*Visit
	for _, v := range visits {
		if v.entered() == 0 {
			continue
		}
		all = append(all, v)
		switch lag := daysBetween(v.Day, care.DateOf(time.UnixMilli(v.entered()))); {
		case lag > int(s.OverdueDays):
			overdue = append(overdue, v)
			late = append(late, v)
		case lag > int(s.LateDays):
			late = append(late, v)
		}
	}
	if int64(len(all)) >= s.LateMin && share(len(late), len(all), s.LatePercent) {
		y.find(about("A09.late", y.key(q), y.doctor, late), percent(len(late), len(all)), Number{"count", float64(len(late))}, Number{"n", float64(len(all))}, Number{"days", float64(s.LateDays)})
	}
	if len(overdue) > 0 {
		y.find(about("A09.overdue", y.key(q), y.doctor, overdue), Number{"count", float64(len(overdue))}, Number{"days", float64(s.OverdueDays)})
	}
}

// away finds home visits far from where the household lives (A08).
func (y *doctorYear) away(q Quarter, visits []*Visit) {
	s := y.Settings
	var known, far []*Visit
	for _, v := range visits {
		if !v.AtHome || v.Nobody || !v.Point.sharp(s.Accuracy) {
			continue
		}
		m, ok := metres(v.Point, y.around.Homes[v.Household])
		if !ok {
			continue
		}
		known = append(known, v)
		if m > float64(s.Away) {
			far = append(far, v)
		}
	}
	if int64(len(far)) >= s.AwayCount && share(len(far), len(known), s.AwayPercent) {
		y.find(about("A08.away", y.key(q), y.doctor, far), Number{"count", float64(len(far))}, percent(len(far), len(known)), Number{"metres", float64(s.Away)})
	}
}

// clocks finds records whose device had another time than the centre, or than it had before (A18).
// A device never saves with an earlier time than before, so that one set back shows as entered
// before it was saved.
func (y *doctorYear) clocks(q Quarter, visits []*Visit) {
	slack := y.Settings.ClockMinutes * minute
	for _, one := range []struct {
		rule string
		off  func(*Visit) int64
	}{
		{"A18.ahead", func(v *Visit) int64 {
			if v.Saved == 0 || v.Received == 0 {
				return 0
			}
			return v.Saved - v.Received
		}},
		{"A18.back", func(v *Visit) int64 {
			if v.Saved == 0 || v.Entered == 0 {
				return 0
			}
			return v.Saved - v.Entered
		}},
	} {
		off := only(visits, func(v *Visit) bool { return one.off(v) > slack })
		if len(off) == 0 {
			continue
		}
		worst := int64(0)
		for _, v := range off {
			worst = max(worst, one.off(v))
		}
		y.find(about(one.rule, y.key(q), y.doctor, off), Number{"count", float64(len(off))}, Number{"minutes", float64(worst / minute)})
	}
}

// spacing tests when the patients of a year were seen (A10), in its last quarter: it can be said
// only of a year that is over.
func (y *doctorYear) spacing() {
	s, q := y.Settings, Quarter(y.year*10+4)
	type course struct {
		person record.ID
		kind   record.Kind
	}
	followUps := only(y.visits, (*Visit).FollowUp)
	courses := grouped(followUps, func(v *Visit) course { return course{v.Person, v.Kind} })
	order := make([]course, 0, len(courses))
	for c := range courses {
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b course) int {
		return cmp.Or(record.ID.Compare(a.person, b.person), cmp.Compare(a.kind, b.kind))
	})
	var full, early, regular, grid, due, kept []*Visit
	for _, c := range order {
		visits := courses[c]
		first, last := visits[0], visits[len(visits)-1]
		if int64(len(visits)) >= s.YearVisits {
			full = append(full, last)
			if daysBetween(first.Day, last.Day) < int(s.EarlyDays) {
				early = append(early, last)
			}
		}
		if months := grouped(visits, func(v *Visit) int { return v.Day.Month() }); len(months) >= 3 {
			regular = append(regular, last)
			if len(grouped(visits, func(v *Visit) int { return v.Day.Day() })) == 1 {
				grid = append(grid, last)
			}
		}
		for i := 1; i < len(visits); i++ {
			if visits[i-1].Next.Whole() {
				due = append(due, visits[i])
				if visits[i].Day == visits[i-1].Next {
					kept = append(kept, visits[i])
				}
			}
		}
	}
	part := func(rule string, some, all []*Visit, least, usual, limit int64) {
		if len(y.visits) == 0 || QuarterOf(y.visits[len(y.visits)-1].Day) != q || int64(len(all)) < least {
			return
		}
		p := percent(len(some), len(all))
		y.test(rule, q, some, Test{
			N: len(all), Statistic: p.Value, P: atLeast(len(some), len(all), float64(usual)/100), Large: share(len(some), len(all), limit),
		}, p, Number{"count", float64(len(some))}, Number{"n", float64(len(all))}, Number{"times", float64(s.YearVisits)}, Number{"days", float64(s.EarlyDays)})
	}
	part("A10.early", early, full, s.YearMin, s.EarlyUsual, s.EarlyPercent)
	part("A10.grid", grid, regular, s.YearMin, s.GridUsual, s.GridPercent)
	part("A10.planned", kept, due, s.PlannedMin, s.PlannedUsual, s.PlannedPercent)
}
