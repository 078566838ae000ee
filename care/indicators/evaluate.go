// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A Question is what is asked of facts.
type Question struct {
	Period Period
	// AsOf is the day on which it is asked: nothing after it counts, and the last day t1 is the
	// earlier of it and the end of the period. Before the period there are no outcomes.
	AsOf care.Date
	// ReceivedBy leaves out what the centre received later; 0 takes everything.
	ReceivedBy care.Date
	// Codes are the indicators asked for; nil for all.
	Codes []Code
	// Populations asks for persons who are of one of them on the last day under care; nil for everybody.
	// Records that are about nobody are of none.
	Populations []carev1.PopulationCode
	// Explain says why who does not count does not. It takes several times as long.
	Explain bool
}

// Evaluate returns the outcomes of one person, those of one indicator after each other. Derived indicators have
// none.
func Evaluate(f Facts, q Question, s Settings) []Outcome {
	return NewEvaluator(q, s).Append(nil, &f)
}

// An Evaluator answers one question for many persons. It is for one goroutine.
type Evaluator struct {
	s       Settings
	t0, t1  day // noDay for t1 when there is nothing to count
	cutoff  day
	codes   []Code
	only    []carev1.PopulationCode
	explain bool
	years   int64 // how many years the period has, begun ones counted

	dynamic [256]bool
	key     [lastPopulation + 1]bool
	active  [10]bool // activities of events

	p   personView
	out []Outcome
}

// NewEvaluator returns one for a question. A period that is none, or a day before it, has no outcomes.
func NewEvaluator(q Question, s Settings) *Evaluator {
	e := &Evaluator{s: s, t0: dayOf(q.Period.From), t1: noDay, cutoff: dayOf(q.ReceivedBy), codes: q.Codes, only: q.Populations, explain: q.Explain}
	if last := dayOf(min(q.Period.To, q.AsOf)); q.Period.Valid() && q.AsOf.Whole() && last >= e.t0 {
		e.t1 = last
	}
	e.years = (int64(e.t1-e.t0) + 366) / 366
	for _, kind := range s.list[dynamicKinds] {
		e.dynamic[kind] = true
	}
	for _, p := range s.list[keyPopulations] {
		e.key[p] = true
	}
	for _, a := range s.list[outreachActivities] {
		e.active[a] = true
	}
	return e
}

// Append adds the outcomes of a person to out.
func (e *Evaluator) Append(out []Outcome, f *Facts) []Outcome {
	if e.t1 == noDay {
		return out
	}
	e.out = out
	if e.p.look(e, f); !e.p.isOneOf(e.only) {
		e.out = nil
		return out
	}
	if e.p.here {
		e.archives()
		e.aged()
		e.chronic()
		e.visits()
		e.contracts()
		e.restricted()
		e.mothersAndChildren()
		e.verifications()
		e.services()
	} else if len(f.residents) == 0 {
		e.public()
	}
	out, e.out = e.out, nil
	return out
}

// asked reports whether one of the codes is asked for.
func (e *Evaluator) asked(codes ...Code) bool {
	return e.codes == nil || slices.ContainsFunc(codes, func(c Code) bool { return slices.Contains(e.codes, c) })
}

// emit adds an outcome of the person, where it is managed.
func (e *Evaluator) emit(code Code, numerator, denominator, amount int64, failed []Condition) {
	e.emitAt(code, e.p.place, e.p.doctor, numerator, denominator, amount, failed)
}

func (e *Evaluator) emitAt(code Code, place record.Division, doctor string, numerator, denominator, amount int64, failed []Condition) {
	if e.codes != nil && !slices.Contains(e.codes, code) {
		return
	}
	e.out = append(e.out, Outcome{
		Code: code, Division: place, Doctor: doctor, Numerator: numerator, Denominator: denominator, Amount: amount, Failed: failed,
	})
}

// judge adds the outcome of a person who is in the denominator: in the numerator unless something failed.
func (e *Evaluator) judge(code Code, v *verdict) {
	numerator := int64(1)
	if v.failed {
		numerator = 0
	}
	e.emit(code, numerator, 1, 0, v.conditions)
}

// A verdict collects what failed.
type verdict struct {
	explain    bool
	failed     bool
	conditions []Condition
}

func (e *Evaluator) verdict() verdict { return verdict{explain: e.explain} }

// want notes a condition that does not hold. Its words are asked for only when somebody wants them.
func (v *verdict) want(holds bool, id string, tag Tag, about record.ID, words func() (zh, en string)) {
	if holds {
		return
	}
	v.failed = true
	if v.explain {
		zh, en := words()
		v.conditions = append(v.conditions, Condition{ID: id, Tag: tag, ZH: zh, EN: en, Record: about})
	}
}

// known reports whether something was received by the cutoff.
func (e *Evaluator) known(received day) bool {
	return e.cutoff == noDay || received <= e.cutoff
}

// inPeriod reports whether a day is between the first day and the last.
func (e *Evaluator) inPeriod(d day) bool { return e.t0 <= d && d <= e.t1 }

// counted reports whether an event is in the period, was received in time and is no draft.
func (e *Evaluator) counted(ev *event) bool {
	return e.inPeriod(ev.on) && e.usable(ev)
}

// usable reports whether an event is not after the last day, was received in time and is no draft.
func (e *Evaluator) usable(ev *event) bool {
	return ev.on <= e.t1 && e.known(ev.received) && ev.standing.counts()
}
