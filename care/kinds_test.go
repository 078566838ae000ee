// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestKindsAreWhatTheirMessagesSay(t *testing.T) {
	want := map[record.Kind]string{
		KindResident: "resident", KindHomeVisit: "home_visit", KindHypertensionFollowUp: "hypertension_follow_up",
		KindDiabetesFollowUp: "diabetes_follow_up", KindCheckup: "checkup", KindResidentLink: "resident_link",
		KindCopdFollowUp: "copd_follow_up", KindSelfCareAssessment: "self_care_assessment", KindTcmConstitution: "tcm_constitution",
		KindDiseaseScreening: "disease_screening", KindClinicVisit: "clinic_visit",
	}
	if len(known()) != len(want) {
		t.Errorf("%d kinds, want %d", len(known()), len(want))
	}
	for kind, name := range want {
		info, ok := Kinds().Lookup(kind)
		if !ok || info.Kind != kind || info.Name != name || info.Class != record.ClassGeneral {
			t.Errorf("kind %d: %v %t, want %s", kind, info, ok, name)
		}
		if got, ok := KindNamed(name); !ok || got != kind {
			t.Errorf("%s: kind %d", name, got)
		}
		if m, err := New(kind); err != nil || proto.Size(m) != 0 {
			t.Errorf("%s: new form %v (%v)", name, m, err)
		}
	}
	if _, ok := Kinds().Lookup(1); ok {
		t.Error("kind 1 is none of care's")
	}
	if _, ok := KindNamed("household"); ok {
		t.Error("household is no kind yet")
	}
	if _, err := New(1); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("a form of kind 1: %v", err)
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
