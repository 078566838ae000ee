// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func aResident() *carev1.Resident {
	return &carev1.Resident{
		Name:         "李秀英",
		Phone:        "13900000000",
		BirthDate:    19560412,
		Sex:          carev1.Sex_SEX_FEMALE,
		Disabilities: []carev1.Disability{carev1.Disability_DISABILITY_SIGHT, carev1.Disability_DISABILITY_LIMBS},
		Environment:  &carev1.LivingEnvironment{Fuel: carev1.Fuel_FUEL_COAL, Toilet: carev1.Toilet_TOILET_SANITARY},
		PastDiseases: map[string]*carev1.PastDisease{
			"k1": {Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_HYPERTENSION, DiagnosedOn: 20190500},
		},
	}
}

func opened(t tester, kind record.Kind, m proto.Message) screen {
	return screen(nil).save(1, diff(t, kind, nil, m))
}

func TestDiffNamesExactlyWhatWasEdited(t *testing.T) {
	clear := record.Value{Form: record.Clear}
	for _, c := range []struct {
		name string
		edit func(*carev1.Resident)
		want string
		form record.Form
	}{
		{"one text field", func(r *carev1.Resident) { r.Phone = "13800000000" }, "phone", record.Present},
		{"a field that was empty", func(r *carev1.Resident) { r.Workplace = "农" }, "workplace", record.Present},
		{"a field that is emptied", func(r *carev1.Resident) { r.Phone = "" }, "phone", record.Clear},
		{"one field of a section", func(r *carev1.Resident) { r.Environment.Fuel = carev1.Fuel_FUEL_WOOD }, "environment.fuel", record.Present},
		{"a field of a section that is emptied", func(r *carev1.Resident) { r.Environment.Toilet = 0 }, "environment.toilet", record.Clear},
		{"a code list, whole", func(r *carev1.Resident) { r.Disabilities = r.Disabilities[:1] }, "disabilities", record.Present},
		{"an entry of a map", func(r *carev1.Resident) { r.PastDiseases["k1"].DiagnosedOn = 20200000 }, "past_diseases[k1]", record.Present},
		{"a new entry", func(r *carev1.Resident) { r.PastDiseases["k2"] = &carev1.PastDisease{Code: 3} }, "past_diseases[k2]", record.Present},
		{"an entry taken out", func(r *carev1.Resident) { delete(r.PastDiseases, "k1") }, "past_diseases[k1]", record.Clear},
		{"a group that was empty", func(r *carev1.Resident) { r.Death = &carev1.Death{Dead: true, DiedOn: 20260301} }, "death", record.Present},
	} {
		t.Run(c.name, func(t *testing.T) {
			shown := opened(t, KindResident, aResident())
			edited := aResident()
			c.edit(edited)
			changes := diff(t, KindResident, shown, edited)
			if len(changes) != 1 {
				t.Fatalf("%d changes, want one: %v", len(changes), changes)
			}
			got := changes[0]
			if name := FormatPath(KindResident, got.Path); name != c.want || got.Value.Form != c.form {
				t.Fatalf("changed %s (form %d), want %s (form %d)", name, got.Value.Form, c.want, c.form)
			}
			wasFilled := slices.ContainsFunc(shown, func(g record.Register) bool { return g.Path == got.Path })
			if wasFilled != slices.Equal(got.Parents, []causal.Dot{dot(1)}) || !wasFilled && got.Parents != nil {
				t.Errorf("parents %v of a register that was filled: %t", got.Parents, wasFilled)
			}
			if got.Value.Form != record.Present && !got.Value.Equal(clear) {
				t.Errorf("a cleared value has bytes")
			}
			if now := message[*carev1.Resident](t, KindResident, shown.save(2, changes)); !proto.Equal(now, edited) {
				t.Errorf("after the save the form is\n%v\nwant\n%v", now, edited)
			}
		})
	}
}

func TestDiffOfAnUntouchedFormIsNothing(t *testing.T) {
	shown := opened(t, KindResident, aResident())
	if changes := diff(t, KindResident, shown, aResident()); changes != nil {
		t.Errorf("changes %v", changes)
	}
}

func TestBothBloodPressuresAreOneRegister(t *testing.T) {
	shown := opened(t, KindHypertensionFollowUp, &carev1.HypertensionFollowUp{
		BloodPressure: &carev1.BloodPressure{SystolicMmhg: proto.Int32(150), DiastolicMmhg: proto.Int32(90)},
	})
	edited := message[*carev1.HypertensionFollowUp](t, KindHypertensionFollowUp, shown)
	edited.BloodPressure.SystolicMmhg = proto.Int32(140)
	changes := diff(t, KindHypertensionFollowUp, shown, edited)
	if len(changes) != 1 || FormatPath(KindHypertensionFollowUp, changes[0].Path) != "blood_pressure" {
		t.Fatalf("changes %v", changes)
	}
	text, err := FormatValue(KindHypertensionFollowUp, changes[0].Path, changes[0].Value)
	if want := "{\n  \"blood_pressure\": {\n    \"systolic_mmhg\": 140,\n    \"diastolic_mmhg\": 90\n  }\n}"; err != nil || string(text) != want {
		t.Errorf("the register is %s (%v), want both numbers: %s", text, err, want)
	}
}

func TestZeroIsMeasuredAndEmptyIsNot(t *testing.T) {
	shown := opened(t, KindHypertensionFollowUp, &carev1.HypertensionFollowUp{CigarettesPerDay: proto.Int32(0)})
	if len(shown) != 1 {
		t.Fatalf("a measured zero made %d registers, want one", len(shown))
	}
	if changes := diff(t, KindHypertensionFollowUp, shown, &carev1.HypertensionFollowUp{}); len(changes) != 1 || changes[0].Value.Form != record.Clear {
		t.Errorf("taking the zero away gave %v, want a clear", changes)
	}
}

func TestAnEmptyGroupIsNoValue(t *testing.T) {
	m := &carev1.HomeVisit{BloodPressure: &carev1.BloodPressure{}, Medications: map[string]*carev1.DrugEntry{"k1": {}}}
	changes := diff(t, KindHomeVisit, nil, m)
	if len(changes) != 1 || FormatPath(KindHomeVisit, changes[0].Path) != "medications[k1]" {
		t.Errorf("changes %v, want the entry alone, which says that there is a drug", changes)
	}
}

func TestParentsAreAllValuesShown(t *testing.T) {
	phone := path(t, KindResident, "phone")
	shown := opened(t, KindResident, aResident())
	other := record.Of(protowire.AppendString(protowire.AppendTag(nil, 15, protowire.BytesType), "137"))
	shown = shown.beside(5, phone, other, false).beside(4, phone, other, true)
	edited := aResident()
	edited.Phone = "138"
	changes := diff(t, KindResident, shown, edited)
	if want := []causal.Dot{dot(1), dot(4), dot(5)}; len(changes) != 1 || !slices.Equal(changes[0].Parents, want) {
		t.Errorf("changes %v, want one with the parents %v: the held one too", changes, want)
	}
	if changes := diff(t, KindResident, shown, aResident()); changes != nil {
		t.Errorf("a conflict that nobody touched gave %v", changes)
	}
}

func TestClearedAndErasedValuesAreEmptyFields(t *testing.T) {
	for _, form := range []record.Form{record.Clear, record.Erased} {
		shown := opened(t, KindResident, aResident())
		phone := path(t, KindResident, "phone")
		shown = shown.save(2, []record.Change{{Path: phone, Value: record.Value{Form: form}, Parents: []causal.Dot{dot(1)}}})
		m := message[*carev1.Resident](t, KindResident, shown)
		if m.Phone != "" {
			t.Fatalf("form %d: the form shows %q", form, m.Phone)
		}
		if changes := diff(t, KindResident, shown, m); changes != nil {
			t.Errorf("form %d: untouched, but changes %v", form, changes)
		}
		m.Phone = "138"
		if changes := diff(t, KindResident, shown, m); len(changes) != 1 || !slices.Equal(changes[0].Parents, []causal.Dot{dot(2)}) {
			t.Errorf("form %d: changes %v, want one that replaces the value shown", form, changes)
		}
	}
}

func TestFieldsOfALaterReleaseSurvive(t *testing.T) {
	disease := &carev1.PastDisease{Code: 2}
	disease.ProtoReflect().SetUnknown(unknownField("in an entry"))
	hazard := &carev1.OccupationalHazard{Kind: 1}
	hazard.ProtoReflect().SetUnknown(unknownField("in a list"))
	sugar := &carev1.BloodGlucose{}
	sugar.ProtoReflect().SetUnknown(unknownField("nothing else"))

	t.Run("a register of its own is not named", func(t *testing.T) {
		shown := opened(t, KindResident, aResident())
		later, nested := record.Field(9999), record.Field(50, 9999)
		shown = shown.with(2, later, unknownField("at the root")).with(3, nested, unknownField("in a section"))
		for _, c := range diff(t, KindResident, shown, &carev1.Resident{}) {
			if c.Path == later || c.Path == nested {
				t.Errorf("%s was changed", c.Path)
			}
		}
		m := message[*carev1.Resident](t, KindResident, shown)
		if len(m.ProtoReflect().GetUnknown()) == 0 || len(m.Environment.ProtoReflect().GetUnknown()) == 0 {
			t.Error("the form has lost the unknown fields")
		}
	})
	t.Run("an entry edited by a program that drops them keeps them", func(t *testing.T) {
		shown := opened(t, KindResident, &carev1.Resident{PastDiseases: map[string]*carev1.PastDisease{"k1": disease}})
		edited := &carev1.Resident{PastDiseases: map[string]*carev1.PastDisease{"k1": {Code: 2, DiagnosedOn: 20200101}}}
		now := message[*carev1.Resident](t, KindResident, shown.save(2, diff(t, KindResident, shown, edited)))
		if got := now.PastDiseases["k1"]; got.DiagnosedOn != 20200101 || string(got.ProtoReflect().GetUnknown()) != string(unknownField("in an entry")) {
			t.Errorf("the entry is %v", got)
		}
	})
	t.Run("elements of a list keep theirs when others come and go", func(t *testing.T) {
		m := &carev1.Checkup{Lifestyle: &carev1.CheckupLifestyle{OccupationalExposure: &carev1.OccupationalExposure{
			Hazards: []*carev1.OccupationalHazard{{Kind: 4}, hazard},
		}}}
		shown := opened(t, KindCheckup, m)
		edited := &carev1.Checkup{Lifestyle: &carev1.CheckupLifestyle{OccupationalExposure: &carev1.OccupationalExposure{
			Hazards: []*carev1.OccupationalHazard{{Kind: 1}},
		}}}
		now := message[*carev1.Checkup](t, KindCheckup, shown.save(2, diff(t, KindCheckup, shown, edited)))
		if got := now.Lifestyle.OccupationalExposure.Hazards; len(got) != 1 || len(got[0].ProtoReflect().GetUnknown()) == 0 {
			t.Errorf("hazards %v", got)
		}
	})
	t.Run("a group with nothing else is not cleared by being invisible", func(t *testing.T) {
		shown := opened(t, KindHomeVisit, &carev1.HomeVisit{BloodGlucose: sugar})
		for _, edited := range []*carev1.HomeVisit{{}, {BloodGlucose: &carev1.BloodGlucose{}}} {
			if changes := diff(t, KindHomeVisit, shown, edited); changes != nil {
				t.Errorf("changes %v", changes)
			}
		}
	})
	t.Run("a form that went through JSON untouched is no change", func(t *testing.T) {
		shown := opened(t, KindResident, &carev1.Resident{Name: "王", PastDiseases: map[string]*carev1.PastDisease{"k1": disease}})
		text, err := FormatJSON(message[*carev1.Resident](t, KindResident, shown))
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseJSON(KindResident, text)
		if err != nil {
			t.Fatal(err)
		}
		if changes := diff(t, KindResident, shown, back); changes != nil {
			t.Errorf("changes %v", changes)
		}
	})
}

func TestALongListIsComparedInGoodTime(t *testing.T) {
	m := &carev1.Checkup{Lifestyle: &carev1.CheckupLifestyle{OccupationalExposure: &carev1.OccupationalExposure{}}}
	for range record.MaxRevision / 2 {
		m.Lifestyle.OccupationalExposure.Hazards = append(m.Lifestyle.OccupationalExposure.Hazards, &carev1.OccupationalHazard{})
	}
	shown := opened(t, KindCheckup, m)
	if changes := diff(t, KindCheckup, shown, m); changes != nil {
		t.Errorf("%d changes", len(changes))
	}
}

func TestDiffRefusesAForeignForm(t *testing.T) {
	if _, err := Diff(KindResident, nil, &carev1.Checkup{}); !errors.Is(err, ErrWrongForm) {
		t.Errorf("a checkup for a resident: %v", err)
	}
	if _, err := Diff(4000, nil, &carev1.Checkup{}); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := Diff(KindResident, nil, &carev1.Resident{Name: "\xff"}); err == nil {
		t.Error("text that is not UTF-8 was taken")
	}
}
