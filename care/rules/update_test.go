// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A village of one person: random saves, edits and voids, day after day. What changed
// is evaluated, and the result is compared with evaluating everything.
func TestUpdatingFindingsGivesWhatEvaluatingAllGives(t *testing.T) {
	pack := ownPack(t)
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		entries := map[record.ID]rules.Entry{}
		var before []*carev1.Finding
		asOf := care.Date(20260225)
		for step := range 25 {
			var changed []record.ID
			for range rnd.IntN(3) {
				e := randomEntry(rnd)
				entries[e.ID] = e
				changed = append(changed, e.ID)
			}
			if rnd.IntN(4) == 0 {
				asOf = asOf.AddDays(1)
			}
			var all []rules.Entry
			for _, e := range entries {
				all = append(all, e)
			}
			person := rules.NewPerson(nobody.ID(), all)
			want := texts(pack.Findings(person, asOf))
			before = pack.Update(before, person, changed, asOf)
			if got := texts(before); !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d, changed %x:\n%v\nwant\n%v", seed, step, changed, got, want)
			}
		}
	}
}

func randomEntry(rnd *rand.Rand) rules.Entry {
	n := byte(rnd.IntN(4))
	day := int32(20260220 + rnd.IntN(9))
	result := carev1.FollowUpResult(rnd.IntN(5))
	var e rules.Entry
	switch rnd.IntN(6) {
	case 0, 1:
		e = entry(care.KindHypertensionFollowUp, n, &carev1.HypertensionFollowUp{ServiceDate: day, BloodPressure: pressure(int32(130+rnd.IntN(60)), 80), Classification: result})
	case 2, 3:
		e = entry(care.KindDiabetesFollowUp, n, &carev1.DiabetesFollowUp{ServiceDate: day, BloodPressure: pressure(int32(130+rnd.IntN(3)), 80), Classification: result})
	case 4:
		e = entry(care.KindHomeVisit, n, &carev1.HomeVisit{ServiceDate: day, MetResident: 1, Purposes: []carev1.VisitPurpose{carev1.VisitPurpose_VISIT_PURPOSE_HYPERTENSION}})
	default:
		e = entry(care.KindResident, n, &carev1.Resident{BirthDate: int32(19600101 + rnd.IntN(3)*10000), Death: &carev1.Death{Dead: rnd.IntN(2) == 0, DiedOn: day}})
	}
	e.Voided = rnd.IntN(5) == 0
	return e
}

func TestWhoDiedOrLeftIsSaidByTheKindThatUpdatesLookFor(t *testing.T) {
	if rules.KindVitalEvent != 42 || care.NameOf(rules.KindVitalEvent) != "vital_event" {
		t.Errorf("kind %d is %s", rules.KindVitalEvent, care.NameOf(rules.KindVitalEvent))
	}
}
