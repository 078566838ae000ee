// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Said is what the records say about a person, as far as checks ask for it.
type Said struct {
	Resident *carev1.Resident // of the smallest id; nil: none
	Contract record.ID        // that was in force on the last day; zero: none
	Checkup  *CheckupSaid     // the latest of the period; nil: none
	Visits   map[carev1.VerificationPopulation]VisitsSaid
}

// VisitsSaid is what the records say about the follow-ups of one population in the period.
type VisitsSaid struct {
	FaceToFace int        // how many
	Last       *VisitSaid // the latest one; nil: none
	Record     record.ID  // a visit face to face, the latest; zero: none
}

// VisitSaid is what one follow-up says was done.
type VisitSaid struct {
	Record     record.ID
	On         care.Date
	FaceToFace bool
	Symptoms   bool
	Systolic   int32 // mmHg; 0: not measured
	Diastolic  int32
	Glucose    int32 // fasting, mmol/L times ten; 0: not measured
	Drugs      bool
	Lifestyle  bool
	// BlankItems is how many of the nine are not filled in: date, symptoms, blood pressure,
	// lifestyle, adherence, classification, drugs, referral, signature. Drugs and referral are
	// blank only where another item asks for them. Source: rules.md §5.1 Q22 [C:P5].
	BlankItems    int
	BloodPressure bool // whole, where the form wants it
}

// CheckupSaid is what a checkup says was done.
type CheckupSaid struct {
	Record        record.ID
	On            care.Date
	Items         map[carev1.CheckupItem]bool
	BloodPressure bool
	MainProblems  bool // the part with the main problems is filled in
	Told          bool // that the result was given back is recorded
}

// The populations with follow-ups, for short.
const (
	hypertension = carev1.VerificationPopulation_VERIFICATION_POPULATION_HYPERTENSION
	diabetes     = carev1.VerificationPopulation_VERIFICATION_POPULATION_DIABETES
	copd         = carev1.VerificationPopulation_VERIFICATION_POPULATION_COPD
	elderly      = carev1.VerificationPopulation_VERIFICATION_POPULATION_ELDERLY
	pregnancy    = carev1.VerificationPopulation_VERIFICATION_POPULATION_PREGNANCY
	child        = carev1.VerificationPopulation_VERIFICATION_POPULATION_CHILD
	contracted   = carev1.VerificationPopulation_VERIFICATION_POPULATION_CONTRACT
	archive      = carev1.VerificationPopulation_VERIFICATION_POPULATION_ARCHIVE
)

// SaidOf reads what the records of a person say about the days from and to, both included.
func SaidOf(p *rules.Person, from, to care.Date) Said {
	s := Said{Visits: map[carev1.VerificationPopulation]VisitsSaid{}}
	for _, e := range p.Entries() {
		s.take(e, from, to)
	}
	return s
}

func (s *Said) take(e rules.Entry, from, to care.Date) {
	within := func(day int32) bool { return care.Date(day) >= from && care.Date(day) <= to }
	switch f := e.Form.(type) {
	case *carev1.Resident:
		if s.Resident == nil {
			s.Resident = f
		}
	case *carev1.Contract:
		state := f.GetState()
		signed := state == carev1.ContractState_CONTRACT_STATE_SIGNED || state == carev1.ContractState_CONTRACT_STATE_RENEWED
		if since, until := f.GetTerm().GetSince(), f.GetTerm().GetUntil(); signed && since <= int32(to) && (until == 0 || until >= int32(to)) {
			s.Contract = e.ID
		}
	case *carev1.Checkup:
		if within(f.GetServiceDate()) && (s.Checkup == nil || care.Date(f.GetServiceDate()) >= s.Checkup.On) {
			s.Checkup = checkupSaid(e.ID, f)
		}
	case *carev1.HypertensionFollowUp:
		if within(f.GetServiceDate()) {
			s.visit(hypertension, hypertensionSaid(e.ID, f))
		}
	case *carev1.DiabetesFollowUp:
		if within(f.GetServiceDate()) {
			s.visit(diabetes, diabetesSaid(e.ID, f))
		}
	case *carev1.CopdFollowUp:
		if within(f.GetServiceDate()) {
			s.visit(copd, copdSaid(e.ID, f))
		}
	case *carev1.AntenatalVisit:
		s.seen(pregnancy, e.ID, f.GetServiceDate(), within)
	case *carev1.PostpartumVisit:
		s.seen(pregnancy, e.ID, f.GetServiceDate(), within)
	case *carev1.NewbornVisit:
		s.seen(child, e.ID, f.GetServiceDate(), within)
	case *carev1.ChildVisit:
		s.seen(child, e.ID, f.GetServiceDate(), within)
	}
}

// seen adds a visit that says no more than that there was one, face to face.
func (s *Said) seen(of carev1.VerificationPopulation, id record.ID, on int32, within func(int32) bool) {
	if within(on) {
		s.visit(of, VisitSaid{Record: id, On: care.Date(on), FaceToFace: true})
	}
}

func (s *Said) visit(of carev1.VerificationPopulation, v VisitSaid) {
	all := s.Visits[of]
	if v.FaceToFace {
		all.FaceToFace++
		all.Record = v.Record
	}
	if all.Last == nil || v.On >= all.Last.On {
		all.Last = &v
	}
	s.Visits[of] = all
}

func hypertensionSaid(id record.ID, f *carev1.HypertensionFollowUp) VisitSaid {
	v := VisitSaid{
		Record: id, On: care.Date(f.GetServiceDate()), FaceToFace: faceToFace(f.GetWay()), Symptoms: len(f.GetSymptoms()) > 0,
		Systolic: f.GetBloodPressure().GetSystolicMmhg(), Diastolic: f.GetBloodPressure().GetDiastolicMmhg(),
		Drugs:     f.GetAdherence() != 0 || len(f.GetMedications()) > 0,
		Lifestyle: f.GetSalt() != 0 || f.GetPsychology() != 0 || f.CigarettesPerDay != nil || f.LiquorLiangPerDayX10 != nil || f.GetExercise() != nil,
	}
	v.nine(f.GetAdherence(), len(f.GetMedications()) > 0, f.GetClassification(), f.GetReferral() != nil, f.GetDoctorSignature() != nil)
	return v
}

func diabetesSaid(id record.ID, f *carev1.DiabetesFollowUp) VisitSaid {
	v := VisitSaid{
		Record: id, On: care.Date(f.GetServiceDate()), FaceToFace: faceToFace(f.GetWay()), Symptoms: len(f.GetSymptoms()) > 0,
		Systolic: f.GetBloodPressure().GetSystolicMmhg(), Diastolic: f.GetBloodPressure().GetDiastolicMmhg(),
		Glucose:   f.GetFastingGlucoseMmolPerLX10(),
		Drugs:     f.GetAdherence() != 0 || len(f.GetMedications()) > 0,
		Lifestyle: f.GetPsychology() != 0 || f.CigarettesPerDay != nil || f.LiquorLiangPerDayX10 != nil || f.GetExercise() != nil || f.StapleFoodGPerDay != nil,
	}
	v.nine(f.GetAdherence(), len(f.GetMedications()) > 0, f.GetClassification(), f.GetReferral() != nil, f.GetDoctorSignature() != nil)
	return v
}

func copdSaid(id record.ID, f *carev1.CopdFollowUp) VisitSaid {
	return VisitSaid{
		Record: id, On: care.Date(f.GetServiceDate()), FaceToFace: faceToFace(f.GetWay()), Symptoms: len(f.GetSymptoms()) > 0,
		Systolic: f.GetBloodPressure().GetSystolicMmhg(), Diastolic: f.GetBloodPressure().GetDiastolicMmhg(),
		Drugs:     f.GetAdherence() != 0 || len(f.GetMedications()) > 0,
		Lifestyle: f.GetPsychology() != 0 || f.CigarettesPerDay != nil || f.GetExercise() != nil,
	}
}

// nine counts the blank ones of the nine items.
func (v *VisitSaid) nine(a carev1.Adherence, drugs bool, class carev1.FollowUpResult, referral, signed bool) {
	v.BloodPressure = v.Systolic > 0 && v.Diastolic > 0
	taken := a == carev1.Adherence_ADHERENCE_REGULAR || a == carev1.Adherence_ADHERENCE_INTERRUPTED
	refer := class == carev1.FollowUpResult_FOLLOW_UP_RESULT_COMPLICATION
	for _, blank := range []bool{
		!v.On.Whole(), !v.Symptoms, !v.BloodPressure, !v.Lifestyle, a == 0, class == 0, taken && !drugs, refer && !referral, !signed,
	} {
		if blank {
			v.BlankItems++
		}
	}
}

func faceToFace(way carev1.FollowUpWay) bool {
	return way == carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC || way == carev1.FollowUpWay_FOLLOW_UP_WAY_HOME
}

func checkupSaid(id record.ID, f *carev1.Checkup) *CheckupSaid {
	t, g := f.GetTests(), f.GetGeneral()
	left, right := g.GetBloodPressureLeft(), g.GetBloodPressureRight()
	c := &CheckupSaid{Record: id, On: care.Date(f.GetServiceDate()), Items: map[carev1.CheckupItem]bool{}}
	c.BloodPressure = left.GetSystolicMmhg() > 0 && left.GetDiastolicMmhg() > 0 || right.GetSystolicMmhg() > 0 && right.GetDiastolicMmhg() > 0
	c.MainProblems = filled(f.GetHealthProblems())
	c.Told = f.GetGuidance().GetFeedback().GetGivenOn() > 0
	for item, done := range map[carev1.CheckupItem]bool{
		carev1.CheckupItem_CHECKUP_ITEM_BLOOD: filled(t.GetBloodCount()) || filled(t.GetFastingGlucose()) || filled(t.GetLiverFunction()) ||
			filled(t.GetKidneyFunction()) || filled(t.GetLipids()),
		carev1.CheckupItem_CHECKUP_ITEM_URINE:             filled(t.GetUrinalysis()),
		carev1.CheckupItem_CHECKUP_ITEM_ELECTROCARDIOGRAM: filled(t.GetElectrocardiogram()),
		carev1.CheckupItem_CHECKUP_ITEM_ULTRASOUND:        filled(t.GetAbdominalUltrasound()) || filled(t.GetOtherUltrasound()),
		carev1.CheckupItem_CHECKUP_ITEM_BLOOD_PRESSURE:    c.BloodPressure,
		carev1.CheckupItem_CHECKUP_ITEM_BODY_SIZE:         g.GetBodySize().GetHeightCmX10() > 0 || g.GetBodySize().GetWeightKgX10() > 0,
	} {
		if done {
			c.Items[item] = true
		}
	}
	return c
}

// filled reports whether a part of a form says that something was done: it has anything in it,
// and not that it was refused.
func filled(m proto.Message) bool {
	if m == nil || !m.ProtoReflect().IsValid() || proto.Size(m) == 0 {
		return false
	}
	refused, ok := m.(interface{ GetRefused() bool })
	return !ok || !refused.GetRefused()
}
