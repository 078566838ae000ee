// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"cmp"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/projection"
)

// who is a person as this package sees one.
type who struct {
	supervision.Candidate
	resident    bool   // in care: alive and here, with a record of their own
	unit        string // the organisation in charge
	populations uint64 // bits by PopulationCode below 64
}

// candidateOf returns who a person is on a day.
func candidateOf(p *projection.Person, pack Pack, day care.Date) who {
	w := who{Candidate: supervision.Candidate{ID: p.ID}}
	for _, e := range p.Rules.Entries() {
		r, ok := e.Form.(*carev1.Resident)
		if !ok {
			continue
		}
		w.Doctor, w.unit = r.GetDoctorId(), r.GetOrganisationCode()
		if at := p.Rows[e.ID].Divisions; len(at) > 0 {
			w.Division = at[0]
		}
		w.resident = inCare(p.Rules, day)
		break // the smallest id stands for the person
	}
	if !w.resident {
		return w
	}
	w.Groups = w.Groups.With(carev1.SupervisionGroup_SUPERVISION_GROUP_ARCHIVE).With(carev1.SupervisionGroup_SUPERVISION_GROUP_ELECTRONIC_ARCHIVE)
	if !supervision.SaidOf(p.Rules, day, day).Contract.IsZero() {
		w.Groups = w.Groups.With(carev1.SupervisionGroup_SUPERVISION_GROUP_CONTRACT)
	}
	if pack != nil {
		members, _ := pack.Populations(p.Rules, day) // a row that fails is a finding
		for _, m := range members {
			w.belongs(m.Population)
		}
	}
	return w
}

func (w *who) belongs(p carev1.PopulationCode) {
	if p > 0 && p < 64 {
		w.populations |= 1 << uint(p)
	}
	if g := groupOf(p); g != 0 {
		w.Groups = w.Groups.With(g)
	}
	if keyPopulation(p) {
		w.Groups = w.Groups.With(carev1.SupervisionGroup_SUPERVISION_GROUP_KEY_POPULATION)
	}
}

// groupOf returns the group of which samples are drawn for a population, 0 for none.
func groupOf(p carev1.PopulationCode) carev1.SupervisionGroup {
	switch p {
	case carev1.PopulationCode_POPULATION_CODE_HYPERTENSION:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_HYPERTENSION
	case carev1.PopulationCode_POPULATION_CODE_DIABETES:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_DIABETES
	case carev1.PopulationCode_POPULATION_CODE_COPD:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_COPD
	case carev1.PopulationCode_POPULATION_CODE_AGED:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_ELDERLY
	case carev1.PopulationCode_POPULATION_CODE_MATERNAL:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_PREGNANCY
	case carev1.PopulationCode_POPULATION_CODE_CHILD:
		return carev1.SupervisionGroup_SUPERVISION_GROUP_CHILD
	}
	return 0
}

// keyPopulation reports whether a population is among the key ones, save those whose records
// are of the sensitive class. Source: rules.md §3.6 [C:P16, R3].
func keyPopulation(p carev1.PopulationCode) bool {
	switch p {
	case carev1.PopulationCode_POPULATION_CODE_DISABLED, carev1.PopulationCode_POPULATION_CODE_LOW_INCOME,
		carev1.PopulationCode_POPULATION_CODE_SUBSISTENCE, carev1.PopulationCode_POPULATION_CODE_DESTITUTE,
		carev1.PopulationCode_POPULATION_CODE_BIRTH_PLANNING_SPECIAL, carev1.PopulationCode_POPULATION_CODE_DEPENDENT,
		carev1.PopulationCode_POPULATION_CODE_PARTLY_DEPENDENT:
		return true
	}
	return groupOf(p) != 0
}

// populationsOf returns which questions are asked of somebody who was drawn in a group.
func populationsOf(group carev1.SupervisionGroup, groups supervision.Groups) []carev1.VerificationPopulation {
	switch group {
	case carev1.SupervisionGroup_SUPERVISION_GROUP_ELECTRONIC_ARCHIVE:
		return []carev1.VerificationPopulation{carev1.VerificationPopulation_VERIFICATION_POPULATION_ARCHIVE}
	case carev1.SupervisionGroup_SUPERVISION_GROUP_KEY_POPULATION:
		var all []carev1.VerificationPopulation
		for g := carev1.SupervisionGroup_SUPERVISION_GROUP_HYPERTENSION; g <= carev1.SupervisionGroup_SUPERVISION_GROUP_CHILD; g++ {
			if groups.Has(g) {
				all = append(all, carev1.VerificationPopulation(g)) // the same numbers, by a test
			}
		}
		if len(all) == 0 {
			all = append(all, carev1.VerificationPopulation_VERIFICATION_POPULATION_ARCHIVE)
		}
		return all
	}
	return []carev1.VerificationPopulation{carev1.VerificationPopulation(group)}
}

// inCare reports whether a person is alive and here on a day, as rules have it: not dead, and not
// gone since the last coming.
func inCare(p *rules.Person, day care.Date) bool {
	type turn struct {
		on   care.Date
		back bool
	}
	var turns []turn
	for _, e := range p.Entries() {
		switch f := e.Form.(type) {
		case *carev1.Resident:
			if d := care.Date(f.GetDeath().GetDiedOn()); f.GetDeath().GetDead() && d <= day {
				return false
			}
			if d := care.Date(f.GetManagementEnd().GetEndedOn()); d > 0 && d <= day {
				turns = append(turns, turn{d, false})
			}
		case *carev1.VitalEvent:
			on := care.Date(f.GetEventDate())
			if on <= 0 || on > day {
				continue
			}
			switch f.GetType() {
			case carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH:
				return false
			case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_OUT, carev1.VitalEventType_VITAL_EVENT_TYPE_LOST:
				turns = append(turns, turn{on, false})
			case carev1.VitalEventType_VITAL_EVENT_TYPE_MOVED_IN, carev1.VitalEventType_VITAL_EVENT_TYPE_RETURNED:
				turns = append(turns, turn{on, true})
			}
		}
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.on, b.on) })
	return len(turns) == 0 || turns[len(turns)-1].back
}
