// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	yes        = carev1.VerificationAnswer_VERIFICATION_ANSWER_YES
	no         = carev1.VerificationAnswer_VERIFICATION_ANSWER_NO
	forgotten  = carev1.VerificationAnswer_VERIFICATION_ANSWER_NOT_REMEMBERED
	untrue     = carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE
	isTrue     = carev1.VerificationVerdict_VERIFICATION_VERDICT_TRUE
	undecided  = carev1.VerificationVerdict_VERIFICATION_VERDICT_UNDECIDED
	hypertense = carev1.VerificationPopulation_VERIFICATION_POPULATION_HYPERTENSION
	diabetic   = carev1.VerificationPopulation_VERIFICATION_POPULATION_DIABETES
	aged       = carev1.VerificationPopulation_VERIFICATION_POPULATION_ELDERLY
	archived   = carev1.VerificationPopulation_VERIFICATION_POPULATION_ARCHIVE
	contract   = carev1.VerificationPopulation_VERIFICATION_POPULATION_CONTRACT
)

func entry(n int, kind record.Kind, m proto.Message) rules.Entry {
	return rules.Entry{ID: record.DerivedID(kind, []byte{byte(n)}), Kind: kind, Form: m, CapturedAt: time.Date(2026, 3, n, 8, 0, 0, 0, time.UTC)}
}

func bp(systolic, diastolic int32) *carev1.BloodPressure {
	return &carev1.BloodPressure{SystolicMmhg: &systolic, DiastolicMmhg: &diastolic}
}

func i32(n int32) *int32 { return &n }

// whole is a follow-up with all of the nine items.
func whole(on int32) *carev1.HypertensionFollowUp {
	return &carev1.HypertensionFollowUp{
		ServiceDate: on, Way: carev1.FollowUpWay_FOLLOW_UP_WAY_HOME, Symptoms: []carev1.HypertensionSymptom{1}, BloodPressure: bp(150, 92),
		Salt: carev1.SaltLevel_SALT_LEVEL_LIGHT, Adherence: carev1.Adherence_ADHERENCE_REGULAR, Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED,
		Medications: map[string]*carev1.DrugEntry{"k": {}}, DoctorSignature: &carev1.Signature{SignedAtMs: 1},
	}
}

// recorded is a person with hypertension and diabetes, four visits, a checkup and a contract.
func recorded() *rules.Person {
	visits := []int32{20260110, 20260410, 20260710}
	var all []rules.Entry
	for i, on := range visits {
		all = append(all, entry(i+1, 18, whole(on)))
	}
	byPhone := whole(20261010)
	byPhone.Way = carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
	all = append(all, entry(4, 18, byPhone), entry(5, 18, whole(20251231)), entry(6, 18, whole(20270101)))
	all = append(all, entry(7, 19, &carev1.DiabetesFollowUp{
		ServiceDate: 20260710, Way: carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC, FastingGlucoseMmolPerLX10: i32(78), BloodPressure: bp(150, 92),
		Symptoms: []carev1.DiabetesSymptom{1}, Adherence: carev1.Adherence_ADHERENCE_REGULAR, Psychology: carev1.Grade_GRADE_GOOD,
	}))
	all = append(all, entry(8, 20, &carev1.Checkup{
		ServiceDate: 20260601,
		General:     &carev1.CheckupGeneral{BloodPressureLeft: bp(148, 90), BodySize: &carev1.BodySize{HeightCmX10: i32(1650)}},
		Tests: &carev1.CheckupTests{
			FastingGlucose: &carev1.FastingGlucose{}, Lipids: &carev1.Lipids{TotalCholesterolMmolPerLX100: i32(480)}, Urinalysis: &carev1.Urinalysis{Refused: true},
			Electrocardiogram: &carev1.Electrocardiogram{Text: "normal"},
		},
		Guidance: &carev1.CheckupGuidance{Feedback: &carev1.ResultFeedback{GivenOn: 20260610}},
	}))
	all = append(all, entry(9, 16, &carev1.Resident{BirthDate: 19580306}))
	all = append(all, entry(10, 21, &carev1.Contract{
		State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: 20260101, Until: 20261231},
	}))
	return rules.NewPerson(all[0].ID, all)
}

func said() supervision.Said { return supervision.SaidOf(recorded(), 20260101, 20261231) }

func TestWhatRecordsSayIsOfThePeriod(t *testing.T) {
	s := said()
	v := s.Visits[hypertense]
	if v.FaceToFace != 3 || v.Last.On != 20261010 || v.Last.FaceToFace || v.Last.BlankItems != 0 {
		t.Errorf("%+v %+v", v, v.Last)
	}
	if s.Checkup == nil || s.Checkup.On != 20260601 || !s.Checkup.BloodPressure || s.Checkup.MainProblems || !s.Checkup.Told {
		t.Fatalf("%+v", s.Checkup)
	}
	for item, want := range map[carev1.CheckupItem]bool{
		carev1.CheckupItem_CHECKUP_ITEM_BLOOD: true, carev1.CheckupItem_CHECKUP_ITEM_URINE: false, carev1.CheckupItem_CHECKUP_ITEM_ELECTROCARDIOGRAM: true,
		carev1.CheckupItem_CHECKUP_ITEM_ULTRASOUND: false, carev1.CheckupItem_CHECKUP_ITEM_BLOOD_PRESSURE: true, carev1.CheckupItem_CHECKUP_ITEM_BODY_SIZE: true,
	} {
		if s.Checkup.Items[item] != want {
			t.Errorf("%s: %v", item, !want)
		}
	}
	if s.Contract.IsZero() || s.Resident.GetBirthDate() != 19580306 {
		t.Errorf("%+v", s)
	}
	if later := supervision.SaidOf(recorded(), 20270101, 20271231); !later.Contract.IsZero() || later.Checkup != nil || later.Visits[hypertense].FaceToFace != 1 {
		t.Errorf("%+v", later)
	}
}

func TestAnAnswerThatContradictsTheRecordIsProposedAsUntrue(t *testing.T) {
	accepted := carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED
	of := func(p carev1.VerificationPopulation, told *carev1.VerificationTruth) *carev1.Verification {
		return &carev1.Verification{Contact: accepted, Populations: []carev1.VerificationPopulation{p}, Truth: told}
	}
	one := func(p carev1.VerificationPopulation, told *carev1.VerificationTruth) *carev1.Verification {
		return of(p, told)
	}
	for _, c := range []struct {
		name  string
		form  *carev1.Verification
		want  carev1.VerificationVerdict
		about string
		until int32 // the last day of the period
	}{
		{"not diagnosed", one(hypertense, &carev1.VerificationTruth{Diagnosed: no}), untrue, "truth.diagnosed", 20261231},
		{"diagnosed", one(hypertense, &carev1.VerificationTruth{Diagnosed: yes}), isTrue, "", 20261231},
		{"never seen", one(hypertense, &carev1.VerificationTruth{FaceToFaceThisYear: no}), untrue, "truth.face_to_face_this_year", 20261231},
		{"never seen, and none recorded", one(hypertense, &carev1.VerificationTruth{FaceToFaceThisYear: no}), isTrue, "", 20260109},
		{"not remembered", one(hypertense, &carev1.VerificationTruth{FaceToFaceThisYear: forgotten, SymptomsAsked: forgotten}), undecided, "", 20261231},
		{"nothing answered", one(hypertense, nil), undecided, "", 20261231},
		{"not asked for symptoms", one(hypertense, &carev1.VerificationTruth{SymptomsAsked: no}), untrue, "truth.symptoms_asked", 20260731},
		{"pressure not measured", one(hypertense, &carev1.VerificationTruth{BloodPressureMeasured: no}), untrue, "truth.blood_pressure_measured", 20260731},
		{"the last visit was a call", one(hypertense, &carev1.VerificationTruth{BloodPressureMeasured: no, FaceToFaceThisYear: yes}), isTrue, "", 20261231},
		{"drugs not asked", one(hypertense, &carev1.VerificationTruth{DrugsAsked: no}), untrue, "truth.drugs_asked", 20260731},
		{"no advice", one(hypertense, &carev1.VerificationTruth{LifestyleGuided: no}), untrue, "truth.lifestyle_guided", 20260731},
		{"glucose not measured", one(diabetic, &carev1.VerificationTruth{BloodGlucoseMeasured: no}), untrue, "truth.blood_glucose_measured", 20261231},
		{"glucose is not asked of hypertension", one(hypertense, &carev1.VerificationTruth{BloodGlucoseMeasured: no}), undecided, "", 20260731},
		{"no checkup", one(aged, &carev1.VerificationTruth{CheckupDone: no}), untrue, "truth.checkup_done", 20261231},
		{"no checkup, and none recorded", one(aged, &carev1.VerificationTruth{CheckupDone: no}), isTrue, "", 20260531},
		{"no blood was drawn", one(aged, &carev1.VerificationTruth{CheckupDone: yes, CheckupItems: []carev1.CheckupItem{3, 5, 6}}), untrue, "truth.checkup_items", 20261231},
		{"all that is recorded, and more", one(aged, &carev1.VerificationTruth{CheckupDone: yes, CheckupItems: []carev1.CheckupItem{1, 2, 3, 4, 5, 6}}), isTrue, "", 20261231},
		{"items not asked", one(aged, &carev1.VerificationTruth{CheckupDone: yes}), isTrue, "", 20261231},
		{"none of these", one(aged, &carev1.VerificationTruth{CheckupDone: yes, CheckupItems: []carev1.CheckupItem{9}}), untrue, "truth.checkup_items", 20261231},
		{"result not told", one(aged, &carev1.VerificationTruth{CheckupResultTold: no}), untrue, "truth.checkup_result_told", 20261231},
		{"details are another's", one(archived, &carev1.VerificationTruth{IdentityRight: no}), untrue, "truth.identity_right", 20261231},
		{"does not know of a record", one(archived, &carev1.VerificationTruth{IdentityRight: yes, ArchiveKnown: no}), isTrue, "", 20261231},
		{"does not know the contracted doctor", one(contract, &carev1.VerificationTruth{ContractKnown: no}), isTrue, "", 20261231},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := supervision.Propose(c.form, supervision.SaidOf(recorded(), 20260101, dateOf(c.until)))
			if p.Truth != c.want {
				t.Fatalf("%s: %+v", p.Truth, p.Contradictions)
			}
			has := slices.ContainsFunc(p.Contradictions, func(one supervision.Contradiction) bool { return one.Question == c.about })
			if (c.about != "") != has || c.want == untrue && (supervision.Reason(p.Contradictions, true) == "" || supervision.Reason(p.Contradictions, false) == "") {
				t.Errorf("%+v", p.Contradictions)
			}
			lost := proto.CloneOf(c.form)
			lost.Contact = carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED
			if p := supervision.Propose(lost, said()); p.Truth != 0 || len(p.Contradictions) > 0 {
				t.Errorf("of somebody who refused: %+v", p)
			}
		})
	}
}

func TestNumbersThatAreRememberedOtherwiseAreNotedOnly(t *testing.T) {
	form := &carev1.Verification{
		Contact: carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED, Populations: []carev1.VerificationPopulation{hypertense, diabetic},
		Truth: &carev1.VerificationTruth{
			FaceToFaceThisYear: yes, FaceToFaceTimes: i32(1), BloodPressureTold: bp(129, 80), BloodGlucoseTold: &carev1.BloodGlucose{GlucoseMmolPerLX10: i32(109)},
		},
	}
	s := supervision.SaidOf(recorded(), 20260101, 20260731)
	p := supervision.Propose(form, s)
	if p.Truth != isTrue || len(p.Notes) != 4 { // of both diseases a pressure
		t.Errorf("%s %+v", p.Truth, p.Notes)
	}
	form.Truth.BloodPressureTold, form.Truth.BloodGlucoseTold, form.Truth.FaceToFaceTimes = bp(130, 80), &carev1.BloodGlucose{GlucoseMmolPerLX10: i32(108)}, i32(3)
	if p := supervision.Propose(form, s); len(p.Notes) != 0 {
		t.Errorf("just within: %+v", p.Notes)
	}
}

func TestWhatIsUpToStandard(t *testing.T) {
	s := said()
	for _, c := range []struct {
		name string
		form *carev1.VerificationStandard
		want carev1.StandardVerdict
	}{
		{"nothing looked at", nil, 0},
		{"one thing right", &carev1.VerificationStandard{YearlyCheckupPresent: yes}, carev1.StandardVerdict_STANDARD_VERDICT_STANDARD},
		{"one thing wrong", &carev1.VerificationStandard{YearlyCheckupPresent: yes, RiskControlRight: no}, carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD},
		{"two blank items", &carev1.VerificationStandard{LastVisitBlankItems: i32(2)}, carev1.StandardVerdict_STANDARD_VERDICT_STANDARD},
		{"three blank items", &carev1.VerificationStandard{LastVisitBlankItems: i32(3)}, carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD},
	} {
		form := &carev1.Verification{Populations: []carev1.VerificationPopulation{hypertense}, Standard: c.form}
		if p := supervision.Propose(form, s); p.Standard != c.want || (len(p.Faults) > 0) != (c.want == carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD) {
			t.Errorf("%s: %s %+v", c.name, p.Standard, p.Faults)
		}
	}
	without := whole(20260710)
	without.BloodPressure = &carev1.BloodPressure{SystolicMmhg: i32(140)}
	p := rules.NewPerson(record.ID{1}, []rules.Entry{entry(1, 18, without)})
	form := &carev1.Verification{Populations: []carev1.VerificationPopulation{hypertense}, Standard: &carev1.VerificationStandard{LastVisitBlankItems: i32(1)}}
	if got := supervision.Propose(form, supervision.SaidOf(p, 20260101, 20261231)); got.Standard != carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD {
		t.Errorf("a blood pressure that is not whole: %+v", got)
	}
}

func TestWhatCanBeReadFromTheRecordsIsFilledIn(t *testing.T) {
	f := supervision.ProposeStandard([]carev1.VerificationPopulation{hypertense}, said(), 4)
	if f.GetYearlyCheckupPresent() != yes || f.GetCheckupBloodPressure() != yes || f.GetMainProblemsFilled() != no || f.GetVisitsEnough() != no ||
		f.LastVisitBlankItems == nil || f.GetLastVisitBlankItems() != 0 || f.GetHealthAssessmentRight() != 0 {
		t.Errorf("%v", f)
	}
	if f := supervision.ProposeStandard([]carev1.VerificationPopulation{hypertense}, said(), 3); f.GetVisitsEnough() != yes {
		t.Errorf("%v", f)
	}
	for _, c := range []struct{ from, to, want int }{{20260101, 20261231, 4}, {20260101, 20260630, 2}, {20260101, 20260331, 1}, {20260101, 20260131, 1}, {20260101, 20260930, 3}} {
		if got := supervision.VisitsWanted(dateOf(int32(c.from)), dateOf(int32(c.to))); got != c.want {
			t.Errorf("%d to %d: %d", c.from, c.to, got)
		}
	}
}

func TestQuestionsAreAskedOnceAndSayWhatTheRecordsSay(t *testing.T) {
	all := supervision.Questions([]carev1.VerificationPopulation{hypertense, diabetic, aged, archived, contract}, said())
	seen := map[string]bool{}
	for _, q := range all {
		if seen[q.ID] || q.ZH == "" || q.EN == "" || q.ZH == q.ID {
			t.Errorf("%+v", q)
		}
		seen[q.ID] = true
	}
	for id, says := range map[string]string{
		"truth.face_to_face_this_year": "3 face to face", "truth.last_visit_on": "2026-10-10 by telephone", "truth.blood_glucose_told": "7.8 mmol/L",
		"truth.checkup_items": "blood drawn, electrocardiogram", "truth.identity_right": "1958-03-06", "standard.last_visit_blank_items": "0 items",
	} {
		if !slices.ContainsFunc(all, func(q supervision.Question) bool { return q.ID == id && strings.Contains(q.SaysEN, says) }) {
			t.Errorf("%s does not say %q", id, says)
		}
	}
	if got := supervision.Questions(nil, said()); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for p := range carev1.VerificationPopulation_name {
		if p != 0 && len(supervision.Questions([]carev1.VerificationPopulation{carev1.VerificationPopulation(p)}, supervision.Said{})) == 0 {
			t.Errorf("nothing is asked of %s", carev1.VerificationPopulation(p))
		}
	}
}
