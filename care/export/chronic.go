// SPDX-License-Identifier: Apache-2.0

package export

import (
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// followUp is what the forms of follow-up of the three diseases have in common.
type followUp interface {
	dated
	GetDoctorId() string
	GetWay() carev1.FollowUpWay
	GetBloodPressure() *carev1.BloodPressure
	GetAdherence() carev1.Adherence
	GetNextServiceDate() int32
}

// disease is one of the diseases that have a register.
type disease struct {
	group     carev1.PopulationCode
	past      carev1.PastDiseaseCode
	zh, en    string
	name      string
	followUps func(*Person) []followUp
}

// ChronicLine is one person in the register of a disease.
type ChronicLine struct {
	*Person
	disease *disease
	visits  []followUp // face to face, by day
	phoned  int
	latest  followUp // of any way; nil: none
}

func followUps[M followUp](p *Person) []followUp {
	var out []followUp
	for _, m := range served[M](p) {
		out = append(out, m)
	}
	return out
}

func hypertension() *disease {
	return &disease{carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION, "高血压", "hypertension", "hypertension", followUps[*carev1.HypertensionFollowUp]}
}

func diabetes() *disease {
	return &disease{carev1.PopulationCode_POPULATION_CODE_DIABETES, carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES, "2型糖尿病", "type 2 diabetes", "diabetes", followUps[*carev1.DiabetesFollowUp]}
}

func copd() *disease {
	return &disease{carev1.PopulationCode_POPULATION_CODE_COPD, carev1.PastDiseaseCode_PAST_DISEASE_CODE_COPD, "慢阻肺", "COPD", "copd", followUps[*carev1.CopdFollowUp]}
}

// Register is table (b) of one disease.
type Register struct {
	Sheet[ChronicLine]
	disease *disease
}

// Of returns the line of a person; false for who is not in the register: it has who belongs
// to the population on the last day counted, and who was followed up in the period.
func (r Register) Of(p *Person) (ChronicLine, bool) {
	l := ChronicLine{Person: p, disease: r.disease}
	for _, v := range r.disease.followUps(p) {
		l.latest = v
		if v.GetWay() == carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE {
			l.phoned++
		} else {
			l.visits = append(l.visits, v)
		}
	}
	return l, p.in(r.disease.group) || l.latest != nil
}

// Chronic returns table (b) of the three diseases: hypertension, diabetes, COPD.
func Chronic() []Register {
	return []Register{
		register(hypertension()),
		register(diabetes(), lastGlucose(), lastHaemoglobin()),
		register(copd(), lastSaturation(), lastSpirometry()),
	}
}

func (l ChronicLine) on() care.Date {
	if l.latest == nil {
		return l.question.Until()
	}
	return care.Date(l.latest.GetServiceDate())
}

// since returns when the disease was diagnosed, else since when the person has been in the population.
func (l ChronicLine) since() care.Date {
	var tagged int32
	for _, e := range l.entries {
		r, ok := e.Form.(*carev1.Resident)
		if !ok {
			continue
		}
		for _, d := range sorted(r.GetPastDiseases()) {
			if d.GetCode() == l.disease.past && d.GetDiagnosedOn() > 0 {
				return care.Date(d.GetDiagnosedOn())
			}
		}
		for _, t := range sorted(r.GetTags()) {
			if t.GetCode() == l.disease.group && t.GetSince() > 0 && tagged == 0 {
				tagged = t.GetSince()
			}
		}
	}
	return care.Date(tagged)
}

// latestForm reads the latest follow-up; nothing was measured where there is none.
func latestForm[M proto.Message](l ChronicLine, read func(M) *int32) *int32 {
	if m, ok := l.latest.(M); ok {
		return read(m)
	}
	return nil
}

func lastGlucose() field[ChronicLine] {
	return field[ChronicLine]{Column{ID: "glucose", ZH: "末次空腹血糖(mmol/L)", EN: "latest fasting glucose", Format: Tenths, Width: 11, FromZH: "最近一次随访 空腹血糖", FromEN: "diabetes_follow_up.fasting_glucose_mmol_per_l of the latest"}, func(l ChronicLine) Cell {
		return measured(latestForm(l, func(m *carev1.DiabetesFollowUp) *int32 { return m.FastingGlucoseMmolPerLX10 }))
	}}
}

func lastHaemoglobin() field[ChronicLine] {
	return field[ChronicLine]{Column{ID: "glycated_haemoglobin", ZH: "糖化血红蛋白(%)", EN: "glycated haemoglobin", Format: Tenths, Width: 11, FromZH: "最近一次随访 糖化血红蛋白", FromEN: "diabetes_follow_up.glycated_haemoglobin of the latest"}, func(l ChronicLine) Cell {
		return measured(latestForm(l, func(m *carev1.DiabetesFollowUp) *int32 {
			g := m.GetGlycatedHaemoglobin()
			return value(g, func() *int32 { return g.PercentX10 })
		}))
	}}
}

func lastSaturation() field[ChronicLine] {
	return field[ChronicLine]{Column{ID: "oxygen_saturation", ZH: "末次血氧饱和度(%)", EN: "latest oxygen saturation", Format: Whole, Width: 11, FromZH: "最近一次随访 血氧饱和度", FromEN: "copd_follow_up.oxygen_saturation_percent of the latest"}, func(l ChronicLine) Cell {
		return measured(latestForm(l, func(m *carev1.CopdFollowUp) *int32 { return m.OxygenSaturationPercent }))
	}}
}

func lastSpirometry() field[ChronicLine] {
	return field[ChronicLine]{Column{ID: "fev1_predicted", ZH: "FEV1占预计值(%)", EN: "FEV1, % of predicted", Format: Tenths, Width: 11, FromZH: "最近一次随访 肺功能", FromEN: "copd_follow_up.spirometry of the latest"}, func(l ChronicLine) Cell {
		return measured(latestForm(l, func(m *carev1.CopdFollowUp) *int32 {
			s := m.GetSpirometry()
			return value(s, func() *int32 { return s.Fev1PredictedPercentX10 })
		}))
	}}
}

// class returns what the latest follow-up came to.
func (l ChronicLine) class() Cell {
	switch m := l.latest.(type) {
	case interface {
		GetClassification() carev1.FollowUpResult
	}:
		return label(m.GetClassification())
	case *carev1.CopdFollowUp:
		return label(m.GetManagementLevel())
	}
	return Cell{}
}

func register(d *disease, values ...field[ChronicLine]) Register {
	type line = ChronicLine
	fields := aboutPerson(func(l line) *Person { return l.Person }, line.on)
	fields = append(fields, field[line]{Column{ID: "since", ZH: "确诊日期", EN: "diagnosed", Format: Day, Width: 12, FromZH: "个人基本信息表 既往史 确诊时间，缺失时为人群标记起始日", FromEN: "resident.past_diseases, else the tag's first day"}, func(l line) Cell { return day(l.since()) }})
	for i, zh := range [...]string{"第1次随访", "第2次随访", "第3次随访", "第4次随访"} {
		fields = append(fields, field[line]{Column{ID: "visit_" + decimal(int64(i+1), 0), ZH: zh, EN: "visit " + decimal(int64(i+1), 0), Format: Day, Width: 12, FromZH: "期内面对面随访，按日期；电话随访不计", FromEN: "face-to-face follow-ups of the period by day; those by telephone do not count"}, func(l line) Cell {
			if i >= len(l.visits) {
				return Cell{}
			}
			return day(care.Date(l.visits[i].GetServiceDate()))
		}})
	}
	fields = append(
		fields,
		field[line]{Column{ID: "visits", ZH: "面对面次数", EN: "face to face", Format: Whole, Width: 8, FromZH: "期内面对面随访次数（可多于 4）", FromEN: "face-to-face follow-ups of the period, which may be more than four"}, func(l line) Cell { return number(int64(len(l.visits))) }},
		field[line]{Column{ID: "phoned", ZH: "电话次数", EN: "by telephone", Format: Whole, Width: 8, FromZH: "期内电话随访次数", FromEN: "follow-ups of the period by telephone"}, func(l line) Cell { return number(int64(l.phoned)) }},
		field[line]{Column{ID: "last_on", ZH: "末次随访", EN: "latest follow-up", Format: Day, Width: 12, FromZH: "期内最近一次随访（任何方式）", FromEN: "the latest follow-up of the period, of any way"}, func(l line) Cell {
			if l.latest == nil {
				return Cell{}
			}
			return day(care.Date(l.latest.GetServiceDate()))
		}},
		field[line]{Column{ID: "pressure", ZH: "末次血压(mmHg)", EN: "latest blood pressure", Width: 11, FromZH: "最近一次随访 血压", FromEN: "blood_pressure of the latest"}, func(l line) Cell {
			if l.latest == nil {
				return Cell{}
			}
			return pressure(l.latest.GetBloodPressure())
		}},
	)
	fields = append(fields, values...)
	fields = append(
		fields,
		field[line]{Column{ID: "class", ZH: "末次分类", EN: "latest class", Width: 14, FromZH: "最近一次随访 此次随访分类（慢阻肺：管理级别）", FromEN: "classification of the latest (COPD: management_level)"}, line.class},
		field[line]{Column{ID: "adherence", ZH: "服药依从性", EN: "adherence", Width: 10, FromZH: "最近一次随访 服药依从性", FromEN: "adherence of the latest"}, func(l line) Cell {
			if l.latest == nil {
				return Cell{}
			}
			return label(l.latest.GetAdherence())
		}},
		field[line]{Column{ID: "next_on", ZH: "下次随访日期", EN: "next follow-up", Format: Day, Width: 12, FromZH: "最近一次随访 下次随访日期", FromEN: "next_service_date of the latest"}, func(l line) Cell {
			if l.latest == nil {
				return Cell{}
			}
			return day(care.Date(l.latest.GetNextServiceDate()))
		}},
		field[line]{Column{ID: "checkup_on", ZH: "体检日期", EN: "checkup", Format: Day, Width: 12, FromZH: "期内最近一次健康体检", FromEN: "the latest checkup of the period"}, func(l line) Cell {
			return day(care.Date(last(served[*carev1.Checkup](l.Person)).GetServiceDate()))
		}},
		field[line]{Column{ID: "doctor", ZH: "责任医生", EN: "doctor in charge", Width: 10, FromZH: "最近一次随访医生；无随访时为档案责任医生", FromEN: "doctor_id of the latest; without one the resident's"}, func(l line) Cell {
			if l.latest != nil {
				return text(l.question.Names.Staff(l.latest.GetDoctorId()))
			}
			return text(l.question.Names.Staff(l.resident.GetDoctorId()))
		}},
	)
	return Register{define(Table{
		Name: d.name, ZH: d.zh + "患者管理花名册", EN: "register of persons with " + d.en, RowZH: "人", RowEN: "person", SheetZH: d.zh,
		NoteZH: "期末日在管的" + d.zh + "患者，及期内随访过的人；前 4 次随访为面对面随访。",
		NoteEN: "Whoever has " + d.en + " by the rule pack on the last day counted, and whoever was followed up in the period. The four visits are the first ones face to face.",
	}, fields...), d}
}
