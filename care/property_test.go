// SPDX-License-Identifier: Apache-2.0

package care

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// drawForm fills m with anything its descriptor allows, at most as deep as sections,
// groups and lists of groups go. It draws no group that is empty, which means the same as
// none, and no unknown field in a section, where it would be a register of its own.
func drawForm(t *rapid.T, m protoreflect.Message, share int) {
	for _, f := range byNumber(m.Descriptor().Fields()) {
		if rapid.IntRange(0, 99).Draw(t, "fill") >= share {
			continue
		}
		switch {
		case f.IsMap():
			for _, key := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"", "k1", "k2", "居"}), rapid.ID[string]).Draw(t, "keys") {
				m.Mutable(f).Map().Set(protoreflect.ValueOfString(key).MapKey(), drawValue(t, f.MapValue(), m.Mutable(f).Map().NewValue, share))
			}
		case f.IsList():
			list := m.Mutable(f).List()
			for range rapid.IntRange(1, 3).Draw(t, "elements") {
				list.Append(drawValue(t, f, list.NewElement, share))
			}
		default:
			v := drawValue(t, f, func() protoreflect.Value { return m.NewField(f) }, share)
			if f.Message() == nil || proto.Size(v.Message().Interface()) > 0 {
				m.Set(f, v)
			}
		}
	}
}

func drawValue(t *rapid.T, f protoreflect.FieldDescriptor, empty func() protoreflect.Value, share int) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.MessageKind:
		v := empty()
		drawForm(t, v.Message(), share)
		if !mergesByField(f) && rapid.IntRange(0, 9).Draw(t, "later") == 0 {
			v.Message().SetUnknown(unknownField(rapid.StringN(0, 3, -1).Draw(t, "unknown")))
		}
		return v
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rapid.Int32Range(0, 20).Draw(t, "code")))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(t, "bool"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(rapid.SliceOfN(rapid.Byte(), 0, 4).Draw(t, "bytes"))
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(rapid.SampledFrom([]string{"", "a", "王", "·"}).Draw(t, "text"))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind:
		return protoreflect.ValueOfInt64(rapid.Int64().Draw(t, "int64"))
	case protoreflect.Uint64Kind:
		return protoreflect.ValueOfUint64(rapid.Uint64().Draw(t, "uint64"))
	case protoreflect.Uint32Kind:
		return protoreflect.ValueOfUint32(rapid.Uint32().Draw(t, "uint32"))
	default: // int32 and sint32
		return protoreflect.ValueOfInt32(rapid.Int32().Draw(t, "int32"))
	}
}

func drawnForm(t *rapid.T, kind record.Kind, share int) proto.Message {
	f, _ := formOf(kind)
	m := f.empty()
	drawForm(t, m, share)
	return m.Interface()
}

func drawKind(t *rapid.T) record.Kind {
	return rapid.SampledFrom(slices.Sorted(maps.Keys(known()))).Draw(t, "kind")
}

// drawScreen is a form that several people have worked on: some registers have
// siblings, some were cleared, and some are of a later release.
func drawScreen(t *rapid.T, kind record.Kind, m proto.Message) screen {
	shown := opened(t, kind, m)
	other := opened(t, kind, drawnForm(t, kind, 30))
	for i := range shown {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			shown = shown.beside(uint64(10+i), shown[i].Path, record.Value{Form: record.Clear}, false)
		case 1:
			if j := slices.IndexFunc(other, func(g record.Register) bool { return g.Path == shown[i].Path }); j >= 0 {
				shown = shown.beside(uint64(10+i), shown[i].Path, other[j].Siblings[0].Value, rapid.Bool().Draw(t, "held"))
			}
		}
	}
	if rapid.Bool().Draw(t, "later register") {
		shown = shown.with(9, record.Field(9998), text(9998, "a register of a later release"))
	}
	return shown
}

func TestSavingADiffGivesTheEditedForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := drawKind(t)
		shown := drawScreen(t, kind, drawnForm(t, kind, 30))
		edited := drawnForm(t, kind, 30)
		now, unreadable := known()[kind].message(shown.save(99, diff(t, kind, shown, edited)))
		if len(unreadable) > 0 {
			t.Fatalf("unreadable %v", unreadable)
		}
		if got, want := visible(now), visible(edited.ProtoReflect()); !proto.Equal(got, want) {
			t.Fatalf("after the save the form is\n%v\nwant\n%v", got, want)
		}
	})
}

// visible returns what a person can see of a form: neither unknown fields nor
// groups in which nothing else is.
func visible(m protoreflect.Message) proto.Message {
	out := knownPart(m)
	prune(out.ProtoReflect())
	return out
}

func prune(m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if isSingle(f) {
			if prune(v.Message()); !hasKnown(v.Message()) {
				m.Clear(f)
			}
		}
		return true
	})
}

func TestAnUntouchedScreenIsNoChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := drawKind(t)
		shown := drawScreen(t, kind, drawnForm(t, kind, 30))
		m, _ := Message(kind, shown)
		if changes := diff(t, kind, shown, m); changes != nil {
			t.Fatalf("changes %v", changes)
		}
		text, err := FormatJSON(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseJSON(kind, text)
		if err != nil {
			t.Fatal(err)
		}
		if changes := diff(t, kind, shown, back); changes != nil {
			t.Fatalf("through JSON: changes %v\n%s", changes, text)
		}
	})
}

func TestChangesAreSortedRegistersOfTheKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := drawKind(t)
		shown := drawScreen(t, kind, drawnForm(t, kind, 30))
		changes := diff(t, kind, shown, drawnForm(t, kind, 30))
		info, _ := Kinds().Lookup(kind)
		for i, c := range changes {
			if info.Boundary(c.Path) != record.BoundaryExact {
				t.Fatalf("%s is no register", c.Path)
			}
			if i > 0 && changes[i-1].Path >= c.Path {
				t.Fatalf("%s does not come before %s", changes[i-1].Path, c.Path)
			}
			if back, err := ParsePath(kind, FormatPath(kind, c.Path)); err != nil || back != c.Path {
				t.Fatalf("%s is written %q and read %s (%v)", c.Path, FormatPath(kind, c.Path), back, err)
			}
			if _, ok := LabelOf(kind, c.Path); !ok {
				t.Fatalf("%s has no label", c.Path)
			}
		}
		if len(changes) > 0 {
			if _, err := record.Normalise(changes); err != nil {
				t.Fatalf("no revision can hold the changes: %v", err)
			}
		}
	})
}

func TestUnknownPartsSurviveAnyEdit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := drawKind(t)
		before := drawnForm(t, kind, 50)
		shown := drawScreen(t, kind, before)
		edited := drawnForm(t, kind, 50)
		discardUnknown(edited.ProtoReflect())
		now, _ := known()[kind].message(shown.save(99, diff(t, kind, shown, edited)))
		if string(now.GetUnknown()) != string(known()[kind].mustRead(shown).GetUnknown()) {
			t.Fatal("a register of a later release is lost")
		}
		checkUnknownKept(t, before.ProtoReflect(), now)
	})
}

func (f *form) mustRead(s screen) protoreflect.Message {
	m, _ := f.message(s)
	return m
}

// checkUnknownKept wants every group and map entry that is still there, and not
// emptied, to have the unknown fields it had.
func checkUnknownKept(t *rapid.T, was, is protoreflect.Message) {
	same := func(f protoreflect.FieldDescriptor, a, b protoreflect.Message) {
		if hasKnown(b) && string(a.GetUnknown()) != string(b.GetUnknown()) {
			t.Fatalf("%s had unknown %x and has %x", f.FullName(), a.GetUnknown(), b.GetUnknown())
		}
		checkUnknownKept(t, a, b)
	}
	was.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
				if b := is.Get(f).Map().Get(k); b.IsValid() {
					same(f, v.Message(), b.Message())
				}
				return true
			})
		case f.Message() != nil && !f.IsList() && is.Has(f):
			same(f, v.Message(), is.Get(f).Message())
		}
		return true
	})
}
