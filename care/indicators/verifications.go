// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// verifications counts A01 to A03, each check by itself, with the doctor who was checked.
func (e *Evaluator) verifications() {
	if !e.asked("A01", "A02", "A03", "A03.2", "A03.3", "A03.4") {
		return
	}
	for i := range e.p.f.events {
		if ev := &e.p.f.events[i]; ev.what == whatVerification && e.counted(ev) {
			e.verification(ev)
		}
	}
}

func (e *Evaluator) verification(ev *event) {
	contact := carev1.VerificationContact(ev.v[0])
	reached := contact == carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED
	refused := contact == carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED
	e.verified("A03", ev, reached || refused && e.s.number[refusedReached] == 1, "reached", func() (zh, en string) { return contactWords(contact) })
	switch contact {
	case carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED:
		e.checkCounted("A03.2", ev)
	case carev1.VerificationContact_VERIFICATION_CONTACT_NOT_REACHED:
		e.checkCounted("A03.3", ev)
	case carev1.VerificationContact_VERIFICATION_CONTACT_WRONG_ADDRESS:
		e.checkCounted("A03.4", ev)
	}
	if truth := carev1.VerificationVerdict(ev.v[1]); reached && (truth == carev1.VerificationVerdict_VERIFICATION_VERDICT_TRUE || truth == carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE) {
		e.verified("A01", ev, truth == carev1.VerificationVerdict_VERIFICATION_VERDICT_TRUE, "true", func() (zh, en string) {
			return fmt.Sprintf("%s 核查不真实", ev.on.date()), fmt.Sprintf("found untrue on %s", ev.on.date())
		})
	}
	if standard := carev1.StandardVerdict(ev.v[2]); standard != 0 {
		e.verified("A02", ev, standard == carev1.StandardVerdict_STANDARD_VERDICT_STANDARD, "standard", func() (zh, en string) {
			return fmt.Sprintf("%s 核查不规范", ev.on.date()), fmt.Sprintf("found not up to standard on %s", ev.on.date())
		})
	}
}

func (e *Evaluator) verified(code Code, ev *event, holds bool, id string, words func() (zh, en string)) {
	v := e.verdict()
	v.want(holds, id, TagNone, ev.id, words)
	numerator := int64(1)
	if !holds {
		numerator = 0
	}
	e.emitAt(code, e.p.place, e.p.f.name(ev.doctor), numerator, 1, 0, v.conditions)
}

func (e *Evaluator) checkCounted(code Code, ev *event) {
	e.emitAt(code, e.p.place, e.p.f.name(ev.doctor), 1, 0, 0, nil)
}

func contactWords(c carev1.VerificationContact) (zh, en string) {
	switch c {
	case carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED:
		return "联系上但拒访（失访）", "reached and refused"
	case carev1.VerificationContact_VERIFICATION_CONTACT_NOT_REACHED:
		return "未联系上（失访）", "not reached"
	case carev1.VerificationContact_VERIFICATION_CONTACT_WRONG_ADDRESS:
		return "电话或地址错误（失访）", "wrong number or address"
	}
	return "未记录联系结果", "no result of contact is recorded"
}
