// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Around is what must be known beside a doctor's visits.
type Around struct {
	Homes map[record.ID]Point
	// OnList reports whether somebody is on the staff list of a day; nil: the county has none.
	OnList func(staff string, day care.Date) bool
}

// doctorYear is one doctor's visits of one calendar year by the day of service.
type doctorYear struct {
	*Rules
	doctor string
	year   int
	visits []*Visit // by day, beginning and id
	around Around
	found  []Finding
	tests  map[Quarter][]Test
}

// Year returns what one doctor's year shows, and its tests by quarter. The visits, in any order,
// are all of this doctor and year; those taken over from elsewhere are left out of everything
// but A19, since their clocks and devices are not ours.
func (r *Rules) Year(doctor string, year int, visits []Visit, around Around) ([]Finding, map[Quarter][]Test) {
	y := &doctorYear{Rules: r, doctor: doctor, year: year, visits: pointers(visits), around: around, tests: map[Quarter][]Test{}}
	slices.SortFunc(y.visits, func(a, b *Visit) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Began, b.Began), record.ID.Compare(a.Record, b.Record))
	})
	y.offList()
	y.visits = only(y.visits, func(v *Visit) bool { return !v.Legacy() })
	days := grouped(y.visits, func(v *Visit) care.Date { return v.Day })
	for _, day := range sortedKeys(days) {
		y.day(day, days[day])
	}
	y.nights()
	y.batches()
	for q := Quarter(year*10 + 1); q <= Quarter(year*10+4); q++ {
		visits := only(y.visits, func(v *Visit) bool { return QuarterOf(v.Day) == q })
		y.quarter(q, visits)
	}
	y.rush()
	y.spacing()
	y.allNormal("A20.ecg", func(v *Visit) carev1.FindingResult { return v.ECG })
	y.allNormal("A20.ultrasound", func(v *Visit) carev1.FindingResult { return v.Sound })
	return y.found, y.tests
}

// find adds a finding.
func (y *doctorYear) find(f Finding, numbers ...Number) {
	f.say(numbers...)
	y.found = append(y.found, f)
}

// key names what a finding is about: the doctor and a day or quarter.
func (y *doctorYear) key(part any) string { return fmt.Sprintf("%s\x00%v", y.doctor, part) }

// test adds a test of a quarter with the finding that it would be.
func (y *doctorYear) test(rule string, q Quarter, visits []*Visit, t Test, numbers ...Number) {
	t.Finding = about(rule, y.key(q), y.doctor, visits)
	t.Finding.Quarter = q
	t.Finding.say(numbers...)
	y.tests[q] = append(y.tests[q], t)
}

// offList finds records of days on which the doctor or who signed is not on the list (A19).
func (y *doctorYear) offList() {
	if y.around.OnList == nil {
		return
	}
	byQuarter := map[Quarter][]*Visit{}
	for _, v := range y.visits {
		if !y.around.OnList(y.doctor, v.Day) || v.Signer != "" && !y.around.OnList(v.Signer, v.Day) {
			byQuarter[QuarterOf(v.Day)] = append(byQuarter[QuarterOf(v.Day)], v)
		}
	}
	for _, q := range sortedKeys(byQuarter) {
		y.find(about("A19.staff", y.key(q), y.doctor, byQuarter[q]), Number{"count", float64(len(byQuarter[q]))})
	}
}

const minute = int64(time.Minute / time.Millisecond)

// hourOf returns the hour in China of an instant, and the day whose evening it belongs to when
// a night goes on until an hour of the morning.
func hourOf(ms, until int64) (hour int64, night care.Date) {
	at := time.UnixMilli(ms).UTC().Add(8 * time.Hour)
	return int64(at.Hour()), care.DateOf(time.UnixMilli(ms).Add(-time.Duration(until) * time.Hour))
}

// nights finds services begun in the night (A09).
func (y *doctorYear) nights() {
	s := y.Settings
	byNight := map[care.Date][]*Visit{}
	for _, v := range y.visits {
		if !v.OnSite() || !v.Face() {
			continue
		}
		if hour, night := hourOf(v.Began, s.NightUntil); hour >= s.NightFrom || hour < s.NightUntil {
			byNight[night] = append(byNight[night], v)
		}
	}
	for _, night := range sortedKeys(byNight) {
		if n := len(byNight[night]); int64(n) >= s.NightRecords {
			y.find(about("A09.night", y.key(night), y.doctor, byNight[night]), Number{"count", float64(n)}, Number{"day", float64(night)})
		}
	}
}

// entered returns when a record was entered, by the clock of the device that saved it.
func (v *Visit) entered() int64 {
	if v.Saved > 0 {
		return v.Saved
	}
	return v.Entered
}

// batches finds records of many days that one account entered within an hour (A09), at most one
// for each day of entering.
func (y *doctorYear) batches() {
	s := y.Settings
	accounts := grouped(only(y.visits, func(v *Visit) bool { return v.entered() > 0 }), func(v *Visit) string { return v.Author })
	for _, account := range sortedKeys(accounts) {
		visits := accounts[account]
		slices.SortStableFunc(visits, func(a, b *Visit) int { return cmp.Compare(a.entered(), b.entered()) })
		best := map[care.Date][]*Visit{}
		for from, to := 0, 0; from < len(visits); from++ {
			for to < len(visits) && visits[to].entered()-visits[from].entered() <= s.BatchMinutes*minute {
				to++
			}
			window := visits[from:to]
			on := care.DateOf(time.UnixMilli(visits[from].entered()))
			if int64(len(window)) >= s.BatchRecords && len(window) > len(best[on]) && int64(daysOf(window)) >= s.BatchDays {
				best[on] = window
			}
		}
		for _, on := range sortedKeys(best) {
			y.find(about("A09.batch", y.key(account+" "+on.String()), y.doctor, best[on]),
				Number{"count", float64(len(best[on]))}, Number{"days", float64(daysOf(best[on]))}, Number{"minutes", float64(s.BatchMinutes)})
		}
	}
}

func daysOf(visits []*Visit) int {
	return len(grouped(visits, func(v *Visit) care.Date { return v.Day }))
}

// rush finds half-years most of which was entered just before their end (A09).
func (y *doctorYear) rush() {
	s := y.Settings
	for _, half := range []Quarter{Quarter(y.year*10 + 2), Quarter(y.year*10 + 4)} {
		ends := care.Date(y.year*10000 + 630)
		if half%10 == 4 {
			ends = care.Date(y.year*10000 + 1231)
		}
		var all, late []*Visit
		for _, v := range y.visits {
			on := care.DateOf(time.UnixMilli(v.entered()))
			if v.entered() == 0 || on > ends || QuarterOf(on) < half-1 {
				continue
			}
			all = append(all, v)
			if daysBetween(on, ends) < int(s.RushDays) {
				late = append(late, v)
			}
		}
		if int64(len(all)) >= s.RushMin && share(len(late), len(all), s.RushPercent) {
			f := about("A09.rush", y.key(half), y.doctor, late)
			f.Quarter = half
			y.find(f, Number{"days", float64(s.RushDays)}, percent(len(late), len(all)), Number{"count", float64(len(late))}, Number{"n", float64(len(all))})
		}
	}
}

// percent is the number "share" of a finding.
func percent(part, whole int) Number {
	return Number{"share", float64(part) * 100 / float64(max(whole, 1))}
}
