// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// fill puts something ordinary into every field of m: the middle of what is usual,
// the first code, a word. One entry for each list and map.
func fill(m protoreflect.Message, day care.Date, depth int) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		switch {
		case depth > 4 || f.ContainingOneof() != nil && !f.ContainingOneof().IsSynthetic():
		case f.IsMap() && f.MapValue().Message() != nil:
			entries := m.Mutable(f).Map()
			v := entries.NewValue()
			fill(v.Message(), day, depth+1)
			entries.Set(protoreflect.ValueOfString("k7f3q2xw").MapKey(), v)
		case f.IsMap():
		case f.IsList() && f.Message() != nil:
			v := m.Mutable(f).List().NewElement()
			fill(v.Message(), day, depth+1)
			m.Mutable(f).List().Append(v)
		case f.IsList():
			m.Mutable(f).List().Append(ordinary(f, day))
		case f.Message() != nil:
			fill(m.Mutable(f).Message(), day, depth+1)
		default:
			m.Set(f, ordinary(f, day))
		}
	}
}

func ordinary(f protoreflect.FieldDescriptor, day care.Date) protoreflect.Value {
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	r := o.GetWarn()
	if r == nil {
		r = o.GetHard()
	}
	n := max(1, (r.GetMin()+r.GetMax())/2)
	switch o.GetFormat() {
	case schemav1.Format_FORMAT_CIVIL_DATE:
		n = int64(day)
	case schemav1.Format_FORMAT_INSTANT_MS:
		n = 1_772_330_400_000
	}
	switch f.Kind() {
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(uint64(n))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(n))
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(f.Enum().Values().Get(1).Number())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind:
		return protoreflect.ValueOfInt32(int32(n))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(n)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(false)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(make([]byte, 16))
	}
	return protoreflect.ValueOfString("无")
}

// chronicPatient is a person of 70 with hypertension and diabetes and 40 records of
// three years, who was offered what the pack offers and took it.
func chronicPatient(pack *rules.Pack) *rules.Person {
	var entries []rules.Entry
	id := record.DerivedID(care.KindResident, nil)
	add := func(kind record.Kind, day care.Date) {
		m, err := care.New(kind)
		if err != nil {
			panic(err)
		}
		fill(m.ProtoReflect(), day, 0)
		if r, ok := m.(*carev1.Resident); ok {
			r.BirthDate, r.Death, r.ManagementEnd = 19560301, nil, nil
			r.Tags = map[string]*carev1.PopulationTag{
				"a": {Code: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, Since: 20200101},
				"b": {Code: carev1.PopulationCode_POPULATION_CODE_DIABETES, Since: 20200101},
				"c": {Code: carev1.PopulationCode_POPULATION_CODE_AGED, Since: 20210301},
			}
		}
		e := rules.Entry{ID: record.DerivedID(kind, []byte{byte(len(entries))}), Kind: kind, Form: m, CapturedAt: time.UnixMilli(int64(len(entries)))}
		offers, _ := pack.Proposals(rules.NewPerson(id, entries), e, day)
		for _, o := range offers {
			if err := o.Set(m); err != nil {
				panic(err)
			}
		}
		entries = append(entries, e)
	}
	named := func(name string) record.Kind {
		kind, ok := care.KindNamed(name)
		if !ok {
			panic(name)
		}
		return kind
	}
	add(care.KindResident, 20200101)
	for quarter := range 12 {
		day := care.Date(20230115 + quarter/4*10000 + quarter%4*300)
		add(care.KindHypertensionFollowUp, day)
		add(care.KindDiabetesFollowUp, day)
	}
	for year := range 3 {
		day := care.Date(20230501 + year*10000)
		for _, name := range []string{"checkup", "self_care_assessment", "tcm_constitution", "home_visit", "contract"} {
			add(named(name), day)
		}
	}
	return rules.NewPerson(id, entries)
}

const today = care.Date(20260301)
