// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

func sortCodes(codes []carev1.PopulationCode) { slices.Sort(codes) }

// checkup is the form of the yearly examination; those who are not 65 have the tests of their
// disease only.
func (s *sheet) checkup() *carev1.Checkup {
	old := s.p.born.AgeOn(s.on) >= 65
	m := &carev1.Checkup{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: hospitalOf(s.p.village.Code), DoctorId: s.doctor, Capture: s.capture(),
		Reasons: s.reasons(old), Place: carev1.CheckupPlace_CHECKUP_PLACE_VILLAGE_CLINIC,
		Symptoms: &carev1.CheckupSymptoms{Codes: []carev1.CheckupSymptom{1}}, General: s.general(old), Lifestyle: s.lifestyle(),
		OrganFunction: s.organs(), PhysicalExamination: s.examination(),
		Tests: s.tests(old),
	}
	s.conclude(m)
	m.Reviews = s.reviews(0.93)
	return m
}

func (s *sheet) reasons(old bool) []carev1.CheckupReason {
	var out []carev1.CheckupReason
	for _, one := range []struct {
		is   bool
		code carev1.CheckupReason
	}{
		{old, carev1.CheckupReason_CHECKUP_REASON_AGED},
		{s.p.hypertension, carev1.CheckupReason_CHECKUP_REASON_HYPERTENSION},
		{s.p.diabetes, carev1.CheckupReason_CHECKUP_REASON_DIABETES},
	} {
		if one.is {
			out = append(out, one.code)
		}
	}
	return out
}

func (s *sheet) general(old bool) *carev1.CheckupGeneral {
	m := &carev1.CheckupGeneral{
		TemperatureCX10: s.about(361, 369), PulsePerMin: s.about(60, 92), RespirationPerMin: s.about(14, 20),
		BloodPressureLeft: s.pressure(carev1.Arm_ARM_LEFT), BloodPressureRight: s.pressure(carev1.Arm_ARM_RIGHT), BodySize: s.size(),
		WaistCmX10: tenths(s.p.waistCm + 0.8*s.rnd.NormFloat64()),
	}
	if old {
		m.SelfRatedHealth, m.Cognition, m.Emotion = 2, &carev1.CognitionScreening{Screening: 1}, &carev1.EmotionScreening{Screening: 1}
		m.SelfCare = &carev1.SelfCare{Level: 1, AssessmentId: s.c.recordID(s.p.village, s.p.number, selfCare, s.e.day/daysOfYear, 0)}
	}
	return m
}

func (s *sheet) lifestyle() *carev1.CheckupLifestyle {
	m := &carev1.CheckupLifestyle{
		Exercise: &carev1.Exercise{Frequency: 1, MinutesPerTime: s.about(20, 60), Years: s.about(1, 20), Kind: "散步"},
		Diet:     []carev1.DietHabit{1}, Smoking: &carev1.Smoking{Status: 1}, Drinking: &carev1.Drinking{Frequency: 1},
		OccupationalExposure: &carev1.OccupationalExposure{State: 1},
	}
	if n := s.smokes(); *n > 0 {
		m.Smoking = &carev1.Smoking{Status: 3, CigarettesPerDay: n, StartAgeYears: proto.Int32(20)}
	}
	return m
}

func (s *sheet) around(mean, deviation float64) *int32 {
	return hundredths(math.Max(mean+deviation*s.rnd.NormFloat64(), mean/3))
}

func (s *sheet) tests(old bool) *carev1.CheckupTests {
	m := &carev1.CheckupTests{
		FastingGlucose: &carev1.FastingGlucose{GlucoseMmolPerLX100: s.around(s.p.glucose, 0.5)}, ReportedAtMs: s.at.UnixMilli() + 86_400_000,
	}
	if !old {
		return m
	}
	m.BloodCount = &carev1.BloodCount{HaemoglobinGPerLX100: s.around(134, 12), WhiteCellsGigaPerLX100: s.around(6.1, 1.3), PlateletsGigaPerLX100: s.around(205, 45)}
	m.Urinalysis = &carev1.Urinalysis{Protein: 1, Glucose: 1, Ketone: 1, Blood: 1}
	m.LiverFunction = &carev1.LiverFunction{
		AltUPerLX100: s.around(21, 8), AstUPerLX100: s.around(23, 7), AlbuminGPerLX100: s.around(44, 2.5), TotalBilirubinUmolPerLX100: s.around(12, 4),
	}
	m.KidneyFunction = &carev1.KidneyFunction{CreatinineUmolPerLX100: s.around(72, 15), UreaMmolPerLX100: s.around(5.6, 1.3)}
	m.Lipids = &carev1.Lipids{
		TotalCholesterolMmolPerLX100: s.around(4.9, 0.85), TriglyceridesMmolPerLX100: s.around(1.5, 0.6), LdlMmolPerLX100: s.around(2.9, 0.6),
		HdlMmolPerLX100: s.around(1.35, 0.25),
	}
	m.Electrocardiogram, m.AbdominalUltrasound = &carev1.Electrocardiogram{Result: 1}, &carev1.FindingTest{Result: 1}
	if s.roll(0.2) {
		m.Electrocardiogram = &carev1.Electrocardiogram{Result: 2, Text: "窦性心动过缓"}
	}
	if s.roll(0.25) {
		m.AbdominalUltrasound = &carev1.FindingTest{Result: 2, Text: "脂肪肝（轻度）"}
	}
	return m
}

// conclude writes down what was found, and what is advised.
func (s *sheet) conclude(m *carev1.Checkup) {
	var found []string
	say := func(is bool, text string) {
		if is {
			found = append(found, text)
		}
	}
	say(s.p.hypertension, "高血压")
	say(s.p.diabetes, "糖尿病")
	say(m.GetTests().GetElectrocardiogram().GetText() != "", m.GetTests().GetElectrocardiogram().GetText())
	say(m.GetTests().GetAbdominalUltrasound().GetText() != "", m.GetTests().GetAbdominalUltrasound().GetText())
	result := carev1.HealthAssessmentResult_HEALTH_ASSESSMENT_RESULT_NORMAL
	if len(found) > 0 {
		result = carev1.HealthAssessmentResult_HEALTH_ASSESSMENT_RESULT_ABNORMAL
	}
	m.Evaluation = &carev1.CheckupEvaluation{Assessment: &carev1.HealthAssessment{Result: result, Abnormalities: found}}
	m.HealthProblems = &carev1.CheckupHealthProblems{
		Cerebrovascular: &carev1.CerebrovascularProblems{Codes: []carev1.CerebrovascularProblem{1}},
		Kidney:          &carev1.KidneyProblems{Codes: []carev1.KidneyProblem{1}}, Heart: &carev1.HeartProblems{Codes: []carev1.HeartProblem{1}},
		Vascular: &carev1.VascularProblems{Codes: []carev1.VascularProblem{1}}, Eye: &carev1.EyeProblems{Codes: []carev1.EyeProblem{1}},
		NervousSystem: &carev1.ProblemInWords{State: 1}, OtherSystems: &carev1.ProblemInWords{State: 1},
	}
	if s.p.hypertension || s.p.diabetes {
		m.HealthProblems.OtherSystems = &carev1.ProblemInWords{State: 2, Text: strings.Join(found, "、")}
	}
	m.Guidance = &carev1.CheckupGuidance{
		RiskControl: &carev1.RiskControl{Codes: []carev1.RiskControlCode{3, 4}},
		Feedback:    &carev1.ResultFeedback{GivenOn: s.next(3), StaffId: s.doctor},
	}
	m.Guidance.Codes = []carev1.HealthGuidance{carev1.HealthGuidance_HEALTH_GUIDANCE_RECHECK}
	if s.p.hypertension || s.p.diabetes {
		m.Guidance.Codes = []carev1.HealthGuidance{carev1.HealthGuidance_HEALTH_GUIDANCE_CHRONIC_CARE}
	}
}

func (s *sheet) organs() *carev1.CheckupOrganFunction {
	return &carev1.CheckupOrganFunction{
		Lips: 1, Teeth: &carev1.Teeth{Findings: []carev1.TeethFinding{1}}, Pharynx: 1, Hearing: 1, Motion: 1,
		Vision: &carev1.Vision{Scale: carev1.VisionScale_VISION_SCALE_FIVE_MARK, LeftAcuityX100: s.about(460, 500), RightAcuityX100: s.about(460, 500)},
	}
}

// examination leaves something out for one in twelve, as it happens.
func (s *sheet) examination() *carev1.CheckupPhysicalExamination {
	none := func() *carev1.SignFinding { return &carev1.SignFinding{State: 1} }
	m := &carev1.CheckupPhysicalExamination{
		Skin: &carev1.Skin{Finding: 1}, Sclera: &carev1.Sclera{Finding: 1}, LymphNodes: &carev1.LymphNodes{Finding: 1}, BarrelChest: 1,
		BreathSounds: &carev1.ExaminationFinding{Result: 1}, Rales: &carev1.Rales{Finding: 1},
		HeartRatePerMin: s.about(60, 92), HeartRhythm: 1, HeartMurmur: none(),
		AbdominalTenderness: none(), AbdominalMass: none(), EnlargedLiver: none(), EnlargedSpleen: none(), ShiftingDullness: none(),
		LegOedema: 1, FootPulse: 2,
	}
	if s.roll(1.0 / 12) {
		m.LymphNodes, m.ShiftingDullness = nil, nil
	}
	return m
}

// constitution has an answer for each of the 33 questions, and no scores: forms propose them.
func (s *sheet) constitution() *carev1.TcmConstitution {
	a := &carev1.TcmAssessment{}
	fields := a.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Enum() != nil && f.Name()[0] == 'q' && f.Name()[1] >= '1' && f.Name()[1] <= '9' {
			a.ProtoReflect().Set(f, protoreflect.ValueOfEnum(protoreflect.EnumNumber(1+s.rnd.IntN(2))))
		}
	}
	return &carev1.TcmConstitution{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(), Assessment: a,
		Guidance: s.guidance(), DoctorSignature: s.signature(),
	}
}

// guidance is advice in nine of ten; the others were sent home without.
func (s *sheet) guidance() *carev1.TcmGuidance {
	advice := &carev1.TcmAdvice{}
	if s.roll(0.9) {
		advice.Codes = []carev1.TcmAdviceCode{carev1.TcmAdviceCode_TCM_ADVICE_CODE_EMOTIONS, carev1.TcmAdviceCode_TCM_ADVICE_CODE_FOOD}
	}
	return &carev1.TcmGuidance{Balanced: advice}
}
