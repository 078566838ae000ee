// SPDX-License-Identifier: Apache-2.0

package authenticity_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func newRules(t *testing.T) *authenticity.Rules {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := authenticity.NewRules(pack.Content())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// visits makes visits of one doctor, numbered so that each is another record and person.
type visits []authenticity.Visit

func (v *visits) add(day care.Date, change func(*authenticity.Visit)) {
	n := len(*v)
	one := authenticity.Visit{
		Record: record.DerivedID(care.KindHomeVisit, fmt.Append(nil, "visit", n)), Person: record.DerivedID(care.KindResident, fmt.Append(nil, "person", n)),
		Household: record.DerivedID(46, fmt.Append(nil, "home", n)),
		Kind:      care.KindHomeVisit, Doctor: "li", Author: "li", Division: "431124100200", Class: record.ClassGeneral, Day: day, AtHome: true,
	}
	change(&one)
	*v = append(*v, one)
}

// at returns an instant of a day in China.
func at(day care.Date, hour, minute int) int64 {
	return time.Date(day.Year(), time.Month(day.Month()), day.Day(), hour-8, minute, 0, 0, time.UTC).UnixMilli()
}

func stay(day care.Date, hour, minute, minutes int) func(*authenticity.Visit) {
	return func(v *authenticity.Visit) {
		v.Began = at(day, hour, minute)
		v.Ended = v.Began + int64(minutes)*60_000
	}
}

func all(changes ...func(*authenticity.Visit)) func(*authenticity.Visit) {
	return func(v *authenticity.Visit) {
		for _, c := range changes {
			c(v)
		}
	}
}

func point(latitude float64) func(*authenticity.Visit) {
	return func(v *authenticity.Visit) { v.Point = authenticity.PointAt(int32(latitude*1e6), 111_000_000, 5, 1) }
}

func values(of ...int32) func(*authenticity.Visit) {
	return func(v *authenticity.Visit) {
		v.Values = nil
		for i, n := range of {
			v.Values = append(v.Values, authenticity.Value{Field: authenticity.Field(i + 1), V: n})
		}
	}
}

// ruleIDs returns which rules see something, each once, in order, tests weighed by quarter.
func ruleIDs(r *authenticity.Rules, v visits, around authenticity.Around) []string {
	found, tests := r.Year("li", 2026, v, around)
	for _, some := range tests {
		found = append(found, r.Discover(some)...)
	}
	var ids []string
	for _, f := range found {
		ids = append(ids, f.Rule)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

const day care.Date = 20260310

// Each case is one side of a boundary: what is seen, or that nothing is.
func TestADaysBoundaries(t *testing.T) {
	r := newRules(t)
	many := func(n int, change func(i int) func(*authenticity.Visit)) visits {
		var v visits
		for i := range n {
			v.add(day, change(i))
		}
		return v
	}
	apart := func(metres float64, minutes int) visits {
		var v visits
		v.add(day, all(stay(day, 9, 0, 10), point(25)))
		v.add(day, all(stay(day, 9, 10+minutes, 10), point(25+(metres+10)/111_195)))
		return v
	}
	at := func(i int) func(*authenticity.Visit) { return stay(day, 8+i/3, i%3*20, 15) }
	for _, c := range []struct {
		name string
		v    visits
		want []string
	}{
		{"30 homes in a day", many(30, func(int) func(*authenticity.Visit) { return func(*authenticity.Visit) {} }), nil},
		{"31 homes in a day", many(31, func(int) func(*authenticity.Visit) { return func(*authenticity.Visit) {} }), []string{"A07.home_visits"}},
		{"40 people of 20 homes", many(40, func(i int) func(*authenticity.Visit) {
			return func(v *authenticity.Visit) { v.Household = record.DerivedID(46, fmt.Append(nil, i/2)) }
		}), nil},
		{"60 km/h", apart(6000, 6), nil},
		{"61 km/h", apart(6110, 6), []string{"A08.speed"}},
		{"fast, and no kilometre", apart(990, 0), nil},
		{"two homes overlap by five minutes", many(2, func(i int) func(*authenticity.Visit) { return stay(day, 9, i*10, 15) }), nil},
		{"two homes overlap by six minutes", many(2, func(i int) func(*authenticity.Visit) { return stay(day, 9, i*9, 15) }), []string{"A07.overlap"}},
		{"a couple is seen together", many(2, func(int) func(*authenticity.Visit) {
			return all(stay(day, 9, 0, 15), func(v *authenticity.Visit) { v.Household = record.ID{1} })
		}), nil},
		{"neighbours are seen together", many(2, func(i int) func(*authenticity.Visit) {
			return all(stay(day, 9, 0, 15), point(25+float64(i)*40/111_195))
		}), nil},
		{"five intervals below three minutes", many(6, func(i int) func(*authenticity.Visit) { return stay(day, 9, 2*i, 1) }), []string{"A07.rapid"}},
		{"four intervals below three minutes", many(5, func(i int) func(*authenticity.Visit) { return stay(day, 9, 2*i, 1) }), nil},
		{"intervals of three minutes", many(9, func(i int) func(*authenticity.Visit) { return stay(day, 9, 3*i, 1) }), nil},
		{"three homes at one point", many(3, func(i int) func(*authenticity.Visit) { return all(at(i), point(25)) }), []string{"A08.same_point"}},
		{"two homes at one point", many(2, func(i int) func(*authenticity.Visit) { return all(at(i), point(25)) }), nil},
		{"three homes eleven metres apart", many(3, func(i int) func(*authenticity.Visit) { return all(at(i), point(25+float64(i)*11/111_195)) }), nil},
		{"three visits in a night", many(3, func(i int) func(*authenticity.Visit) { return stay(day, 23, 20*i, 10) }), []string{"A09.night"}},
		{"two visits in a night", many(2, func(i int) func(*authenticity.Visit) { return stay(day, 23, 20*i, 10) }), nil},
		{"three visits at 20:59 and before", many(3, func(i int) func(*authenticity.Visit) { return stay(day, 20, 59-20*i, 10) }), nil},
		{"three visits at six in the morning", many(3, func(i int) func(*authenticity.Visit) { return stay(day, 6, 20*i, 10) }), nil},
		{"a night over midnight", many(3, func(i int) func(*authenticity.Visit) { return stay(day, 23+i, 30, 10) }), []string{"A09.night"}},
		{"five measurements of two persons are equal", many(2, func(int) func(*authenticity.Visit) {
			return values(128, 76, 71, 0, 631, 880)
		}), []string{"A03.vector"}},
		{"five of six measurements are equal", many(2, func(i int) func(*authenticity.Visit) {
			return values(128, 76, 71, 0, 631, 880, 56+int32(i))
		}), nil},
		{"eight of nine measurements are equal", many(2, func(i int) func(*authenticity.Visit) {
			return values(128, 76, 71, 0, 631, 880, 56, 1350, 610, 20000+int32(i))
		}), []string{"A03.vector"}},
		{"heights do not count", many(2, func(int) func(*authenticity.Visit) { return values(128, 76, 71, 1620, 631) }), nil},
		{"taken over from elsewhere", many(31, func(int) func(*authenticity.Visit) {
			return func(v *authenticity.Visit) { v.Source = carev1.CaptureSource_CAPTURE_SOURCE_IMPORT }
		}), nil},
		{"two villages within a minute", many(2, func(i int) func(*authenticity.Visit) {
			return all(stay(day, 9, 0, 3), func(v *authenticity.Visit) { v.Division = record.Division(fmt.Sprint(431124100200 + i)) })
		}), []string{"A19.villages"}},
		{"two villages a minute later", many(2, func(i int) func(*authenticity.Visit) {
			return all(stay(day, 9, i, 3), func(v *authenticity.Visit) { v.Division = record.Division(fmt.Sprint(431124100200 + i)) })
		}), nil},
		{"people of two villages at the clinic", many(2, func(i int) func(*authenticity.Visit) {
			return all(stay(day, 9, 0, 3), func(v *authenticity.Visit) {
				v.Kind, v.AtHome, v.Source = care.KindHypertensionFollowUp, false, carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE
				v.Division = record.Division(fmt.Sprint(431124100200 + i))
			})
		}), nil},
	} {
		if got := ruleIDs(r, c.v, authenticity.Around{}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestNeighboursAtTheirOwnHomesAreNotAtOnePoint(t *testing.T) {
	r := newRules(t)
	var v visits
	homes := map[record.ID]authenticity.Point{}
	for i := range 8 {
		v.add(day, all(stay(day, 8+i, 0, 20), point(25)))
		homes[v[i].Household] = v[i].Point
	}
	if got := ruleIDs(r, v, authenticity.Around{Homes: homes}); got != nil {
		t.Errorf("a block of flats: %v", got)
	}
	for id, p := range homes {
		p.Lat += 2000 // 220 m
		homes[id] = p
	}
	if got := ruleIDs(r, v, authenticity.Around{Homes: homes}); !slices.Equal(got, []string{"A08.same_point"}) {
		t.Errorf("homes 220 m away: %v", got)
	}
}

func TestAQuartersBoundaries(t *testing.T) {
	r := newRules(t)
	pressures := func(n int, of func(i int) int32) visits {
		var v visits
		for i := range n {
			v.add(20260101+care.Date(i%28), values(of(i)))
		}
		return v
	}
	spreadOut := []int32{108, 115, 121, 124, 129, 132, 136, 143, 150, 157}
	for _, c := range []struct {
		name string
		v    visits
		want []string
	}{
		{"49 pressures that end in 8", pressures(49, func(i int) int32 { return 98 + 10*int32(i%9) }), nil},
		{"50 pressures that end in 8", pressures(50, func(i int) int32 { return 98 + 10*int32(i%9) }), []string{"A04.systolic"}},
		{"all digits alike", pressures(200, func(i int) int32 { return 95 + int32(i*7%80) }), nil},
		{"a cuff read to the nearest ten half of the time", pressures(200, func(i int) int32 { return []int32{110, 120, 130, 140, 150, 112, 124, 136, 148, 152, 114, 126}[i%12] }), nil},
		{"a cuff whose readings all end in 0", pressures(60, func(i int) int32 { return 100 + 10*int32(i%6) }), []string{"A04.systolic"}},
		{"a cuff with 2 and 8 only", pressures(100, func(i int) int32 { return []int32{112, 128, 142, 158, 122, 138}[i%6] }), []string{"A04.systolic"}},
		{"29 pressures within a hand's breadth", pressures(29, func(i int) int32 { return 130 + int32(i%5) }), nil},
		{"30 pressures within a hand's breadth", pressures(30, func(i int) int32 { return 130 + int32(i%5) }), []string{"A05.band", "A05.spread"}},
		{"pressures as they are", pressures(120, func(i int) int32 { return spreadOut[i%10] }), nil},
		{"99 pressures heaped below 140", pressures(99, func(i int) int32 { return []int32{136, 137, 138, 139, 111, 122, 103, 154, 165, 110}[i%10] }), nil},
		{"100 pressures heaped below 140", pressures(100, func(i int) int32 { return []int32{136, 137, 138, 139, 111, 122, 103, 154, 165, 110}[i%10] }), []string{"A06.heap"}},
		{"as many above as below", pressures(100, func(i int) int32 { return []int32{136, 141, 138, 143, 111, 122, 104, 155, 167, 110}[i%10] }), nil},
	} {
		if got := ruleIDs(r, c.v, authenticity.Around{}); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// The first row of table A.3 of any book: a chi-square of 27.88 with 9 degrees of freedom is p = 0.001, one of 18.47
// with 4 the same.
func TestTheProbabilitiesAreTheBooks(t *testing.T) {
	r := newRules(t)
	var v visits
	for i := range 100 {
		v.add(20260101+care.Date(i%28), values(100+int32([]int{1, 2, 3, 5, 5, 5, 5, 7, 8, 9}[i%10])))
	}
	_, tests := r.Year("li", 2026, v, authenticity.Around{})
	for _, test := range tests[20261] {
		if test.Finding.Rule != "A04.systolic" {
			continue
		}
		// Digits 1, 2, 3, 7, 8, 9 ten times each, 5 forty times, and 0, 4, 6 never, where ten are expected.
		if want := (900.0 + 3*100) / 10; test.Statistic != want || test.DF != 9 || test.P > 1e-19 || test.N != 100 {
			t.Errorf("%+v, want χ² %g", test, want)
		}
		return
	}
	t.Error("nothing was tested")
}

func TestFalseDiscoveriesAreControlled(t *testing.T) {
	tests := []authenticity.Test{{P: 0.04}, {P: 0.001}, {P: 0.8}, {P: 0.01}, {P: 0.02}}
	authenticity.Weigh(tests)
	// By hand: 0.001·5/1, 0.01·5/2, 0.02·5/3, 0.04·5/4, 0.8·5/5, each no greater than those behind it.
	for i, want := range []float64{0.05, 0.005, 0.8, 0.025, 0.02 * 5 / 3} {
		if math.Abs(tests[i].Q-want) > 1e-12 {
			t.Errorf("p %g: q %g, want %g", tests[i].P, tests[i].Q, want)
		}
	}
	r := newRules(t)
	if found := r.Discover([]authenticity.Test{{P: 1e-9, Large: false}}); len(found) > 0 {
		t.Error("what is unlikely and small stands")
	}
	if found := r.Discover([]authenticity.Test{{P: 1e-9, Large: true}, {P: 0.5, Large: true}}); len(found) != 1 || found[0].Test == nil {
		t.Errorf("%+v", found)
	}
}

func TestSharedThingsBoundaries(t *testing.T) {
	r := newRules(t)
	member := func(i int, change func(*authenticity.Member)) authenticity.Member {
		m := authenticity.Member{
			Record: record.DerivedID(care.KindResident, fmt.Append(nil, i)), Person: record.DerivedID(care.KindResident, fmt.Append(nil, i)),
			Household: record.DerivedID(46, fmt.Append(nil, i)), Doctor: "li", Day: day,
		}
		if change != nil {
			change(&m)
		}
		return m
	}
	group := func(n int, change func(i int, m *authenticity.Member)) (out []authenticity.Member) {
		for i := range n {
			out = append(out, member(i, func(m *authenticity.Member) {
				if change != nil {
					change(i, m)
				}
			}))
		}
		return out
	}
	for _, c := range []struct {
		name    string
		kind    authenticity.KeyKind
		members []authenticity.Member
		want    []string
	}{
		{"one telephone of five homes", authenticity.KeyPhone, group(5, nil), nil},
		{"one telephone of six homes", authenticity.KeyPhone, group(6, nil), []string{"A12.shared"}},
		{"one telephone of a family of nine", authenticity.KeyPhone, group(9, func(_ int, m *authenticity.Member) { m.Household = record.ID{1} }), nil},
		{"a doctor's telephone in two homes", authenticity.KeyPhone, group(3, func(i int, m *authenticity.Member) { m.Staff = i == 0 }), []string{"A12.own"}},
		{"a doctor's own family", authenticity.KeyPhone, group(3, func(i int, m *authenticity.Member) { m.Staff, m.Household = i == 0, record.ID{1} }), nil},
		{"a series of five", authenticity.KeySeries, group(5, nil), []string{"A12.series"}},
		{"a series of four", authenticity.KeySeries, group(4, nil), nil},
		{"a family's photograph of one day", authenticity.KeyPhoto, group(2, func(_ int, m *authenticity.Member) { m.Household = record.ID{1} }), nil},
		{"a photograph of two days", authenticity.KeyPhoto, group(2, func(i int, m *authenticity.Member) { m.Household, m.Day = record.ID{1}, day+care.Date(i) }), []string{"A17.reuse"}},
		{"a panel of two persons", authenticity.KeyPanel, group(2, nil), []string{"A03.labs"}},
		{"a panel of one person twice", authenticity.KeyPanel, group(2, func(_ int, m *authenticity.Member) { m.Person = record.ID{1} }), nil},
		{"two archives of one number", authenticity.KeyNumber, group(2, nil), []string{"A11.number"}},
		{"two archives that are linked", authenticity.KeyNumber, group(2, func(_ int, m *authenticity.Member) { m.Person = record.ID{1} }), nil},
		{"one name, one birth date", authenticity.KeyName, group(2, func(_ int, m *authenticity.Member) { m.Birth = 19500101 }), []string{"A11.similar"}},
		{"one name, two birth dates", authenticity.KeyName, group(2, func(i int, m *authenticity.Member) { m.Birth = 19500101 + care.Date(i) }), nil},
		{"one name, numbers that differ in a digit", authenticity.KeyName, group(2, func(i int, m *authenticity.Member) { m.Number = fmt.Sprint("99001195001010", i, "1X") }), []string{"A11.similar"}},
		{"one name, numbers that differ in two", authenticity.KeyName, group(2, func(i int, m *authenticity.Member) { m.Number = fmt.Sprint("9900119500101", i, i, "1X") }), nil},
		{"200 checkups at a site", authenticity.KeySite, group(200, nil), nil},
		{"201 checkups at a site", authenticity.KeySite, group(201, nil), []string{"A07.site"}},
	} {
		var got []string
		for _, f := range r.Shared(c.kind, 1, c.members) {
			got = append(got, f.Rule)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEveryRuleOfTheBookHasWords(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range authenticity.Book() {
		if r.ZH == "" || r.EN == "" || r.InnocentZH == "" || r.InnocentEN == "" || (r.FoundZH == "") != (r.FoundEN == "") || r.Severity == 0 {
			t.Errorf("%s lacks words", r.ID)
		}
		if i > 0 && r.ID <= authenticity.Book()[i-1].ID {
			t.Errorf("%s is out of order", r.ID)
		}
		seen[r.ID[:3]] = true
	}
	for n := 1; n <= 20; n++ {
		if id := fmt.Sprintf("A%02d", n); !seen[id] {
			t.Errorf("%s has no rule", id)
		}
	}
	if f, ok := authenticity.Lookup("Q05"); ok || f.ID != "Q05" {
		t.Error("Q05 is in the book")
	}
}
