// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Question is one line of a call sheet.
type Question struct {
	// ID is the field of the form of a check that the answer goes into: truth.diagnosed,
	// standard.visits_enough.
	ID     string
	ZH, EN string
	// What the record says, for whoever asks; empty where it says nothing.
	SaysZH, SaysEN string
	Record         record.ID // that says it; zero: none, or several
}

// Text is a text in both languages.
type Text struct{ ZH, EN string }

// The questions to the resident, by population, in the order in which they are asked.
// Source: rules.md §5.3, hypertension [C:P5], elderly [C:P6]; the others are made like them [D].
func truthQuestions(p carev1.VerificationPopulation) []string {
	switch p {
	case hypertension:
		return []string{
			"diagnosed", "face_to_face_this_year", "face_to_face_times", "last_visit_on", "symptoms_asked", "blood_pressure_measured",
			"blood_pressure_told", "drugs_asked", "lifestyle_guided",
		}
	case diabetes:
		return []string{
			"diagnosed", "face_to_face_this_year", "face_to_face_times", "last_visit_on", "symptoms_asked", "blood_pressure_measured",
			"blood_glucose_measured", "blood_glucose_told", "drugs_asked", "lifestyle_guided",
		}
	case copd:
		return []string{"diagnosed", "face_to_face_this_year", "face_to_face_times", "last_visit_on", "symptoms_asked", "drugs_asked", "lifestyle_guided"}
	case elderly:
		return []string{"checkup_done", "checkup_items", "checkup_result_told"}
	case pregnancy, child:
		return []string{"face_to_face_this_year", "face_to_face_times", "last_visit_on"}
	case contracted:
		return []string{"contract_known"}
	case archive:
		return []string{"identity_right", "archive_known"}
	}
	return nil
}

// The questions to the records, by population. Source: rules.md §5.3 [C:P5].
func standardQuestions(p carev1.VerificationPopulation) []string {
	switch p {
	case hypertension, diabetes:
		return []string{
			"yearly_checkup_present", "checkup_blood_pressure", "main_problems_filled", "health_assessment_right", "risk_control_right",
			"visits_enough", "last_visit_blank_items", "referral_advised",
		}
	case copd:
		return []string{"visits_enough", "referral_advised"}
	case elderly:
		return []string{"yearly_checkup_present", "checkup_blood_pressure", "main_problems_filled", "health_assessment_right", "risk_control_right"}
	case archive:
		return []string{"paper_matches"}
	}
	return nil
}

// Questions returns what is asked about somebody of these populations, of the resident first,
// then of the records; each question once.
func Questions(populations []carev1.VerificationPopulation, s Said) []Question {
	var out []Question
	for _, part := range []struct {
		name string
		of   func(carev1.VerificationPopulation) []string
	}{{"truth", truthQuestions}, {"standard", standardQuestions}} {
		for _, p := range populations {
			for _, name := range part.of(p) {
				q := Question{ID: part.name + "." + name}
				if slices.ContainsFunc(out, func(had Question) bool { return had.ID == q.ID }) {
					continue
				}
				label := labelOf(part.name, name)
				q.ZH, q.EN = label.ZH, label.EN
				says, id := s.says(p, name)
				q.SaysZH, q.SaysEN, q.Record = says.ZH, says.EN, id
				out = append(out, q)
			}
		}
	}
	return out
}

// labelOf returns what the form calls a field of one of its parts.
func labelOf(part, name string) Text {
	desc := (&carev1.VerificationTruth{}).ProtoReflect().Descriptor()
	if part == "standard" {
		desc = (&carev1.VerificationStandard{}).ProtoReflect().Descriptor()
	}
	f := desc.Fields().ByName(protoreflect.Name(name))
	if f == nil {
		return Text{name, name}
	}
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return Text{o.GetZh(), o.GetEn()}
}

// says returns what the record says beside a question.
func (s Said) says(p carev1.VerificationPopulation, name string) (Text, record.ID) {
	v := s.Visits[p]
	switch name {
	case "diagnosed":
		return Text{"按患者管理", "managed as a patient"}, record.ID{}
	case "face_to_face_this_year", "face_to_face_times", "visits_enough":
		return Text{fmt.Sprintf("面对面 %d 次", v.FaceToFace), fmt.Sprintf("%d face to face", v.FaceToFace)}, record.ID{}
	case "contract_known":
		return choose(!s.Contract.IsZero(), Text{"已签约", "contracted"}, Text{"无有效协议", "no contract in force"}), s.Contract
	case "identity_right":
		return s.identity(), record.ID{}
	case "checkup_done", "checkup_items", "checkup_result_told", "yearly_checkup_present", "checkup_blood_pressure", "main_problems_filled":
		return s.saysOfCheckup(name)
	}
	if v.Last == nil {
		return Text{}, record.ID{}
	}
	return v.Last.says(name), v.Last.Record
}

func (s Said) identity() Text {
	r := s.Resident
	if r == nil {
		return Text{}
	}
	return Text{
		fmt.Sprintf("出生 %s，住址 %s", dateText(r.GetBirthDate()), r.GetAddress().GetText()),
		fmt.Sprintf("born %s, lives at %s", dateText(r.GetBirthDate()), r.GetAddress().GetText()),
	}
}

func (v VisitSaid) says(name string) Text {
	filled := func(ok bool) Text { return choose(ok, Text{"已填", "filled in"}, Text{"未填", "blank"}) }
	switch name {
	case "last_visit_on":
		way := choose(v.FaceToFace, Text{"面对面", "face to face"}, Text{"电话", "by telephone"})
		return Text{v.On.String() + " " + way.ZH, v.On.String() + " " + way.EN}
	case "symptoms_asked":
		return filled(v.Symptoms)
	case "blood_pressure_measured", "blood_pressure_told":
		if v.Systolic > 0 {
			t := fmt.Sprintf("%d/%d mmHg", v.Systolic, v.Diastolic)
			return Text{t, t}
		}
		return filled(false)
	case "blood_glucose_measured", "blood_glucose_told":
		if v.Glucose > 0 {
			t := fmt.Sprintf("%d.%d mmol/L", v.Glucose/10, v.Glucose%10)
			return Text{t, t}
		}
		return filled(false)
	case "drugs_asked":
		return filled(v.Drugs)
	case "lifestyle_guided":
		return filled(v.Lifestyle)
	case "last_visit_blank_items":
		return Text{fmt.Sprintf("%d 项", v.BlankItems), fmt.Sprintf("%d items", v.BlankItems)}
	}
	return Text{}
}

func (s Said) saysOfCheckup(name string) (Text, record.ID) {
	c := s.Checkup
	if c == nil {
		return Text{"无体检", "no checkup"}, record.ID{}
	}
	switch name {
	case "checkup_items":
		var zh, en []string
		for _, item := range slices.Sorted(maps.Keys(c.Items)) {
			t := codeText(item)
			zh, en = append(zh, t.ZH), append(en, t.EN)
		}
		return Text{strings.Join(zh, "、"), strings.Join(en, ", ")}, c.Record
	case "checkup_result_told":
		return choose(c.Told, Text{"已反馈", "given back"}, Text{"未记录反馈", "not recorded"}), c.Record
	case "checkup_blood_pressure":
		return choose(c.BloodPressure, Text{"有", "there"}, Text{"无", "none"}), c.Record
	case "main_problems_filled":
		return choose(c.MainProblems, Text{"已填", "filled in"}, Text{"未填", "blank"}), c.Record
	}
	return Text{c.On.String(), c.On.String()}, c.Record
}

// codeText returns what a form calls a code.
func codeText(e protoreflect.Enum) Text {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil {
		return Text{}
	}
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return Text{o.GetZh(), o.GetEn()}
}

func choose(is bool, yes, no Text) Text {
	if is {
		return yes
	}
	return no
}
