// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// The parts of a checkup form, as the lists of the rule pack number them: 1 is symptoms.
const (
	partSymptoms = iota
	partVitalSigns
	partPressure
	partBodySize
	partAgedItems
	partLifestyle
	partOrgans
	partExamination
	partBloodCount
	partUrine
	partLiver
	partKidney
	partGlucose
	partLipids
	partElectrocardiogram
	partUltrasound
	partProblems
	partAssessment
	partGuidance
	partFeedback
	partMoreExamination
	checkupParts
)

var partWords = [checkupParts][2]string{
	{"症状", "symptoms"},
	{"体温脉搏呼吸", "temperature, pulse and respiration"},
	{"血压", "blood pressure"},
	{"身高体重腰围", "height, weight and waist"},
	{"老年人自评与粗筛", "self-rated health and screening of the aged"},
	{"生活方式", "lifestyle"},
	{"口腔视力听力运动", "mouth, vision, hearing and motion"},
	{"查体（皮肤、淋巴结、肺、心、腹）", "examination of skin, lymph nodes, lungs, heart and abdomen"},
	{"血常规", "blood count"},
	{"尿常规", "urinalysis"},
	{"肝功能", "liver function"},
	{"肾功能", "kidney function"},
	{"空腹血糖", "fasting glucose"},
	{"血脂", "lipids"},
	{"心电图", "electrocardiogram"},
	{"腹部B超", "abdominal ultrasound"},
	{"现存主要健康问题", "main health problems"},
	{"健康评价", "assessment"},
	{"健康指导", "guidance"},
	{"结果反馈", "feedback of the results"},
	{"查体（巩膜、桶状胸、下肢水肿）", "examination of sclera, chest and legs"},
}

// partsOf returns which parts of a form are filled, and which tests were refused; bit 0 is the first part. A
// test that was refused is not filled.
func partsOf(c *carev1.Checkup) (done, refused uint32) {
	g, l, o := c.GetGeneral(), c.GetLifestyle(), c.GetOrganFunction()
	for part, is := range [checkupParts]bool{
		partSymptoms:        len(c.GetSymptoms().GetCodes()) > 0,
		partVitalSigns:      g.GetTemperatureCX10() > 0 && g.GetPulsePerMin() > 0 && g.GetRespirationPerMin() > 0,
		partPressure:        bothMeasured(g.GetBloodPressureLeft()) || bothMeasured(g.GetBloodPressureRight()),
		partBodySize:        g.GetBodySize().GetHeightCmX10() > 0 && g.GetBodySize().GetWeightKgX10() > 0 && g.GetWaistCmX10() > 0,
		partAgedItems:       g.GetSelfRatedHealth() != 0 && g.GetSelfCare().GetLevel() != 0 && g.GetCognition().GetScreening() != 0 && g.GetEmotion().GetScreening() != 0,
		partLifestyle:       l.GetExercise().GetFrequency() != 0 && len(l.GetDiet()) > 0 && l.GetSmoking().GetStatus() != 0 && l.GetDrinking().GetFrequency() != 0,
		partOrgans:          o.GetLips() != 0 && len(o.GetTeeth().GetFindings()) > 0 && o.GetPharynx() != 0 && seen(o.GetVision()) && o.GetHearing() != 0 && o.GetMotion() != 0,
		partExamination:     examined(c.GetPhysicalExamination()),
		partProblems:        problemsSaid(c.GetHealthProblems()),
		partAssessment:      c.GetEvaluation().GetAssessment().GetResult() != 0,
		partGuidance:        len(c.GetGuidance().GetCodes()) > 0 || len(c.GetGuidance().GetRiskControl().GetCodes()) > 0,
		partFeedback:        c.GetGuidance().GetFeedback().GetGivenOn() != 0,
		partMoreExamination: examinedMore(c.GetPhysicalExamination()),
	} {
		if is {
			done |= 1 << part
		}
	}
	tested, declined := testsOf(c.GetTests())
	return done | tested, declined &^ tested
}

func bothMeasured(p *carev1.BloodPressure) bool {
	return p.GetSystolicMmhg() > 0 && p.GetDiastolicMmhg() > 0
}

func seen(v *carev1.Vision) bool {
	return v.GetLeftAcuityX100() > 0 || v.GetRightAcuityX100() > 0 || v.GetLeftCorrectedAcuityX100() > 0 || v.GetRightCorrectedAcuityX100() > 0
}

// examined reports whether skin, lymph nodes, lungs, heart and abdomen were looked at: what the yearly checkup of a
// chronic disease asks for.
func examined(p *carev1.CheckupPhysicalExamination) bool {
	return p.GetSkin().GetFinding() != 0 && p.GetLymphNodes().GetFinding() != 0 &&
		p.GetBreathSounds().GetResult() != 0 && p.GetRales().GetFinding() != 0 &&
		p.GetHeartRatePerMin() > 0 && p.GetHeartRhythm() != 0 && p.GetHeartMurmur().GetState() != 0 &&
		p.GetAbdominalTenderness().GetState() != 0 && p.GetAbdominalMass().GetState() != 0 && p.GetEnlargedLiver().GetState() != 0 &&
		p.GetEnlargedSpleen().GetState() != 0 && p.GetShiftingDullness().GetState() != 0
}

// examinedMore reports whether sclera, chest and legs were looked at.
func examinedMore(p *carev1.CheckupPhysicalExamination) bool {
	return p.GetSclera().GetFinding() != 0 && p.GetBarrelChest() != 0 && p.GetLegOedema() != 0
}

func problemsSaid(h *carev1.CheckupHealthProblems) bool {
	return len(h.GetCerebrovascular().GetCodes()) > 0 && len(h.GetKidney().GetCodes()) > 0 && len(h.GetHeart().GetCodes()) > 0 &&
		len(h.GetVascular().GetCodes()) > 0 && len(h.GetEye().GetCodes()) > 0 && h.GetNervousSystem().GetState() != 0 && h.GetOtherSystems().GetState() != 0
}

// testsOf returns the tests of the aged that were made, and those that were refused.
func testsOf(t *carev1.CheckupTests) (done, refused uint32) {
	note := func(part int, made, declined bool) {
		if made {
			done |= 1 << part
		} else if declined {
			refused |= 1 << part
		}
	}
	b, u, v, k, l := t.GetBloodCount(), t.GetUrinalysis(), t.GetLiverFunction(), t.GetKidneyFunction(), t.GetLipids()
	note(partBloodCount, b.GetHaemoglobinGPerLX100() > 0 && b.GetWhiteCellsGigaPerLX100() > 0 && b.GetPlateletsGigaPerLX100() > 0, b.GetRefused())
	note(partUrine, u.GetProtein() != 0 && u.GetGlucose() != 0 && u.GetKetone() != 0 && u.GetBlood() != 0, u.GetRefused())
	note(partLiver, v.GetAltUPerLX100() > 0 && v.GetAstUPerLX100() > 0 && v.GetTotalBilirubinUmolPerLX100() > 0, v.GetRefused())
	note(partKidney, k.GetCreatinineUmolPerLX100() > 0 && k.GetUreaMmolPerLX100() > 0, k.GetRefused())
	note(partGlucose, t.GetFastingGlucose().GetGlucoseMmolPerLX100() > 0, t.GetFastingGlucose().GetRefused())
	note(partLipids, l.GetTotalCholesterolMmolPerLX100() > 0 && l.GetTriglyceridesMmolPerLX100() > 0 && l.GetLdlMmolPerLX100() > 0 && l.GetHdlMmolPerLX100() > 0, l.GetRefused())
	noteFinding(note, partElectrocardiogram, t.GetElectrocardiogram().GetResult())
	noteFinding(note, partUltrasound, t.GetAbdominalUltrasound().GetResult())
	return done, refused
}

func noteFinding(note func(part int, made, declined bool), part int, r carev1.FindingResult) {
	refused := r == carev1.FindingResult_FINDING_RESULT_REFUSED
	note(part, r != 0 && !refused, refused)
}

// missingParts returns the parts of a list that a checkup lacks, as bits.
func (s *Settings) missingParts(e *event, list int) uint32 {
	have := uint32(e.v[0])
	if s.number[refusedCounts] == 1 {
		have |= uint32(e.v[1])
	}
	var want uint32
	for _, part := range s.list[list] {
		want |= 1 << (part - 1)
	}
	return want &^ have
}
