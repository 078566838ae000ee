// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A total is what a person adds to a counter at one place, by one doctor.
type total struct {
	place  record.Division
	doctor string
	amount int64
}

// count adds amounts of a person's events, each at its own place; the person itself is counted once, at the
// place of the latest of them.
func (e *Evaluator) count(code Code, amountOf func(*event) int64) {
	if !e.asked(code) {
		return
	}
	var buf [4]total
	totals, last := buf[:0], 0
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if !e.counted(ev) {
			continue
		}
		if amount := amountOf(ev); amount > 0 {
			totals, last = add(totals, e.placeOf(ev), e.p.f.name(ev.doctor), amount)
		}
	}
	for i, t := range totals {
		person := int64(0)
		if i == last {
			person = 1
		}
		e.emitAt(code, t.place, t.doctor, person, 0, t.amount, nil)
	}
}

// add adds an amount where it belongs, and returns which of the totals that is.
func add(totals []total, place record.Division, doctor string, amount int64) ([]total, int) {
	for i := range totals {
		if t := &totals[i]; t.place == place && t.doctor == doctor {
			t.amount += amount
			return totals, i
		}
	}
	return append(totals, total{place, doctor, amount}), len(totals)
}

// placeOf returns where an event belongs: where its record does, else where the person is managed.
func (e *Evaluator) placeOf(ev *event) record.Division {
	if ev.place != 0 {
		return e.p.f.place(ev.place)
	}
	return e.p.place
}

// visits counts B01 and B02.
func (e *Evaluator) visits() {
	seen := noDay
	e.count("B01", func(ev *event) int64 {
		if ev.on == seen || !isTwoDiseaseVisit(ev) {
			return 0
		}
		seen = ev.on
		return 1
	})
	e.count("B02", func(ev *event) int64 {
		if ev.what == whatScreening && ev.v[0] == int32(carev1.ScreeningTarget_SCREENING_TARGET_DIABETES) {
			return 1
		}
		return 0
	})
}

// isTwoDiseaseVisit reports whether somebody was seen, at the clinic or at home, with hypertension or diabetes.
func isTwoDiseaseVisit(ev *event) bool {
	if ev.flags&(flagHypertension|flagDiabetes) == 0 {
		return false
	}
	switch ev.what {
	case whatHypertension, whatDiabetes:
		return ev.flags&flagFace != 0
	case whatClinicVisit, whatHomeVisit:
		return ev.flags&flagReached != 0
	}
	return false
}

// services counts what was done for the person, N01 to N06.
func (e *Evaluator) services() {
	e.count("N01", oneOf(whatClinicVisit, 0))
	e.count("N03", oneOf(whatReferral, flagGreen))
	for _, of := range greenParts() {
		e.count(of.code, func(ev *event) int64 {
			if n := oneOf(whatReferral, flagGreen)(ev); n != 0 && e.p.belongs(uint8(of.population), ev.on) {
				return n
			}
			return 0
		})
	}
	e.count("N04", waivedFen)
	e.count("N05", oneOf(whatHomeVisit, flagReached))
	for mode := int32(1); mode <= serviceModeCount; mode++ {
		e.count(modePart(int(mode)), func(ev *event) int64 {
			if ev.v[1] != mode {
				return 0
			}
			return oneOf(whatHomeVisit, flagReached)(ev)
		})
	}
	e.toldOfContract()
}

// oneOf counts events of a kind that have a flag; 0 is no flag.
func oneOf(w what, flag uint32) func(*event) int64 {
	return func(ev *event) int64 {
		if ev.what == w && ev.flags&flag == flag {
			return 1
		}
		return 0
	}
}

// waivedFen returns what was waived of a fee.
func waivedFen(ev *event) int64 {
	switch ev.what {
	case whatHomeVisit, whatClinicVisit:
		return int64(ev.v[0])
	case whatService:
		return int64(ev.v[2])
	case whatContract:
		return int64(ev.v[3])
	}
	return 0
}

// toldOfContract judges N06: who had no contract when met at home, and was told of it at one of these visits.
func (e *Evaluator) toldOfContract() {
	if !e.asked("N06") {
		return
	}
	var met *event
	told := false
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if ev.what != whatHomeVisit || ev.flags&flagReached == 0 || !e.counted(ev) || e.contractOn(ev.on-1) != nil {
			continue
		}
		met = ev
		switch carev1.ContractNotice(ev.v[2]) {
		case carev1.ContractNotice_CONTRACT_NOTICE_SIGNED_NOW, carev1.ContractNotice_CONTRACT_NOTICE_NOT_SIGNED:
			told = true
		}
	}
	if met == nil {
		return
	}
	v := e.verdict()
	v.want(told, "told", TagNone, met.id, func() (zh, en string) {
		return "入户时未告知家庭医生签约", "not told of the contract when met at home"
	})
	e.judge("N06", &v)
}
