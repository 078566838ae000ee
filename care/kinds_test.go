// SPDX-License-Identifier: Apache-2.0

package care

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestTheKindsThatCodeNamesAreWhatTheirMessagesSay(t *testing.T) {
	for kind, name := range map[record.Kind]string{
		KindResident: "resident", KindHomeVisit: "home_visit", KindHypertensionFollowUp: "hypertension_follow_up",
		KindDiabetesFollowUp: "diabetes_follow_up", KindCheckup: "checkup", KindResidentLink: "resident_link",
		KindRulePack: "rule_pack",
	} {
		if info, ok := Kinds().Lookup(kind); !ok || info.Name != name {
			t.Errorf("kind %d: %v %t, want %s", kind, info, ok, name)
		}
	}
	if _, ok := Kinds().Lookup(1); ok {
		t.Error("kind 1 is none of care's")
	}
	if _, ok := KindNamed("village"); ok {
		t.Error("a village is no kind")
	}
	if _, err := New(1); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("a form of kind 1: %v", err)
	}
}

func TestEveryMessageWithTheOptionIsAKind(t *testing.T) {
	seen := map[record.Kind]protoreflect.FullName{}
	protoregistry.GlobalFiles.RangeFilesByPackage("xunzhen.care.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			o, _ := proto.GetExtension(m.Options(), schemav1.E_Kind).(*schemav1.KindOptions)
			if !proto.HasExtension(m.Options(), schemav1.E_Kind) {
				continue
			}
			kind := record.Kind(o.GetNumber())
			if other, twice := seen[kind]; twice {
				t.Errorf("%s and %s are both kind %d", m.FullName(), other, kind)
			}
			seen[kind] = m.FullName()
			isAKind(t, kind, m, o)
		}
		return true
	})
	if len(seen) != len(known()) {
		t.Errorf("%d kinds of %d messages", len(known()), len(seen))
	}
}

func isAKind(t *testing.T, kind record.Kind, m protoreflect.MessageDescriptor, o *schemav1.KindOptions) {
	t.Helper()
	info, ok := Kinds().Lookup(kind)
	if !ok || kind <= record.MaxActKind || info.Kind != kind || info.Name != cmp.Or(o.GetName(), snake(string(m.Name()))) || info.Class != record.Class(o.GetPrivacyClass()) || (info.Class == record.ClassEveryone) != (kind == KindRulePack) { // which names nobody, and every tablet needs it
		t.Errorf("%s: kind %d is %v (%t)", m.FullName(), kind, info, ok)
	}
	if got, ok := KindNamed(info.Name); !ok || got != kind {
		t.Errorf("%s: is kind %d", info.Name, got)
	}
	if label, ok := KindLabel(kind); !ok || label.ZH == "" || label.EN == "" {
		t.Errorf("%s: is called %v", info.Name, label)
	}
	if empty, err := New(kind); err != nil || proto.Size(empty) != 0 || empty.ProtoReflect().Descriptor() != m {
		t.Errorf("%s: new form %v (%v)", info.Name, empty, err)
	}
}

func TestAKindSaysWhetherItIsAboutAResident(t *testing.T) {
	for name, want := range map[string]bool{
		"home_visit": true, "checkup": true, "contract": true, "personal_plan": true,
		"resident": false, "resident_link": false, "household": false, "outreach_event": false, "statistic": false,
	} {
		if kind, ok := KindNamed(name); !ok || AboutResident(kind) != want {
			t.Errorf("%s: known %t, about a resident %t", name, ok, !want)
		}
	}
	if AboutResident(1) {
		t.Error("an unknown kind is about nobody")
	}
}

// everyMessage calls visit with every message of the forms, each once.
func everyMessage(visit func(protoreflect.MessageDescriptor)) {
	seen := map[protoreflect.FullName]bool{}
	var walk func(protoreflect.MessageDescriptor)
	walk = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] {
			return
		}
		seen[m.FullName()] = true
		if !m.IsMapEntry() {
			visit(m)
		}
		for i := range m.Fields().Len() {
			if sub := m.Fields().Get(i).Message(); sub != nil {
				walk(sub)
			}
		}
	}
	for _, f := range known() {
		walk(f.typ.Descriptor())
	}
}

func everyField(visit func(protoreflect.FieldDescriptor, *schemav1.FieldOptions)) {
	everyMessage(func(m protoreflect.MessageDescriptor) {
		for i := range m.Fields().Len() {
			visit(m.Fields().Get(i), fieldOptions(m.Fields().Get(i)))
		}
	})
}

func TestEveryFieldHasItsLabelsAndItsUnit(t *testing.T) {
	everyField(func(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) {
		if o.GetZh() == "" || o.GetEn() == "" {
			t.Errorf("%s: has no label in both languages", f.FullName())
		}
		scaled := o.GetDecimals() > 0
		if suffix := "_x1" + strings.Repeat("0", int(o.GetDecimals())); scaled != strings.HasSuffix(string(f.Name()), suffix) || !scaled && strings.Contains(string(f.Name()), "_x10") {
			t.Errorf("%s: the name does not say %d decimals", f.FullName(), o.GetDecimals())
		}
		if o.GetUnit() != "" && !f.HasPresence() && f.Kind() != protoreflect.Int64Kind {
			t.Errorf("%s: measured, so it must be optional", f.FullName())
		}
		if strings.HasSuffix(string(f.Name()), "_ms") != (o.GetFormat() == schemav1.Format_FORMAT_INSTANT_MS) {
			t.Errorf("%s: an instant ends in _ms", f.FullName())
		}
	})
}

func TestRangesLieWithinEachOther(t *testing.T) {
	everyField(func(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) {
		hard, warn := o.GetHard(), o.GetWarn()
		for _, r := range []*schemav1.Range{hard, warn} {
			if r != nil && r.Min != nil && r.Max != nil && r.GetMin() >= r.GetMax() {
				t.Errorf("%s: empty range %v", f.FullName(), r)
			}
		}
		if hard != nil && warn != nil && (warn.Min != nil && warn.GetMin() < hard.GetMin() || warn.Max != nil && hard.Max != nil && warn.GetMax() > hard.GetMax()) {
			t.Errorf("%s: usual %v goes beyond possible %v", f.FullName(), warn, hard)
		}
		if hard != nil && o.GetUnit() != "" && o.GetUnit() != "B" && !o.GetConfirmable() {
			t.Errorf("%s: nothing measured is refused, so it must be confirmable", f.FullName())
		}
	})
}

func TestConditionsNameFieldsAndCodesThatExist(t *testing.T) {
	everyField(func(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) {
		siblings := f.ContainingMessage().Fields()
		conditional := o.GetRequirement() == schemav1.Requirement_REQUIREMENT_CONDITIONAL
		if conditional != (len(o.GetRequiredWhen())+len(o.GetRequiredFor()) > 0) {
			t.Errorf("%s: conditional %t with conditions %v %v", f.FullName(), conditional, o.GetRequiredWhen(), o.GetRequiredFor())
		}
		for _, c := range o.GetRequiredWhen() {
			other := siblings.ByName(protoreflect.Name(c.GetField()))
			if other == nil || other == f {
				t.Errorf("%s: condition on %q", f.FullName(), c.GetField())
				continue
			}
			for _, code := range c.GetCodes() {
				if other.Enum() == nil || other.Enum().Values().ByNumber(protoreflect.EnumNumber(code)) == nil {
					t.Errorf("%s: condition on code %d of %s", f.FullName(), code, other.Name())
				}
			}
		}
		for _, name := range o.GetDerivedFrom() {
			if siblings.ByName(protoreflect.Name(name)) == nil {
				t.Errorf("%s: computed from %q", f.FullName(), name)
			}
		}
		for _, name := range o.GetRequiredParts() {
			if f.Message() == nil || f.Message().Fields().ByName(protoreflect.Name(name)) == nil {
				t.Errorf("%s: wants the part %q", f.FullName(), name)
			}
		}
	})
}

func TestSectionsAndMergingAreWhereTheyMayBe(t *testing.T) {
	everyField(func(f protoreflect.FieldDescriptor, o *schemav1.FieldOptions) {
		if mergesByField(f) && (f.Message() == nil || f.IsList() || f.IsMap()) {
			t.Errorf("%s: only a single message has fields to merge", f.FullName())
		}
		if f.IsMap() && f.MapKey().Kind() != protoreflect.StringKind {
			t.Errorf("%s: keys of maps are drawn strings", f.FullName())
		}
		if (f.IsMap() || f.IsList()) != (o.GetMaxEntries() > 0) {
			t.Errorf("%s: a list, and nothing else, has a greatest number of entries", f.FullName())
		}
		if o.GetSection() == "" {
			return
		}
		kind, _ := proto.GetExtension(f.ContainingMessage().Options(), schemav1.E_Kind).(*schemav1.KindOptions)
		if !slices.ContainsFunc(kind.GetSections(), func(s *schemav1.Section) bool { return s.GetName() == o.GetSection() }) {
			t.Errorf("%s: section %q is not declared by the kind", f.FullName(), o.GetSection())
		}
	})
}

func TestCodesAreTheNationalOnes(t *testing.T) {
	everyField(func(f protoreflect.FieldDescriptor, _ *schemav1.FieldOptions) {
		if f.Enum() == nil {
			return
		}
		for i := range f.Enum().Values().Len() {
			v := f.Enum().Values().Get(i)
			o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
			if v.Number() == 0 {
				continue
			}
			if o.GetZh() == "" || o.GetEn() == "" {
				t.Errorf("%s: has no label in both languages", v.FullName())
			}
			if code := o.GetCode(); code != "" && !answers(code, int(v.Number())) {
				t.Errorf("%s: number %d for the code %q", v.FullName(), v.Number(), code)
			}
		}
	})
}

// answers reports whether a code with this number is printed as code: itself, with
// zeros before it, or zeros only for the first number of one digit more.
func answers(code string, number int) bool {
	if strings.Trim(code, "0") == "" {
		return fmt.Sprint(number) == "1"+code
	}
	return fmt.Sprintf("%0*d", len(code), number) == code
}
