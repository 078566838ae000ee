// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"
	"strings"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func timeOf(ms int64) time.Time { return time.UnixMilli(ms) }

// takeService adds what a record says was done for the person, or for nobody in particular.
func (x *extraction) takeService(e rules.Entry) {
	switch form := e.Form.(type) {
	case *carev1.HypertensionFollowUp:
		x.takeHypertension(e, form)
	case *carev1.DiabetesFollowUp:
		x.takeDiabetes(e, form)
	case *carev1.CopdFollowUp:
		x.add(e, form.GetServiceDate(), wayFlags(form.GetWay()))
	case *carev1.Checkup:
		done, refused := partsOf(form)
		x.add(e, form.GetServiceDate(), flagReached, int32(done), int32(refused))
	case *carev1.SelfCareAssessment:
		x.add(e, form.GetServiceDate(), flagReached, int32(form.GetScores().GetLevel()))
	case *carev1.TcmConstitution:
		x.takeConstitution(e, form)
	case *carev1.MentalIllnessFollowUp:
		x.takeMental(e, form)
	case *carev1.TuberculosisFollowUp:
		x.takeTuberculosis(e, form)
	case *carev1.TuberculosisHomeVisit:
		x.takeTuberculosisHome(e, form)
	case *carev1.AntenatalVisit:
		x.takeAntenatal(e, form)
	case *carev1.PostpartumVisit:
		x.add(e, form.GetServiceDate(), flagReached, int32(form.GetVisitType()), form.GetDeliveredOn(), form.GetDischargedOn())
	case *carev1.Contract:
		x.takeContract(e, form)
	case *carev1.ContractService:
		x.takeContractService(e, form)
	case *carev1.ClinicVisit:
		x.add(e, form.GetServiceDate(), flagReached|diagnosisFlags(form), fen(form.GetFee()))
	case *carev1.HomeVisit:
		x.takeHomeVisit(e, form)
	case *carev1.DiseaseScreening:
		x.add(e, form.GetServiceDate(), flagReached, int32(form.GetTarget()))
	case *carev1.ReferralCase:
		x.add(e, form.GetServiceDate(), flagReached|when(form.GetGreenChannel(), flagGreen))
	case *carev1.Verification:
		x.takeVerification(e, form)
	default:
		x.takePublic(e)
	}
}

func when(is bool, flag uint32) uint32 {
	if is {
		return flag
	}
	return 0
}

func wayFlags(way carev1.FollowUpWay) uint32 {
	switch way {
	case carev1.FollowUpWay_FOLLOW_UP_WAY_CLINIC, carev1.FollowUpWay_FOLLOW_UP_WAY_HOME:
		return flagFace | flagReached
	case carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE:
		return flagPhone | flagReached
	}
	return 0
}

// isSet reports whether a referral says anything.
func isSet(r *carev1.Referral) bool {
	return len(r.GetReasonCodes()) > 0 || r.GetReason() != "" || r.GetOrganisation() != ""
}

func (x *extraction) takeHypertension(e rules.Entry, form *carev1.HypertensionFollowUp) {
	s, d := pressure(form.GetBloodPressure())
	missing := empty(
		form.GetServiceDate() == 0, len(form.GetSymptoms()) == 0, s == 0 || d == 0 || s <= d,
		form.ExerciseTarget == nil && form.CigarettesTargetPerDay == nil && form.LiquorTargetLiangPerDayX10 == nil,
		form.GetAdherence() == 0, form.GetClassification() == 0,
		lacksDrugs(form.GetAdherence(), len(form.GetMedications())),
		lacksReferral(form.GetClassification(), form.Referral), form.DoctorSignature == nil,
	)
	x.add(e, form.GetServiceDate(), wayFlags(form.GetWay())|when(isSet(form.GetReferral()), flagReferred)|flagHypertension|uint32(missing)<<missingShift,
		s, d, int32(form.GetClassification()))
}

func (x *extraction) takeDiabetes(e rules.Entry, form *carev1.DiabetesFollowUp) {
	s, d := pressure(form.GetBloodPressure())
	missing := empty(
		form.GetServiceDate() == 0, len(form.GetSymptoms()) == 0, s == 0 || d == 0 || s <= d,
		form.ExerciseTarget == nil && form.CigarettesTargetPerDay == nil && form.LiquorTargetLiangPerDayX10 == nil,
		form.GetAdherence() == 0, form.GetClassification() == 0,
		lacksDrugs(form.GetAdherence(), len(form.GetMedications())),
		lacksReferral(form.GetClassification(), form.Referral), form.DoctorSignature == nil,
	)
	packed := min(s, 0x7fff)<<16 | min(d, 0x7fff)
	x.add(e, form.GetServiceDate(), wayFlags(form.GetWay())|when(isSet(form.GetReferral()), flagReferred)|flagDiabetes|uint32(missing)<<missingShift,
		packed, form.GetFastingGlucoseMmolPerLX10(), int32(form.GetClassification()))
}

// pressure returns both numbers of a blood pressure, 0 for one that is missing or cannot be.
func pressure(p *carev1.BloodPressure) (systolic, diastolic int32) {
	return max(p.GetSystolicMmhg(), 0), max(p.GetDiastolicMmhg(), 0)
}

func lacksDrugs(a carev1.Adherence, drugs int) bool {
	return drugs == 0 && (a == carev1.Adherence_ADHERENCE_REGULAR || a == carev1.Adherence_ADHERENCE_INTERRUPTED)
}

func lacksReferral(c carev1.FollowUpResult, r *carev1.Referral) bool {
	return c == carev1.FollowUpResult_FOLLOW_UP_RESULT_COMPLICATION && r == nil
}

// takeConstitution counts the questions without an answer, and whether advice was given.
func (x *extraction) takeConstitution(e rules.Entry, form *carev1.TcmConstitution) {
	open := int32(questions)
	m := form.GetAssessment().ProtoReflect()
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); f.Enum() != nil && f.Name()[0] == 'q' && f.Name()[1] >= '1' && f.Name()[1] <= '9' && m.Get(f).Enum() != 0 {
			open--
		}
	}
	g := form.GetGuidance()
	advised := slices.ContainsFunc([]*carev1.TcmAdvice{
		g.GetBalanced(), g.GetQiDeficiency(), g.GetYangDeficiency(), g.GetYinDeficiency(), g.GetPhlegmDampness(),
		g.GetDampHeat(), g.GetBloodStasis(), g.GetQiStagnation(), g.GetSpecial(),
	}, func(a *carev1.TcmAdvice) bool { return len(a.GetCodes()) > 0 || a.GetOther() != "" })
	x.add(e, form.GetServiceDate(), flagReached|when(advised, flagAdvice), open)
}

// questions is how many questions a constitution has.
const questions = 33

func (x *extraction) takeMental(e rules.Entry, form *carev1.MentalIllnessFollowUp) {
	flags := wayFlags(form.GetWay()) &^ flagReached
	class := form.GetClassification()
	switch {
	case form.GetContact() == carev1.MentalIllnessContact_MENTAL_ILLNESS_CONTACT_LOST:
		flags |= flagLost
	case form.GetContact() == carev1.MentalIllnessContact_MENTAL_ILLNESS_CONTACT_DEAD, class == carev1.MentalIllnessStability_MENTAL_ILLNESS_STABILITY_NOT_REACHED:
	default:
		flags |= flagReached
	}
	x.add(e, form.GetServiceDate(), flags, int32(class))
}

// takeTuberculosis writes the share of doses in tenths of a percent plus one, so that 0 is none.
func (x *extraction) takeTuberculosis(e rules.Entry, form *carev1.TuberculosisFollowUp) {
	m := form.GetManagement()
	share := int32(0)
	switch {
	case m != nil && m.DosesDue != nil && m.DosesTaken != nil && m.GetDosesDue() > 0:
		share = int32(int64(m.GetDosesTaken())*1000/int64(m.GetDosesDue())) + 1
	case m != nil && m.DosesTakenPercentX10 != nil:
		share = m.GetDosesTakenPercentX10() + 1
	}
	x.add(e, form.GetServiceDate(), wayFlags(form.GetWay()), form.GetStop().GetStoppedOn(), int32(form.GetStop().GetReason()), share)
}

func (x *extraction) takeTuberculosisHome(e rules.Entry, form *carev1.TuberculosisHomeVisit) {
	noticed := int32(0)
	if form.GetNoticedAtMs() > 0 {
		noticed = int32(care.DateOf(timeOf(form.GetNoticedAtMs())))
	}
	met := form.GetContact() == carev1.TuberculosisContact_TUBERCULOSIS_CONTACT_REACHED
	x.add(e, form.GetServiceDate(), when(met, flagReached), noticed)
}

// takeAntenatal writes the days of pregnancy plus one, so that 0 is none.
func (x *extraction) takeAntenatal(e rules.Entry, form *carev1.AntenatalVisit) {
	days := int32(0)
	if g := form.GetGestationalAge(); g != nil && g.Weeks != nil {
		days = g.GetWeeks()*7 + g.GetDays() + 1
	}
	dating := form.GetFirst().GetDating()
	x.add(e, form.GetServiceDate(), flagReached, int32(form.GetVisitNumber()), days, dating.GetLastMenstruationOn(), dating.GetExpectedDeliveryOn())
}

func (x *extraction) takeContract(e rules.Entry, form *carev1.Contract) {
	flags := when(isSigned(form.GetState()), flagSigned) | when(form.GetPackageType() == carev1.PackageType_PACKAGE_TYPE_PERSONAL, flagPaid)
	since := form.GetTerm().GetSince()
	if since == 0 {
		since = form.GetSignedOn()
	}
	x.add(e, form.GetSignedOn(), flags, since, form.GetTerm().GetUntil(), form.GetTermination().GetEndedOn(), fen(form.GetFee()))
}

// isSigned reports whether a contract in that state was signed, whatever became of it: its days say whether
// it is in force. One that has a day of signing and does not say its state was.
func isSigned(s carev1.ContractState) bool {
	switch s {
	case carev1.ContractState_CONTRACT_STATE_UNSPECIFIED, carev1.ContractState_CONTRACT_STATE_SIGNED, carev1.ContractState_CONTRACT_STATE_RENEWED,
		carev1.ContractState_CONTRACT_STATE_EXPIRED, carev1.ContractState_CONTRACT_STATE_TERMINATED:
		return true
	}
	return false
}

func (x *extraction) takeContractService(e rules.Entry, form *carev1.ContractService) {
	var number, item int32
	if len(form.GetContractId()) == len(record.ID{}) {
		if c, ok := x.contracts[record.ID(form.GetContractId())]; ok {
			number = int32(c.number)
			if at, ok := slices.BinarySearch(c.keys, form.GetItem().GetItemKey()); ok {
				item = int32(at + 1)
			}
		}
	}
	paid := form.GetPayment() == carev1.ServicePayment_SERVICE_PAYMENT_PAID
	x.add(e, form.GetServiceDate(), flagReached|when(paid, flagPaid), number, item, fen(form.GetFee()))
}

// fen returns what of a fee is waived, within what a number has room for.
func fen(f *carev1.Fee) int32 { return int32(min(max(int64(f.GetWaivedFen()), 0), 1<<31-1)) }

// diagnosisFlags returns which of the two diseases a visit was about, by ICD-10 (I10-I15, E10-E14), or by name
// where no code is given. A suspicion is none.
func diagnosisFlags(form *carev1.ClinicVisit) (flags uint32) {
	for _, d := range form.GetDiagnoses() {
		if d.GetCertainty() == carev1.DiagnosisCertainty_DIAGNOSIS_CERTAINTY_SUSPECTED {
			continue
		}
		code := strings.ToUpper(strings.TrimSpace(d.GetIcd10Code()))
		switch {
		case code == "":
			flags |= when(strings.Contains(d.GetName(), "高血压"), flagHypertension) | when(strings.Contains(d.GetName(), "糖尿病"), flagDiabetes)
		case len(code) >= 3 && code[:2] == "I1" && code[2] >= '0' && code[2] <= '5':
			flags |= flagHypertension
		case len(code) >= 3 && code[:2] == "E1" && code[2] >= '0' && code[2] <= '4':
			flags |= flagDiabetes
		}
	}
	return flags
}

func (x *extraction) takeHomeVisit(e rules.Entry, form *carev1.HomeVisit) {
	met := form.GetMetResident() == carev1.MetResident_MET_RESIDENT_RESIDENT || form.GetMetResident() == carev1.MetResident_MET_RESIDENT_FAMILY
	flags := when(met, flagReached)
	flags |= when(slices.Contains(form.GetPurposes(), carev1.VisitPurpose_VISIT_PURPOSE_HYPERTENSION), flagHypertension)
	flags |= when(slices.Contains(form.GetPurposes(), carev1.VisitPurpose_VISIT_PURPOSE_DIABETES), flagDiabetes)
	x.add(e, form.GetServiceDate(), flags, fen(form.GetFee()), int32(form.GetServiceMode()), int32(form.GetContractNotice()), int32(max(form.GetLeaflets().GetCount(), 0)))
}

func (x *extraction) takeVerification(e rules.Entry, form *carev1.Verification) {
	whole := slices.Contains(form.GetPopulations(), carev1.VerificationPopulation_VERIFICATION_POPULATION_ARCHIVE)
	x.add(e, form.GetServiceDate(), when(whole, flagArchive), int32(form.GetContact()), int32(form.GetTruthVerdict()), int32(form.GetStandardVerdict()), int32(form.GetCallResult()))
}
