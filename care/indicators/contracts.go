// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// contracts judges G01 to G04.
func (e *Evaluator) contracts() {
	if e.p.now {
		e.underContract()
	}
	e.renewed()
}

// inForce reports whether a contract binds on a day.
func (e *Evaluator) inForce(ev *event, on day) bool {
	if ev.what != whatContract || ev.flags&flagSigned == 0 || !e.usable(ev) || ev.on > on {
		return false
	}
	since, until, ended := dayOf(care.Date(ev.v[0])), dayOf(care.Date(ev.v[1])), dayOf(care.Date(ev.v[2]))
	return since <= on && (until == noDay || on <= until) && (ended == noDay || on <= ended)
}

// contractOn returns the contract in force on a day, of several the one signed last; nil if there is none.
func (e *Evaluator) contractOn(on day) (found *event) {
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; e.inForce(ev, on) {
			found = ev
		}
	}
	return found
}

func (e *Evaluator) underContract() {
	contract := e.contractOn(e.t1)
	v := e.verdict()
	v.want(contract != nil, "contract", TagNone, e.p.file.id, func() (zh, en string) { return e.whyNoContract() })
	e.judge("G01", &v)
	e.keyPopulations(&v)
	if contract != nil {
		e.fulfilled()
	}
}

// whyNoContract says how the latest contract ended, if there was one.
func (e *Evaluator) whyNoContract() (zh, en string) {
	var latest *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatContract && ev.flags&flagSigned != 0 && e.usable(ev) {
			latest = ev
		}
	}
	if latest == nil {
		return "未签约", "no contract"
	}
	if ended := care.Date(latest.v[2]); ended != 0 && dayOf(ended) < e.t1 {
		return fmt.Sprintf("已于 %s 解约", ended), fmt.Sprintf("the contract was ended on %s", ended)
	}
	since, until := care.Date(latest.v[0]), care.Date(latest.v[1])
	return fmt.Sprintf("签约期 %s 至 %s，期末不在有效期", since, until), fmt.Sprintf("the contract runs from %s to %s, not on the last day", since, until)
}

// keyPopulations judges G02 and its parts by what G01 says.
func (e *Evaluator) keyPopulations(v *verdict) {
	isKey := false
	for code := range uint8(lastPopulation + 1) {
		if code == 0 || !e.p.belongs(code, e.t1) {
			continue
		}
		isKey = isKey || e.key[code]
		e.judge(populationParts[code], v)
	}
	if isKey {
		e.judge("G02", v)
	}
}

// belongs reports whether the person is of a population on a day on which it is under care: by birth, by what
// was recorded, or by a tag.
func (p *personView) belongs(code uint8, on day) bool {
	switch carev1.PopulationCode(code) {
	case carev1.PopulationCode_POPULATION_CODE_AGED:
		return p.isAged(on)
	case carev1.PopulationCode_POPULATION_CODE_CHILD:
		return p.isChild(on)
	case carev1.PopulationCode_POPULATION_CODE_MATERNAL:
		return p.has(code, on) || p.isMaternal(on)
	case carev1.PopulationCode_POPULATION_CODE_DISABLED:
		return p.has(code, on) || p.hasCertificate()
	case carev1.PopulationCode_POPULATION_CODE_DEPENDENT:
		return p.has(code, on) || p.selfCareOn(on) == carev1.SelfCareLevel_SELF_CARE_LEVEL_UNABLE
	case carev1.PopulationCode_POPULATION_CODE_PARTLY_DEPENDENT:
		return p.has(code, on) || p.selfCareOn(on) == carev1.SelfCareLevel_SELF_CARE_LEVEL_MODERATE
	}
	return p.has(code, on)
}

func (p *personView) hasCertificate() bool {
	for i := range p.f.residents {
		if r := &p.f.residents[i]; r.marks&markCertificate != 0 && p.sees(r) {
			return true
		}
	}
	return false
}

// selfCareOn returns the level of the newest assessment on a day, 0 if there is none that is still good.
func (p *personView) selfCareOn(on day) (level carev1.SelfCareLevel) {
	from := on - day(p.e.s.number[dependenceDays])
	for i := range p.f.events {
		if ev := &p.f.events[i]; ev.what == whatSelfCare && ev.on <= on && p.e.usable(ev) {
			level = 0
			if ev.on >= from {
				level = carev1.SelfCareLevel(ev.v[0])
			}
		}
	}
	return level
}

// isMaternal reports whether a pregnancy that was seen goes on, or a birth was so many days ago.
func (p *personView) isMaternal(on day) bool {
	childbed, longest := day(p.e.s.number[postpartumDays]), day(p.e.s.number[pregnancyLongestDays])
	for i := range p.f.events {
		ev := &p.f.events[i]
		if ev.on > on || !p.e.usable(ev) {
			continue
		}
		switch ev.what {
		case whatAntenatal:
			if on-ev.on <= longest && !p.deliveredAfter(ev.on, on-childbed) {
				return true
			}
		case whatPostpartum:
			if born := dayOf(care.Date(ev.v[1])); born != noDay && born <= on && on-born <= childbed {
				return true
			}
		}
	}
	return false
}

// deliveredAfter reports whether a birth is known on a day from one to before another.
func (p *personView) deliveredAfter(from, before day) bool {
	for i := range p.f.events {
		ev := &p.f.events[i]
		if ev.what != whatPostpartum || !p.e.usable(ev) {
			continue
		}
		if born := dayOf(care.Date(ev.v[1])); born != noDay && from <= born && born < before {
			return true
		}
	}
	return false
}

// renewed judges G03: of who was under care when a contract ran out in the period, the last one to do so.
func (e *Evaluator) renewed() {
	if !e.asked("G03") {
		return
	}
	var over *event
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; e.ranOut(ev) && (over == nil || ev.v[1] >= over.v[1]) {
			over = ev
		}
	}
	if over == nil {
		return
	}
	until := dayOf(care.Date(over.v[1]))
	within := day(e.s.number[renewalDays])
	v := e.verdict()
	next := e.contractAfter(over)
	v.want(next != nil && next.on-until <= within, "renewed", TagNone, over.id, func() (zh, en string) {
		if next == nil {
			return fmt.Sprintf("%s 到期，未续签（%d 天内）", until.date(), within), fmt.Sprintf("ran out on %s and was not renewed (within %d days)", until.date(), within)
		}
		return fmt.Sprintf("%s 到期，%s 才续签，超过 %d 天", until.date(), next.on.date(), within), fmt.Sprintf("ran out on %s and was renewed on %s, after more than %d days", until.date(), next.on.date(), within)
	})
	e.judge("G03", &v)
}

// ranOut reports whether a contract ended by itself in the period while the person was under care.
func (e *Evaluator) ranOut(ev *event) bool {
	if ev.what != whatContract || ev.flags&flagSigned == 0 || !e.usable(ev) {
		return false
	}
	until, ended := dayOf(care.Date(ev.v[1])), dayOf(care.Date(ev.v[2]))
	if until == noDay || !e.inPeriod(until) || ended != noDay && ended < until {
		return false
	}
	for _, s := range e.p.stays {
		if s.from <= until && until <= s.to {
			return true
		}
	}
	return false
}

// contractAfter returns the first contract signed that goes on after another, nil if there is none.
func (e *Evaluator) contractAfter(over *event) *event {
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what == whatContract && ev.flags&flagSigned != 0 && e.usable(ev) && ev.id != over.id &&
			ev.v[0] > over.v[0] && (ev.v[1] == 0 || ev.v[1] > over.v[1]) {
			return ev
		}
	}
	return nil
}

// fulfilled judges G04 of who is under contract on the last day: one service under a contract in the period, or
// each service as often as was promised, as the pack says.
func (e *Evaluator) fulfilled() {
	if !e.asked("G04") {
		return
	}
	v := e.verdict()
	served := false
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatService && e.counted(ev) {
			served = true
		}
	}
	v.want(served, "service", TagNone, e.contractOn(e.t1).id, func() (zh, en string) { return "期内无履约服务", "no service under the contract in the period" })
	if served && e.s.number[fulfilment] == 2 {
		e.wantAllServices(&v)
	}
	e.judge("G04", &v)
}

// wantAllServices wants each service of each contract in force on the last day as often as its days of the
// period ask for.
func (e *Evaluator) wantAllServices(v *verdict) {
	number := 0
	for i := range e.p.f.events {
		contract := &e.p.f.events[i]
		if contract.what != whatContract {
			continue
		}
		number++
		if !e.inForce(contract, e.t1) {
			continue
		}
		days := int64(e.t1-max(e.t0, dayOf(care.Date(contract.v[0])))) + 1
		for _, item := range e.p.f.items {
			if int(item.contract) != number {
				continue
			}
			need := min(int64(item.times)*days/e.s.number[proRataDays], int64(item.times)*e.years)
			done := e.servicesOf(item)
			v.want(done >= need, "services", TagNone, contract.id, func() (zh, en string) {
				return fmt.Sprintf("签约项目 %d 履约 %d 次，应 %d 次", item.item, done, need), fmt.Sprintf("service %d of the contract was given %d times, %d are due", item.item, done, need)
			})
		}
	}
}

func (e *Evaluator) servicesOf(item contractItem) (n int64) {
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what == whatService && e.counted(ev) && ev.v[0] == int32(item.contract) && ev.v[1] == int32(item.item) {
			n++
		}
	}
	return n
}
