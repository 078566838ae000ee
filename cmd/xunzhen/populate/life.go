// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/care"
)

// what is saved about somebody.
type what uint8

const (
	registering what = iota
	household
	hypertensionVisit
	diabetesVisit
	copdVisit
	checkup
	selfCare
	constitution
	signing
	homeVisit
	screening
	childVisit
	clinicVisit
	contractService
	death
)

// event is one thing that a doctor saves.
type event struct {
	day    int // from the plan's first one
	person int32
	what   what
	minute int16 // of the day, set by schedule
	nth    uint8 // in the year
}

// work is what one tablet has to save in one year of the plan, in order of time.
func (c *planned) work(v *place, tablet, year int) []event {
	var out []event
	for number := v.first; number < v.first+v.residents; number++ {
		if (number-v.first)*v.tablets/max(v.residents, 1) != tablet {
			continue
		}
		p := c.person(v, number)
		out = c.year(out, p, year)
	}
	return c.schedule(out, c.random(uint64(streamYear), uint64(v.number), uint64(tablet), uint64(year), 1), (year+1)*daysOfYear-1)
}

const daysOfYear = 364 // of the plan: 52 weeks

// year appends what happens to a person in one year of the plan.
func (c *planned) year(out []event, p person, year int) []event {
	rnd := c.random(uint64(streamYear), uint64(p.number), uint64(year))
	from, until := year*daysOfYear, (year+1)*daysOfYear
	add := func(day int, w what, nth int) {
		dead := p.dies >= 0 && day > p.dies && w != death
		if day >= from && day < until && day >= p.registers && !dead {
			out = append(out, event{day: day, person: int32(p.number), what: w, nth: uint8(nth)})
		}
	}
	add(p.registers, registering, 0)
	if p.head() {
		add(p.registers, household, 0)
	}
	c.followUps(rnd, p, from, add)
	c.aged(rnd, p, from, add)
	if day := from + 10 + rnd.IntN(80); p.contract && rnd.Float64() < 0.85 {
		add(day, signing, 0)
		// Some contracts are kept once, some twice, some never. They have dice of their own.
		kept := c.random(uint64(streamYear), uint64(p.number), uint64(year), uint64(contractService))
		for n := range 2 {
			if kept.Float64() < 0.7 {
				add(day+60+n*120+kept.IntN(60), contractService, n)
			}
		}
	}
	if chance := 0.04; rnd.Float64() < chance || (p.disabled || p.ageOn(c, from) >= 75) && rnd.Float64() < 0.4 {
		add(from+rnd.IntN(daysOfYear), homeVisit, 0)
	}
	if age := p.ageOn(c, from); age >= 40 && !p.diabetes && rnd.Float64() < 0.1 {
		add(from+rnd.IntN(daysOfYear), screening, 0)
	} else if age <= 6 {
		for n := range 1 + rnd.IntN(2) {
			add(from+n*180+rnd.IntN(150), childVisit, n)
		}
	}
	if (p.hypertension || p.diabetes) && rnd.Float64() < 0.15 {
		add(from+rnd.IntN(daysOfYear), clinicVisit, 0)
	}
	if p.dies >= 0 {
		add(p.dies, death, 0)
	}
	return out
}

// ageOn returns the age on a day of the plan, never below 0.
func (p person) ageOn(c *planned, day int) int {
	return max(p.born.AgeOn(care.DateOf(c.begins.AddDate(0, 0, day))), 0)
}

// followUps are four a year for most who are managed, three or fewer for some.
func (c *planned) followUps(rnd *rand.Rand, p person, from int, add func(int, what, int)) {
	for _, one := range [...]struct {
		has bool
		w   what
	}{{p.hypertension, hypertensionVisit}, {p.diabetes, diabetesVisit}, {p.copd, copdVisit}} {
		if !one.has || unit(mix(uint64(p.number), uint64(one.w))) > 0.8 { // not managed
			continue
		}
		at := from + 5 + rnd.IntN(70)
		for n := range 4 {
			if rnd.Float64() >= 0.93 {
				continue
			}
			day := at + n*88 + rnd.IntN(14)
			add(day, one.w, n)
			// Who is not at target is seen again within two weeks, mostly.
			if p.likelyHigh(one.w) && rnd.Float64() < 0.85 {
				add(day+6+rnd.IntN(4), one.w, n+4) // a full day puts it off
			}
		}
	}
}

// likelyHigh reports whether somebody's usual values lie near the limit or above it.
func (p person) likelyHigh(w what) bool {
	switch w {
	case hypertensionVisit:
		limit := 140.0
		if p.age >= 65 {
			limit = 150
		}
		return p.systolic > limit-3 || p.diastolic > 88
	case diabetesVisit:
		return p.glucose > 6.7
	}
	return false
}

// aged are the yearly checkup with its two assessments; who is followed up is examined, too.
func (c *planned) aged(rnd *rand.Rand, p person, from int, add func(int, what, int)) {
	old := p.ageOn(c, from+daysOfYear-1) >= 65
	if !old && !p.hypertension && !p.diabetes || rnd.Float64() > 0.88 {
		return
	}
	day := from + 120 + rnd.IntN(180) // May to October, where a year begins with January
	add(day, checkup, 0)
	if old {
		add(day, selfCare, 0)
		if rnd.Float64() < 0.85 {
			add(day, constitution, 0)
		}
	}
}

// A doctor's day: from eight, with a break at noon, one after the other.
const (
	opens, noon, afternoon, closes = 8 * 60, 12 * 60, 14*60 + 10, 18*60 + 20
	mostADay                       = 26
)

// schedule gives every event its minute. A day that is full hands the rest to the next one, and
// on Sundays nobody works, but for what is left on the last day. Who lives together is seen
// together.
func (c *planned) schedule(events []event, rnd *rand.Rand, last int) []event {
	slices.SortFunc(events, func(a, b event) int {
		return (a.day-b.day)*1_000_000_000 + int(a.person-b.person)*32 + int(a.what) - int(b.what)
	})
	day, minute, today := -1, opens, 0
	for i := range events {
		e := &events[i]
		if e.day > day {
			day, minute, today = e.day, opens+rnd.IntN(25), 0
		}
		together := i > 0 && events[i-1].person == e.person && events[i-1].day == day
		if full := (today >= mostADay || minute >= closes) && !together; day < last && (full || c.sunday(day)) {
			day, minute, today = day+1, opens+rnd.IntN(25), 0
			if day < last && c.sunday(day) {
				day++
			}
		}
		e.day, e.minute = day, int16(min(minute, 23*60))
		minute, today = minute+7+rnd.IntN(14), today+1
		if minute >= noon && minute < afternoon {
			minute = afternoon + rnd.IntN(10)
		}
	}
	return events
}

func (c *planned) sunday(day int) bool { return c.begins.AddDate(0, 0, day).Weekday() == time.Sunday }
