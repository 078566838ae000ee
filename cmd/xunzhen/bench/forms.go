// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// forms invents filled forms of about 400 bytes: three in five are follow-ups, the
// others checkups. Nobody's measurements are in them.
type forms struct{ rnd *rand.Rand }

func (f forms) next(day time.Time) (record.Kind, proto.Message) {
	switch f.rnd.IntN(5) {
	case 0, 1:
		return care.KindCheckup, f.checkup(day)
	case 2:
		return care.KindDiabetesFollowUp, f.diabetes(day)
	}
	return care.KindHypertensionFollowUp, f.hypertension(day)
}

func (f forms) about(low, high int) *int32 { return proto.Int32(int32(low + f.rnd.IntN(high-low+1))) }

func (f forms) bits(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(f.rnd.Uint32())
	}
	return b
}

func (f forms) pick(texts ...string) string { return texts[f.rnd.IntN(len(texts))] }

func date(day time.Time) int32 {
	y, m, d := day.Date()
	return int32(y*10000 + int(m)*100 + d)
}

const (
	organisation = "PDY000123456789012"
	doctor       = "ys-0042"
)

func (f forms) capture(day time.Time) *carev1.Capture {
	began := day.UnixMilli()
	return &carev1.Capture{
		StartedAtMs: began, EndedAtMs: began + 300_000 + f.rnd.Int64N(600_000), Source: carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE,
	}
}

func (f forms) signature(day time.Time) *carev1.Signature {
	return &carev1.Signature{
		ImageSha256: f.bits(32), ImageBytes: 3000 + f.rnd.Int64N(5000), SignedAtMs: day.UnixMilli() + 900_000, StaffId: doctor,
	}
}

func (f forms) pressure() *carev1.BloodPressure {
	return &carev1.BloodPressure{SystolicMmhg: f.about(105, 178), DiastolicMmhg: f.about(62, 104), Arm: carev1.Arm(1 + f.rnd.IntN(2))}
}

func (f forms) size() *carev1.BodySize {
	return &carev1.BodySize{HeightCmX10: f.about(1450, 1790), WeightKgX10: f.about(430, 900), BmiKgPerM2X10: f.about(180, 330)}
}

func (f forms) habit() *carev1.ExerciseHabit {
	return &carev1.ExerciseHabit{TimesPerWeek: f.about(0, 7), MinutesPerTime: f.about(10, 60)}
}

func (f forms) hypertension(day time.Time) *carev1.HypertensionFollowUp {
	m := &carev1.HypertensionFollowUp{
		ServiceDate: date(day), Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, OrganisationCode: organisation, DoctorId: doctor,
		Capture: f.capture(day), Way: carev1.FollowUpWay(1 + f.rnd.IntN(3)),
		Symptoms:      []carev1.HypertensionSymptom{carev1.HypertensionSymptom(1 + f.rnd.IntN(9))},
		BloodPressure: f.pressure(), BodySize: f.size(),
		BodyTarget:      &carev1.BodyTarget{WeightKgX10: f.about(430, 800), BmiKgPerM2X10: f.about(180, 240)},
		HeartRatePerMin: f.about(58, 98), OtherSigns: f.pick("双肺呼吸音清，双下肢无水肿", "神清，步态稳，双下肢轻度凹陷性水肿"),
		CigarettesPerDay: f.about(0, 20), CigarettesTargetPerDay: f.about(0, 5),
		LiquorLiangPerDayX10: f.about(0, 30), LiquorTargetLiangPerDayX10: f.about(0, 10),
		Exercise: f.habit(), ExerciseTarget: f.habit(),
		Salt: carev1.SaltLevel(1 + f.rnd.IntN(3)), SaltTarget: carev1.SaltLevel_SALT_LEVEL_LIGHT,
		Psychology: carev1.Grade(1 + f.rnd.IntN(3)), Compliance: carev1.Grade(1 + f.rnd.IntN(3)),
		AuxiliaryTests:  f.pick("血钾 4.1 mmol/L，血脂见体检报告，尿常规未见异常，心电图窦性心律", "未查，嘱下次随访前空腹抽血复查血脂和血钾，并带上次化验单来诊"),
		Adherence:       carev1.Adherence(1 + f.rnd.IntN(2)),
		AdverseReaction: &carev1.AdverseReaction{State: carev1.NoneOrSome_NONE_OR_SOME_NONE},
		Classification:  carev1.FollowUpResult(1 + f.rnd.IntN(2)),
		NextAction:      carev1.NextAction_NEXT_ACTION_ROUTINE, NextServiceDate: date(day.AddDate(0, 3, 0)),
		DoctorSignature: f.signature(day),
	}
	m.Medications = f.drugs("苯磺酸氨氯地平片", "厄贝沙坦氢氯噻嗪片", "硝苯地平控释片")
	return m
}

func (f forms) diabetes(day time.Time) *carev1.DiabetesFollowUp {
	m := &carev1.DiabetesFollowUp{
		ServiceDate: date(day), Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, OrganisationCode: organisation, DoctorId: doctor,
		Capture: f.capture(day), Way: carev1.FollowUpWay(1 + f.rnd.IntN(3)),
		Symptoms:      []carev1.DiabetesSymptom{carev1.DiabetesSymptom(1 + f.rnd.IntN(8))},
		BloodPressure: f.pressure(), BodySize: f.size(),
		BodyTarget: &carev1.BodyTarget{WeightKgX10: f.about(430, 800), BmiKgPerM2X10: f.about(180, 240)},
		FootPulse:  &carev1.FootPulse{State: 1}, OtherSigns: f.pick("双足皮肤完整，温度觉正常", "左足外侧皮肤干燥，痛觉减退，无破溃"),
		CigarettesPerDay: f.about(0, 20), CigarettesTargetPerDay: f.about(0, 5),
		LiquorLiangPerDayX10: f.about(0, 30), LiquorTargetLiangPerDayX10: f.about(0, 10),
		Exercise: f.habit(), ExerciseTarget: f.habit(),
		StapleFoodGPerDay: f.about(150, 500), StapleFoodTargetGPerDay: f.about(150, 350),
		Psychology: carev1.Grade(1 + f.rnd.IntN(3)), Compliance: carev1.Grade(1 + f.rnd.IntN(3)),
		AuxiliaryTests:            f.pick("尿微量白蛋白阴性，血肌酐正常，眼底检查未见出血渗出", "未查，嘱下次随访前空腹抽血复查肾功能和尿微量白蛋白"),
		FastingGlucoseMmolPerLX10: f.about(48, 120), AfterMealGlucoseMmolPerLX10: f.about(60, 180),
		GlycatedHaemoglobin: &carev1.GlycatedHaemoglobin{PercentX10: f.about(52, 98), TestedOn: date(day)},
		Adherence:           carev1.Adherence(1 + f.rnd.IntN(2)),
		AdverseReaction:     &carev1.AdverseReaction{State: carev1.NoneOrSome_NONE_OR_SOME_NONE},
		Classification:      carev1.FollowUpResult(1 + f.rnd.IntN(2)),
		NextAction:          carev1.NextAction_NEXT_ACTION_ROUTINE, NextServiceDate: date(day.AddDate(0, 3, 0)),
		DoctorSignature: f.signature(day),
	}
	m.Medications = f.drugs("盐酸二甲双胍缓释片", "格列美脲片", "阿卡波糖片")
	return m
}

// drugs returns one drug for every second form. Its key is random, as an app draws it.
func (f forms) drugs(names ...string) map[string]*carev1.DrugEntry {
	if f.rnd.IntN(2) == 0 {
		return nil
	}
	return map[string]*carev1.DrugEntry{
		fmt.Sprintf("%08x", f.rnd.Uint32()): {
			Name: f.pick(names...), TimesPerDay: f.about(1, 3), DoseX1000: proto.Int64(5000 * (1 + f.rnd.Int64N(4))), DoseUnit: "mg",
		},
	}
}

func (f forms) checkup(day time.Time) *carev1.Checkup {
	return &carev1.Checkup{
		ServiceDate: date(day), Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, OrganisationCode: organisation, DoctorId: doctor,
		Capture: f.capture(day), Reasons: []carev1.CheckupReason{carev1.CheckupReason_CHECKUP_REASON_AGED}, Place: 1,
		Symptoms:  &carev1.CheckupSymptoms{Codes: []carev1.CheckupSymptom{carev1.CheckupSymptom(1 + f.rnd.IntN(20))}},
		General:   f.general(),
		Lifestyle: f.lifestyle(),
		Tests:     f.tests(),
	}
}

func (f forms) general() *carev1.CheckupGeneral {
	return &carev1.CheckupGeneral{
		TemperatureCX10: f.about(361, 370), PulsePerMin: f.about(58, 98), RespirationPerMin: f.about(14, 20),
		BloodPressureLeft: f.pressure(), BloodPressureRight: f.pressure(), BodySize: f.size(), WaistCmX10: f.about(680, 1020),
		SelfRatedHealth: 2, SelfCare: &carev1.SelfCare{Level: 1, AssessmentId: f.bits(16)},
		Cognition: &carev1.CognitionScreening{Screening: 1}, Emotion: &carev1.EmotionScreening{Screening: 1},
	}
}

func (f forms) lifestyle() *carev1.CheckupLifestyle {
	return &carev1.CheckupLifestyle{
		Exercise: &carev1.Exercise{
			Frequency: carev1.ExerciseFrequency(1 + f.rnd.IntN(4)), MinutesPerTime: f.about(10, 60), Years: f.about(1, 20),
			Kind: f.pick("散步", "广场舞", "太极拳"),
		},
		Diet:     []carev1.DietHabit{1, carev1.DietHabit(2 + f.rnd.IntN(4))},
		Smoking:  &carev1.Smoking{Status: carev1.SmokingStatus(1 + f.rnd.IntN(3)), CigarettesPerDay: f.about(0, 20)},
		Drinking: &carev1.Drinking{Frequency: carev1.DrinkingFrequency(1 + f.rnd.IntN(4)), LiquorLiangPerDayX10: f.about(0, 30)},
	}
}

func (f forms) tests() *carev1.CheckupTests {
	return &carev1.CheckupTests{
		BloodCount: &carev1.BloodCount{
			HaemoglobinGPerLX100: f.about(10500, 16500), WhiteCellsGigaPerLX100: f.about(400, 1000), PlateletsGigaPerLX100: f.about(10000, 30000),
		},
		Urinalysis:        &carev1.Urinalysis{Protein: 1, Glucose: carev1.UrineGrade(1 + f.rnd.IntN(3)), Ketone: 1, Blood: 1},
		FastingGlucose:    &carev1.FastingGlucose{GlucoseMmolPerLX100: f.about(450, 900)},
		Electrocardiogram: &carev1.Electrocardiogram{Result: 2, Text: f.pick("窦性心律，正常心电图，建议每年复查一次", "窦性心动过缓，建议定期复查，如有胸闷头晕及时就诊")},
		LiverFunction: &carev1.LiverFunction{
			AltUPerLX100: f.about(900, 5000), AstUPerLX100: f.about(1000, 4500), AlbuminGPerLX100: f.about(3800, 5200),
			TotalBilirubinUmolPerLX100: f.about(500, 2100),
		},
		KidneyFunction: &carev1.KidneyFunction{CreatinineUmolPerLX100: f.about(4500, 11000), UreaMmolPerLX100: f.about(280, 820)},
		Lipids: &carev1.Lipids{
			TotalCholesterolMmolPerLX100: f.about(310, 680), TriglyceridesMmolPerLX100: f.about(60, 330),
			LdlMmolPerLX100: f.about(150, 430), HdlMmolPerLX100: f.about(90, 200),
		},
		AbdominalUltrasound: &carev1.FindingTest{
			Result: 2, Text: f.pick("肝胆胰脾未见明显异常", "脂肪肝（轻度），胆囊壁毛糙，建议低脂饮食"),
		},
		UricAcid: &carev1.UricAcid{}, Other: f.pick("肺功能：通气功能未见明显异常，建议戒烟并适量运动", "骨密度：骨量减少，建议补钙和维生素D，预防跌倒"),
	}
}
