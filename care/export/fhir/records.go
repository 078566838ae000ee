// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
)

// serviceForm is a form of a service.
type serviceForm interface {
	GetServiceDate() int32
	GetStatus() carev1.FormStatus
	GetOrganisationCode() string
	GetDoctorId() string
}

// addRecord adds what a record becomes, and who saved it.
func (b *bundle) addRecord(r *Record) {
	b.current, b.targets = r, nil
	switch m := r.Entry.Form.(type) {
	case *carev1.Resident:
		b.targets = list{b.patient}
		b.addResident(m)
	case *carev1.Contract:
		b.addContract(m)
	case serviceForm:
		b.addService(m)
	}
	b.addProvenance(r)
	b.current, b.targets = nil, nil
}

// addService adds an encounter and what was measured, unless the form is a draft or has no day.
func (b *bundle) addService(m serviceForm) {
	v := visit{on: care.Date(m.GetServiceDate()), performer: b.practitioner(m.GetDoctorId())}
	if !v.on.Whole() || m.GetStatus() == carev1.FormStatus_FORM_STATUS_DRAFT {
		return
	}
	add := b.measures(m)
	if add == nil {
		return
	}
	v.encounter = b.encounter(m, v)
	add(v)
}

// measures returns what adds the measures of a form; nil for a form that has no place here.
func (b *bundle) measures(m serviceForm) func(visit) {
	switch m := m.(type) {
	case *carev1.HypertensionFollowUp:
		return func(v visit) { b.hypertension(v, m) }
	case *carev1.DiabetesFollowUp:
		return func(v visit) { b.diabetes(v, m) }
	case *carev1.CopdFollowUp:
		return func(v visit) { b.copd(v, m) }
	case *carev1.HomeVisit:
		return func(v visit) { b.homeVisit(v, m) }
	case *carev1.ClinicVisit:
		return func(v visit) { b.clinicVisit(v, m) }
	case *carev1.Checkup:
		return func(v visit) { b.checkup(v, m) }
	case *carev1.DiseaseScreening:
		return func(v visit) { b.screening(v, m) }
	}
	return nil
}

func (b *bundle) encounter(m serviceForm, v visit) resource {
	class, words := "AMB", "门诊"
	if f, ok := m.(interface{ GetWay() carev1.FollowUpWay }); ok {
		switch f.GetWay() {
		case carev1.FollowUpWay_FOLLOW_UP_WAY_HOME:
			class, words = "HH", "家庭"
		case carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE:
			class, words = "VR", "电话"
		}
	}
	if _, ok := m.(*carev1.HomeVisit); ok {
		class, words = "HH", "家庭"
	}
	kind := b.current.Entry.Kind
	zh := export.KindLabel(kind)
	r := resource{
		"status": "finished", "class": resource{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class, "display": words},
		"type": list{coded(zh, coding(Namespace+"kind", care.NameOf(kind)))}, "subject": b.patient,
		"period": resource{"start": v.on.String(), "end": v.on.String()}, "identifier": list{resource{"system": Namespace + "record", "value": b.current.Entry.ID.String()}},
	}
	if v.performer != nil {
		r["participant"] = list{resource{"individual": v.performer}}
	}
	if o := b.organisation(m.GetOrganisationCode()); o != nil {
		r["serviceProvider"] = o
	}
	return b.add("Encounter", "", fmt.Sprintf("%s（%s，%s）", zh, words, v.on), r)
}

func (b *bundle) hypertension(v visit, m *carev1.HypertensionFollowUp) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.size(v, m.GetBodySize())
	b.observe(v, heartRate(), m.HeartRatePerMin)
	b.observe(v, saturation(), m.OxygenSaturationPercent)
	b.observe(v, temperature(), m.TemperatureCX10)
	b.class(v, m.GetClassification())
	b.drugs(v, m.GetMedications(), m.GetAdherence())
}

func (b *bundle) diabetes(v visit, m *carev1.DiabetesFollowUp) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.size(v, m.GetBodySize())
	b.observe(v, glucose("fasting_glucose", "空腹血糖", fastingGlucose, 1), m.FastingGlucoseMmolPerLX10)
	b.observe(v, glucose("after_meal_glucose", "餐后血糖", anyGlucose, 1), m.AfterMealGlucoseMmolPerLX10)
	b.observe(v, glucose("random_glucose", "随机血糖", anyGlucose, 1), m.RandomGlucoseMmolPerLX10)
	if g := m.GetGlycatedHaemoglobin(); g != nil {
		at := v
		if d := care.Date(g.GetTestedOn()); d.Whole() {
			at.on = d
		}
		b.observe(at, glycated(1), g.PercentX10)
	}
	b.class(v, m.GetClassification())
	b.drugs(v, m.GetMedications(), m.GetAdherence())
}

func (b *bundle) class(v visit, c carev1.FollowUpResult) {
	zh, _ := export.Label(c)
	b.said(v, "classification", "此次随访分类", zh)
}

func (b *bundle) copd(v visit, m *carev1.CopdFollowUp) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.size(v, m.GetBodySize())
	b.observe(v, heartRate(), m.HeartRatePerMin)
	b.observe(v, respiration(), m.RespirationPerMin)
	b.observe(v, saturation(), m.OxygenSaturationPercent)
	if s := m.GetSpirometry(); s != nil {
		at := v
		if d := care.Date(s.GetMeasuredOn()); d.Whole() {
			at.on = d
		}
		b.observe(at, measure{id: "fev1", zh: "第一秒用力呼气量 FEV1", loinc: "20150-9", unit: "L", decimals: 2}, s.Fev1LX100)
		b.observe(at, measure{id: "fev1_fvc", zh: "FEV1/FVC", loinc: "19926-5", unit: "%", decimals: 1}, s.Fev1FvcPercentX10)
	}
	level, _ := export.Label(m.GetManagementLevel())
	b.said(v, "management_level", "管理级别", level)
	b.drugs(v, m.GetMedications(), m.GetAdherence())
}

func (b *bundle) homeVisit(v visit, m *carev1.HomeVisit) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.size(v, m.GetBodySize())
	b.observe(v, waist(), m.WaistCmX10)
	b.observe(v, temperature(), m.TemperatureCX10)
	b.observe(v, pulse(), m.PulsePerMin)
	b.observe(v, respiration(), m.RespirationPerMin)
	b.observe(v, saturation(), m.OxygenSaturationPercent)
	b.bloodGlucose(v, m.GetBloodGlucose())
	b.drugs(v, m.GetMedications(), 0)
}

func (b *bundle) clinicVisit(v visit, m *carev1.ClinicVisit) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.observe(v, temperature(), m.TemperatureCX10)
	b.observe(v, pulse(), m.PulsePerMin)
	b.bloodGlucose(v, m.GetBloodGlucose())
	b.drugs(v, m.GetMedications(), 0)
}

func (b *bundle) bloodGlucose(v visit, g *carev1.BloodGlucose) {
	if g == nil {
		return
	}
	code, zh := anyGlucose, "血糖"
	if timing, _ := export.Label(g.GetTiming()); timing != "" {
		zh = timing + "血糖"
	}
	if g.GetTiming() == carev1.GlucoseTiming_GLUCOSE_TIMING_FASTING {
		code = fastingGlucose
	}
	b.observe(v, glucose("glucose", strings.ReplaceAll(zh, "血糖血糖", "血糖"), code, 1), g.GlucoseMmolPerLX10)
}

func (b *bundle) screening(v visit, m *carev1.DiseaseScreening) {
	b.pressure(v, "blood_pressure", "", m.GetBloodPressure())
	b.size(v, m.GetBodySize())
	b.observe(v, waist(), m.WaistCmX10)
	b.observe(v, glucose("fasting_glucose", "空腹血糖", fastingGlucose, 2), m.FastingGlucoseMmolPerLX100)
	b.observe(v, glucose("random_glucose", "随机血糖", anyGlucose, 2), m.RandomGlucoseMmolPerLX100)
	b.observe(v, glucose("two_hour_glucose", "糖负荷后2小时血糖", anyGlucose, 2), m.TwoHourGlucoseMmolPerLX100)
	b.observe(v, glycated(2), m.GlycatedHaemoglobinPercentX100)
	result, _ := export.Label(m.GetResult())
	b.said(v, "screening_result", "筛查结果", result)
}

func (b *bundle) checkup(v visit, m *carev1.Checkup) {
	if g := m.GetGeneral(); g != nil {
		b.pressure(v, "blood_pressure_left", "（左侧）", g.GetBloodPressureLeft())
		b.pressure(v, "blood_pressure_right", "（右侧）", g.GetBloodPressureRight())
		b.size(v, g.GetBodySize())
		b.observe(v, waist(), g.WaistCmX10)
		b.observe(v, temperature(), g.TemperatureCX10)
		b.observe(v, pulse(), g.PulsePerMin)
		b.observe(v, respiration(), g.RespirationPerMin)
		level, _ := export.Label(g.GetSelfCare().GetLevel())
		b.said(v, "self_care", "老年人生活自理能力", level)
	}
	if e := m.GetPhysicalExamination(); e != nil {
		b.observe(v, heartRate(), e.HeartRatePerMin)
	}
	smoking, _ := export.Label(m.GetLifestyle().GetSmoking().GetStatus())
	b.said(v, "smoking", "吸烟状况", smoking, coding(loinc, "72166-2"))
	b.laboratory(v, m.GetTests())
	assessment, _ := export.Label(m.GetEvaluation().GetAssessment().GetResult())
	b.said(v, "assessment", "健康评价", assessment)
	for i, text := range m.GetEvaluation().GetAssessment().GetAbnormalities() {
		b.said(v, fmt.Sprintf("abnormality_%d", i+1), "异常", text)
	}
	for _, key := range slices.Sorted(maps.Keys(m.GetMedication().GetDrugs())) {
		d := m.GetMedication().GetDrugs()[key]
		b.drug(v, "long_term/"+key, d.GetDrug(), d.GetAdherence(), care.Date(d.GetTakenSince()))
	}
	b.vaccinations(v, m.GetVaccinations())
}

func (b *bundle) vaccinations(v visit, m *carev1.CheckupVaccinations) {
	for _, key := range slices.Sorted(maps.Keys(m.GetGiven())) {
		g := m.GetGiven()[key]
		if g.GetName() == "" {
			continue
		}
		r := resource{"status": "completed", "vaccineCode": coded(g.GetName()), "patient": b.patient, "primarySource": false, "encounter": v.encounter}
		if on := date(care.Date(g.GetVaccinatedOn())); on != nil {
			r["occurrenceDateTime"] = on
		} else {
			r["occurrenceString"] = "不详"
		}
		if g.GetOrganisation() != "" {
			r["performer"] = list{resource{"actor": resource{"display": g.GetOrganisation()}}}
		}
		b.add("Immunization", key, "非免疫规划预防接种 "+g.GetName(), r)
	}
}

// drugs adds what a form says is taken.
func (b *bundle) drugs(v visit, all map[string]*carev1.DrugEntry, a carev1.Adherence) {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		b.drug(v, key, all[key], a, 0)
	}
}

// drug adds one drug. A form says what was taken on its day; what came after is not known.
func (b *bundle) drug(v visit, key string, d *carev1.DrugEntry, a carev1.Adherence, since care.Date) {
	if d.GetName() == "" {
		return
	}
	status := "unknown"
	if a == carev1.Adherence_ADHERENCE_NOT_TAKEN || a == carev1.Adherence_ADHERENCE_REFUSED {
		status = "not-taken"
	}
	r := resource{
		"status": status, "medicationCodeableConcept": coded(d.GetName()), "subject": b.patient, "context": v.encounter, "dateAsserted": v.on.String(),
	}
	r["effectiveDateTime"] = v.on.String()
	if on := date(since); on != nil && since <= v.on {
		delete(r, "effectiveDateTime")
		r["effectivePeriod"] = resource{"start": on}
	}
	if text := dosage(d); text != "" {
		r["dosage"] = list{resource{"text": text}}
	}
	b.add("MedicationStatement", key, "用药 "+d.GetName()+" "+dosage(d), r)
}

func dosage(d *carev1.DrugEntry) string {
	var parts []string
	if d.TimesPerDay != nil {
		parts = append(parts, fmt.Sprintf("每日 %d 次", d.GetTimesPerDay()))
	}
	if d.DoseX1000 != nil {
		dose := strings.TrimRight(strings.TrimRight(number(d.GetDoseX1000(), 3).String(), "0"), ".")
		parts = append(parts, "每次 "+dose+" "+d.GetDoseUnit())
	}
	if d.GetUsage() != "" {
		parts = append(parts, d.GetUsage())
	}
	return strings.Join(parts, "，")
}

// laboratory adds the numbers of the laboratory that a standard code names exactly.
func (b *bundle) laboratory(v visit, t *carev1.CheckupTests) {
	one := func(id, zh, code, unit string, value *int32) {
		b.observe(v, measure{id: id, zh: zh, loinc: code, unit: unit, decimals: 2}, value)
	}
	if m := t.GetBloodCount(); m != nil {
		one("haemoglobin", "血红蛋白", "718-7", "g/L", m.HaemoglobinGPerLX100)
		one("white_cells", "白细胞", "26464-8", "10*9/L", m.WhiteCellsGigaPerLX100)
		one("platelets", "血小板", "26515-7", "10*9/L", m.PlateletsGigaPerLX100)
	}
	if m := t.GetFastingGlucose(); m != nil {
		one("fasting_glucose", "空腹血糖", fastingGlucose, "mmol/L", m.GlucoseMmolPerLX100)
	}
	if m := t.GetGlycatedHaemoglobin(); m != nil {
		b.observe(v, glycated(2), m.PercentX100)
	}
	if m := t.GetUrineAlbumin(); m != nil {
		one("urine_albumin", "尿微量白蛋白", "1754-1", "mg/dL", m.AlbuminMgPerDlX100)
	}
	if m := t.GetLiverFunction(); m != nil {
		one("alt", "谷丙转氨酶", "1742-6", "U/L", m.AltUPerLX100)
		one("ast", "谷草转氨酶", "1920-8", "U/L", m.AstUPerLX100)
		one("albumin", "白蛋白", "1751-7", "g/L", m.AlbuminGPerLX100)
		one("total_bilirubin", "总胆红素", "14631-6", "umol/L", m.TotalBilirubinUmolPerLX100)
		one("direct_bilirubin", "结合胆红素", "14629-0", "umol/L", m.DirectBilirubinUmolPerLX100)
	}
	if m := t.GetKidneyFunction(); m != nil {
		one("creatinine", "血清肌酐", "14682-9", "umol/L", m.CreatinineUmolPerLX100)
		one("urea", "血尿素", "22664-7", "mmol/L", m.UreaMmolPerLX100)
		one("potassium", "血钾", "2823-3", "mmol/L", m.PotassiumMmolPerLX100)
		one("sodium", "血钠", "2951-2", "mmol/L", m.SodiumMmolPerLX100)
	}
	if m := t.GetLipids(); m != nil {
		one("total_cholesterol", "总胆固醇", "14647-2", "mmol/L", m.TotalCholesterolMmolPerLX100)
		one("triglycerides", "甘油三酯", "14927-8", "mmol/L", m.TriglyceridesMmolPerLX100)
		one("ldl", "低密度脂蛋白胆固醇", "22748-8", "mmol/L", m.LdlMmolPerLX100)
		one("hdl", "高密度脂蛋白胆固醇", "14646-4", "mmol/L", m.HdlMmolPerLX100)
	}
	if m := t.GetUricAcid(); m != nil {
		one("uric_acid", "尿酸", "14933-6", "umol/L", m.UricAcidUmolPerLX100)
	}
	if m := t.GetHomocysteine(); m != nil {
		one("homocysteine", "同型半胱氨酸", "13965-9", "umol/L", m.HomocysteineUmolPerLX100)
	}
}

// addContract adds a contract as a plan of care with its team.
func (b *bundle) addContract(m *carev1.Contract) {
	status, ok := map[carev1.ContractState]string{
		carev1.ContractState_CONTRACT_STATE_SIGNED: "active", carev1.ContractState_CONTRACT_STATE_RENEWED: "active",
		carev1.ContractState_CONTRACT_STATE_TERMINATED: "revoked", carev1.ContractState_CONTRACT_STATE_EXPIRED: "completed",
	}[m.GetState()]
	if !ok || m.GetStatus() == carev1.FormStatus_FORM_STATUS_DRAFT {
		return
	}
	until := care.Date(m.GetTerm().GetUntil())
	if status == "active" && until.Whole() && until < care.DateOf(b.At) {
		status = "completed"
	}
	period := resource{}
	for name, d := range map[string]care.Date{"start": care.Date(m.GetTerm().GetSince()), "end": until} {
		if on := date(d); on != nil {
			period[name] = on
		}
	}
	zh, _ := export.Label(m.GetPackageType())
	r := resource{
		"status": status, "intent": "plan", "category": list{coded("家庭医生签约")}, "title": "家庭医生签约服务 " + zh, "subject": b.patient,
		"identifier": list{resource{"system": Namespace + "record", "value": b.current.Entry.ID.String()}}, "activity": activities(m), "created": date(care.Date(m.GetSignedOn())),
	}
	if len(period) > 0 {
		r["period"] = period
	}
	if d := b.practitioner(m.GetDoctorId()); d != nil {
		r["author"] = d
	}
	if t := b.team(m.GetTeamId(), m.GetOrganisationCode()); t != nil {
		r["careTeam"] = list{t}
	}
	b.add("CarePlan", "", "家庭医生签约 "+zh, r)
}

func activities(m *carev1.Contract) list {
	out := list{}
	for _, items := range []map[string]*carev1.ContractItem{m.GetServiceItems(), m.GetPersonalItems()} {
		for _, key := range slices.Sorted(maps.Keys(items)) {
			i := items[key]
			if i.GetName() == "" {
				continue
			}
			text := i.GetName()
			if i.TimesPerYear != nil {
				text += fmt.Sprintf("，每年 %d 次", i.GetTimesPerYear())
			}
			out = append(out, resource{"detail": resource{"status": "unknown", "code": coded(i.GetName()), "description": text}})
		}
	}
	return out
}

// addProvenance says who saved the current record, and where that is written.
func (b *bundle) addProvenance(r *Record) {
	if len(r.Revisions) == 0 || len(b.targets) == 0 {
		return
	}
	agents, entities, signatures := list{}, list{}, list{}
	known := map[string]bool{}
	for _, v := range r.Revisions {
		who := b.practitioner(v.Author)
		if who == nil {
			who = resource{"display": "不详"}
		}
		if !known[v.Author] {
			known[v.Author] = true
			agents = append(agents, resource{
				"type": coded("保存者", coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author")), "who": who,
			})
		}
		entities = append(entities, resource{
			"role": "source", "what": resource{"identifier": resource{"system": Namespace + "revision", "value": v.Dot}, "display": "签名的一次保存；证明：xunzhen prove " + r.Entry.ID.String()},
		})
		signatures = append(signatures, resource{
			"type": list{coding("urn:iso-astm:E1762-95:2013", "1.2.840.10065.1.12.1.1")}, "when": instant(v.SavedAt), "who": who,
			"onBehalfOf": resource{"identifier": resource{"system": Namespace + "replica", "value": v.Replica}, "type": "Device", "display": "以其密钥签名的设备"},
		})
	}
	p := resource{
		"target": b.targets, "recorded": instant(r.Revisions[len(r.Revisions)-1].ReceivedAt), "agent": agents, "entity": entities, "signature": signatures,
	}
	if e := conflictExtensions(r.Conflicts); len(e) > 0 {
		p["extension"] = e
	}
	b.add("Provenance", "", export.KindLabel(r.Entry.Kind)+" 的保存记录", p)
}

// conflictExtensions names each path in conflict with the values that are not shown.
func conflictExtensions(all []Conflict) list {
	out := list{}
	for _, c := range all {
		parts := list{resource{"url": "path", "valueString": c.Path}}
		for _, o := range c.Others {
			if o != "" {
				parts = append(parts, resource{"url": "other", "valueString": o})
			}
		}
		out = append(out, resource{"url": Namespace + "StructureDefinition/conflict", "extension": parts})
	}
	return out
}
