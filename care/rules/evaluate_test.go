// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const today = care.Date(20260301)

func pressure(s, d int32) *carev1.BloodPressure {
	return &carev1.BloodPressure{SystolicMmhg: &s, DiastolicMmhg: &d}
}

func entry(kind record.Kind, n byte, form proto.Message) rules.Entry {
	return rules.Entry{ID: record.DerivedID(kind, []byte{n}), Kind: kind, Form: form, CapturedAt: time.UnixMilli(int64(n))}
}

var nobody = rules.NewPerson(record.DerivedID(care.KindResident, nil), nil)

// findings returns what a pack finds about a hypertension follow-up, by rule.
func findings(pack *rules.Pack, form *carev1.HypertensionFollowUp) map[string]*carev1.Finding {
	out := map[string]*carev1.Finding{}
	for _, f := range pack.Check(nobody, entry(care.KindHypertensionFollowUp, 1, form), today) {
		out[f.GetRuleId()] = f
	}
	return out
}

func ownPack(t testing.TB) *rules.Pack {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func TestAnExpressionThatFailsIsAFaultOfThePack(t *testing.T) {
	for name, when := range map[string]string{
		"division by nothing":            "1 / r.way > 0",
		"a place that a list lacks":      "r.symptoms[3] == 1",
		"a loop that is longer than any": "r.symptoms.map(a, r.symptoms.exists(b, b == a + 1)).size() > 0",
	} {
		pack, err := load(head + ruleWhen(when))
		if err != nil {
			t.Fatal(err)
		}
		form := &carev1.HypertensionFollowUp{}
		if strings.Contains(when, "map") {
			form.Symptoms = make([]carev1.HypertensionSymptom, 20_000)
		}
		got := findings(pack, form)["Q1"]
		if !got.GetFault() || got.GetMessageZh() == "" || got.GetMessageEn() == "" {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestNothingThatIsMissingMakesAFault(t *testing.T) {
	pack := ownPack(t)
	for kind, typ := range care.Types() {
		for _, name := range []string{"an empty form", "a form with empty messages"} {
			form := typ.New()
			if name != "an empty form" {
				hollow(form, 0)
			}
			e := entry(kind, 1, form.Interface())
			for _, person := range []*rules.Person{nobody, nobody.With(entry(care.KindResident, 9, &carev1.Resident{})), nobody.With(entry(kind, 2, typ.New().Interface()))} {
				_, offers := pack.Proposals(person, e, today)
				_, due := pack.Due(person.With(e), today)
				_, in := pack.Populations(person.With(e), today)
				for _, f := range slices.Concat(pack.Check(person, e, today), offers, due, in) {
					if f.GetFault() {
						t.Errorf("%s of kind %s: %s", name, care.NameOf(kind), f.GetRuleId())
					}
				}
			}
		}
	}
}

// hollow sets every message in m to an empty one.
func hollow(m protoreflect.Message, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		if f := m.Descriptor().Fields().Get(i); f.Message() != nil && !f.IsList() && !f.IsMap() && depth < 6 {
			hollow(m.Mutable(f).Message(), depth+1)
		}
	}
}

func TestNumbersAtTheEndsOfTheirTypesMakeNoFault(t *testing.T) {
	pack := ownPack(t)
	for _, n := range []int64{-1 << 31, -1, 0, 1, 1<<31 - 1} {
		for kind, typ := range care.Types() {
			form := typ.New()
			extreme(form, n, 0)
			e := entry(kind, 1, form.Interface())
			_, offers := pack.Proposals(nobody, e, today)
			_, due := pack.Due(nobody.With(e), today)
			for _, f := range slices.Concat(pack.Check(nobody, e, today), offers, due) {
				if f.GetFault() {
					t.Errorf("%s full of %d: %s", care.NameOf(kind), n, f.GetRuleId())
				}
			}
		}
	}
}

// extreme puts n wherever a number fits.
func extreme(m protoreflect.Message, n int64, depth int) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case f.IsMap() || depth > 6:
		case f.IsList() && f.Enum() != nil:
			m.Mutable(f).List().Append(protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)))
		case f.IsList():
		case f.Message() != nil:
			extreme(m.Mutable(f).Message(), n, depth+1)
		case f.Kind() == protoreflect.EnumKind:
			m.Set(f, protoreflect.ValueOfEnum(protoreflect.EnumNumber(n)))
		case f.Kind() == protoreflect.Int32Kind || f.Kind() == protoreflect.Sint32Kind:
			m.Set(f, protoreflect.ValueOfInt32(int32(n)))
		case f.Kind() == protoreflect.Int64Kind:
			m.Set(f, protoreflect.ValueOfInt64(n<<32))
		}
	}
}

func TestALongTextIsAFindingAndNothingMore(t *testing.T) {
	got := findings(ownPack(t), &carev1.HypertensionFollowUp{SymptomOther: strings.Repeat("痛", 3_500_000), Salt: 99, ServiceDate: 20260230})
	for _, want := range []string{"Q03.size", "Q02.code", "Q03.date"} {
		if f := got[want]; f == nil || f.GetFault() || len(f.GetMessageZh()) > 300 {
			t.Errorf("%s: %v", want, f)
		}
	}
}

func TestFindingsDoNotDependOnTheOrderOfRecords(t *testing.T) {
	pack := ownPack(t)
	var entries []rules.Entry
	for i := range byte(6) {
		entries = append(entries, entry(care.KindHypertensionFollowUp, i, &carev1.HypertensionFollowUp{
			ServiceDate: 20260101 + int32(i/2), BloodPressure: pressure(150, 80), Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED,
		}))
	}
	want := texts(pack.Findings(rules.NewPerson(nobody.ID(), entries), today))
	slices.Reverse(entries)
	if got := texts(pack.Findings(rules.NewPerson(nobody.ID(), entries), today)); !slices.Equal(got, want) {
		t.Errorf("%v\n%v", got, want)
	}
	if len(want) == 0 || !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, "Q12.twice") }) {
		t.Errorf("%v", want)
	}
}

// What some rules find is what the whole pack finds, but for what others do.
func TestAPackOfSomeRulesFindsWhatThoseDo(t *testing.T) {
	pack := ownPack(t)
	var entries []rules.Entry
	for i := range byte(6) {
		entries = append(entries, entry(care.KindHypertensionFollowUp, i, &carev1.HypertensionFollowUp{
			ServiceDate: 20260101 + int32(i/2), BloodPressure: pressure(250, 280), Classification: carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED,
		}))
	}
	person := rules.NewPerson(nobody.ID(), entries)
	whole := pack.Findings(person, today)
	found := map[string]bool{}
	for _, f := range whole {
		found[f.GetRuleId()] = true
	}
	if len(found) < 3 {
		t.Fatalf("only %v", found)
	}
	for id := range found {
		for _, with := range []bool{true, false} {
			has := func(rule string) bool { return (rule == id) == with }
			want := slices.DeleteFunc(slices.Clone(whole), func(f *carev1.Finding) bool { return !has(f.GetRuleId()) })
			some := pack.Only(has)
			if got := some.Findings(person, today); !slices.Equal(texts(got), texts(want)) {
				t.Errorf("%s %v: %v, want %v", id, with, texts(got), texts(want))
			}
			if due, _ := some.Due(person, today); some.Hash() != pack.Hash() || len(due) != 0 {
				t.Errorf("%s %v: another hash, or something is due", id, with)
			}
		}
	}
	if again := pack.Findings(person, today); !slices.Equal(texts(again), texts(whole)) {
		t.Error("the whole pack finds other things than before")
	}
}

func texts(all []*carev1.Finding) []string {
	var out []string
	for _, f := range all {
		out = append(out, strings.ReplaceAll(prototext.MarshalOptions{}.Format(f), "  ", " "))
	}
	return out
}

func TestAFindingSaysWhatItIsAbout(t *testing.T) {
	pack := ownPack(t)
	e := entry(care.KindHypertensionFollowUp, 1, &carev1.HypertensionFollowUp{ServiceDate: 20260301, BloodPressure: pressure(80, 80)})
	i := slices.IndexFunc(pack.Check(nobody, e, today), func(f *carev1.Finding) bool { return f.GetRuleId() == "Q05" })
	f := pack.Check(nobody, e, today)[i]
	hash, id := pack.Hash(), nobody.ID()
	if f.GetSeverity() != carev1.Severity_SEVERITY_ERROR || string(f.GetRecordId()) != string(e.ID[:]) || string(f.GetSubjectId()) != string(id[:]) ||
		f.GetAsOf() != int32(today) || string(f.GetPackSha256()) != string(hash[:]) ||
		!slices.Equal(f.GetPaths(), []string{"blood_pressure.systolic_mmhg", "blood_pressure.diastolic_mmhg"}) ||
		f.GetMessageEn() != "systolic pressure 80 mmHg is not above diastolic pressure 80 mmHg" {
		t.Errorf("%v", f)
	}
	e.Voided = true
	if got := pack.Check(nobody, e, today); got != nil {
		t.Errorf("a voided record has findings: %v", got)
	}
}

func TestAProposalIsWrittenIntoItsForm(t *testing.T) {
	form := &carev1.HypertensionFollowUp{ServiceDate: 20260301, BloodPressure: pressure(190, 80)}
	offers, faults := ownPack(t).Proposals(nobody, entry(care.KindHypertensionFollowUp, 1, form), today)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, o := range offers {
		if err := o.Set(form); err != nil {
			t.Error(err)
		}
	}
	if form.GetClassification() != carev1.FollowUpResult_FOLLOW_UP_RESULT_NOT_CONTROLLED || form.GetNextServiceDate() != 20260315 ||
		!slices.Equal(form.GetReferral().GetReasonCodes(), []carev1.ReferralReason{carev1.ReferralReason_REFERRAL_REASON_EMERGENCY}) {
		t.Errorf("%v", form)
	}
	if err := (rules.Proposal{Path: "classification", Value: rules.Value{Numbers: []int64{1 << 40}}}).Set(form); err == nil {
		t.Error("a number without room was written")
	}
	if err := (rules.Proposal{Path: "colour"}).Set(form); err == nil {
		t.Error("a field that the form lacks was written")
	}
}

func TestAPackServesManyAtOnce(t *testing.T) {
	pack := ownPack(t)
	row := pack.Tests()[len(pack.Tests())/2]
	want, err := pack.Try(row)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got, err := pack.Try(row); err != nil || !slices.Equal(texts(got.Findings), texts(want.Findings)) {
					t.Errorf("%v %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

// A kind that no Go code knows: its descriptor, its rule rows and its test row are all there is.
const sunshine = `
name: "xunzhen/care/v1/sunshine.proto" package: "xunzhen.care.v1" syntax: "proto3"
dependency: "xunzhen/schema/v1/options.proto"
message_type {
  name: "SunshineVisit" options { [xunzhen.schema.v1.kind] { number: 4000 zh: "日照" en: "sunshine" privacy_class: PRIVACY_CLASS_GENERAL } }
  field { name: "service_date" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "日期" en: "date" format: FORMAT_CIVIL_DATE requirement: REQUIREMENT_REQUIRED } } }
  field { name: "hours" number: 10 type: TYPE_INT32 label: LABEL_OPTIONAL proto3_optional: true oneof_index: 0 options { [xunzhen.schema.v1.field] { zh: "小时" en: "hours" unit: "h" hard { min: 0 max: 24 } warn { min: 1 max: 16 } confirmable: true } } }
  oneof_decl { name: "_hours" }
}`

func TestAKindNeedsItsProtoItsRulesAndItsTestRowsOnly(t *testing.T) {
	file := &descriptorpb.FileDescriptorProto{}
	if err := prototext.Unmarshal([]byte(sunshine), file); err != nil {
		t.Fatal(err)
	}
	desc, err := protodesc.NewFile(file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	kinds := care.Types()
	kinds[4000] = dynamicpb.NewMessageType(desc.Messages().Get(0))
	text := head + `
rules { id: "Q03" severity: SEVERITY_ERROR check: SCHEMA_CHECK_HARD_RANGE zh: "{field} {value}" en: "{field} {value}" ` + source + ` }
rules { id: "S1" kinds: "sunshine_visit" severity: SEVERITY_INFO when: "has(r.hours) && r.hours > previous.hours && history.size() == 1" values { id: "h" expression: "r.hours" } zh: "{h} 小时" en: "{h} hours" paths: "hours" ` + source + ` }
tests { name: "more sun than before" forms { kind: "sunshine_visit" form: "service_date: 20260101 hours: 3" } forms { kind: "sunshine_visit" form: "service_date: 20260201 hours: 4" } as_of: 20260301 findings: "S1" no_findings: "Q03" messages_zh: "4 小时" ` + source + ` }
tests { name: "as much sun as before" forms { kind: "sunshine_visit" form: "service_date: 20260101 hours: 3" } forms { kind: "sunshine_visit" form: "service_date: 20260201 hours: 3" } as_of: 20260301 no_findings: "S1" ` + source + ` }
tests { name: "more sun than a day has" forms { kind: "sunshine_visit" form: "service_date: 20260201 hours: 25" } as_of: 20260301 findings: "Q03" messages_zh: "小时 25" ` + source + ` }
`
	pack, err := rules.LoadFor(kinds, rules.Source{Name: "p.txtpb", Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range pack.Test() {
		t.Error(err)
	}
	if pack.KindName(4000) != "sunshine_visit" {
		t.Errorf("kind 4000 is called %q", pack.KindName(4000))
	}
}
