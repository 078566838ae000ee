// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A span is days from one to another, both included.
type span struct{ from, to day }

func (s span) days() int { return int(s.to-s.from) + 1 }

// A personView is a person as a question sees them.
type personView struct {
	e      *Evaluator
	f      *Facts
	here   bool   // under care on a day up to the last
	now    bool   // under care on the last day
	last   day    // the last day, or the last one under care before it
	stays  []span // days of the period under care, in order, none touching another
	lost   bool   // not under care on the last day, because of being lost
	died   day    // noDay for not by the last day
	birth  day
	place  record.Division
	doctor string
	file   *residence // the one that looks after the person; nil if none is known
	buf    [4]span
}

// look fills the view of a person.
func (p *personView) look(e *Evaluator, f *Facts) {
	*p = personView{e: e, f: f, birth: f.birth, died: p.deathOf(e, f), last: noDay}
	p.stays = p.buf[:0]
	if !p.gatherStays() {
		return
	}
	p.here = true
	p.file = p.fileOn(p.last)
	p.doctor = f.name(p.file.doctor)
	p.place = p.placeOn(p.last)
}

func (p *personView) deathOf(e *Evaluator, f *Facts) day {
	died := noDay
	for i := range f.turns {
		if t := &f.turns[i]; t.kind == turnDied && t.on <= e.t1 && e.known(t.received) && (died == noDay || t.on < died) {
			died = t.on
		}
	}
	return died
}

// gatherStays walks the days on which something changes. It reports whether the person was under care on a
// day up to the last.
func (p *personView) gatherStays() bool {
	end := p.e.t1
	if p.died != noDay {
		end = p.died - 1
	}
	for at := firstDay; at <= end; {
		until := min(p.nextChange(at), end+1)
		if p.managed(at) {
			p.last = until - 1
			p.addStay(span{max(at, p.e.t0), until - 1})
		}
		at = until
	}
	p.now = p.last == p.e.t1
	if p.last != noDay && !p.now && p.died == noDay {
		p.lost = p.lostAfter(p.last)
	}
	return p.last != noDay
}

func (p *personView) addStay(s span) {
	if s.to < s.from {
		return
	}
	if n := len(p.stays); n > 0 && p.stays[n-1].to+1 >= s.from {
		p.stays[n-1].to = s.to
		return
	}
	p.stays = append(p.stays, s)
}

// nextChange returns the first day after at on which it may be otherwise whether the person is under care.
func (p *personView) nextChange(at day) day {
	next := lastDay + 1
	consider := func(d day) {
		if d > at && d < next {
			next = d
		}
	}
	for i := range p.f.residents {
		if r := &p.f.residents[i]; p.sees(r) {
			consider(r.registered)
			if r.ended != noDay {
				consider(r.ended + 1)
			}
		}
	}
	for i := range p.f.turns {
		if t := &p.f.turns[i]; p.e.known(t.received) {
			consider(t.on)
			consider(t.on + 1)
		}
	}
	return next
}

// sees reports whether a resident record is known by the cutoff and is dated.
func (p *personView) sees(r *residence) bool { return r.registered != noDay && p.e.known(r.received) }

// managed reports whether a record of the person is open on a day and the person is not away: who leaves on a
// day is under care on that day for the last time; who comes back, from that day on. A further record that is
// begun on the day of leaving or later is a coming back: who moves is registered anew.
func (p *personView) managed(at day) bool {
	back, away := p.backSince(at), p.awaySince(at)
	open, first := false, lastDay
	for i := range p.f.residents {
		if r := &p.f.residents[i]; p.sees(r) {
			first = min(first, r.registered)
		}
	}
	for i := range p.f.residents {
		r := &p.f.residents[i]
		if !p.sees(r) || r.registered > at {
			continue
		}
		if r.ended == noDay || r.ended >= at || back != noDay && back >= r.ended {
			open = true
		}
		if r.registered > away || r.registered == away && r.registered > first {
			away = noDay
		}
	}
	return open && (away == noDay || back != noDay && back >= away)
}

// awaySince returns the latest day before at on which the person left or was lost, noDay for none.
func (p *personView) awaySince(at day) day {
	away := noDay
	for i := range p.f.turns {
		if t := &p.f.turns[i]; (t.kind == turnLeft || t.kind == turnLost) && t.on < at && p.e.known(t.received) {
			away = max(away, t.on)
		}
	}
	return away
}

// backSince returns the latest day up to at on which the person came back, noDay for none.
func (p *personView) backSince(at day) day {
	back := noDay
	for i := range p.f.turns {
		if t := &p.f.turns[i]; t.kind == turnBack && t.on <= at && p.e.known(t.received) {
			back = max(back, t.on)
		}
	}
	return back
}

// lostAfter reports whether what ended the last stay says that the person was lost.
func (p *personView) lostAfter(last day) bool {
	for i := range p.f.turns {
		if t := &p.f.turns[i]; t.kind == turnLost && t.on == last && p.e.known(t.received) {
			return true
		}
	}
	for i := range p.f.residents {
		if r := &p.f.residents[i]; r.ended == last && r.marks&markLost != 0 && p.sees(r) {
			return true
		}
	}
	return false
}

// fileOn returns the record that looks after the person on a day: of those open then the one with the smallest
// id, else the one that was open last. Who left and was registered anew is looked after by the new record.
func (p *personView) fileOn(at day) *residence {
	away := p.awaySince(at)
	if p.backSince(at) >= away {
		away = noDay
	}
	if anew := p.openOn(at, away); anew != nil {
		return anew
	}
	return p.openOn(at, noDay)
}

// openOn returns the first record begun on a day or later that is open on another, else the one of them that was
// open last; nil if there is none.
func (p *personView) openOn(at, begun day) *residence {
	var best *residence
	for i := range p.f.residents {
		r := &p.f.residents[i]
		if !p.sees(r) || r.registered > at || r.registered < begun {
			continue
		}
		if r.ended == noDay || r.ended >= at {
			return r
		}
		if best == nil || r.ended > best.ended {
			best = r
		}
	}
	return best
}

// placeOn returns where the person was under care on a day: where the record stands, or, before a move within
// the county, where the person came from.
func (p *personView) placeOn(at day) record.Division {
	place := p.f.place(p.file.place)
	for i := range p.f.turns { // in the order of days
		t := &p.f.turns[i]
		if t.kind == turnBack && t.from != 0 && t.on > at && p.e.known(t.received) {
			if from := p.f.place(t.from); sameCounty(from, place) && p.file.registered <= at {
				p.doctor = ""
				return from
			}
		}
	}
	return place
}

func sameCounty(a, b record.Division) bool {
	const county = int(care.LevelCounty)
	return len(a) >= county && len(b) >= county && a[:county] == b[:county]
}

// daysUnderCare returns how many days of the period the person was under care.
func (p *personView) daysUnderCare() (n int) {
	for _, s := range p.stays {
		n += s.days()
	}
	return n
}

// inYear reports whether the person was under care long enough in the period to be in its denominators.
func (p *personView) inYear() bool {
	return len(p.stays) > 0 && p.daysUnderCare() >= int(p.e.s.number[leastDays])
}

// has reports whether a record names the person as of a population on a day.
func (p *personView) has(code uint8, on day) bool {
	for i := range p.f.tags {
		t := &p.f.tags[i]
		if t.code == code && p.tagHolds(t, on) {
			return true
		}
	}
	return false
}

func (p *personView) tagHolds(t *tag, on day) bool {
	return t.since <= on && (t.until == noDay || on <= t.until) && p.e.known(t.received)
}

// registered returns on how many days of the period the person was under care and on the register of a
// population, and the last of them.
func (p *personView) registered(code uint8) (days int, last day) {
	last = noDay
	for _, s := range p.stays {
		covered := s.from - 1 // what was counted up to here: tags of linked records overlap
		for i := range p.f.tags {
			t := &p.f.tags[i]
			if t.code != code || !p.e.known(t.received) {
				continue
			}
			from, to := max(t.since, covered+1, s.from), s.to
			if t.until != noDay {
				to = min(to, t.until)
			}
			if to >= from {
				days += int(to-from) + 1
				covered = to
				last = max(last, to)
			}
		}
	}
	return days, last
}

// ageOn returns the full years on a day, -1 if nobody knows the birth.
func (p *personView) ageOn(on day) int { return ageOn(p.birth, on) }

// isAged reports whether the person is aged on a day, by the basis of the pack: full years on the day, or
// reached within the calendar year.
func (p *personView) isAged(on day) bool {
	if p.birth == noDay || on < p.birth {
		return false
	}
	if p.e.s.number[agedBasis] == 2 {
		return on.date().Year()-p.birth.date().Year() >= int(p.e.s.number[agedYears])
	}
	return p.ageOn(on) >= int(p.e.s.number[agedYears])
}

func (p *personView) isChild(on day) bool {
	age := p.ageOn(on)
	return age >= 0 && age < int(p.e.s.number[childYears])
}

// isOneOf reports whether the person is of one of some populations on the last day under care; of none there is
// nothing to be.
func (p *personView) isOneOf(populations []carev1.PopulationCode) bool {
	if len(populations) == 0 {
		return true
	}
	for _, code := range populations {
		if p.here && code > 0 && code <= lastPopulation && p.belongs(uint8(code), p.last) {
			return true
		}
	}
	return false
}
