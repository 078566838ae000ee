// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
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
		KindRulePack:       "rule_pack",
		KindStaff:          "staff",
		KindOrganisation:   "organisation",
		KindVitalEvent:     "vital_event",
		KindDivisionChange: "division_change",
		KindAccessEntry:    "access_entry",
	} {
		if info, ok := Kinds().Lookup(kind); !ok || info.Name != name || info.OfficeOnly != (kind == KindDivisionChange || kind == KindRulePack || kind == KindAccessEntry) {
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
	if !ok || kind <= record.MaxActKind || info.Kind != kind || info.Name != snake(string(m.Name())) || info.Class != record.Class(o.GetPrivacyClass()) || (info.Class == record.ClassEveryone) != (kind == KindRulePack) { // which names nobody, and every tablet needs it
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
