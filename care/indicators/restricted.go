// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

const (
	mentalCode       = uint8(carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL)
	tuberculosisCode = uint8(carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS)
)

// restricted judges severe mental illness and tuberculosis.
func (e *Evaluator) restricted() {
	if e.asked("M01", "M02") {
		if days, _ := e.p.registered(mentalCode); days > 0 {
			e.mentalByTheRules(days)
			e.mentalStable()
		}
	}
	if e.asked("P01", "P02") {
		e.tuberculosisCare()
		e.tuberculosisDoses()
	}
}

// mentalByTheRules wants enough visits, none too late for how stable the patient was, and the yearly checkup.
func (e *Evaluator) mentalByTheRules(days int) {
	need := e.required(mentalVisits, days)
	v := e.verdict()
	var n int64
	var latest *event
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatMental || !e.counted(ev) || !e.mentalVisit(ev) {
			continue
		}
		n++
		if latest != nil {
			e.wantInterval(&v, latest, ev.on)
		}
		latest = ev
	}
	if latest != nil {
		e.wantInterval(&v, latest, e.p.last)
	}
	tag := TagNotStandard
	if n == 0 {
		tag = TagNotAccepted
	}
	v.want(n >= need, "visits", tag, e.p.file.id, func() (zh, en string) {
		return fmt.Sprintf("见到本人或家属的随访 %d 次，应 %d 次", n, need), fmt.Sprintf("%d follow-ups that reached the patient, %d are wanted", n, need)
	})
	e.wantCheckup(&v, mentalCheckupParts, days)
	e.judge("M01", &v)
}

// mentalVisit reports whether a follow-up reached the patient in a way that counts.
func (e *Evaluator) mentalVisit(ev *event) bool {
	return ev.flags&flagReached != 0 && (ev.flags&flagPhone == 0 || e.s.number[mentalPhoneCounts] == 1)
}

// wantInterval wants the days from one visit to the next, or to the last day under care, to be no more than its
// class allows.
func (e *Evaluator) wantInterval(v *verdict, ev *event, next day) {
	class := ev.v[0]
	if class < 1 || class > 3 {
		return
	}
	limit := day(e.s.list[mentalDays][class-1] + e.s.number[graceDays])
	v.want(next-ev.on <= limit, "interval", TagNotStandard, ev.id, func() (zh, en string) {
		return fmt.Sprintf("%s 随访后 %d 天未再随访（至多 %d 天）", ev.on.date(), next-ev.on, limit), fmt.Sprintf("%d days without a follow-up after %s (at most %d)", next-ev.on, ev.on.date(), limit)
	})
}

func (e *Evaluator) mentalStable() {
	var latest *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatMental && e.counted(ev) {
			latest = ev
		}
	}
	v := e.verdict()
	v.want(latest != nil, "visit", TagNotAccepted, e.p.file.id, func() (zh, en string) { return "期内无随访", "no follow-up in the period" })
	if latest != nil {
		v.want(latest.v[0] == int32(carev1.MentalIllnessStability_MENTAL_ILLNESS_STABILITY_STABLE), "stable", TagNotControlled, latest.id, func() (zh, en string) {
			return fmt.Sprintf("%s 随访分类不是稳定", latest.on.date()), fmt.Sprintf("not stable on %s", latest.on.date())
		})
	}
	e.judge("M02", &v)
}

// noticeOf returns the day in the period on which the hospital's notice came, and whether there was one: as the
// first home visit says, else as the register does.
func (e *Evaluator) noticeOf() (day, bool) {
	said := false
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatTuberculosisHome || !e.usable(ev) {
			continue
		}
		on := ev.on
		if d := dayOf(care.Date(ev.v[0])); d != noDay {
			on = d
		}
		if said = true; e.inPeriod(on) {
			return on, true
		}
	}
	for i := range e.p.f.tags {
		if t := &e.p.f.tags[i]; !said && t.code == tuberculosisCode && e.inPeriod(t.since) && e.known(t.received) {
			return t.since, true
		}
	}
	return noDay, false
}

func (e *Evaluator) tuberculosisCare() {
	notice, ok := e.noticeOf()
	if !ok {
		return
	}
	cared := false
	about := e.p.file.id
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.on < notice || !e.usable(ev) {
			continue
		}
		switch ev.what {
		case whatTuberculosisHome:
			cared, about = cared || ev.flags&flagReached != 0, ev.id
		case whatTuberculosis:
			cared = true
		}
	}
	v := e.verdict()
	v.want(cared, "visit", TagNotAccepted, about, func() (zh, en string) {
		return fmt.Sprintf("%s 通知后未入户见到，也未随访", notice.date()), fmt.Sprintf("notified on %s, neither met at home nor followed up", notice.date())
	})
	e.judge("P01", &v)
}

// tuberculosisDoses judges P02 by the follow-up that ended the treatment in the period.
func (e *Evaluator) tuberculosisDoses() {
	var stop *event
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what == whatTuberculosis && e.usable(ev) && ev.v[1] == int32(carev1.TuberculosisStopReason_TUBERCULOSIS_STOP_REASON_COMPLETED) &&
			e.inPeriod(dayOf(care.Date(ev.v[0]))) {
			stop = ev
		}
	}
	if stop == nil {
		return
	}
	taken, want := int64(stop.v[2])-1, e.s.number[regularPercentX10]
	v := e.verdict()
	v.want(taken >= want, "doses", TagNotStandard, stop.id, func() (zh, en string) {
		if taken < 0 {
			return "未记录服药率", "no share of doses is recorded"
		}
		return fmt.Sprintf("服药率 %s%%，应不低于 %s%%", tenths(taken), tenths(want)), fmt.Sprintf("%s %% of the doses were taken, %s %% are wanted", tenths(taken), tenths(want))
	})
	e.judge("P02", &v)
}
