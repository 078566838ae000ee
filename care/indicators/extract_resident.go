// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
)

// takeResident adds one resident record. The person's birth is that of the first record that has one.
func (x *extraction) takeResident(e rules.Entry, form *carev1.Resident) {
	if d := care.Date(form.GetBirthDate()); x.facts.birth == noDay && d.Whole() {
		x.facts.birth = dayOf(d)
	}
	received := x.received(e)
	r := residence{
		id: e.ID, received: received, registered: registeredOn(e, form), ended: noDay,
		place: x.placeOf(e), doctor: x.nameOf(form.GetDoctorId()), creator: x.nameOf(form.GetRegisteredById()),
		standing: standingOf(form), cover: coverMissing(form), missing: basicMissingOf(form),
	}
	if x.marks[e.ID]&flagError != 0 {
		r.marks |= markError
	}
	if form.GetDisabilityCertificateNumber() != "" {
		r.marks |= markCertificate
	}
	if end := form.GetManagementEnd(); end.GetReason() != carev1.ManagementEndReason_MANAGEMENT_END_REASON_DEATH {
		r.ended = dayOf(care.Date(end.GetEndedOn()))
		if end.GetReason() == carev1.ManagementEndReason_MANAGEMENT_END_REASON_LOST {
			r.marks |= markLost
		}
	}
	x.facts.residents = append(x.facts.residents, r)
	x.takeDeath(e, form, received)
	x.takeTags(e, form, received)
	x.takeCare(e, form)
}

// registeredOn returns when a record was begun: as it says, else when it was captured.
func registeredOn(e rules.Entry, form *carev1.Resident) day {
	if d := dayOf(care.Date(form.GetRegisteredOn())); d != noDay || e.CapturedAt.IsZero() {
		return d
	}
	return dayOf(care.DateOf(e.CapturedAt))
}

// takeDeath adds the death that a resident record says, unless it has no day.
func (x *extraction) takeDeath(e rules.Entry, form *carev1.Resident, received day) {
	on := care.Date(form.GetDeath().GetDiedOn())
	if on == 0 && form.GetManagementEnd().GetReason() == carev1.ManagementEndReason_MANAGEMENT_END_REASON_DEATH {
		on = care.Date(form.GetManagementEnd().GetEndedOn())
	}
	if d := dayOf(on); d != noDay {
		x.facts.turns = append(x.facts.turns, turn{id: e.ID, on: d, received: received, kind: turnDied})
	}
}

func (x *extraction) takeTags(e rules.Entry, form *carev1.Resident, received day) {
	for _, t := range form.GetTags() {
		if code := t.GetCode(); code >= 1 && code <= lastPopulation {
			x.facts.tags = append(x.facts.tags, tag{
				id: e.ID, code: uint8(code), since: dayOf(care.Date(t.GetSince())), until: dayOf(care.Date(t.GetUntil())), received: received,
			})
		}
	}
	for _, d := range form.GetPastDiseases() {
		if code := populationOf(d.GetCode()); code != 0 {
			x.facts.known = append(x.facts.known, diagnosis{id: e.ID, code: code, since: dayOf(care.Date(d.GetDiagnosedOn())), received: received})
		}
	}
}

// takeCare adds who checked and who updated the record.
func (x *extraction) takeCare(e rules.Entry, form *carev1.Resident) {
	for level := care.ReviewTeam; level <= care.ReviewCounty; level++ {
		r := form.GetReviews()[level.Key()]
		if r.GetState() == carev1.ReviewState_REVIEW_STATE_CHECKED || r.GetState() == carev1.ReviewState_REVIEW_STATE_RETURNED {
			x.addBy(e, whatReview, int32(care.DateOf(timeOf(r.GetReviewedAtMs()))), r.GetReviewerId(), 0, int32(level), int32(r.GetState()))
		}
	}
	if x.in.Updated != nil {
		on, by := x.in.Updated(e.ID)
		x.addBy(e, whatUpdate, int32(on), by, 0)
	}
}

// populationOf returns the population of those who have a past disease, 0 for others.
func populationOf(code carev1.PastDiseaseCode) uint8 {
	switch code {
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION:
		return uint8(carev1.PopulationCode_POPULATION_CODE_HYPERTENSION)
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES:
		return uint8(carev1.PopulationCode_POPULATION_CODE_DIABETES)
	case carev1.PastDiseaseCode_PAST_DISEASE_CODE_COPD:
		return uint8(carev1.PopulationCode_POPULATION_CODE_COPD)
	}
	return 0
}

// coverMissing returns how many items of the cover are empty, of coverItems.
func coverMissing(form *carev1.Resident) uint8 {
	return empty(
		form.GetRegisteredOn() == 0,
		form.GetName() == "",
		form.GetIdentityDocument().GetNumber() == "" && form.GetIdentityDocument().GetMissingReason() == "",
		form.GetSex() == 0,
		!care.Date(form.GetBirthDate()).Whole(),
		form.GetAddress().GetDivisionCode() == "" && form.GetAddress().GetText() == "",
		form.GetOrganisationCode() == "",
		form.GetDoctorId() == "",
	)
}

// basicMissingOf returns how many items of the basic form are empty, of basicItems.
func basicMissingOf(form *carev1.Resident) uint8 {
	return empty(
		form.GetPhone() == "" && form.GetContactPerson().GetPhone() == "",
		form.GetResidency() == 0,
		form.GetEthnicity() == 0,
		form.GetBloodAbo() == 0,
		form.GetBloodRh() == 0,
		form.GetEducation() == 0,
		form.GetOccupation() == 0,
		form.GetMaritalStatus() == 0,
		len(form.GetPaymentModes()) == 0,
		len(form.GetDrugAllergies()) == 0,
		len(form.GetExposures()) == 0,
		len(form.GetPastDiseases()) == 0,
		form.GetSurgery() == 0,
		form.GetTrauma() == 0,
		form.GetTransfusion() == 0,
		len(form.GetFatherDiseases()) == 0 || len(form.GetMotherDiseases()) == 0,
		len(form.GetSiblingDiseases()) == 0 || len(form.GetChildDiseases()) == 0,
		form.GetGeneticDisease().GetState() == 0,
		len(form.GetDisabilities()) == 0,
	)
}

// empty returns how many of the items are.
func empty(items ...bool) (n uint8) {
	for _, is := range items {
		if is {
			n++
		}
	}
	return n
}

// takeVitalEvent adds a death, a leaving or a coming back. A birth is no turn: the child's own record has it.
func (x *extraction) takeVitalEvent(e rules.Entry, form *carev1.VitalEvent) {
	t := turn{id: e.ID, on: dayOf(care.Date(form.GetEventDate())), received: x.received(e)}
	switch form.GetType() {
	case carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH:
		t.kind = turnDied
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT:
		t.kind = turnLeft
	case carev1.VitalEventType_VITAL_EVENT_TYPE_LOST:
		t.kind = turnLost
	case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN:
		t.kind = turnBack
		t.from = indexIn(x.facts.places, fullCode(form.GetMove().GetDivisionCode()))
	case carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED:
		t.kind = turnBack
	default:
		return
	}
	if t.on != noDay && standingOf(form).counts() {
		x.facts.turns = append(x.facts.turns, t)
	}
}
