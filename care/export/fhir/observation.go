// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"encoding/json"
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

const (
	loinc       = "http://loinc.org"
	ucum        = "http://unitsofmeasure.org"
	profile     = "http://hl7.org/fhir/StructureDefinition/"
	dataElement = Namespace + "ws-data-element"
)

// number writes n in units of its last decimal as a JSON number.
func number(n int64, decimals int) json.Number {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := fmt.Sprintf("%0*d", decimals+1, n)
	if decimals == 0 {
		return json.Number(sign + digits)
	}
	cut := len(digits) - decimals
	return json.Number(sign + digits[:cut] + "." + digits[cut:])
}

// measure says what a measured number is.
type measure struct {
	id, zh, loinc string
	unit          string // in UCUM
	shown         string // the unit as people write it; empty: as in UCUM
	decimals      int
	profile       string // of the specification's vital signs; empty: none
	element       string // of WS 363
}

func (m measure) code() resource {
	codes := []resource{coding(loinc, m.loinc)}
	if m.element != "" {
		codes = append(codes, coding(dataElement, m.element))
	}
	return coded(m.zh, codes...)
}

func (m measure) quantity(v int64) resource {
	shown := m.shown
	if shown == "" {
		shown = m.unit
	}
	return resource{"value": number(v, m.decimals), "unit": shown, "system": ucum, "code": m.unit}
}

// Measures. LOINC codes as published by Regenstrief; units in UCUM as the forms have them.
func weight() measure {
	return measure{id: "weight", zh: "体重", loinc: "29463-7", unit: "kg", decimals: 1, profile: "bodyweight", element: "DE04.10.188.00"}
}

func height() measure {
	return measure{id: "height", zh: "身高", loinc: "8302-2", unit: "cm", decimals: 1, profile: "bodyheight", element: "DE04.10.167.00"}
}

func massIndex() measure {
	return measure{id: "bmi", zh: "体质指数", loinc: "39156-5", unit: "kg/m2", shown: "kg/m²", decimals: 1, profile: "bmi"}
}

func waist() measure {
	return measure{id: "waist", zh: "腰围", loinc: "8280-0", unit: "cm", decimals: 1}
}

func heartRate() measure {
	return measure{id: "heart_rate", zh: "心率", loinc: "8867-4", unit: "/min", shown: "次/分", profile: "heartrate", element: "DE04.10.206.00"}
}

func pulse() measure {
	return measure{id: "pulse", zh: "脉搏", loinc: "8867-4", unit: "/min", shown: "次/分", profile: "heartrate", element: "DE04.10.118.00"}
}

func temperature() measure {
	return measure{id: "temperature", zh: "体温", loinc: "8310-5", unit: "Cel", shown: "℃", decimals: 1, profile: "bodytemp", element: "DE04.10.186.00"}
}

func respiration() measure {
	return measure{id: "respiration", zh: "呼吸频率", loinc: "9279-1", unit: "/min", shown: "次/分", profile: "resprate", element: "DE04.10.081.00"}
}

func saturation() measure {
	return measure{id: "oxygen_saturation", zh: "血氧饱和度", loinc: "2708-6", unit: "%", profile: "oxygensat"}
}

// glucose of a specimen that the form does not name: in blood.
func glucose(id, zh, code string, decimals int) measure {
	return measure{id: id, zh: zh, loinc: code, unit: "mmol/L", decimals: decimals}
}

const (
	fastingGlucose = "76629-5" // Fasting glucose [Moles/volume] in Blood
	anyGlucose     = "15074-8" // Glucose [Moles/volume] in Blood
)

func glycated(decimals int) measure {
	return measure{id: "glycated_haemoglobin", zh: "糖化血红蛋白", loinc: "4548-4", unit: "%", decimals: decimals}
}

// observe adds an observation of a number; nothing where it was not measured.
func (b *bundle) observe(v visit, m measure, value *int32) {
	if value == nil {
		return
	}
	quantity := m.quantity(int64(*value))
	r := v.observation(b, m.profile != "", m.code())
	r["valueQuantity"] = quantity
	if m.profile != "" {
		r["meta"] = resource{"profile": list{profile + m.profile}}
	}
	b.add("Observation", m.id, fmt.Sprintf("%s %s %s（%s）", m.zh, quantity["value"], quantity["unit"], v.on), r)
}

// observation returns what all observations of a visit have.
func (v visit) observation(b *bundle, vital bool, code resource) resource {
	category := coded("检验", coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"))
	if vital {
		category = coded("生命体征", coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs"))
	}
	r := resource{
		"status": "final", "category": list{category}, "code": code, "subject": b.patient, "effectiveDateTime": v.on.String(),
	}
	if v.encounter != nil {
		r["encounter"] = v.encounter
	}
	if v.performer != nil {
		r["performer"] = list{v.performer}
	}
	return r
}

// pressure adds a blood pressure.
func (b *bundle) pressure(v visit, id, side string, p *carev1.BloodPressure) {
	if p == nil || p.SystolicMmhg == nil && p.DiastolicMmhg == nil {
		return
	}
	component := func(m measure, n *int32) resource {
		if n == nil {
			return resource{"code": m.code(), "dataAbsentReason": coded("未测", coding("http://terminology.hl7.org/CodeSystem/data-absent-reason", "not-performed"))}
		}
		return resource{"code": m.code(), "valueQuantity": m.quantity(int64(*n))}
	}
	r := v.observation(b, true, coded("血压"+side, coding(loinc, "85354-9")))
	r["meta"] = resource{"profile": list{profile + "bp"}}
	r["component"] = list{
		component(measure{zh: "收缩压", loinc: "8480-6", unit: "mm[Hg]", shown: "mmHg", element: "DE04.10.174.00"}, p.SystolicMmhg),
		component(measure{zh: "舒张压", loinc: "8462-4", unit: "mm[Hg]", shown: "mmHg", element: "DE04.10.176.00"}, p.DiastolicMmhg),
	}
	if p.GetSelfReported() {
		r["method"] = coded("居民自报")
	}
	if side != "" {
		r["bodySite"] = coded(strings.Trim(side, "（）") + "上臂")
	}
	b.add("Observation", id, fmt.Sprintf("血压%s %d/%d mmHg（%s）", side, p.GetSystolicMmhg(), p.GetDiastolicMmhg(), v.on), r)
}

func (b *bundle) size(v visit, s *carev1.BodySize) {
	if s == nil {
		return
	}
	b.observe(v, weight(), s.WeightKgX10)
	b.observe(v, height(), s.HeightCmX10)
	b.observe(v, massIndex(), s.BmiKgPerM2X10)
}

// said adds an observation whose value is words.
func (b *bundle) said(v visit, id, zh string, value string, codes ...resource) {
	if value == "" {
		return
	}
	r := v.observation(b, false, coded(zh, append(codes, coding(Namespace+"question", id))...))
	delete(r, "category")
	r["valueCodeableConcept"] = coded(value)
	b.add("Observation", id, fmt.Sprintf("%s %s（%s）", zh, value, v.on), r)
}

// visit is a service of a day.
type visit struct {
	on        care.Date
	encounter any // reference
	performer any // reference; nil: nobody is named
}
