// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// mothersAndChildren judges MC1, MC2, CH1 and CH2.
func (e *Evaluator) mothersAndChildren() {
	if e.asked("MC1", "MC2") {
		if born, known := e.delivery(); born != noDay {
			e.earlyFirstVisit(born)
			e.visitAfterBirth(born, known)
		}
	}
	if e.asked("CH1") && e.p.birth != noDay && e.inPeriod(e.p.birth) {
		e.newbornVisit()
	}
	if e.asked("CH2") && e.p.now && e.p.isChild(e.p.last) {
		e.childCare()
	}
}

// delivery returns the day in the period on which the woman gave birth, of several the last: as a postpartum
// visit says (known), else the expected day of a pregnancy of which no birth is known. noDay if there is none.
func (e *Evaluator) delivery() (born day, known bool) {
	born = noDay
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatPostpartum || !e.usable(ev) {
			continue
		}
		if d := dayOf(care.Date(ev.v[1])); d != noDay && e.inPeriod(d) && d >= born {
			born, known = d, true
		}
	}
	if known {
		return born, true
	}
	longest := day(e.s.number[pregnancyLongestDays])
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatAntenatal || !e.usable(ev) {
			continue
		}
		if d := e.expected(ev); d != noDay && e.inPeriod(d) && !e.p.deliveredAfter(ev.on, ev.on+longest) {
			born = d
		}
	}
	return born, false
}

// expected returns when a birth is expected by an antenatal visit, noDay if nothing says it.
func (e *Evaluator) expected(ev *event) day {
	length := day(e.s.number[pregnancyDays])
	if d := dayOf(care.Date(ev.v[3])); d != noDay {
		return d
	}
	if d := dayOf(care.Date(ev.v[2])); d != noDay {
		return d + length
	}
	if ev.v[1] > 0 {
		return ev.on + length - day(ev.v[1]-1)
	}
	return noDay
}

// weeksAt returns the full weeks of pregnancy at an antenatal visit, -1 if nothing says them.
func weeksAt(ev *event) int64 {
	if ev.v[1] > 0 {
		return int64(ev.v[1]-1) / 7
	}
	if d := dayOf(care.Date(ev.v[2])); d != noDay && ev.on >= d {
		return int64(ev.on-d) / 7
	}
	return -1
}

// earlyFirstVisit wants the first antenatal visit of the pregnancy in its early weeks.
func (e *Evaluator) earlyFirstVisit(born day) {
	from := born - day(e.s.number[pregnancyLongestDays])
	var first *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatAntenatal && e.usable(ev) && from <= ev.on && ev.on <= born && first == nil {
			first = ev
		}
	}
	limit := e.s.number[earlyBookWeeks]
	v := e.verdict()
	v.want(first != nil, "first_visit", TagNotAccepted, e.p.file.id, func() (zh, en string) { return "孕期无产前随访记录", "no antenatal visit of the pregnancy" })
	if first != nil {
		weeks := weeksAt(first)
		v.want(weeks >= 0 && weeks <= limit, "early", TagNotStandard, first.id, func() (zh, en string) {
			if weeks < 0 {
				return "第一次产前随访无孕周", "the first antenatal visit does not say the week"
			}
			return fmt.Sprintf("孕 %d 周才建册（至多 %d 周）", weeks, limit), fmt.Sprintf("first seen in week %d (at most %d)", weeks, limit)
		})
	}
	e.judge("MC1", &v)
}

// visitAfterBirth wants a visit at home in the days after leaving hospital, or after the birth where nobody says
// when that was.
func (e *Evaluator) visitAfterBirth(born day, known bool) {
	within := day(e.s.number[postpartumLatestDays])
	visited := false
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if !known || ev.what != whatPostpartum || !e.usable(ev) || ev.v[0] != int32(carev1.PostpartumVisitType_POSTPARTUM_VISIT_TYPE_HOME) || dayOf(care.Date(ev.v[1])) != born {
			continue
		}
		from := born
		if d := dayOf(care.Date(ev.v[2])); d != noDay {
			from = d
		}
		visited = visited || ev.on >= from && ev.on-from <= within
	}
	v := e.verdict()
	v.want(visited, "visit", TagNotAccepted, e.p.file.id, func() (zh, en string) {
		return fmt.Sprintf("%s 分娩，出院后 %d 天内无产后访视", born.date(), within), fmt.Sprintf("gave birth on %s, no visit within %d days of leaving hospital", born.date(), within)
	})
	e.judge("MC2", &v)
}

func (e *Evaluator) newbornVisit() {
	within := day(e.s.number[newbornDays])
	visited := false
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what == whatNewborn && e.usable(ev) && ev.on >= e.p.birth && ev.on-e.p.birth <= within {
			visited = true
		}
	}
	v := e.verdict()
	v.want(visited, "visit", TagNotAccepted, e.p.file.id, func() (zh, en string) {
		return fmt.Sprintf("出生后 %d 天内无新生儿访视", within), fmt.Sprintf("no newborn visit within %d days of birth", within)
	})
	e.judge("CH1", &v)
}

func (e *Evaluator) childCare() {
	visited := false
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; (ev.what == whatChild || ev.what == whatNewborn) && e.counted(ev) {
			visited = true
		}
	}
	v := e.verdict()
	v.want(visited, "visit", TagNotAccepted, e.p.file.id, func() (zh, en string) { return "期内无儿童随访", "no child visit in the period" })
	e.judge("CH2", &v)
}
