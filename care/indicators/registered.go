// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"cmp"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A Registered is one number that the bureau entered: a statistic of a year or month, or the quota of a task.
type Registered struct {
	Statistic  carev1.StatisticCode // 0 for the quota of a task
	Task       Code                 // the indicator that a task is about; "" for a statistic
	Division   record.Division
	Year       int
	Month      int // 0 for the whole year
	ValueX1000 int64
	Record     record.ID
	Received   care.Date
}

// Registered returns what a statistic or a task says, nil for everything else. A draft, a task that was
// cancelled and what was received after the cutoff (0 for none) say nothing.
func (f Facts) Registered(cutoff care.Date) (out []Registered) {
	for i := range f.events {
		ev := &f.events[i]
		if !ev.standing.counts() || cutoff != 0 && ev.received > dayOf(cutoff) {
			continue
		}
		r := Registered{Division: f.place(ev.place), Record: ev.id, Received: ev.received.date()}
		switch ev.what {
		case whatStatistic:
			r.Statistic, r.Month, r.Year = carev1.StatisticCode(ev.v[0]), int(ev.v[1]), ev.on.date().Year()
			r.ValueX1000 = int64(ev.flags>>8)<<31 | int64(ev.v[2])
		case whatTask:
			if ev.v[1] < 0 || carev1.TaskState(ev.v[3]) == carev1.TaskState_TASK_STATE_WITHDRAWN {
				continue
			}
			r.Task, r.Year, r.ValueX1000 = Code(f.name(uint8(ev.v[0]))), taskYear(ev), int64(ev.v[1])*1000
		default:
			continue
		}
		out = append(out, r)
	}
	return out
}

// taskYear returns the year in which a task is due, or was issued where it is never due.
func taskYear(ev *event) int {
	if due := care.Date(ev.v[2]); due.Whole() {
		return due.Year()
	}
	return ev.on.date().Year()
}

// A Registry answers which registered number a division has.
type Registry struct {
	rows map[registryKey]Registered
	// below has the divisions one level below each that have any row of the key, in order.
	below map[registryKey][]record.Division
}

type registryKey struct {
	statistic carev1.StatisticCode
	task      Code
	division  record.Division // without the zeros that fill it up
	year      int
	month     int
}

// NewRegistry takes rows in any order. Of several for one division, item and time the one with the largest id
// counts: the one that was begun last.
func NewRegistry(rows []Registered) *Registry {
	r := &Registry{rows: map[registryKey]Registered{}, below: map[registryKey][]record.Division{}}
	rows = slices.SortedFunc(slices.Values(rows), func(a, b Registered) int { return slices.Compare(a.Record[:], b.Record[:]) })
	for _, row := range rows {
		key := registryKey{row.Statistic, row.Task, short(row.Division), row.Year, row.Month}
		if _, again := r.rows[key]; !again {
			for at := above(key.division); at != ""; at = above(at) {
				up := key
				up.division = at
				r.below[up] = append(r.below[up], key.division)
			}
		}
		r.rows[key] = row
	}
	return r
}

// short returns a division without the zeros that fill it up to 12 digits.
func short(d record.Division) record.Division {
	s, err := care.ParseDivision(string(d))
	if err != nil {
		return d
	}
	return s
}

// above returns the division one level above, "" for none.
func above(d record.Division) record.Division {
	for _, level := range []care.Level{care.LevelTownship, care.LevelCounty, care.LevelCity, care.LevelProvince} {
		if len(d) > int(level) {
			return d[:level]
		}
	}
	return ""
}

// A Denominator is a registered one.
type Denominator struct {
	ValueX1000 int64
	Statistic  carev1.StatisticCode // 0 for a task
	Prevalence int64                // thousandths of a percent, where people × prevalence made it; else 0
	Parts      int                  // 0: the division's own row; else it is the sum of so many rows below it
}

// Of returns the registered denominator of an indicator for a division in the year of the period's end, and
// whether there is one. Of an indicator's statistics the first that the division has counts; of persons at the
// age of a disease times its prevalence, where only that is there. A task's quota is that of the division
// itself: quotas of a task and of its parts are never added up.
func (r *Registry) Of(code Code, division record.Division, p Period) (Denominator, bool) {
	one, ok := Lookup(code)
	if !ok {
		return Denominator{}, false
	}
	year, at := p.To.Year(), short(division)
	if row, ok := r.rows[registryKey{0, code, at, year, 0}]; ok {
		return Denominator{ValueX1000: row.ValueX1000}, true
	}
	if one.Derived == RegisteredOf || one.Unit == Count {
		return Denominator{}, false
	}
	for _, statistic := range one.Stat {
		if d, ok := r.statistic(statistic, at, year); ok {
			return d, true
		}
	}
	return Denominator{}, false
}

// Count returns the registered total of a counter, such as the visits of a clinic's own system: all of its
// statistics added up, for a whole year or for the months of the period.
func (r *Registry) Count(code Code, division record.Division, p Period) (Denominator, bool) {
	one, ok := Lookup(code)
	if !ok || one.Unit != Count {
		return Denominator{}, false
	}
	var sum Denominator
	found := false
	for _, statistic := range one.Stat {
		if d, ok := r.overPeriod(statistic, short(division), p); ok {
			sum.ValueX1000, sum.Statistic, found = sum.ValueX1000+d.ValueX1000, statistic, true
		}
	}
	return sum, found
}

// Share returns N02: visits to primary care of all visits, and whether both are registered.
func (r *Registry) Share(division record.Division, p Period) (t Tally, ok bool) {
	a, okA := r.overPeriod(clinicVisits, short(division), p)
	b, okB := r.overPeriod(carev1.StatisticCode_STATISTIC_CODE_ALL_VISITS, short(division), p)
	return Tally{Numerator: a.ValueX1000 / 1000, Denominator: b.ValueX1000 / 1000}, okA && okB
}

// overPeriod returns a statistic of the whole year, or the sum of the months where a period is less than a year
// or no row is of a whole one.
func (r *Registry) overPeriod(statistic carev1.StatisticCode, at record.Division, p Period) (Denominator, bool) {
	year := p.To.Year()
	if p == Year(year) {
		if d, ok := r.sum(registryKey{statistic, "", at, year, 0}); ok {
			return d, true
		}
	}
	var total Denominator
	found := false
	for month := 1; month <= 12; month++ {
		if whole := Month(year, month); whole.From < p.From || whole.To > p.To {
			continue
		}
		d, ok := r.sum(registryKey{statistic, "", at, year, month})
		if !ok {
			return Denominator{}, false
		}
		total.ValueX1000, total.Parts, total.Statistic, found = total.ValueX1000+d.ValueX1000, total.Parts+1, statistic, true
	}
	return total, found
}

// statistic returns a yearly number, a prevalence as persons.
func (r *Registry) statistic(statistic carev1.StatisticCode, at record.Division, year int) (Denominator, bool) {
	if !isPrevalence(statistic) {
		return r.sum(registryKey{statistic, "", at, year, 0})
	}
	people, ok := r.sum(registryKey{carev1.StatisticCode_STATISTIC_CODE_AGED_35_AND_OVER, "", at, year, 0})
	if !ok {
		return Denominator{}, false
	}
	for from := at; from != ""; from = above(from) { // issued by province and year: the nearest counts
		if row, ok := r.rows[registryKey{statistic, "", from, year, 0}]; ok {
			people.ValueX1000 = scaled(people.ValueX1000, row.ValueX1000, 100_000)
			people.Statistic, people.Prevalence = statistic, row.ValueX1000
			return people, true
		}
	}
	return Denominator{}, false
}

func isPrevalence(s carev1.StatisticCode) bool {
	switch s {
	case carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_PREVALENCE, carev1.StatisticCode_STATISTIC_CODE_DIABETES_PREVALENCE,
		carev1.StatisticCode_STATISTIC_CODE_COPD_PREVALENCE:
		return true
	}
	return false
}

// sum returns the division's own row, else the sum of the highest rows below it.
func (r *Registry) sum(key registryKey) (Denominator, bool) {
	if row, ok := r.rows[key]; ok {
		return Denominator{ValueX1000: row.ValueX1000, Statistic: key.statistic}, true
	}
	below := slices.SortedFunc(slices.Values(r.below[key]), func(a, b record.Division) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	d := Denominator{Statistic: key.statistic}
	var taken []record.Division
	for _, at := range below {
		if at.WithinAny(taken) {
			continue
		}
		part := key
		part.division = at
		taken = append(taken, at)
		d.ValueX1000 += r.rows[part].ValueX1000
		d.Parts++
	}
	return d, d.Parts > 0
}
