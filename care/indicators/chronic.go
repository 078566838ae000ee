// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A diseaseCare is a chronic disease as its care is counted.
type diseaseCare struct {
	id, zh, en                    string
	what                          what
	population                    uint8
	managed, standard, controlled Code // controlled is "" where no target is counted
	visits                        int  // the number of the pack: visits a year
	checkup                       int  // the list of the pack: parts of the yearly checkup; -1 where none is asked for
}

var (
	hypertension = diseaseCare{
		id: "hypertension", zh: "高血压", en: "hypertension", what: whatHypertension, population: uint8(carev1.PopulationCode_POPULATION_CODE_HYPERTENSION),
		managed: "H00", standard: "H01", controlled: "H02", visits: hypertensionVisits, checkup: chronicCheckupParts,
	}
	diabetes = diseaseCare{
		id: "diabetes", zh: "糖尿病", en: "diabetes", what: whatDiabetes, population: uint8(carev1.PopulationCode_POPULATION_CODE_DIABETES),
		managed: "D00", standard: "D01", controlled: "D02", visits: diabetesVisits, checkup: diabetesCheckupParts,
	}
	copd = diseaseCare{
		id: "copd", zh: "慢阻肺", en: "COPD", what: whatCopd, population: uint8(carev1.PopulationCode_POPULATION_CODE_COPD),
		managed: "C02", standard: "C01", visits: copdVisits, checkup: -1,
	}
)

func diseases() [3]*diseaseCare { return [...]*diseaseCare{&hypertension, &diabetes, &copd} }

// chronic judges the chronic diseases of a person who was under care in the period and is not known to be too young.
func (e *Evaluator) chronic() {
	if len(e.p.stays) == 0 || e.p.birth != noDay && e.p.ageOn(e.p.last) < int(e.s.number[chronicYears]) {
		return
	}
	for _, d := range diseases() {
		if e.asked(d.managed, d.standard, d.controlled) {
			e.chronicCare(d)
		}
	}
}

func (e *Evaluator) chronicCare(d *diseaseCare) {
	days, _ := e.p.registered(d.population)
	if days == 0 && !e.knowsDisease(d.population) {
		return
	}
	e.caredFor(d, days)
	if days == 0 {
		return
	}
	e.byTheRules(d, days)
	if d.controlled != "" {
		e.atTarget(d)
	}
}

// knowsDisease reports whether a diagnosis up to the last day is known.
func (e *Evaluator) knowsDisease(population uint8) bool {
	for i := range e.p.f.known {
		if k := &e.p.f.known[i]; k.code == population && k.since <= e.p.last && e.known(k.received) {
			return true
		}
	}
	return false
}

// caredFor judges who is known to have the disease: on the register, and visited.
func (e *Evaluator) caredFor(d *diseaseCare, days int) {
	n, want := 0, e.s.number[managedVisits]
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == d.what && e.counted(ev) && e.faceToFace(ev) {
			n++
		}
	}
	v := e.verdict()
	v.want(days > 0, "register", TagNotAccepted, e.p.file.id, func() (zh, en string) {
		return "已知患" + d.zh + "而不在册", "known to have " + d.en + " and not on the register"
	})
	v.want(days == 0 || int64(n) >= want, "visits", TagNotAccepted, e.p.file.id, func() (zh, en string) {
		return fmt.Sprintf("期内面对面随访 %d 次，应至少 %d 次", n, want), fmt.Sprintf("%d face-to-face visits in the period, %d are wanted", n, want)
	})
	e.judge(d.managed, &v)
}

// faceToFace reports whether a follow-up counts as one at which the person was seen.
func (e *Evaluator) faceToFace(ev *event) bool {
	return ev.flags&flagFace != 0 || ev.flags&flagPhone != 0 && e.s.number[phoneCounts] == 1
}

// filled reports whether a follow-up is itself up to standard (rules §5.1 Q22): its values measured and few
// items missing. Follow-ups of COPD have no such list.
func (e *Evaluator) filled(ev *event) bool {
	s, d := pressureOf(ev)
	switch ev.what {
	case whatHypertension, whatDiabetes:
		return s > 0 && d > 0 && int64(ev.flags>>missingShift) < e.s.number[missingItemsLimit]
	}
	return true
}

// pressureOf returns the blood pressure of a follow-up, 0 for what was not measured.
func pressureOf(ev *event) (systolic, diastolic int32) {
	switch ev.what {
	case whatHypertension:
		return ev.v[0], ev.v[1]
	case whatDiabetes:
		return ev.v[0] >> 16, ev.v[0] & 0xffff
	}
	return 0, 0
}

// classOf returns how the doctor classed a follow-up, 0 for not at all.
func classOf(ev *event) carev1.FollowUpResult { return carev1.FollowUpResult(ev.v[2]) }

// required returns how many visits are wanted of who was on the register for so many days of the period: a
// year's visits in proportion, rounded down, but no less than the pack's least.
func (e *Evaluator) required(visits, days int) int64 {
	perYear := e.s.number[visits]
	n := min(perYear*int64(days)/e.s.number[proRataDays], perYear*e.years)
	return max(n, e.s.number[leastVisits])
}

func (e *Evaluator) byTheRules(d *diseaseCare, days int) {
	if !e.asked(d.standard) {
		return
	}
	v := e.verdict()
	e.wantVisits(&v, d, days)
	if d.checkup >= 0 {
		e.wantCheckup(&v, d.checkup, days)
		if e.s.number[handling] == 1 {
			e.wantHandled(&v, d)
		}
	}
	e.judge(d.standard, &v)
}

// wantVisits wants enough visits that are up to standard, each so many days after the one that counted before
// it, and the last of them so long after the first.
func (e *Evaluator) wantVisits(v *verdict, d *diseaseCare, days int) {
	gap, need := day(e.s.number[visitGapDays]), e.required(d.visits, days)
	var counted, made int64
	var unfilled *event
	first, latest := noDay, noDay
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != d.what || !e.counted(ev) || !e.faceToFace(ev) {
			continue
		}
		made++
		if !e.filled(ev) {
			unfilled = ev
			continue
		}
		if first == noDay {
			first = ev.on
		}
		if counted == 0 || ev.on-latest >= gap {
			counted, latest = counted+1, ev.on
		}
	}
	about, tag := e.p.file.id, TagNotStandard
	if unfilled != nil {
		about = unfilled.id
	}
	if made == 0 {
		tag = TagNotAccepted
	}
	v.want(counted >= need, "visits", tag, about, func() (zh, en string) {
		return fmt.Sprintf("面对面规范随访 %d 次，应 %d 次（共随访 %d 次，间隔不足 %d 天或填写不规范的不计）", counted, need, made, gap),
			fmt.Sprintf("%d face-to-face visits up to standard, %d are wanted (%d were made; those less than %d days apart or not well filled do not count)", counted, need, made, gap)
	})
	if span := day(e.s.number[visitSpanDays] * (need - 1)); counted >= need && counted > 0 {
		v.want(latest-first >= span, "spread", TagNotStandard, about, func() (zh, en string) {
			return fmt.Sprintf("%d 次随访集中在 %d 天内，应分布于至少 %d 天", counted, latest-first, span), fmt.Sprintf("the %d visits lie within %d days, they are to be spread over %d", counted, latest-first, span)
		})
	}
}

// wantCheckup wants the yearly checkup of who was on the register long enough.
func (e *Evaluator) wantCheckup(v *verdict, list, days int) {
	if int64(days) < e.s.number[checkupDays] || len(e.s.list[list]) == 0 {
		return
	}
	best := e.bestCheckup(list)
	v.want(best != nil, "checkup", TagNotStandard, e.p.file.id, func() (zh, en string) { return "期内无年度体检", "no yearly checkup in the period" })
	if best != nil {
		missing := e.s.missingParts(best, list)
		v.want(missing == 0, "checkup_parts", TagNotStandard, best.id, func() (zh, en string) {
			z, n := partNames(missing)
			return fmt.Sprintf("%s 年度体检缺：%s", best.on.date(), z), fmt.Sprintf("the yearly checkup of %s lacks: %s", best.on.date(), n)
		})
	}
}

// wantHandled wants each visit that was not controlled to be followed up in time, and a second one in a row to
// be referred. What is not yet due on the last day is not wanted.
func (e *Evaluator) wantHandled(v *verdict, d *diseaseCare) {
	within := day(e.s.number[uncontrolledDays] + e.s.number[graceDays])
	var open *event // not controlled, and not followed up yet
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != d.what || !e.counted(ev) {
			continue
		}
		again := open != nil
		if again {
			e.wantInTime(v, open, ev.on, within)
		}
		open = nil
		if e.notControlled(ev) {
			open = ev
			v.want(!again || ev.flags&flagReferred != 0, "referral", TagNotStandard, ev.id, func() (zh, en string) {
				return fmt.Sprintf("%s 连续两次未控制而未转诊", ev.on.date()), fmt.Sprintf("not controlled twice in a row by %s, and not referred", ev.on.date())
			})
		}
	}
	if open != nil && open.on+within < e.p.last {
		e.wantInTime(v, open, noDay, within)
	}
}

// wantInTime wants the visit after one that was not controlled within some days; next is noDay for none.
func (e *Evaluator) wantInTime(v *verdict, open *event, next, within day) {
	v.want(next != noDay && next-open.on <= within, "handled", TagNotStandard, open.id, func() (zh, en string) {
		if next == noDay {
			return fmt.Sprintf("%s 未控制，%d 天内未再随访", open.on.date(), within), fmt.Sprintf("not controlled on %s and not followed up within %d days", open.on.date(), within)
		}
		return fmt.Sprintf("%s 未控制，%d 天后才再随访（应 %d 天内）", open.on.date(), next-open.on, within), fmt.Sprintf("not controlled on %s and followed up after %d days (within %d)", open.on.date(), next-open.on, within)
	})
}

// notControlled reports whether a follow-up was classed as anything but controlled, or, where it was not
// classed, whether its values are not at the target.
func (e *Evaluator) notControlled(ev *event) bool {
	if c := classOf(ev); c != 0 {
		return c != carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED
	}
	measured, at := e.reaches(ev)
	return measured && !at
}

// reaches reports whether the values of a follow-up were measured, and whether they are at the target of the
// person's age on that day.
func (e *Evaluator) reaches(ev *event) (measured, at bool) {
	if ev.what == whatDiabetes {
		return ev.v[1] > 0, ev.v[1] > 0 && int64(ev.v[1]) < e.s.number[glucoseTargetX10]
	}
	s, d := pressureOf(ev)
	if s == 0 || d == 0 {
		return false, false
	}
	limit, _ := e.systolicLimit(ev.on)
	return true, int64(s) < limit && int64(d) < e.s.number[diastolicTarget]
}

func (e *Evaluator) systolicLimit(on day) (limit int64, aged bool) {
	if int64(e.p.ageOn(on)) >= e.s.number[targetAgedYears] {
		return e.s.number[systolicTargetAged], true
	}
	return e.s.number[systolicTarget], false
}

// atTarget judges the latest visit of the period. Who is lost, or was not visited, is not at the target.
func (e *Evaluator) atTarget(d *diseaseCare) {
	if !e.asked(d.controlled) {
		return
	}
	var latest *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == d.what && e.counted(ev) && e.faceToFace(ev) {
			latest = ev
		}
	}
	v := e.verdict()
	v.want(!e.p.lost, "lost", TagNotControlled, e.p.file.id, func() (zh, en string) { return "失访", "lost to follow-up" })
	v.want(latest != nil, "visit", TagNotControlled, e.p.file.id, func() (zh, en string) {
		return "期内无面对面随访，按失访计", "no face-to-face visit in the period: lost"
	})
	if latest != nil {
		measured, at := e.reaches(latest)
		v.want(measured, "measured", TagNotControlled, latest.id, func() (zh, en string) {
			return fmt.Sprintf("%s 随访未测", latest.on.date()), fmt.Sprintf("not measured on %s", latest.on.date())
		})
		v.want(!measured || at, "target", TagNotControlled, latest.id, func() (zh, en string) { return e.offTarget(d, latest) })
	}
	e.judge(d.controlled, &v)
}

func (e *Evaluator) offTarget(d *diseaseCare, ev *event) (zh, en string) {
	if d.what == whatDiabetes {
		value, target := tenths(int64(ev.v[1])), tenths(e.s.number[glucoseTargetX10])
		return fmt.Sprintf("%s 空腹血糖 %s mmol/L，目标低于 %s", ev.on.date(), value, target),
			fmt.Sprintf("fasting glucose %s mmol/L on %s, the target is below %s", value, ev.on.date(), target)
	}
	s, dia := pressureOf(ev)
	limit, _ := e.systolicLimit(ev.on)
	return fmt.Sprintf("%s 血压 %d/%d mmHg，目标低于 %d/%d", ev.on.date(), s, dia, limit, e.s.number[diastolicTarget]),
		fmt.Sprintf("blood pressure %d/%d mmHg on %s, the target is below %d/%d", s, dia, ev.on.date(), limit, e.s.number[diastolicTarget])
}

func tenths(n int64) string { return fmt.Sprintf("%d.%d", n/10, n%10) }
