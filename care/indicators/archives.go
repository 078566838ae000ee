// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// archives judges S01, S02, S03 and S23 of a person.
func (e *Evaluator) archives() {
	if !e.p.now || !e.asked("S01", "S02", "S03", "S23") {
		return
	}
	e.registeredRecord()
	if e.electronic() {
		e.inUse()
		e.upToStandard()
	}
}

// electronic reports whether the person's record is more than a draft.
func (e *Evaluator) electronic() bool { return !e.p.file.standing.draft() }

func (e *Evaluator) registeredRecord() {
	file := e.p.file
	v := e.verdict()
	v.want(e.electronic(), "record", TagBasic, file.id, func() (zh, en string) { return "档案仍为草稿", "the record is a draft" })
	e.judge("S02", &v)

	v = e.verdict()
	v.want(e.electronic(), "record", TagBasic, file.id, func() (zh, en string) { return "档案仍为草稿", "the record is a draft" })
	v.want(file.cover == 0, "cover", TagBasic, file.id, func() (zh, en string) {
		return fmt.Sprintf("封面 %d 项未填", file.cover), fmt.Sprintf("%d items of the cover are empty", file.cover)
	})
	if e.p.isChild(e.p.last) {
		v.want(e.ever(whatNewborn) != nil, "newborn_visit", TagBasic, file.id, func() (zh, en string) {
			return "0～6 岁儿童无新生儿家庭访视记录", "a child below seven has no newborn visit"
		})
	} else if limit := e.s.number[basicMissing]; int64(file.missing) > limit {
		v.want(false, "basic", TagBasic, file.id, func() (zh, en string) {
			return fmt.Sprintf("个人基本信息表 %d 项未填（至多 %d 项）", file.missing, limit), fmt.Sprintf("%d items of the basic form are empty (at most %d)", file.missing, limit)
		})
	}
	e.judge("S01", &v)
}

// ever returns the first usable event of a kind, nil if there is none.
func (e *Evaluator) ever(w what) *event {
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == w && e.usable(ev) {
			return ev
		}
	}
	return nil
}

// inUse looks for an entry of care in the days before the last.
func (e *Evaluator) inUse() {
	if !e.asked("S03") {
		return
	}
	from := e.t1 - day(e.s.number[dynamicDays]) + 1
	var latest *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; e.dynamic[ev.what] && e.usable(ev) && isCare(ev) {
			latest = ev
		}
	}
	v := e.verdict()
	if latest == nil || latest.on < from {
		about := e.p.file.id
		if latest != nil {
			about = latest.id
		}
		v.want(false, "entry", TagNotDynamic, about, func() (zh, en string) {
			if latest == nil {
				return "没有任何服务记录", "no entry of care at all"
			}
			return fmt.Sprintf("最近一次服务 %s，早于 %s", latest.on.date(), from.date()), fmt.Sprintf("the latest entry of care is of %s, before %s", latest.on.date(), from.date())
		})
	}
	e.judge("S03", &v)
}

// isCare reports whether an event was care that somebody received: of visits, that the person was met.
func isCare(ev *event) bool {
	switch ev.what {
	case whatHomeVisit, whatMental, whatTuberculosisHome:
		return ev.flags&flagReached != 0
	}
	return true
}

// upToStandard judges S23, of records that were checked: by the rules, or by a person, as the pack says.
func (e *Evaluator) upToStandard() {
	if !e.asked("S23") {
		return
	}
	by, checked := e.checkedBy()
	if !checked {
		return
	}
	file := e.p.file
	v := e.verdict()
	v.want(!file.standing.returned(), "returned", TagBasic, file.id, func() (zh, en string) {
		return "档案被退回，未更正", "the record was returned and not corrected"
	})
	v.want(by == nil || by.v[2] != int32(carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD), "verified", TagBasic, idOf(by), func() (zh, en string) {
		return fmt.Sprintf("%s 核查不规范", by.on.date()), fmt.Sprintf("found not up to standard on %s", by.on.date())
	})
	e.wantNoErrors(&v)
	e.wantRightTags(&v)
	e.judge("S23", &v)
}

// checkedBy returns the latest verification of the whole record in the period, nil if there is none, and
// whether the record counts as checked.
func (e *Evaluator) checkedBy() (by *event, checked bool) {
	checked = e.s.number[checkedBasis] == 1 && e.p.f.judged
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		switch {
		case ev.what == whatVerification && ev.v[2] != 0 && e.counted(ev):
			by, checked = ev, true
		case ev.what == whatReview && e.inPeriod(ev.on) && e.known(ev.received):
			checked = true
		}
	}
	return by, checked
}

func idOf(ev *event) (id record.ID) {
	if ev != nil {
		id = ev.id
	}
	return id
}

// wantNoErrors wants no error in the person's record, nor in what was written in the period.
func (e *Evaluator) wantNoErrors(v *verdict) {
	for i := range e.p.f.residents {
		r := &e.p.f.residents[i]
		v.want(r.marks&markError == 0 || !e.p.sees(r), "basic_errors", TagBasic, r.id, func() (zh, en string) {
			return "个人基本信息有规范性错误", "the basic information has errors of form"
		})
	}
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.flags&flagError == 0 || ev.what > lastKind || !e.counted(ev) {
			continue
		}
		v.want(false, "errors", errorTag(ev.what), ev.id, func() (zh, en string) {
			return fmt.Sprintf("%s 的记录有规范性错误", ev.on.date()), fmt.Sprintf("the record of %s has errors of form", ev.on.date())
		})
	}
}

func errorTag(w what) Tag {
	if w == whatCheckup || w == whatSelfCare {
		return TagAged
	}
	return TagNotStandard
}

// wantRightTags wants the population tags to fit what is known (E00), unless the pack does not.
func (e *Evaluator) wantRightTags(v *verdict) {
	if e.s.number[tagErrors] == 0 {
		return
	}
	p, on, id := &e.p, e.p.last, e.p.file.id
	const agedCode, childCode = uint8(carev1.PopulationCode_POPULATION_CODE_AGED), uint8(carev1.PopulationCode_POPULATION_CODE_CHILD)
	tagged := p.has(agedCode, on)
	if p.birth != noDay {
		v.want(!tagged || p.isAged(on), "aged_tag", TagPopulation, id, func() (zh, en string) {
			return fmt.Sprintf("有老年人标记而未满 %d 岁", e.s.number[agedYears]), fmt.Sprintf("tagged as aged below %d", e.s.number[agedYears])
		})
		v.want(tagged || !p.isAged(on), "no_aged_tag", TagPopulation, id, func() (zh, en string) {
			return fmt.Sprintf("已满 %d 岁而无老年人标记", e.s.number[agedYears]), fmt.Sprintf("%d or over and not tagged as aged", e.s.number[agedYears])
		})
		v.want(!p.has(childCode, on) || p.isChild(on), "child_tag", TagPopulation, id, func() (zh, en string) {
			return fmt.Sprintf("有儿童标记而已满 %d 岁", e.s.number[childYears]), fmt.Sprintf("tagged as a child at %d or over", e.s.number[childYears])
		})
	}
	for _, d := range diseases() {
		if seen := e.lastVisitOutside(d); seen != nil {
			v.want(false, "no_"+d.id+"_tag", TagPopulation, seen.id, func() (zh, en string) {
				return fmt.Sprintf("%s 有%s随访而当日不在册", seen.on.date(), d.zh), fmt.Sprintf("followed up for %s on %s, not on the register that day", d.en, seen.on.date())
			})
		}
	}
}

// lastVisitOutside returns the latest follow-up of the period on whose day no tag says the disease.
func (e *Evaluator) lastVisitOutside(d *diseaseCare) (latest *event) {
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == d.what && e.counted(ev) && !e.p.has(d.population, ev.on) {
			latest = ev
		}
	}
	return latest
}
