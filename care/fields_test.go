// SPDX-License-Identifier: Apache-2.0

package care

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// What every field owes to forms, validation, findings and exports. A check returns what
// it misses, so that a test can show each of them failing.
var fieldChecks = []func(protoreflect.FieldDescriptor, *schemav1.FieldOptions) []string{
	missingLabels, missingOfNumbers, missingOfNonNumbers, missingOfRanges, missingOfText, missingOfConditions, missingOfDerivation, missingOfMerging,
}

// What the centre's program works out and writes down needs labels only: guards and presence are
// against slips of a hand.
var workedOut = []protoreflect.Name{
	"AssessmentFreeze", "FreezeWindow", "FreezeBasis", "FreezeCompleteness", "FrozenFigures", "FrozenUnit",
	"SupervisionPlan", "SupervisionStratum", "SeedSource", "SamplingFrame", "SupervisionDraw",
}

func missingOf(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	if slices.Contains(workedOut, f.ContainingMessage().Name()) {
		return missingLabels(f, o)
	}
	for _, check := range fieldChecks {
		out = append(out, check(f, o)...)
	}
	return out
}

func TestEveryFieldHasWhatFormsNeed(t *testing.T) {
	n := 0
	everyField(func(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) {
		n++
		for _, what := range missingOf(f, o) {
			t.Errorf("%s: %s", f.FullName(), what)
		}
	})
	if n < 400 {
		t.Errorf("only %d fields seen: the walk is broken", n)
	}
}

// aWord reports whether a name is one word, which may be its own label: status, lips.
func aWord(name string) bool { return !strings.ContainsRune(name, '_') }

// chinese reports whether a label is Chinese: with a Han character, or without a small
// letter, as an abbreviation or a comparison is: DR, BMI<24.
func chinese(label string) bool {
	return strings.ContainsFunc(label, isHan) || label != "" && !strings.ContainsFunc(label, unicode.IsLower)
}

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }

func missingLabels(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) []string {
	return missingLabel(string(f.Name()), o.GetZh(), o.GetEn())
}

func missingLabel(name, zh, en string) (out []string) {
	if !chinese(zh) || zh == name {
		out = append(out, fmt.Sprintf("no label in Chinese: %q", zh))
	}
	if en == "" || en == name && !aWord(name) || strings.ContainsFunc(en, isHan) || strings.ContainsRune(en, '_') {
		out = append(out, fmt.Sprintf("no label in English: %q", en))
	}
	return out
}

// measures reports whether a field holds a number that somebody measured, counted or
// scored: an integer that is neither a date nor an instant.
func measures(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) bool {
	switch f.Kind() {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return false
	}
	return o.GetFormat() != schemav1.Format_FORMAT_CIVIL_DATE && o.GetFormat() != schemav1.Format_FORMAT_INSTANT_MS
}

// unitBeside reports whether the unit of a number stands in a field of its own: the unit
// of dose_x1000 in dose_unit.
func unitBeside(f protoreflect.FieldDescriptor) bool {
	stem, _, _ := strings.Cut(string(f.Name()), "_x1")
	return f.ContainingMessage().Fields().ByName(protoreflect.Name(stem+"_unit")) != nil
}

// What kind of number some fields hold is said by another field, whose unit and range
// they have.
var saidElsewhere = map[protoreflect.FullName]string{
	"xunzhen.care.v1.ConfirmedValue.value":       "by the field that is named beside it",
	"xunzhen.care.v1.StatisticValue.value_x1000": "by the item of the statistic",
}

// The parts of a period have no unit: they are names of it that happen to be numbers.
var periods = []protoreflect.Name{"year", "quarter", "month"}

func missingOfNumbers(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	if !measures(f, o) || saidElsewhere[f.FullName()] != "" {
		return nil
	}
	plain := o.GetFormat() == schemav1.Format_FORMAT_COUNT || o.GetFormat() == schemav1.Format_FORMAT_SCORE || slices.Contains(periods, f.Name())
	if plain == (o.GetUnit() != "" || unitBeside(f)) {
		out = append(out, "a number has a unit, or is marked as a count or a score")
	}
	if o.GetHard() == nil || o.GetHard().Min == nil || o.GetHard().Max == nil {
		out = append(out, "a number has a guard at both ends")
	}
	if !o.GetConfirmable() && o.GetUnit() != "B" {
		out = append(out, "nothing measured is refused, so it must be confirmable")
	}
	if !f.HasPresence() && !f.IsList() && o.GetUnit() != "B" {
		out = append(out, "zero and not measured differ, so it must be optional")
	}
	suffix := "_x1" + strings.Repeat("0", int(o.GetDecimals()))
	if o.GetDecimals() > 0 != strings.HasSuffix(string(f.Name()), suffix) || o.GetDecimals() == 0 && strings.Contains(string(f.Name()), "_x10") {
		out = append(out, fmt.Sprintf("the name does not say %d decimals", o.GetDecimals()))
	}
	return out
}

func missingOfNonNumbers(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	format, date := o.GetFormat(), o.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE
	if !measures(f, o) && (o.GetUnit() != "" || o.GetDecimals() > 0 || o.GetWarn() != nil || o.GetHard() != nil && !date) {
		out = append(out, "no number has a unit, decimals or a range")
	}
	if date && o.GetHard().GetMin() != 19000101 {
		out = append(out, "a date is not before 1900")
	}
	if strings.HasSuffix(string(f.Name()), "_ms") != (format == schemav1.Format_FORMAT_INSTANT_MS) {
		out = append(out, "an instant ends in _ms")
	}
	if kind, ok := formatKinds[format]; ok && f.Kind() != kind {
		out = append(out, fmt.Sprintf("%s is no %s", format, f.Kind()))
	}
	if name := string(f.Name()); f.Kind() == protoreflect.BytesKind && format != schemav1.Format_FORMAT_RECORD_ID && !strings.HasSuffix(name, "sha256") && !strings.HasSuffix(name, "_zstd") {
		out = append(out, "bytes are a record's id, a hash or packed text, and say which")
	}
	return out
}

// What a format stands in. Counts and scores stand in any integer.
var formatKinds = map[schemav1.Format]protoreflect.Kind{
	schemav1.Format_FORMAT_CIVIL_DATE: protoreflect.Int32Kind,
	schemav1.Format_FORMAT_INSTANT_MS: protoreflect.Int64Kind,
	schemav1.Format_FORMAT_PHONE:      protoreflect.StringKind,
	schemav1.Format_FORMAT_DIVISION:   protoreflect.StringKind,
	schemav1.Format_FORMAT_ID_NUMBER:  protoreflect.StringKind,
	schemav1.Format_FORMAT_RECORD_ID:  protoreflect.BytesKind,
	schemav1.Format_FORMAT_STAFF_ID:   protoreflect.StringKind,
}

func missingOfRanges(_ protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	hard, warn := o.GetHard(), o.GetWarn()
	for _, r := range []*schemav1.Range{hard, warn} {
		if r != nil && (r.Min == nil && r.Max == nil || r.Min != nil && r.Max != nil && r.GetMin() >= r.GetMax()) {
			out = append(out, fmt.Sprintf("empty range %v", r))
		}
	}
	if hard != nil && warn != nil && (warn.Min != nil && warn.GetMin() < hard.GetMin() || warn.Max != nil && hard.Max != nil && warn.GetMax() > hard.GetMax()) {
		out = append(out, fmt.Sprintf("usual %v goes beyond possible %v", warn, hard))
	}
	return out
}

func missingOfText(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	if text := f.Kind() == protoreflect.StringKind; text != (o.GetMaxCharacters() > 0) {
		out = append(out, "text, and nothing else, has a greatest number of characters")
	}
	if (f.IsMap() || f.IsList()) != (o.GetMaxEntries() > 0) {
		out = append(out, "a list, and nothing else, has a greatest number of entries")
	}
	return out
}

func missingOfConditions(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	siblings := f.ContainingMessage().Fields()
	conditional := o.GetRequirement() == schemav1.Requirement_REQUIREMENT_CONDITIONAL
	if conditional != (len(o.GetRequiredWhen())+len(o.GetRequiredFor()) > 0) {
		out = append(out, fmt.Sprintf("conditional %t with conditions %v %v", conditional, o.GetRequiredWhen(), o.GetRequiredFor()))
	}
	for _, c := range o.GetRequiredWhen() {
		other := siblings.ByName(protoreflect.Name(c.GetField()))
		if other == nil || other == f {
			out = append(out, fmt.Sprintf("condition on %q", c.GetField()))
			continue
		}
		for _, code := range c.GetCodes() {
			if code == 0 || other.Enum() == nil || other.Enum().Values().ByNumber(protoreflect.EnumNumber(code)) == nil {
				out = append(out, fmt.Sprintf("condition on code %d of %s", code, other.Name()))
			}
		}
	}
	for _, name := range o.GetRequiredParts() {
		if f.Message() == nil || f.Message().Fields().ByName(protoreflect.Name(name)) == nil {
			out = append(out, fmt.Sprintf("wants the part %q", name))
		}
	}
	return out
}

func missingOfDerivation(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	for _, name := range o.GetDerivedFrom() {
		other := f.ContainingMessage().Fields().ByName(protoreflect.Name(name))
		if other == nil || other == f || slices.Contains(fieldOptions(other).GetDerivedFrom(), string(f.Name())) {
			out = append(out, fmt.Sprintf("computed from %q", name))
		}
	}
	return out
}

func missingOfMerging(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) (out []string) {
	if o.GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS && (f.Message() == nil || f.IsList() || f.IsMap()) {
		out = append(out, "only a single message has fields to merge")
	}
	if f.IsMap() && f.MapKey().Kind() != protoreflect.StringKind {
		out = append(out, "keys of maps are drawn strings")
	}
	if o.GetSection() == "" {
		return out
	}
	kind, _ := proto.GetExtension(f.ContainingMessage().Options(), schemav1.E_Kind).(*schemav1.KindOptions)
	if !slices.ContainsFunc(kind.GetSections(), func(s *schemav1.Section) bool { return s.GetName() == o.GetSection() }) {
		out = append(out, fmt.Sprintf("section %q is not declared by the kind", o.GetSection()))
	}
	return out
}

func TestAFieldThatLacksWhatFormsNeedIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		field protoreflect.FullName // below xunzhen.care.v1
		spoil func(*schemav1.FieldOptions)
		want  string
	}{
		"no Chinese":                         {"BloodPressure.systolic_mmhg", func(o *schemav1.FieldOptions) { o.Zh = "" }, "no label in Chinese"},
		"English for Chinese":                {"BloodPressure.systolic_mmhg", func(o *schemav1.FieldOptions) { o.Zh = "systolic" }, "no label in Chinese"},
		"the name for a label":               {"BloodPressure.systolic_mmhg", func(o *schemav1.FieldOptions) { o.En = "systolic_mmhg" }, "no label in English"},
		"Chinese for English":                {"Checkup.place", func(o *schemav1.FieldOptions) { o.En = "地点" }, "no label in English"},
		"a measurement without unit":         {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Unit = "" }, "has a unit"},
		"a score with a unit":                {"CopdFollowUp.cat_score", func(o *schemav1.FieldOptions) { o.Unit = "kg" }, "has a unit"},
		"a count that is not marked":         {"ToothCount.upper_left", func(o *schemav1.FieldOptions) { o.Format = 0 }, "has a unit"},
		"no guard":                           {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Hard = nil }, "a guard at both ends"},
		"half a guard":                       {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Hard.Max = nil }, "a guard at both ends"},
		"a number that cannot be confirmed":  {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Confirmable = false }, "confirmable"},
		"a number that is not optional":      {"Checkup.service_date", func(o *schemav1.FieldOptions) { o.Format = 0 }, "must be optional"},
		"decimals the name does not say":     {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Decimals = 1 }, "1 decimals"},
		"a name that says decimals":          {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Decimals = 0 }, "0 decimals"},
		"a unit on text":                     {"Skin.other", func(o *schemav1.FieldOptions) { o.Unit = "cm" }, "no number has a unit"},
		"a date before 1900":                 {"Checkup.service_date", func(o *schemav1.FieldOptions) { o.Hard = nil }, "not before 1900"},
		"an instant that is not marked":      {"Capture.started_at_ms", func(o *schemav1.FieldOptions) { o.Format = 0 }, "ends in _ms"},
		"text as an id":                      {"Skin.other", func(o *schemav1.FieldOptions) { o.Format = schemav1.Format_FORMAT_RECORD_ID }, "is no string"},
		"bytes that are nothing":             {"SelfCare.assessment_id", func(o *schemav1.FieldOptions) { o.Format = 0 }, "bytes are"},
		"an empty range":                     {"Spirometry.fev1_l_x100", func(o *schemav1.FieldOptions) { o.Hard.Max = o.Hard.Min }, "empty range"},
		"a range without ends":               {"BloodPressure.systolic_mmhg", func(o *schemav1.FieldOptions) { o.Warn = &schemav1.Range{} }, "empty range"},
		"usual beyond possible":              {"BloodPressure.systolic_mmhg", func(o *schemav1.FieldOptions) { o.Warn.Max = proto.Int64(301) }, "goes beyond"},
		"text without end":                   {"Skin.other", func(o *schemav1.FieldOptions) { o.MaxCharacters = 0 }, "number of characters"},
		"a list without end":                 {"Checkup.reasons", func(o *schemav1.FieldOptions) { o.MaxEntries = 0 }, "number of entries"},
		"a map without end":                  {"CheckupMedication.drugs", func(o *schemav1.FieldOptions) { o.MaxEntries = 0 }, "number of entries"},
		"conditional without condition":      {"Skin.other", func(o *schemav1.FieldOptions) { o.RequiredWhen = nil }, "conditional true"},
		"a condition on no field":            {"Skin.other", func(o *schemav1.FieldOptions) { o.RequiredWhen[0].Field = "colour" }, `condition on "colour"`},
		"a condition on itself":              {"Skin.other", func(o *schemav1.FieldOptions) { o.RequiredWhen[0].Field = "other" }, `condition on "other"`},
		"a condition on no code":             {"Skin.other", func(o *schemav1.FieldOptions) { o.RequiredWhen[0].Codes[0] = 8 }, "condition on code 8"},
		"a condition on no answer":           {"Skin.other", func(o *schemav1.FieldOptions) { o.RequiredWhen[0].Codes[0] = 0 }, "condition on code 0"},
		"a part that is none":                {"Checkup.capture", func(o *schemav1.FieldOptions) { o.RequiredParts = []string{"place"} }, `the part "place"`},
		"computed from no field":             {"Spirometry.gold_grade", func(o *schemav1.FieldOptions) { o.DerivedFrom[0] = "fvc" }, `computed from "fvc"`},
		"computed from itself":               {"Spirometry.gold_grade", func(o *schemav1.FieldOptions) { o.DerivedFrom[0] = "gold_grade" }, `computed from "gold_grade"`},
		"computed from what is made from it": {"Spirometry.fev1_predicted_percent_x10", func(o *schemav1.FieldOptions) { o.DerivedFrom = []string{"gold_grade"} }, `computed from "gold_grade"`},
		"a section that merges as a whole":   {"Checkup.reasons", func(o *schemav1.FieldOptions) { o.Merge = schemav1.MergePolicy_MERGE_POLICY_FIELDS }, "only a single message"},
		"a section the kind lacks":           {"Checkup.place", func(o *schemav1.FieldOptions) { o.Section = "roof" }, `section "roof"`},
	} {
		d, err := protoregistry.GlobalFiles.FindDescriptorByName("xunzhen.care.v1." + c.field)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f := d.(protoreflect.FieldDescriptor)
		broken := proto.CloneOf(fieldOptions(f))
		c.spoil(broken)
		if got := missingOf(f, broken); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%s: complaints %q, want %q", name, got, c.want)
		}
	}
}

func TestFieldsOfOneMessageHaveDifferentLabels(t *testing.T) {
	everyMessage(func(m protoreflect.MessageDescriptor) {
		var zh, en []string
		for i := range m.Fields().Len() {
			o := fieldOptions(m.Fields().Get(i))
			zh, en = append(zh, o.GetZh()), append(en, o.GetEn())
		}
		for _, label := range append(twice(zh), twice(en)...) {
			t.Errorf("%s: two fields are called %s", m.FullName(), label)
		}
	})
}

// twice returns what stands in texts more than once.
func twice(texts []string) (out []string) {
	slices.Sort(texts)
	for i, text := range texts {
		if i > 0 && text == texts[i-1] {
			out = append(out, text)
		}
	}
	return out
}

func TestNoRegisterHasAMapInside(t *testing.T) {
	var walk func(protoreflect.FieldDescriptor, protoreflect.MessageDescriptor)
	walk = func(register protoreflect.FieldDescriptor, m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if f.IsMap() || mergesByField(f) {
				t.Errorf("%s: stands in the register %s, where nothing merges", f.FullName(), register.FullName())
			} else if f.Message() != nil {
				walk(register, f.Message())
			}
		}
	}
	var slots func(*layout)
	slots = func(l *layout) {
		for i := range l.slots {
			s := &l.slots[i]
			switch m := s.field().Message(); {
			case s.parts != nil:
				slots(s.parts)
			case s.keyed() && s.field().MapValue().Message() != nil:
				walk(s.field(), s.field().MapValue().Message())
			case !s.keyed() && m != nil:
				walk(s.field(), m)
			}
		}
	}
	for _, f := range known() {
		slots(f.layout)
	}
}
