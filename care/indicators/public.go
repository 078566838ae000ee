// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// public counts what a record says that is about nobody in particular.
func (e *Evaluator) public() {
	for i := range e.p.f.events {
		ev := &e.p.f.events[i]
		if !e.known(ev.received) || !ev.standing.counts() {
			continue
		}
		switch {
		case ev.what == whatOrganisation:
			e.villageClinic(ev)
		case ev.what == whatSurvey && ev.on <= e.t1:
			e.survey(ev)
		case !e.inPeriod(ev.on):
		case ev.what == whatOutreach:
			e.outreach(ev)
		case ev.what == whatMilestone:
			e.milestone(ev)
		case ev.what == whatLiteracy:
			e.counts("X06", ev, int64(ev.v[0]), int64(ev.v[0])+int64(ev.v[1]))
		case ev.what == whatFeedback:
			e.feedback(ev)
		}
	}
}

// counts adds numbers of a record where it belongs.
func (e *Evaluator) counts(code Code, ev *event, numerator, denominator int64) {
	e.emitAt(code, e.p.f.place(ev.place), e.p.f.name(ev.doctor), numerator, denominator, 0, nil)
}

// holds adds a record that is in the denominator.
func (e *Evaluator) holds(code Code, ev *event, is bool, id string, words func() (zh, en string)) {
	v := e.verdict()
	v.want(is, id, TagNone, ev.id, words)
	numerator := int64(1)
	if !is {
		numerator = 0
	}
	e.emitAt(code, e.p.f.place(ev.place), e.p.f.name(ev.doctor), numerator, 1, 0, v.conditions)
}

func (e *Evaluator) outreach(ev *event) {
	activity, people := int(ev.v[0]), int64(ev.v[1])
	if activity < 1 || activity >= len(e.active) {
		return
	}
	event := func(code Code) { e.emitAt(code, e.p.f.place(ev.place), e.p.f.name(ev.doctor), 1, 0, people, nil) }
	if e.active[activity] {
		event("E01")
	}
	event(activityPart(activity))
	switch {
	case activity == int(carev1.OutreachActivity_OUTREACH_ACTIVITY_HEALTH_STATION) && ev.flags&flagHoliday != 0:
		event("E02")
	case activity != int(carev1.OutreachActivity_OUTREACH_ACTIVITY_TRAINING):
	case ev.v[2] == int32(carev1.TrainingMode_TRAINING_MODE_ONLINE):
		event("E03")
	case ev.v[2] == int32(carev1.TrainingMode_TRAINING_MODE_ON_SITE):
		event("E04")
	}
}

func (e *Evaluator) milestone(ev *event) {
	done := dayOf(care.Date(ev.v[0]))
	e.holds("E05", ev, done != noDay && done <= ev.on, "done", func() (zh, en string) {
		return fmt.Sprintf("节点应于 %s 前完成", ev.on.date()), fmt.Sprintf("the milestone was due by %s", ev.on.date())
	})
}

// survey counts one form: its answers by its day, itself by the quarter it is of.
func (e *Evaluator) survey(ev *event) {
	overall := carev1.SurveyAnswer(ev.v[1] & 15)
	year, quarter := int(ev.v[0]/10), int(ev.v[0]%10)
	if of := Quarter(year, quarter); isAnswer(overall) && e.inPeriod(dayOf(of.From)) {
		e.counts(quarterPart(quarter), ev, 1, 0)
	}
	if !e.inPeriod(ev.on) {
		return
	}
	e.answer("X01", ev, overall)
	e.answer("X04", ev, carev1.SurveyAnswer(ev.v[1]>>4&15))
	e.answer("X05", ev, carev1.SurveyAnswer(ev.v[1]>>8&15))
	if ev.v[3] > 0 {
		e.counts("X02", ev, int64(ev.v[2]), int64(ev.v[3]))
	}
}

// isAnswer reports whether an answer is valid: given, and not “do not know”.
func isAnswer(a carev1.SurveyAnswer) bool {
	return a >= carev1.SurveyAnswer_SURVEY_ANSWER_SATISFIED && a <= carev1.SurveyAnswer_SURVEY_ANSWER_DISSATISFIED
}

func (e *Evaluator) answer(code Code, ev *event, a carev1.SurveyAnswer) {
	if !isAnswer(a) {
		return
	}
	satisfied := a <= carev1.SurveyAnswer_SURVEY_ANSWER_MOSTLY
	e.holds(code, ev, satisfied, "satisfied", func() (zh, en string) { return "一般或不满意", "fair or dissatisfied" })
}

// feedback counts what was closed in time of what was closed or is due by the last day.
func (e *Evaluator) feedback(ev *event) {
	closed, due := dayOf(care.Date(ev.v[0])), dayOf(care.Date(ev.v[1]))
	isClosed := closed != noDay && closed <= e.t1
	if !isClosed && (due == noDay || due >= e.t1) {
		return
	}
	e.holds("X07", ev, isClosed && (due == noDay || closed <= due), "closed", func() (zh, en string) {
		if isClosed {
			return fmt.Sprintf("应于 %s 前办结，%s 才办结", due.date(), closed.date()), fmt.Sprintf("due by %s, closed on %s", due.date(), closed.date())
		}
		return fmt.Sprintf("应于 %s 前办结，尚未办结", due.date()), fmt.Sprintf("due by %s, still open", due.date())
	})
}

// villageClinic judges V01 of a clinic that is there on the last day.
func (e *Evaluator) villageClinic(ev *event) {
	until, judged := dayOf(care.Date(ev.v[1])), dayOf(care.Date(ev.v[2]))
	if ev.v[0] != int32(carev1.OrganisationType_ORGANISATION_TYPE_VILLAGE_CLINIC) || ev.on > e.t1 || until != noDay && until < e.t1 {
		return
	}
	met := ev.flags&flagMet != 0 && judged <= e.t1
	e.holds("V01", ev, met, "standard", func() (zh, en string) { return "服务能力未达标", "does not meet the standard" })
}

// Quarters returns how many quarters of a period that have begun by a day have enough valid forms, of how many:
// parts are the tallies of X03.1 to X03.4.
func Quarters(parts [4]Tally, p Period, asOf care.Date, s Settings) (t Tally) {
	for q := range 4 {
		begins := Quarter(p.To.Year(), q+1).From
		if !p.Has(begins) || begins > asOf {
			continue
		}
		t.Denominator++
		if parts[q].Numerator >= s.number[surveyForms] {
			t.Numerator++
		}
	}
	return t
}
