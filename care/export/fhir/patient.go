// SPDX-License-Identifier: Apache-2.0

package fhir

import (
	"cmp"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
)

// identityCard is the system of the numbers of identity cards.
const identityCard = "urn:oid:2.16.156.10011.1.3"

// addPatient makes one Patient of all linked residents: what it is called is what the first one
// says; numbers of all are in it, each once.
func (b *bundle) addPatient(residents []*Record) {
	b.current = residents[0]
	r := residents[0].Entry.Form.(*carev1.Resident)
	p := resource{
		"active": r.GetManagementEnd().GetEndedOn() == 0 && !r.GetDeath().GetDead(), "name": list{resource{"use": "official", "text": r.GetName()}},
		"gender": gender(r.GetSex()), "birthDate": date(care.Date(r.GetBirthDate())), "identifier": b.identifiers(residents),
		"telecom": b.telecom(r), "address": addresses(r), "contact": b.contact(r), "maritalStatus": maritalStatus(r.GetMaritalStatus()),
	}
	if d := r.GetDeath(); d.GetDead() {
		p["deceasedBoolean"] = true
		if on := date(care.Date(d.GetDiedOn())); on != nil {
			delete(p, "deceasedBoolean")
			p["deceasedDateTime"] = on
		}
	}
	if o := b.organisation(r.GetOrganisationCode()); o != nil {
		p["managingOrganization"] = o
	}
	if d := b.practitioner(r.GetDoctorId()); d != nil {
		p["generalPractitioner"] = list{d}
	}
	if !b.conflicts(residents) {
		b.current = &Record{Entry: residents[0].Entry}
	}
	b.patient = b.add("Patient", "", "居民 "+r.GetName(), p)
	b.current, b.targets = nil, nil
}

func (b *bundle) conflicts(residents []*Record) bool {
	return slices.ContainsFunc(residents, func(r *Record) bool { return len(r.Conflicts) > 0 })
}

func gender(s carev1.Sex) string {
	switch s {
	case carev1.Sex_SEX_MALE:
		return "male"
	case carev1.Sex_SEX_FEMALE:
		return "female"
	}
	return "unknown"
}

func (b *bundle) identifiers(residents []*Record) list {
	out := list{}
	seen := map[[2]string]bool{}
	add := func(system, value, use string) {
		if value == "" || seen[[2]string{system, value}] {
			return
		}
		seen[[2]string{system, value}] = true
		out = append(out, b.hidden(resource{"use": use, "system": system}, "value", value))
	}
	for _, one := range residents {
		r := one.Entry.Form.(*carev1.Resident)
		d := r.GetIdentityDocument()
		system := identityCard
		if t := d.GetType(); t != carev1.IdentityType_IDENTITY_TYPE_RESIDENT_CARD && t != carev1.IdentityType_IDENTITY_TYPE_HOUSEHOLD_REGISTER {
			system = Namespace + "identity-document/" + number(int64(t), 0).String()
		}
		add(system, d.GetNumber(), "official")
		add(Namespace+"archive-number", r.GetArchiveNumber(), "usual")
		id := one.Entry.ID.String()
		if key := [2]string{"resident", id}; !seen[key] {
			seen[key] = true
			out = append(out, resource{"use": "secondary", "system": Namespace + "resident", "value": id})
		}
	}
	return out
}

func (b *bundle) telecom(r *carev1.Resident) list {
	if r.GetPhone() == "" {
		return nil
	}
	return list{b.hidden(resource{"system": "phone"}, "value", r.GetPhone())}
}

func addresses(r *carev1.Resident) list {
	out := list{}
	for _, a := range []*carev1.Address{r.GetAddress(), r.GetRegisteredAddress()} {
		if a.GetText() == "" && a.GetDivisionCode() == "" {
			continue
		}
		one := resource{"use": "home", "country": "CN"}
		if a == r.GetRegisteredAddress() && r.GetAddress() != nil {
			one["use"] = "old" // 户籍地址: where they are registered and do not live
		}
		if a.GetText() != "" {
			one["text"] = a.GetText()
		}
		if a.GetDivisionCode() != "" {
			one["extension"] = list{resource{"url": Namespace + "StructureDefinition/division", "valueString": a.GetDivisionCode()}}
		}
		out = append(out, one)
	}
	return out
}

func (b *bundle) contact(r *carev1.Resident) list {
	c := r.GetContactPerson()
	if c.GetName() == "" && c.GetPhone() == "" {
		return nil
	}
	one := resource{}
	if c.GetName() != "" {
		one["name"] = resource{"text": c.GetName()}
	}
	if c.GetPhone() != "" {
		one["telecom"] = list{b.hidden(resource{"system": "phone"}, "value", c.GetPhone())}
	}
	if zh, _ := export.Label(c.GetRelation()); zh != "" {
		one["relationship"] = list{coded(zh)}
	}
	return list{one}
}

func maritalStatus(m carev1.MaritalStatus) any {
	zh, _ := export.Label(m)
	code := map[carev1.MaritalStatus]string{
		carev1.MaritalStatus_MARITAL_STATUS_SINGLE: "S", carev1.MaritalStatus_MARITAL_STATUS_MARRIED: "M",
		carev1.MaritalStatus_MARITAL_STATUS_WIDOWED: "W", carev1.MaritalStatus_MARITAL_STATUS_DIVORCED: "D",
	}[m]
	if code == "" {
		return nil
	}
	return coded(zh, coding("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", code))
}

// icd10 has the codes of past diseases that one code of ICD-10 means exactly. [K]
func icd10() map[carev1.PastDiseaseCode]string {
	return map[carev1.PastDiseaseCode]string{
		carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION: "I10", carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES: "E14",
		carev1.PastDiseaseCode_PAST_DISEASE_CODE_COPD: "J44", carev1.PastDiseaseCode_PAST_DISEASE_CODE_STROKE: "I64",
	}
}

// restricted reports whether a disease is shown to those alone who may see the sensitive class.
func restricted(c carev1.PastDiseaseCode) bool {
	return c == carev1.PastDiseaseCode_PAST_DISEASE_CODE_SEVERE_MENTAL || c == carev1.PastDiseaseCode_PAST_DISEASE_CODE_TUBERCULOSIS
}

// addResident adds what a resident has had and cannot bear.
func (b *bundle) addResident(r *carev1.Resident) {
	for _, key := range slices.Sorted(maps.Keys(r.GetPastDiseases())) {
		d := r.GetPastDiseases()[key]
		zh, _ := export.Label(d.GetCode())
		if zh == "" || d.GetCode() == carev1.PastDiseaseCode_PAST_DISEASE_CODE_NONE || restricted(d.GetCode()) && !b.View.Sensitive {
			continue
		}
		codes := []resource{coding(Namespace+"past-disease", number(int64(d.GetCode()), 0).String())}
		if code := icd10()[d.GetCode()]; code != "" {
			codes = append(codes, coding("http://hl7.org/fhir/sid/icd-10", code))
		}
		text := cmp.Or(d.GetName(), zh)
		b.add("Condition", key, "既往疾病 "+text, resource{
			"clinicalStatus":     coded("在患", coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active")),
			"verificationStatus": coded("已确诊", coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed")),
			"category":           list{coded("健康问题", coding("http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item"))},
			"code":               coded(text, codes...), "subject": b.patient, "onsetDateTime": date(care.Date(d.GetDiagnosedOn())),
		})
	}
	for _, a := range r.GetDrugAllergies() {
		zh, _ := export.Label(a)
		if zh == "" || a == carev1.DrugAllergy_DRUG_ALLERGY_NONE {
			continue
		}
		if a == carev1.DrugAllergy_DRUG_ALLERGY_OTHER {
			zh = cmp.Or(r.GetDrugAllergyOther(), zh)
		}
		b.add("AllergyIntolerance", number(int64(a), 0).String(), "药物过敏 "+zh, resource{
			"clinicalStatus": coded("存在", coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active")),
			"type":           "allergy", "category": list{"medication"}, "code": coded(zh), "patient": b.patient,
		})
	}
}
