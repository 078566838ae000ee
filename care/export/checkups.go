// SPDX-License-Identifier: Apache-2.0

package export

import (
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// CheckupLine is one aged person with the latest checkup of the period, if there is one.
type CheckupLine struct {
	*Person
	checkup *carev1.Checkup // nil: none yet
}

// CheckupOf returns the line of a person; false for who is not in the register: it has who is
// among the aged on the last day counted, and who was examined in the period as one of them.
func CheckupOf(p *Person) (CheckupLine, bool) {
	line := CheckupLine{p, last(served[*carev1.Checkup](p))}
	if p.in(carev1.PopulationCode_POPULATION_CODE_AGED) {
		return line, true
	}
	if line.checkup == nil {
		return line, false
	}
	then, _ := p.question.Rules.Populations(p.rules, care.Date(line.checkup.GetServiceDate()))
	for _, m := range then {
		if m.Population == carev1.PopulationCode_POPULATION_CODE_AGED {
			return line, true
		}
	}
	return line, false
}

func (l CheckupLine) on() care.Date {
	if l.checkup == nil {
		return l.question.Until()
	}
	return care.Date(l.checkup.GetServiceDate())
}

// Checkups is table (a), the register of the aged and their checkups.
func Checkups() Sheet[CheckupLine] {
	type line = CheckupLine
	tests := func(l line) *carev1.CheckupTests { return l.checkup.GetTests() }
	fields := aboutPerson(func(l line) *Person { return l.Person }, line.on)
	fields = append(
		fields,
		field[line]{Column{ID: "checkup_on", ZH: "体检日期", EN: "day of the checkup", Format: Day, Width: 12, FromZH: "健康体检表 体检日期，期内最近一次；空为未体检", FromEN: "checkup.service_date, the latest of the period; empty: none yet"}, func(l line) Cell { return day(care.Date(l.checkup.GetServiceDate())) }},
		field[line]{Column{ID: "organisation", ZH: "体检机构", EN: "organisation", Width: 20, FromZH: "健康体检表 机构", FromEN: "checkup.organisation_code"}, func(l line) Cell { return text(l.question.Names.Organisation(l.checkup.GetOrganisationCode())) }},
		field[line]{Column{ID: "pressure_left", ZH: "左侧血压(mmHg)", EN: "blood pressure, left", Width: 11, FromZH: "一般状况 左侧血压", FromEN: "checkup.general.blood_pressure_left"}, func(l line) Cell { return pressure(l.checkup.GetGeneral().GetBloodPressureLeft()) }},
		field[line]{Column{ID: "pressure_right", ZH: "右侧血压(mmHg)", EN: "blood pressure, right", Width: 11, FromZH: "一般状况 右侧血压", FromEN: "checkup.general.blood_pressure_right"}, func(l line) Cell { return pressure(l.checkup.GetGeneral().GetBloodPressureRight()) }},
		field[line]{Column{ID: "glucose", ZH: "空腹血糖(mmol/L)", EN: "fasting glucose", Format: Hundredths, Width: 11, FromZH: "辅助检查 空腹血糖", FromEN: "checkup.tests.fasting_glucose"}, func(l line) Cell {
			g := tests(l).GetFastingGlucose()
			return orRefused(g.GetRefused(), value(g, func() *int32 { return g.GlucoseMmolPerLX100 }))
		}},
		field[line]{Column{ID: "bmi", ZH: "BMI(kg/m²)", EN: "body mass index", Format: Tenths, Width: 9, FromZH: "一般状况 体质指数", FromEN: "checkup.general.body_size.bmi_kg_per_m2"}, func(l line) Cell {
			b := l.checkup.GetGeneral().GetBodySize()
			return measured(value(b, func() *int32 { return b.BmiKgPerM2X10 }))
		}},
		field[line]{Column{ID: "height", ZH: "身高(cm)", EN: "height", Format: Tenths, Width: 9, FromZH: "一般状况 身高", FromEN: "checkup.general.body_size.height_cm"}, func(l line) Cell {
			b := l.checkup.GetGeneral().GetBodySize()
			return measured(value(b, func() *int32 { return b.HeightCmX10 }))
		}},
		field[line]{Column{ID: "weight", ZH: "体重(kg)", EN: "weight", Format: Tenths, Width: 9, FromZH: "一般状况 体重", FromEN: "checkup.general.body_size.weight_kg"}, func(l line) Cell {
			b := l.checkup.GetGeneral().GetBodySize()
			return measured(value(b, func() *int32 { return b.WeightKgX10 }))
		}},
		field[line]{Column{ID: "waist", ZH: "腰围(cm)", EN: "waist", Format: Tenths, Width: 9, FromZH: "一般状况 腰围", FromEN: "checkup.general.waist_cm"}, func(l line) Cell {
			g := l.checkup.GetGeneral()
			return measured(value(g, func() *int32 { return g.WaistCmX10 }))
		}},
		field[line]{Column{ID: "self_care", ZH: "生活自理能力", EN: "self-care", Width: 12, FromZH: "一般状况 老年人生活自理能力自我评估", FromEN: "checkup.general.self_care.level"}, func(l line) Cell { return label(l.checkup.GetGeneral().GetSelfCare().GetLevel()) }},
	)
	fields = append(fields, bloodFields()...)
	fields = append(fields, findingFields()...)
	fields = append(
		fields,
		field[line]{Column{ID: "assessment", ZH: "健康评价", EN: "assessment", Width: 12, FromZH: "健康评价", FromEN: "checkup.evaluation.assessment.result"}, func(l line) Cell { return label(l.checkup.GetEvaluation().GetAssessment().GetResult()) }},
		field[line]{Column{ID: "abnormalities", ZH: "异常结论", EN: "abnormalities", Width: 30, Wrap: true, FromZH: "健康评价 异常", FromEN: "checkup.evaluation.assessment.abnormalities"}, func(l line) Cell {
			return text(strings.Join(l.checkup.GetEvaluation().GetAssessment().GetAbnormalities(), "；"))
		}},
		field[line]{Column{ID: "doctor", ZH: "责任医生", EN: "doctor in charge", Width: 10, FromZH: "健康体检表 责任医生；未体检时为档案责任医生", FromEN: "checkup.doctor_id; without one the resident's"}, func(l line) Cell {
			if l.checkup != nil {
				return text(l.question.Names.Staff(l.checkup.GetDoctorId()))
			}
			return text(l.question.Names.Staff(l.resident.GetDoctorId()))
		}},
	)
	return define(Table{
		Name: "checkups", ZH: "65岁及以上老年人体检花名册", EN: "register of the aged and their checkups", RowZH: "人", RowEN: "person", SheetZH: "老年人体检",
		NoteZH: "期末日属于老年人（按规则包口径）的在管居民，及期内以老年人身份体检过的人；未体检的人各项结果为空。",
		NoteEN: "Whoever is among the aged by the rule pack on the last day counted, and whoever was examined as one of them in the period. Results are empty for who was not examined.",
	}, fields...)
}

// value reads a number of a message that may not be there.
func value[M any](of *M, read func() *int32) *int32 {
	if of == nil {
		return nil
	}
	return read()
}

// refused stands where a test was refused.
const refused = "拒检"

func orRefused(no bool, v *int32) Cell {
	if v == nil && no {
		return Cell{Text: refused}
	}
	return measured(v)
}

// bloodFields are the results of the laboratory.
func bloodFields() []field[CheckupLine] {
	type line = CheckupLine
	count := func(l line) *carev1.BloodCount { return l.checkup.GetTests().GetBloodCount() }
	liver := func(l line) *carev1.LiverFunction { return l.checkup.GetTests().GetLiverFunction() }
	kidney := func(l line) *carev1.KidneyFunction { return l.checkup.GetTests().GetKidneyFunction() }
	lipids := func(l line) *carev1.Lipids { return l.checkup.GetTests().GetLipids() }
	one := func(id, zh, en, fromZH, fromEN string, of func(line) Cell) field[line] {
		return field[line]{Column{ID: id, ZH: zh, EN: en, Format: Hundredths, Width: 10, FromZH: "辅助检查 " + fromZH, FromEN: "checkup.tests." + fromEN}, of}
	}
	return []field[line]{
		one("haemoglobin", "血红蛋白(g/L)", "haemoglobin", "血常规", "blood_count", func(l line) Cell {
			m := count(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.HaemoglobinGPerLX100 }))
		}),
		one("white_cells", "白细胞(10⁹/L)", "white cells", "血常规", "blood_count", func(l line) Cell {
			m := count(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.WhiteCellsGigaPerLX100 }))
		}),
		one("platelets", "血小板(10⁹/L)", "platelets", "血常规", "blood_count", func(l line) Cell {
			m := count(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.PlateletsGigaPerLX100 }))
		}),
		one("alt", "谷丙转氨酶(U/L)", "ALT", "肝功能", "liver_function", func(l line) Cell {
			m := liver(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.AltUPerLX100 }))
		}),
		one("ast", "谷草转氨酶(U/L)", "AST", "肝功能", "liver_function", func(l line) Cell {
			m := liver(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.AstUPerLX100 }))
		}),
		one("bilirubin", "总胆红素(μmol/L)", "total bilirubin", "肝功能", "liver_function", func(l line) Cell {
			m := liver(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.TotalBilirubinUmolPerLX100 }))
		}),
		one("creatinine", "血清肌酐(μmol/L)", "creatinine", "肾功能", "kidney_function", func(l line) Cell {
			m := kidney(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.CreatinineUmolPerLX100 }))
		}),
		one("urea", "血尿素(mmol/L)", "urea", "肾功能", "kidney_function", func(l line) Cell {
			m := kidney(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.UreaMmolPerLX100 }))
		}),
		one("cholesterol", "总胆固醇(mmol/L)", "total cholesterol", "血脂", "lipids", func(l line) Cell {
			m := lipids(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.TotalCholesterolMmolPerLX100 }))
		}),
		one("triglycerides", "甘油三酯(mmol/L)", "triglycerides", "血脂", "lipids", func(l line) Cell {
			m := lipids(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.TriglyceridesMmolPerLX100 }))
		}),
		one("ldl", "低密度脂蛋白(mmol/L)", "LDL", "血脂", "lipids", func(l line) Cell {
			m := lipids(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.LdlMmolPerLX100 }))
		}),
		one("hdl", "高密度脂蛋白(mmol/L)", "HDL", "血脂", "lipids", func(l line) Cell {
			m := lipids(l)
			return orRefused(m.GetRefused(), value(m, func() *int32 { return m.HdlMmolPerLX100 }))
		}),
	}
}

// urine writes a grade so that no spreadsheet takes it for a formula.
func urine(g carev1.UrineGrade) string {
	switch g {
	case carev1.UrineGrade_URINE_GRADE_UNSPECIFIED:
		return ""
	case carev1.UrineGrade_URINE_GRADE_NEGATIVE:
		return "阴性"
	case carev1.UrineGrade_URINE_GRADE_TRACE:
		return "±"
	}
	return decimal(int64(g-carev1.UrineGrade_URINE_GRADE_TRACE), 0) + "+"
}

func urineText(u *carev1.Urinalysis) Cell {
	if u.GetRefused() {
		return Cell{Text: refused}
	}
	part := func(name string, g carev1.UrineGrade) string {
		if s := urine(g); s != "" {
			return name + s
		}
		return ""
	}
	return text(joined("、", part("蛋白", u.GetProtein()), part("糖", u.GetGlucose()), part("酮体", u.GetKetone()), part("潜血", u.GetBlood()), u.GetOther()))
}

// findingFields are the results of what was looked at.
func findingFields() []field[CheckupLine] {
	type line = CheckupLine
	tests := func(l line) *carev1.CheckupTests { return l.checkup.GetTests() }
	return []field[line]{
		{Column{ID: "urinalysis", ZH: "尿常规", EN: "urinalysis", Width: 20, FromZH: "辅助检查 尿常规", FromEN: "checkup.tests.urinalysis"}, func(l line) Cell { return urineText(tests(l).GetUrinalysis()) }},
		{Column{ID: "electrocardiogram", ZH: "心电图", EN: "electrocardiogram", Width: 16, FromZH: "辅助检查 心电图", FromEN: "checkup.tests.electrocardiogram"}, func(l line) Cell {
			e := tests(l).GetElectrocardiogram()
			what := labels(e.GetFindings(), e.GetText())
			if what == "" {
				what = labelZH(e.GetResult())
			}
			return text(what)
		}},
		{Column{ID: "ultrasound", ZH: "腹部B超", EN: "abdominal ultrasound", Width: 16, FromZH: "辅助检查 腹部B超", FromEN: "checkup.tests.abdominal_ultrasound"}, func(l line) Cell {
			u := tests(l).GetAbdominalUltrasound()
			return text(joined("：", labelZH(u.GetResult()), u.GetText()))
		}},
		{Column{ID: "radiograph", ZH: "胸片", EN: "chest radiograph", Width: 14, FromZH: "辅助检查 胸部X线片", FromEN: "checkup.tests.chest_radiograph"}, func(l line) Cell {
			u := tests(l).GetChestRadiograph()
			return text(joined("：", labelZH(u.GetResult()), u.GetText()))
		}},
	}
}
