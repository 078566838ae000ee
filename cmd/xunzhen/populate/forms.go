// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// sheet is what a form is filled in from.
type sheet struct {
	c      *planned
	p      person
	e      event
	on     care.Date
	at     time.Time // when the doctor begins
	doctor string
	year   int // of the plan
	rnd    *rand.Rand
}

// form returns the form of an event.
func (s *sheet) form() proto.Message {
	switch s.e.what {
	case registering:
		return s.resident()
	case household:
		return s.household()
	case hypertensionVisit:
		return s.hypertension()
	case diabetesVisit:
		return s.diabetes()
	case copdVisit:
		return s.copd()
	case checkup:
		return s.checkup()
	case selfCare:
		return s.selfCare()
	case constitution:
		return s.constitution()
	case signing:
		return s.contract()
	case homeVisit:
		return s.homeVisit()
	case screening:
		return s.screening()
	case childVisit:
		return s.childVisit()
	case clinicVisit:
		return s.clinicVisit()
	case contractService:
		return s.contractService()
	}
	return s.death()
}

const submitted = carev1.FormStatus_FORM_STATUS_SUBMITTED

// clinicOf returns the code of a village's clinic, hospitalOf that of a township's hospital.
func clinicOf(village string) string { return "C" + village }

func hospitalOf(division string) string { return "H" + division[:9] }

func (s *sheet) clinic() string { return clinicOf(s.p.village.Code) }

func (s *sheet) capture() *carev1.Capture {
	began := s.at.UnixMilli()
	return &carev1.Capture{
		StartedAtMs: began, EndedAtMs: began + 240_000 + s.rnd.Int64N(180_000), EnteredAtMs: began + 240_000, Source: carev1.CaptureSource_CAPTURE_SOURCE_ON_SITE,
	}
}

func (s *sheet) signature() *carev1.Signature {
	hash := make([]byte, 32)
	for i := range hash {
		hash[i] = byte(s.rnd.Uint32())
	}
	return &carev1.Signature{ImageSha256: hash, ImageBytes: 2800 + s.rnd.Int64N(6000), SignedAtMs: s.at.UnixMilli() + 220_000, StaffId: s.doctor}
}

func (s *sheet) key(n int) string {
	return fmt.Sprintf("%08x", uint32(mix(s.c.plan.Seed, uint64(s.p.number), uint64(n))))
}

func (s *sheet) roll(share float64) bool { return s.rnd.Float64() < share }

func (s *sheet) resident() *carev1.Resident {
	m := &carev1.Resident{
		RegisteredOn: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Name: s.p.name(), Sex: s.p.sex, BirthDate: int32(s.p.born), Phone: s.p.phone(),
		IdentityDocument: &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD, Number: s.p.identityNumber()},
		ContactPerson:    &carev1.ContactPerson{Name: s.c.person(s.p.village, s.p.household()).name(), Phone: s.p.phone(), Relation: 8},
		Residency:        carev1.Residency_RESIDENCY_REGISTERED,
		Address:          &carev1.Address{DivisionCode: s.p.village.Code, Text: s.address()},
		HouseholdId:      s.c.recordID(s.p.village, s.p.household(), household, 0, 0), RelationToHead: carev1.Relation_RELATION_SELF,
		Ethnicity: carev1.Ethnicity_ETHNICITY_HAN, BloodAbo: carev1.BloodGroup(1 + s.rnd.IntN(4)), BloodRh: carev1.RhFactor(2),
		Education: carev1.Education(7 + s.rnd.IntN(3)), Occupation: carev1.Occupation(5), MaritalStatus: carev1.MaritalStatus(2),
		PaymentModes:  []carev1.PaymentMode{2},
		DrugAllergies: []carev1.DrugAllergy{1}, Exposures: []carev1.Exposure{1},
		Surgery: 1, Trauma: 1, Transfusion: 1,
		FatherDiseases: []carev1.FamilyDisease{1}, MotherDiseases: []carev1.FamilyDisease{1},
		SiblingDiseases: []carev1.FamilyDisease{1}, ChildDiseases: []carev1.FamilyDisease{1}, GeneticDisease: &carev1.GeneticDisease{State: 1},
		Environment: &carev1.LivingEnvironment{KitchenExhaust: 2, Fuel: 2, DrinkingWater: 1, Toilet: 1, LivestockPen: 1}, Disabilities: []carev1.Disability{1},
		Tags: s.tags(), PastDiseases: s.pastDiseases(),
		RegisteringOrganisationCode: s.clinic(), RegisteredById: s.doctor, Reviews: s.reviews(0.9),
	}
	if !s.p.head() {
		m.RelationToHead = carev1.Relation(1 + s.rnd.IntN(3))
	}
	if s.p.disabled {
		m.Disabilities = []carev1.Disability{carev1.Disability(2 + s.rnd.IntN(4))}
	}
	return m
}

func (s *sheet) address() string {
	return fmt.Sprintf("%s%d号", s.p.village.Name, 1+(s.p.household()-s.p.village.first)/3)
}

func (s *sheet) tags() map[string]*carev1.PopulationTag {
	out := map[string]*carev1.PopulationTag{}
	tag := func(has bool, code carev1.PopulationCode, since care.Date) {
		if has {
			out[s.key(int(code))] = &carev1.PopulationTag{Code: code, Since: int32(since)}
		}
	}
	tag(s.p.born.AgeOn(s.on) >= 65, carev1.PopulationCode_POPULATION_CODE_AGED, s.on)
	tag(s.p.hypertension, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, s.on)
	tag(s.p.diabetes, carev1.PopulationCode_POPULATION_CODE_DIABETES, s.on)
	tag(s.p.copd, carev1.PopulationCode_POPULATION_CODE_COPD, s.on)
	tag(s.p.disabled, carev1.PopulationCode_POPULATION_CODE_DISABLED, s.on)
	tag(s.p.born.AgeOn(s.on) <= 6, carev1.PopulationCode_POPULATION_CODE_CHILD, s.p.born)
	tag(len(out) == 0, carev1.PopulationCode_POPULATION_CODE_GENERAL, s.on)
	return out
}

func (s *sheet) pastDiseases() map[string]*carev1.PastDisease {
	out := map[string]*carev1.PastDisease{}
	had := func(has bool, code carev1.PastDiseaseCode) {
		if has {
			out[s.key(100+int(code))] = &carev1.PastDisease{Code: code, DiagnosedOn: int32(s.on.AddDays(-30 - s.rnd.IntN(2000)))}
		}
	}
	had(s.p.hypertension, carev1.PastDiseaseCode(2))
	had(s.p.diabetes, carev1.PastDiseaseCode(3))
	had(s.p.copd, carev1.PastDiseaseCode(5))
	if len(out) == 0 {
		out[s.key(101)] = &carev1.PastDisease{Code: carev1.PastDiseaseCode(1)}
	}
	return out
}

func (s *sheet) household() *carev1.Household {
	m := &carev1.Household{
		RegisteredOn: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		HeadResidentId: s.c.recordID(s.p.village, s.p.number, registering, 0, 0),
		Address:        &carev1.Address{DivisionCode: s.p.village.Code, Text: s.address()}, Position: s.position(),
		Members: map[string]*carev1.HouseholdMember{},
	}
	last := min(s.p.number+3, s.p.village.first+s.p.village.residents)
	for n := s.p.number; n < last; n++ {
		m.Members[s.key(200+n-s.p.number)] = &carev1.HouseholdMember{
			ResidentId: s.c.recordID(s.p.village, n, registering, 0, 0), RelationToHead: [...]carev1.Relation{carev1.Relation_RELATION_SELF, carev1.Relation_RELATION_SPOUSE, carev1.Relation_RELATION_SON}[n-s.p.number], Since: int32(s.on),
		}
	}
	m.PeopleCount = proto.Int32(int32(last - s.p.number))
	return m
}

// position is where the household lives: villages lie on a grid, households within 600 m.
func (s *sheet) position() *carev1.Position {
	home := mix(s.c.plan.Seed, 5, uint64(s.p.household()))
	north := 25_300_000 + s.p.village.north + int32(home%5400) - 2700
	east := 111_300_000 + s.p.village.east + int32(home>>32%6000) - 3000
	return &carev1.Position{
		LatitudeDegX1000000: &north, LongitudeDegX1000000: &east, AccuracyM: proto.Int32(int32(8 + home>>20%30)), CoordinateSystem: 1,
	}
}

// Measurements stay near what the person has, go with the season, and are read by eye: every
// third doctor rounds to even numbers, as a manual cuff shows.
func (s *sheet) pressure(arm carev1.Arm) *carev1.BloodPressure {
	season := 3 * math.Cos(float64(s.e.day%daysOfYear)/daysOfYear*2*math.Pi)
	systolic, diastolic := s.p.systolic+season+6*s.rnd.NormFloat64(), s.p.diastolic+4*s.rnd.NormFloat64()
	high := int32(math.Round(math.Max(systolic, 84)))
	low := int32(math.Round(math.Min(math.Max(diastolic, 46), systolic-14)))
	if mix(s.c.plan.Seed, uint64(s.p.village.number), uint64(s.p.tablet))%3 == 0 {
		high, low = high&^1, low&^1
	}
	return &carev1.BloodPressure{SystolicMmhg: &high, DiastolicMmhg: &low, Arm: arm}
}

func (s *sheet) size() *carev1.BodySize {
	m := s.p.heightCm / 100
	weight := s.p.bmi*m*m + 0.9*s.rnd.NormFloat64()
	return &carev1.BodySize{
		HeightCmX10: tenths(s.p.heightCm), WeightKgX10: tenths(weight), BmiKgPerM2X10: tenths(math.Round(weight*10) / 10 / (math.Round(s.p.heightCm*10) / 1000 * math.Round(s.p.heightCm*10) / 1000)),
	}
}

func (s *sheet) target() *carev1.BodyTarget {
	m := s.p.heightCm / 100
	return &carev1.BodyTarget{WeightKgX10: tenths(23 * m * m), BmiKgPerM2X10: tenths(23)}
}

func (s *sheet) about(low, high int) *int32 { return proto.Int32(int32(low + s.rnd.IntN(high-low+1))) }

func tenths(f float64) *int32 { return proto.Int32(int32(math.Round(f * 10))) }

func hundredths(f float64) *int32 { return proto.Int32(int32(math.Round(f * 100))) }

func (s *sheet) exercise() *carev1.ExerciseHabit {
	return &carev1.ExerciseHabit{TimesPerWeek: s.about(2, 7), MinutesPerTime: s.about(20, 50)}
}

func (s *sheet) smokes() *int32 {
	if s.p.sex == carev1.Sex_SEX_MALE && mix(uint64(s.p.number), 9)%2 == 0 {
		return s.about(5, 20)
	}
	return proto.Int32(0)
}

func (s *sheet) next(days int) int32 { return int32(s.on.AddDays(days)) }

func (s *sheet) drugs(names ...string) map[string]*carev1.DrugEntry {
	return map[string]*carev1.DrugEntry{s.key(300): {
		Name: names[s.p.number%len(names)], TimesPerDay: proto.Int32(1 + int32(s.p.number/7%2)), DoseX1000: proto.Int64(5000), DoseUnit: "mg",
	}}
}

func (s *sheet) hypertension() *carev1.HypertensionFollowUp {
	m := &carev1.HypertensionFollowUp{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Way: carev1.FollowUpWay(1 + s.rnd.IntN(2)), Symptoms: []carev1.HypertensionSymptom{1},
		BloodPressure: s.pressure(carev1.Arm_ARM_RIGHT), BodySize: s.size(), BodyTarget: s.target(), HeartRatePerMin: s.about(60, 90),
		CigarettesPerDay: s.smokes(), CigarettesTargetPerDay: proto.Int32(0),
		LiquorLiangPerDayX10: proto.Int32(0), LiquorTargetLiangPerDayX10: proto.Int32(0),
		Exercise: s.exercise(), ExerciseTarget: &carev1.ExerciseHabit{TimesPerWeek: proto.Int32(7), MinutesPerTime: proto.Int32(50)},
		Salt: carev1.SaltLevel(1 + s.rnd.IntN(2)), SaltTarget: 1, Psychology: 1, Compliance: 1, Adherence: 1,
		AdverseReaction: &carev1.AdverseReaction{State: 1}, Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED,
		NextAction: carev1.NextAction_NEXT_ACTION_ROUTINE, NextServiceDate: s.next(90), DoctorSignature: s.signature(),
		Medications: s.drugs("苯磺酸氨氯地平片", "厄贝沙坦片", "硝苯地平控释片"),
	}
	if !s.atTarget(m.GetBloodPressure()) {
		m.Classification = carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED
		m.NextAction, m.NextServiceDate = carev1.NextAction_NEXT_ACTION_TWO_WEEKS, s.next(14)
		if s.again() {
			m.NextAction, m.Referral = carev1.NextAction_NEXT_ACTION_REFERRAL, s.referral()
		}
	}
	return m
}

// again reports whether the visit before this one of the year was not at target either, as far as a doctor would know, who
// forgets one in twelve.
func (s *sheet) again() bool {
	return (s.e.nth >= 4 || s.e.nth > 0 && s.p.likelyHigh(s.e.what)) && s.roll(0.92)
}

func (s *sheet) referral() *carev1.Referral {
	return &carev1.Referral{Reason: "连续两次控制不满意", Organisation: "县人民医院（演示）", Department: "内科"}
}

// atTarget: below 140/90, from 65 years on below 150/90; indicators.md H02 [C:P10; detail K].
func (s *sheet) atTarget(b *carev1.BloodPressure) bool {
	limit := int32(140)
	if s.p.born.AgeOn(s.on) >= 65 {
		limit = 150
	}
	return b.GetSystolicMmhg() < limit && b.GetDiastolicMmhg() < 90
}

func (s *sheet) diabetes() *carev1.DiabetesFollowUp {
	glucose := math.Max(s.p.glucose+0.8*s.rnd.NormFloat64(), 3.6)
	m := &carev1.DiabetesFollowUp{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Way: carev1.FollowUpWay(1 + s.rnd.IntN(2)), Symptoms: []carev1.DiabetesSymptom{1},
		BloodPressure: s.pressure(carev1.Arm_ARM_RIGHT), BodySize: s.size(), BodyTarget: s.target(), FootPulse: &carev1.FootPulse{State: 1},
		CigarettesPerDay: s.smokes(), CigarettesTargetPerDay: proto.Int32(0),
		LiquorLiangPerDayX10: proto.Int32(0), LiquorTargetLiangPerDayX10: proto.Int32(0),
		Exercise: s.exercise(), ExerciseTarget: &carev1.ExerciseHabit{TimesPerWeek: proto.Int32(7), MinutesPerTime: proto.Int32(50)},
		StapleFoodGPerDay: s.about(250, 420), StapleFoodTargetGPerDay: proto.Int32(300), Psychology: 1, Compliance: 1,
		FastingGlucoseMmolPerLX10: tenths(glucose), Adherence: 1, AdverseReaction: &carev1.AdverseReaction{State: 1}, Hypoglycaemia: 1,
		Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_CONTROLLED, NextAction: carev1.NextAction_NEXT_ACTION_ROUTINE,
		NextServiceDate: s.next(90), DoctorSignature: s.signature(), Medications: s.drugs("盐酸二甲双胍缓释片", "格列美脲片", "阿卡波糖片"),
	}
	if m.GetFastingGlucoseMmolPerLX10() >= 70 {
		m.Classification = carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED
		m.NextAction, m.NextServiceDate = carev1.NextAction_NEXT_ACTION_TWO_WEEKS, s.next(14)
		if s.again() {
			m.NextAction, m.Referral = carev1.NextAction_NEXT_ACTION_REFERRAL, s.referral()
		}
	}
	return m
}

func (s *sheet) copd() *carev1.CopdFollowUp {
	return &carev1.CopdFollowUp{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Way: carev1.FollowUpWay(1 + s.rnd.IntN(2)), Symptoms: []carev1.CopdSymptom{2}, BloodPressure: s.pressure(carev1.Arm_ARM_RIGHT),
		BodySize: s.size(), HeartRatePerMin: s.about(64, 96), RespirationPerMin: s.about(16, 22), OxygenSaturationPercent: s.about(92, 98),
		CatScore: s.about(4, 22), MmrcScore: s.about(0, 3), CigarettesPerDay: s.smokes(), Exercise: s.exercise(),
		Psychology: 1, Compliance: 1, Adherence: 1, NextServiceDate: s.next(90), DoctorSignature: s.signature(),
		Medications: s.drugs("噻托溴铵粉吸入剂", "茶碱缓释片"),
	}
}

func (s *sheet) selfCare() *carev1.SelfCareAssessment {
	return &carev1.SelfCareAssessment{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Scores: &carev1.SelfCareScores{Meal: 1, Washing: 1, Dressing: 1, Toilet: 1, Moving: 1, TotalScore: proto.Int32(0), Level: 1},
	}
}

func (s *sheet) contract() *carev1.Contract {
	m := &carev1.Contract{
		SignedOn: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Term: &carev1.ContractTerm{Since: int32(s.on), Until: int32(s.contractEnds())}, TeamId: teamID(s.p.village),
		State: carev1.ContractState_CONTRACT_STATE_SIGNED, PackageType: carev1.PackageType_PACKAGE_TYPE_BASIC, ServiceItems: s.contractItems(), Fee: &carev1.Fee{FeeFen: proto.Int64(0)},
		ResidentSignature: s.signature(), DoctorSignature: s.signature(),
	}
	for _, t := range s.tags() {
		m.PopulationGroups = append(m.PopulationGroups, t.GetCode())
	}
	if len(m.PopulationGroups) == 0 {
		m.PopulationGroups = []carev1.PopulationCode{carev1.PopulationCode_POPULATION_CODE_GENERAL}
	}
	sortCodes(m.PopulationGroups)
	return m
}

// contractEnds returns the last day before contracts of the next year of the plan begin.
func (s *sheet) contractEnds() care.Date {
	return care.DateOf(s.c.begins.AddDate(0, 0, (s.year+1)*daysOfYear+9))
}

// contractItems are what every contract promises, by their keys.
func (s *sheet) contractItems() map[string]*carev1.ContractItem {
	return map[string]*carev1.ContractItem{"00000001": {
		Name: "健康咨询与随访", TimesPerYear: proto.Int32(2), Payment: carev1.ServicePayment_SERVICE_PAYMENT_FREE,
	}}
}

func (s *sheet) contractService() *carev1.ContractService {
	return &carev1.ContractService{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		ContractId: s.c.recordID(s.p.village, s.p.number, signing, s.year, 0), Item: &carev1.ContractItemRef{ItemKey: "00000001", Name: "健康咨询与随访"},
		Content: "测量血压，解答用药问题", Payment: carev1.ServicePayment_SERVICE_PAYMENT_FREE, Fee: &carev1.Fee{FeeFen: proto.Int64(0)},
		ResidentSignature: s.signature(),
	}
}

// reviews are what the doctor's team says of a form before it is sent: mostly that it is as it should be; a share was not
// looked at.
func (s *sheet) reviews(share float64) map[string]*carev1.Review {
	if !s.roll(share) {
		return nil
	}
	return map[string]*carev1.Review{care.ReviewTeam.Key(): {
		State: carev1.ReviewState_REVIEW_STATE_CHECKED, ReviewerId: s.doctor, ReviewedAtMs: s.at.UnixMilli() + 240_000,
	}}
}

func (s *sheet) homeVisit() *carev1.HomeVisit {
	began := s.at.UnixMilli()
	m := &carev1.HomeVisit{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Stay:        &carev1.Stay{ArrivedAtMs: began, LeftAtMs: began + 420_000 + s.rnd.Int64N(900_000)},
		ServiceMode: carev1.ServiceMode_SERVICE_MODE_PROACTIVE, HouseholdId: s.c.recordID(s.p.village, s.p.household(), household, 0, 0),
		Purposes: []carev1.VisitPurpose{carev1.VisitPurpose_VISIT_PURPOSE_EDUCATION}, MetResident: carev1.MetResident_MET_RESIDENT_RESIDENT,
		PulsePerMin: s.about(60, 88), BloodPressure: s.pressure(carev1.Arm_ARM_LEFT),
		Services: []carev1.VisitService{carev1.VisitService_VISIT_SERVICE_BLOOD_PRESSURE, carev1.VisitService_VISIT_SERVICE_LIFESTYLE_ADVICE},
		Action:   "测量血压，指导合理膳食与适量运动", ContractNotice: carev1.ContractNotice_CONTRACT_NOTICE_SIGNED_BEFORE, Position: s.position(),
		ResidentSignature: s.signature(), DoctorSignature: s.signature(), NextServiceDate: s.next(180),
	}
	if !s.p.contract {
		m.ContractNotice = carev1.ContractNotice_CONTRACT_NOTICE_NOT_SIGNED
	}
	return m
}

func (s *sheet) screening() *carev1.DiseaseScreening {
	glucose := math.Max(s.p.glucose+0.35*s.rnd.NormFloat64(), 3.6)
	m := &carev1.DiseaseScreening{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Target: carev1.ScreeningTarget_SCREENING_TARGET_DIABETES, Risks: []carev1.ScreeningRisk{carev1.ScreeningRisk_SCREENING_RISK_AGED_40},
		BodySize: s.size(), WaistCmX10: tenths(s.p.waistCm), BloodPressure: s.pressure(carev1.Arm_ARM_RIGHT),
		FastingGlucoseMmolPerLX100: hundredths(glucose), DiabetesSymptoms: 1, Result: carev1.ScreeningResult_SCREENING_RESULT_NORMAL,
	}
	switch g := m.GetFastingGlucoseMmolPerLX100(); {
	case g >= 700:
		m.Result = carev1.ScreeningResult_SCREENING_RESULT_SUSPECTED
	case g >= 610:
		m.Result = carev1.ScreeningResult_SCREENING_RESULT_HIGH_RISK
	}
	return m
}

func (s *sheet) childVisit() *carev1.ChildVisit {
	months := max(days(s.p.born, s.on)/30, 1)
	stages := []carev1.ChildAgeStage{1, 3, 6, 8, 12, 18, 24, 30, 36, 48, 60, 72}
	stage := stages[0]
	for _, one := range stages {
		if int(one) <= months {
			stage = one
		}
	}
	length := 50 + 2.2*math.Min(float64(months), 12) + 0.62*math.Max(float64(months-12), 0)
	return &carev1.ChildVisit{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(), AgeStage: stage,
		Growth: &carev1.ChildGrowth{
			WeightKgX100: hundredths(3.4 + 0.55*math.Min(float64(months), 12) + 0.17*math.Max(float64(months-12), 0) + 0.3*s.rnd.NormFloat64()),
			WeightLevel:  2, LengthCmX10: tenths(length + 1.2*s.rnd.NormFloat64()), LengthLevel: 2,
		},
		HaemoglobinGPerL: s.about(112, 138), NextServiceDate: s.next(180), DoctorSignature: s.signature(),
	}
}

func (s *sheet) clinicVisit() *carev1.ClinicVisit {
	name, code := "高血压", "I10"
	if !s.p.hypertension {
		name, code = "2型糖尿病", "E11"
	}
	return &carev1.ClinicVisit{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: hospitalOf(s.p.village.Code), DoctorId: s.doctor, Capture: s.capture(),
		FirstOfYear: s.roll(0.5), Complaint: "复诊取药", BloodPressure: s.pressure(carev1.Arm_ARM_RIGHT), PulsePerMin: s.about(60, 92),
		Diagnoses: map[string]*carev1.ClinicDiagnosis{s.key(400): {Name: name, Icd10Code: code, Certainty: 1}}, Treatment: "继续原方案",
		Fee: &carev1.Fee{FeeFen: proto.Int64(1000 + 100*s.rnd.Int64N(60))}, DoctorSignature: s.signature(),
	}
}

func (s *sheet) death() *carev1.VitalEvent {
	return &carev1.VitalEvent{
		ServiceDate: int32(s.on), Status: submitted, OrganisationCode: s.clinic(), DoctorId: s.doctor, Capture: s.capture(),
		Type: carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH, EventDate: int32(s.on.AddDays(-s.rnd.IntN(4))), KnownDate: int32(s.on),
		Death:    &carev1.VitalEventDeath{Cause: "脑血管病", Icd_10Code: "I64", Place: carev1.DeathPlace_DEATH_PLACE_HOME},
		Evidence: []carev1.VitalEventEvidence{carev1.VitalEventEvidence_VITAL_EVENT_EVIDENCE_VILLAGE_COMMITTEE}, DoctorSignature: s.signature(),
	}
}
