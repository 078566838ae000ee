// SPDX-License-Identifier: Apache-2.0

package care

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A formCase is one of testdata/cases: the form of an invented person as JSON, in a
// file called after its kind and its case, "postpartum_visit.day_42.json".
type formCase struct {
	name string
	kind record.Kind
	text string
	form proto.Message
}

func formCases(t *testing.T) []formCase {
	t.Helper()
	files, err := filepath.Glob("testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d forms (%v)", len(files), err)
	}
	var out []formCase
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f := formCase{name: filepath.Base(file), text: string(text)}
		name, _, _ := strings.Cut(f.name, ".")
		kind, ok := KindNamed(name)
		if !ok {
			t.Fatalf("%s is of no kind", f.name)
		}
		f.kind = kind
		if f.form, err = ParseJSON(kind, text); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		out = append(out, f)
	}
	return out
}

func TestAFormCaseIsTheSameAfterSavingAndAsJSON(t *testing.T) {
	for _, f := range formCases(t) {
		t.Run(f.name, func(t *testing.T) {
			shown := opened(t, f.kind, f.form)
			back, err := Message(f.kind, shown)
			if err != nil || !proto.Equal(back, f.form) {
				t.Errorf("after the save (%v):\n%v\nwant\n%v", err, back, f.form)
			}
			if changes := diff(t, f.kind, shown, back); changes != nil {
				t.Errorf("untouched, but changed: %v", changes)
			}
			text, err := FormatJSON(back)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(filepath.Join("testdata/cases", f.name), append(text, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if string(text)+"\n" != f.text {
				t.Errorf("written:\n%s", text)
			}
		})
	}
}

func TestAFormCaseHasWhatItsSchemaWants(t *testing.T) {
	for _, f := range formCases(t) {
		for _, what := range caseComplaints(f.form.ProtoReflect(), "") {
			t.Errorf("%s: %s", f.name, what)
		}
	}
}

// Between them, the forms of a kind that has any fill each of its own fields, so
// that nothing of it goes untried. Fields below 10 are those that all kinds share.
func TestTheCasesOfAKindFillEachOfItsFields(t *testing.T) {
	filled, asked := map[protoreflect.FullName]bool{}, map[protoreflect.FullName]bool{}
	for _, f := range formCases(t) {
		fields := f.form.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			field := fields.Get(i)
			if field.Number() >= 10 {
				noteFilled(f.form.ProtoReflect(), field, filled, asked)
			}
		}
	}
	for name := range asked {
		if !filled[name] {
			t.Errorf("%s is filled on no form", name)
		}
	}
}

// noteFilled puts down that field, and each field of a section, is asked, and whether m has it.
func noteFilled(m protoreflect.Message, field protoreflect.FieldDescriptor, filled, asked map[protoreflect.FullName]bool) {
	asked[field.FullName()] = true
	filled[field.FullName()] = filled[field.FullName()] || m.Has(field)
	if mergesByField(field) && m.Has(field) {
		for _, part := range byNumber(field.Message().Fields()) {
			noteFilled(m.Get(field).Message(), part, filled, asked)
		}
	}
}

// caseComplaints returns what m lacks of what its schema wants, and what it has that is
// hardly possible, too long or in no list. Whom a field is required for cannot be
// told from a form.
func caseComplaints(m protoreflect.Message, under string) (out []string) {
	for _, f := range byNumber(m.Descriptor().Fields()) {
		o, name := fieldOptions(f), under+string(f.Name())
		if !m.Has(f) {
			if isWanted(m, o) {
				out = append(out, name+" is wanted")
			}
			continue
		}
		v := m.Get(f)
		switch {
		case f.IsMap():
			if v.Map().Len() > int(o.GetMaxEntries()) {
				out = append(out, name+" is too long")
			}
			v.Map().Range(func(k protoreflect.MapKey, e protoreflect.Value) bool {
				out = append(out, caseComplaints(e.Message(), name+"."+k.String()+".")...)
				return true
			})
		case f.IsList():
			out = append(out, listComplaints(v.List(), f, name)...)
		case f.Message() != nil:
			out = append(out, caseComplaints(v.Message(), name+".")...)
			for _, part := range o.GetRequiredParts() {
				if !v.Message().Has(f.Message().Fields().ByName(protoreflect.Name(part))) {
					out = append(out, name+" lacks "+part)
				}
			}
		default:
			out = append(out, valueComplaints(v, f, name)...)
		}
	}
	return out
}

// isWanted reports whether a field with these options is to be filled on m.
func isWanted(m protoreflect.Message, o *schemav1.FieldOptions) bool {
	return o.GetRequirement() == schemav1.Requirement_REQUIREMENT_REQUIRED ||
		slices.ContainsFunc(o.GetRequiredWhen(), func(c *schemav1.Condition) bool { return conditionHolds(m, c) })
}

func conditionHolds(m protoreflect.Message, c *schemav1.Condition) bool {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(c.GetField()))
	if len(c.GetCodes()) == 0 || !m.Has(f) {
		return len(c.GetCodes()) == 0 && m.Has(f) != c.GetNot()
	}
	var codes []int32
	if f.IsList() {
		for i := range m.Get(f).List().Len() {
			codes = append(codes, int32(m.Get(f).List().Get(i).Enum()))
		}
	} else {
		codes = append(codes, int32(m.Get(f).Enum()))
	}
	return slices.ContainsFunc(codes, func(n int32) bool { return slices.Contains(c.GetCodes(), n) }) != c.GetNot()
}

func listComplaints(l protoreflect.List, f protoreflect.FieldDescriptor, name string) (out []string) {
	if l.Len() > int(fieldOptions(f).GetMaxEntries()) {
		out = append(out, name+" is too long")
	}
	for i := range l.Len() {
		if f.Message() != nil {
			out = append(out, caseComplaints(l.Get(i).Message(), name+".")...)
			continue
		}
		out = append(out, valueComplaints(l.Get(i), f, name)...)
		if f.Enum() != nil && l.Len() > 1 && standsAlone(f.Enum(), l.Get(i).Enum()) {
			out = append(out, name+": a code that stands alone has others beside it")
		}
	}
	return out
}

func standsAlone(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) bool {
	v := e.Values().ByNumber(n)
	if v == nil {
		return false
	}
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return o.GetExclusive()
}

func valueComplaints(v protoreflect.Value, f protoreflect.FieldDescriptor, name string) (out []string) {
	o := fieldOptions(f)
	switch n := v.Interface().(type) {
	case protoreflect.EnumNumber:
		if f.Enum().Values().ByNumber(n) == nil {
			out = append(out, name+" is a code the list lacks")
		}
	case string:
		if limit := int(o.GetMaxCharacters()); limit > 0 && utf8.RuneCountInString(n) > limit {
			out = append(out, name+" is too long")
		}
	case int32:
		if !withinRange(o.GetHard(), int64(n)) {
			out = append(out, name+" is hardly possible")
		}
	case int64:
		if !withinRange(o.GetHard(), n) {
			out = append(out, name+" is hardly possible")
		}
	}
	return out
}

func withinRange(r *schemav1.Range, n int64) bool {
	return r == nil || (r.Min == nil || n >= r.GetMin()) && (r.Max == nil || n <= r.GetMax())
}

func TestAFormCaseThatLacksWhatItsSchemaWantsIsNamed(t *testing.T) {
	kind, _ := KindNamed("postpartum_visit")
	const day42 = `"service_date":20261102,"organisation_code":"1","doctor_id":"s-1","visit_type":2,"delivered_on":20260921,
		"general_health":"良好","psychology":"良好","blood_pressure":{"systolic_mmhg":114,"diastolic_mmhg":72},
		"breasts":{"result":1},"lochia":{"result":1},"uterus":{"result":1},"wound":{"result":1},
		"day42_classification":1,"day42_guidance":[1],"day42_disposal":1,"doctor_signature":{"signed_at_ms":"1"}`
	for name, c := range map[string]struct{ also, want string }{
		"nothing":                             {`"home_guidance":[]`, ""},
		"a part of a group":                   {`"capture":{"ended_at_ms":"1","entered_at_ms":"1"}`, "capture.source is wanted"},
		"what another answer makes wanted":    {`"home_guidance":[6]`, "guidance_other is wanted"},
		"what another group makes wanted":     {`"referral":{"reason":"复查"}`, "referral.organisation is wanted"},
		"a possible date":                     {`"discharged_on":18991231`, "discharged_on is hardly possible"},
		"a possible temperature":              {`"temperature_c_x10":430`, ""},
		"a temperature that is hardly one":    {`"temperature_c_x10":431`, "temperature_c_x10 is hardly possible"},
		"a code of the list":                  {`"home_guidance":[7]`, "home_guidance is a code the list lacks"},
		"text that is as long as it may be":   {`"other_findings":"` + strings.Repeat("长", 500) + `"`, ""},
		"text that is longer than it may be":  {`"other_findings":"` + strings.Repeat("长", 501) + `"`, "other_findings is too long"},
		"a list longer than it may be":        {`"home_guidance":[` + strings.Repeat("1,", 16) + `1]`, "home_guidance is too long"},
		"a description of what is not normal": {`"home_classification":2`, "classification_text is wanted"},
	} {
		form, err := ParseJSON(kind, []byte("{"+day42+","+c.also+"}"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := strings.Join(caseComplaints(form.ProtoReflect(), ""), "; "); got != c.want {
			t.Errorf("%s: complaints %q, want %q", name, got, c.want)
		}
	}
	kind, _ = KindNamed("tuberculosis_follow_up")
	form, err := ParseJSON(kind, []byte(`{"symptoms":[1,100]}`))
	if got := caseComplaints(form.ProtoReflect(), ""); err != nil || !slices.Contains(got, "symptoms: a code that stands alone has others beside it") {
		t.Errorf("no symptoms beside a cough: %v %q", err, got)
	}
}
