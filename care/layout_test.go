// SPDX-License-Identifier: Apache-2.0

package care

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestBoundaries(t *testing.T) {
	for _, c := range []struct {
		name string
		kind record.Kind
		path record.Path
		want record.Boundary
	}{
		{"a text", KindResident, record.Field(15), record.BoundaryExact},
		{"a group", KindResident, record.Field(16), record.BoundaryExact},
		{"inside a group", KindResident, record.Field(16, 1), record.BoundaryWrong},
		{"inside a text", KindResident, record.Field(15, 1), record.BoundaryWrong},
		{"an unknown field inside a group", KindResident, record.Field(16, 9999), record.BoundaryWrong},
		{"a code list", KindResident, record.Field(47), record.BoundaryExact},
		{"an element of a code list", KindResident, record.Field(47).Key("0"), record.BoundaryWrong},
		{"an entry of a map", KindResident, record.Field(34).Key("k1"), record.BoundaryExact},
		{"an entry whose key is not UTF-8", KindResident, record.Field(34).Key("\xff"), record.BoundaryWrong},
		{"a map as a whole", KindResident, record.Field(34), record.BoundaryWrong},
		{"inside an entry", KindResident, record.Field(34).Key("k1").Field(1), record.BoundaryWrong},
		{"a field number below a map", KindResident, record.Field(34, 1), record.BoundaryWrong},
		{"a field of a section", KindResident, record.Field(50, 1), record.BoundaryExact},
		{"a section as a whole", KindResident, record.Field(50), record.BoundaryWrong},
		{"a key below a section", KindResident, record.Field(50).Key("k"), record.BoundaryWrong},
		{"below a field of a section", KindResident, record.Field(50, 1, 1), record.BoundaryWrong},
		{"an unknown field", KindResident, record.Field(9999), record.BoundaryUnknown},
		{"below an unknown field", KindResident, record.Field(9999, 1, 2).Key("k"), record.BoundaryUnknown},
		{"an unknown field of a section", KindResident, record.Field(50, 9999), record.BoundaryUnknown},
		{"a group of a section", KindCheckup, record.Field(12, 4), record.BoundaryExact},
		{"inside a group of a section", KindCheckup, record.Field(12, 4, 1), record.BoundaryWrong},
		{"a section of a later release", KindCheckup, record.Field(23, 1), record.BoundaryUnknown},
		{"the scope", KindResident, record.PathScope, record.BoundaryExact},
		{"a header register of a later release", KindResident, record.Field(0, 9), record.BoundaryUnknown},
		{"a key first", KindResident, record.Path("").Key("k"), record.BoundaryWrong},
		{"no path", KindResident, "", record.BoundaryWrong},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, _ := Kinds().Lookup(c.kind)
			if got := info.Boundary(c.path); got != c.want {
				t.Errorf("%s: %d, want %d", c.path, got, c.want)
			}
		})
	}
}

// testForm makes a form with a oneof, which no kind has yet:
//
//	message Form {
//	  message Part { string text = 1; }
//	  oneof choice { string word = 4; Part part = 2; }
//	  Section section = 6 [merge one by one];  // has the same fields as Form, but no section
//	}
func testForm(t testing.TB) *form {
	t.Helper()
	str, msg := descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum()
	one := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	merge := &descriptorpb.FieldOptions{}
	proto.SetExtension(merge, schemav1.E_Field, &schemav1.FieldOptions{Merge: schemav1.MergePolicy_MERGE_POLICY_FIELDS})
	choice := func() []*descriptorpb.FieldDescriptorProto {
		return []*descriptorpb.FieldDescriptorProto{
			{Name: proto.String("word"), Number: proto.Int32(4), Type: str, Label: one, OneofIndex: proto.Int32(0)},
			{Name: proto.String("part"), Number: proto.Int32(2), Type: msg, Label: one, TypeName: proto.String(".test.Part"), OneofIndex: proto.Int32(0)},
		}
	}
	oneof := []*descriptorpb.OneofDescriptorProto{{Name: proto.String("choice")}}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Part"), Field: []*descriptorpb.FieldDescriptorProto{{Name: proto.String("text"), Number: proto.Int32(1), Type: str, Label: one}}},
			{Name: proto.String("Section"), Field: choice(), OneofDecl: oneof},
			{Name: proto.String("Form"), OneofDecl: oneof, Field: append(choice(), &descriptorpb.FieldDescriptorProto{
				Name: proto.String("section"), Number: proto.Int32(6), Type: msg, Label: one, TypeName: proto.String(".test.Section"), Options: merge,
			})},
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return newForm(dynamicpb.NewMessageType(file.Messages().ByName("Form")))
}

func TestMembersOfAOneofAreOneRegister(t *testing.T) {
	f := testForm(t)
	member := func(m protoreflect.Message, name protoreflect.Name) protoreflect.FieldDescriptor {
		return m.Descriptor().Fields().ByName(name)
	}
	for p, want := range map[record.Path]record.Boundary{
		record.Field(2):    record.BoundaryExact,
		record.Field(4):    record.BoundaryWrong,
		record.Field(6, 2): record.BoundaryExact,
		record.Field(6, 4): record.BoundaryWrong,
	} {
		if got := f.layout.boundary(p); got != want {
			t.Errorf("%s: %d, want %d", p, got, want)
		}
	}

	first := f.empty()
	first.Set(member(first, "word"), protoreflect.ValueOfString("w"))
	changes, err := f.diff(nil, first)
	if err != nil || len(changes) != 1 || changes[0].Path != record.Field(2) {
		t.Fatalf("changes %v (%v), want one at the lowest number", changes, err)
	}
	shown := screen(nil).save(1, changes)

	second := f.empty()
	second.Set(member(second, "part"), protoreflect.ValueOfMessage(second.NewField(member(second, "part")).Message()))
	changes, err = f.diff(shown, second)
	if err != nil || len(changes) != 1 || changes[0].Value.Form != record.Present || len(changes[0].Parents) != 1 {
		t.Fatalf("changes %v (%v), want the other member in the first one's place, though it is empty", changes, err)
	}
	shown = shown.save(2, changes)
	if now, unreadable := f.message(shown); unreadable != nil || !proto.Equal(now.Interface(), second.Interface()) {
		t.Errorf("the form is %v, unreadable %v", now, unreadable)
	}

	later := screen(nil).with(1, record.Field(2), text(9, "a member of a later release"))
	now, unreadable := f.message(later)
	if unreadable != nil || string(now.GetUnknown()) != string(text(9, "a member of a later release")) {
		t.Errorf("unknown %x, unreadable %v", now.GetUnknown(), unreadable)
	}
	if changes, err := f.diff(later, f.empty()); changes != nil || err != nil {
		t.Errorf("a member of a later release was cleared: %v (%v)", changes, err)
	}
}
