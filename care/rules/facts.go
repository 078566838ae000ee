// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// facts are what is known of a person whatever the day.
type facts struct {
	resident     *carev1.Resident // of the smallest id; nil if there is none
	birth        care.Date        // 0 unless whole
	died         int32
	turns        []turn                  // when the person left and came back, in order
	tags         []*carev1.PopulationTag // of all linked residents
	diagnoses    []diagnosis             // from past diseases
	rural        bool
	sex          carev1.Sex
	rawBirthDate int32
}

// A turn is a day on which a person left, or came back.
type turn struct {
	day  int32
	back bool
}

type diagnosis struct {
	code  carev1.PopulationCode
	since int32
}

// gather reads the residents of a person.
func gather(p *Person) facts {
	var f facts
	for _, e := range p.entries {
		switch form := e.Form.(type) {
		case *carev1.Resident:
			f.add(form)
		case *carev1.VitalEvent:
			f.happened(form)
		}
	}
	slices.SortStableFunc(f.turns, func(a, b turn) int { return cmp.Compare(a.day, b.day) })
	slices.SortStableFunc(f.tags, func(a, b *carev1.PopulationTag) int {
		return cmp.Or(cmp.Compare(a.GetCode(), b.GetCode()), cmp.Compare(a.GetSince(), b.GetSince()))
	})
	slices.SortStableFunc(f.diagnoses, func(a, b diagnosis) int { return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.since, b.since)) })
	return f
}

func (f *facts) add(r *carev1.Resident) {
	if f.resident == nil {
		f.resident, f.sex, f.rawBirthDate = r, r.GetSex(), r.GetBirthDate()
		f.rural = isRural(r.GetAddress().GetDivisionCode())
		if d := care.Date(r.GetBirthDate()); d.Whole() {
			f.birth = d
		}
	}
	if d := r.GetDeath(); d.GetDead() && d.GetDiedOn() > 0 {
		f.died = earlier(f.died, d.GetDiedOn())
	}
	if end := r.GetManagementEnd(); end.GetEndedOn() > 0 && end.GetReason() != carev1.ManagementEndReason_MANAGEMENT_END_REASON_DEATH {
		f.turns = append(f.turns, turn{day: end.GetEndedOn()})
	}
	for _, t := range r.GetTags() {
		f.tags = append(f.tags, t)
	}
	for _, d := range r.GetPastDiseases() {
		if code, ok := conditionOf(d.GetCode()); ok {
			f.diagnoses = append(f.diagnoses, diagnosis{code, floor(d.GetDiagnosedOn())})
		}
	}
}

// happened takes in what a vital event says. One that was withdrawn is voided and not here.
func (f *facts) happened(e *carev1.VitalEvent) {
	if e.GetEventDate() <= 0 {
		return
	}
	switch e.GetType() {
	case carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH:
		f.died = earlier(f.died, e.GetEventDate())
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, carev1.VitalEventType_VITAL_EVENT_TYPE_LOST:
		f.turns = append(f.turns, turn{day: e.GetEventDate()})
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN, carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED:
		f.turns = append(f.turns, turn{day: e.GetEventDate(), back: true})
	}
}

// leftBefore returns the day on which the person left, if that was before day and
// the person was not back by then; else 0.
func (f *facts) leftBefore(day int32) (left int32) {
	for _, t := range f.turns {
		switch {
		case t.back && t.day <= day:
			left = 0
		case !t.back && t.day < day && left == 0:
			left = t.day
		}
	}
	return left
}

func earlier(a, b int32) int32 {
	if a == 0 || b < a {
		return b
	}
	return a
}

// floor returns a date with what is not known of it as the first.
func floor(d int32) int32 {
	if d <= 0 {
		return 0
	}
	return int32(dateAt(dayNumber(int64(d))))
}

// conditionOf returns the population that a past disease belongs to, if there is one.
func conditionOf(code carev1.PastDiseaseCode) (carev1.PopulationCode, bool) {
	switch code {
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION:
		return carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES:
		return carev1.PopulationCode_POPULATION_CODE_DIABETES, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_CORONARY:
		return carev1.PopulationCode_POPULATION_CODE_CORONARY, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_COPD:
		return carev1.PopulationCode_POPULATION_CODE_COPD, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_MALIGNANT_TUMOUR:
		return carev1.PopulationCode_POPULATION_CODE_TUMOUR, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_STROKE:
		return carev1.PopulationCode_POPULATION_CODE_STROKE, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_SEVERE_MENTAL:
		return carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, true
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_TUBERCULOSIS:
		return carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS, true
	}
	return 0, false
}

// isRural reports whether the village part of a division code is that of a village committee.
func isRural(code string) bool { return len(code) == 12 && code[9] >= '2' && code[9] <= '3' }

// on returns what rules see of the person on a day.
func (f *facts) on(day care.Date) *carev1.RulePerson {
	out := &carev1.RulePerson{
		Sex: f.sex, BirthDate: f.rawBirthDate, Rural: f.rural, DiedOn: f.died, LeftOn: f.leftBefore(int32(day)), Resident: f.resident,
	}
	if f.birth != 0 && day.Whole() && f.birth <= day {
		age := int32(f.birth.AgeOn(day))
		out.AgeYears = &age
	}
	gone := f.died != 0 && int32(day) > f.died || out.LeftOn != 0
	conditions := map[carev1.PopulationCode]*carev1.KnownCondition{}
	for _, t := range f.tags {
		since, holds := floor(t.GetSince()), holdsOn(t, int32(day)) && !gone
		if holds && !slices.Contains(out.Tags, t.GetCode()) {
			out.Tags = append(out.Tags, t.GetCode())
		}
		if isCondition(t.GetCode()) {
			note(conditions, t.GetCode(), since, holds)
		}
	}
	for _, d := range f.diagnoses {
		note(conditions, d.code, d.since, false)
	}
	for _, c := range conditions {
		out.Conditions = append(out.Conditions, c)
	}
	slices.SortFunc(out.Conditions, func(a, b *carev1.KnownCondition) int { return cmp.Compare(a.GetCode(), b.GetCode()) })
	for _, c := range out.Conditions {
		if c.GetSince() <= int32(day) {
			out.Known = append(out.Known, c.GetCode())
		}
	}
	return out
}

func note(all map[carev1.PopulationCode]*carev1.KnownCondition, code carev1.PopulationCode, since int32, managed bool) {
	c, ok := all[code]
	if !ok {
		c = &carev1.KnownCondition{Code: code}
		all[code] = c
	}
	if since != 0 {
		c.Since = earlier(c.Since, since)
	}
	c.Managed = c.Managed || managed
}

// isCondition reports whether a population is one of people who have a disease.
func isCondition(code carev1.PopulationCode) bool {
	switch code {
	case carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, carev1.PopulationCode_POPULATION_CODE_DIABETES,
		carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS,
		carev1.PopulationCode_POPULATION_CODE_COPD, carev1.PopulationCode_POPULATION_CODE_STROKE,
		carev1.PopulationCode_POPULATION_CODE_CORONARY, carev1.PopulationCode_POPULATION_CODE_TUMOUR:
		return true
	}
	return false
}

func holdsOn(t *carev1.PopulationTag, day int32) bool {
	return floor(t.GetSince()) <= day && (t.GetUntil() == 0 || day <= t.GetUntil())
}
