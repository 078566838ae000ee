// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"math/bits"
	"strings"
)

// aged judges the indicators of the aged, and of checkups.
func (e *Evaluator) aged() {
	if !e.asked("O00", "O01", "O02", "T01", "T02") {
		return
	}
	e.checkupsWithoutFault()
	if !e.p.inYear() || !e.p.isAged(e.p.last) {
		return
	}
	checkup := e.bestCheckup(agedCheckupParts)
	e.agedCare(checkup)
	e.agedComplete(checkup)
	e.agedMedicine()
	e.agedTask()
}

// bestCheckup returns the checkup of the period that lacks the fewest parts of a list, of several the latest;
// nil if there is none.
func (e *Evaluator) bestCheckup(list int) (best *event) {
	fewest := checkupParts + 1
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatCheckup || !e.counted(ev) {
			continue
		}
		if n := bits.OnesCount32(e.s.missingParts(ev, list)); n <= fewest {
			best, fewest = ev, n
		}
	}
	return best
}

// wantComplete wants a checkup to have the parts of a list, but for as many as the pack allows.
func (e *Evaluator) wantComplete(v *verdict, checkup *event, list int, tag Tag) {
	missing := e.s.missingParts(checkup, list)
	v.want(bits.OnesCount32(missing) <= int(e.s.number[checkupMissing]), "complete", tag, checkup.id, func() (zh, en string) {
		z, n := partNames(missing)
		return fmt.Sprintf("%s 体检表缺：%s", checkup.on.date(), z), fmt.Sprintf("the checkup form of %s lacks: %s", checkup.on.date(), n)
	})
}

// partNames returns what parts are called.
func partNames(parts uint32) (zh, en string) {
	var z, n []string
	for i, words := range partWords {
		if parts&(1<<i) != 0 {
			z, n = append(z, words[0]), append(n, words[1])
		}
	}
	return strings.Join(z, "、"), strings.Join(n, ", ")
}

func (e *Evaluator) agedCare(checkup *event) {
	file := e.p.file
	v := e.verdict()
	v.want(e.electronic(), "record", TagBasic, file.id, func() (zh, en string) { return "档案仍为草稿", "the record is a draft" })
	v.want(checkup != nil, "checkup", TagAged, file.id, func() (zh, en string) { return "年内未体检", "no checkup in the period" })
	if checkup != nil {
		e.wantComplete(&v, checkup, agedCheckupParts, TagAged)
		v.want(uint32(checkup.v[0])&(1<<partGuidance) != 0, "guidance", TagAged, checkup.id, func() (zh, en string) {
			return "体检无健康指导", "the checkup gives no guidance"
		})
	}
	e.judge("O00", &v)
}

func (e *Evaluator) agedComplete(checkup *event) {
	if checkup == nil {
		return
	}
	v := e.verdict()
	e.wantComplete(&v, checkup, agedCheckupParts, TagAged)
	e.judge("O01", &v)
}

// agedMedicine judges by the constitution of the period with the fewest open questions, of several the latest.
func (e *Evaluator) agedMedicine() {
	var best *event
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what == whatConstitution && e.counted(ev) && (best == nil || rankOf(ev) <= rankOf(best)) {
			best = ev
		}
	}
	v := e.verdict()
	v.want(best != nil, "constitution", TagAgedMedicine, e.p.file.id, func() (zh, en string) { return "年内无体质辨识", "no constitution in the period" })
	if best != nil {
		limit := e.s.number[constitutionMissing]
		v.want(int64(best.v[0]) <= limit, "complete", TagAgedMedicine, best.id, func() (zh, en string) {
			return fmt.Sprintf("体质辨识 %d 题未答（至多 %d 题）", best.v[0], limit), fmt.Sprintf("%d questions without an answer (at most %d)", best.v[0], limit)
		})
		v.want(best.flags&flagAdvice != 0, "advice", TagAgedMedicine, best.id, func() (zh, en string) { return "无中医药保健指导", "no advice" })
	}
	e.judge("O02", &v)
}

// rankOf orders constitutions: fewer open questions before more, advice before none.
func rankOf(ev *event) int32 {
	rank := ev.v[0] * 2
	if ev.flags&flagAdvice == 0 {
		rank++
	}
	return rank
}

func (e *Evaluator) agedTask() {
	level := e.s.number[acceptedLevel]
	var latest *event
	accepted := false
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatCheckup && e.counted(ev) {
			latest, accepted = ev, accepted || ev.standing.acceptedBy(level)
		}
	}
	v := e.verdict()
	v.want(latest != nil, "checkup", TagAged, e.p.file.id, func() (zh, en string) { return "年内未体检", "no checkup in the period" })
	if latest != nil {
		v.want(accepted, "accepted", TagAged, latest.id, func() (zh, en string) {
			return fmt.Sprintf("体检未经 %d 级及以上审核", level), fmt.Sprintf("the checkup was not accepted at level %d or above", level)
		})
	}
	e.judge("T01", &v)
}

// checkupsWithoutFault counts T02: checkups of the period, each by itself.
func (e *Evaluator) checkupsWithoutFault() {
	if !e.p.f.judged {
		return
	}
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatCheckup || !e.inPeriod(ev.on) || !e.known(ev.received) || ev.standing.draft() {
			continue
		}
		v := e.verdict()
		v.want(!ev.standing.returned(), "returned", TagNotStandard, ev.id, func() (zh, en string) {
			return fmt.Sprintf("%s 的体检被退回，未更正", ev.on.date()), fmt.Sprintf("the checkup of %s was returned and not corrected", ev.on.date())
		})
		v.want(ev.flags&flagError == 0, "errors", TagNotStandard, ev.id, func() (zh, en string) {
			return fmt.Sprintf("%s 的体检有错误", ev.on.date()), fmt.Sprintf("the checkup of %s has errors", ev.on.date())
		})
		v.want(ev.flags&flagSuspicion == 0 || e.s.number[suspicionCounts] == 0, "suspicion", TagNotStandard, ev.id, func() (zh, en string) {
			return fmt.Sprintf("%s 的体检真实性存疑", ev.on.date()), fmt.Sprintf("the checkup of %s is doubted", ev.on.date())
		})
		e.judge("T02", &v)
	}
}
