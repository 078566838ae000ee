// SPDX-License-Identifier: Apache-2.0

package xunzhen_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// The tree of the release before this one. buf compares names, numbers and types with it
// and does not look at options, some of which are just as frozen: how a field merges, the
// number of a kind and who may receive its records. Records in the field were made by them.
const releasedImage = "proto/image.binpb"

const carePackage = "xunzhen.care.v1"

// frozenOptions are what must stay of one message: its kind's number and class, who
// saves it, and the merge policy of each field by its number.
type frozenOptions struct {
	kind  *schemav1.KindOptions // nil for a message that is no kind
	merge map[int32]schemav1.MergePolicy
}

// optionsOf reads the frozen options of every message of the forms, nested ones and map
// entries left out: none of the forms nests messages.
func optionsOf(files []*descriptorpb.FileDescriptorProto) map[string]frozenOptions {
	out := map[string]frozenOptions{}
	for _, file := range files {
		if file.GetPackage() != carePackage {
			continue
		}
		for _, m := range file.GetMessageType() {
			one := frozenOptions{merge: map[int32]schemav1.MergePolicy{}}
			if proto.HasExtension(m.GetOptions(), schemav1.E_Kind) {
				one.kind = proto.GetExtension(m.GetOptions(), schemav1.E_Kind).(*schemav1.KindOptions)
			}
			for _, f := range m.GetField() {
				one.merge[f.GetNumber()] = mergeOf(f)
			}
			out[m.GetName()] = one
		}
	}
	return out
}

// mergeOf returns how a field merges; a field that does not say so is a register.
func mergeOf(f *descriptorpb.FieldDescriptorProto) schemav1.MergePolicy {
	o, _ := proto.GetExtension(f.GetOptions(), schemav1.E_Field).(*schemav1.FieldOptions)
	if o.GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS {
		return schemav1.MergePolicy_MERGE_POLICY_FIELDS
	}
	return schemav1.MergePolicy_MERGE_POLICY_REGISTER
}

// thawed returns which frozen options of was are others in is, or gone. What is new in is
// may be anything.
func thawed(was, is map[string]frozenOptions) (out []string) {
	for name, then := range was {
		now, ok := is[name]
		if !ok {
			out = append(out, fmt.Sprintf("%s is gone", name))
			continue
		}
		if (then.kind == nil) != (now.kind == nil) {
			out = append(out, fmt.Sprintf("%s: was a kind %t, is one %t", name, then.kind != nil, now.kind != nil))
		}
		if then.kind.GetNumber() != now.kind.GetNumber() {
			out = append(out, fmt.Sprintf("%s: was kind %d, is kind %d", name, then.kind.GetNumber(), now.kind.GetNumber()))
		}
		if then.kind.GetPrivacyClass() != now.kind.GetPrivacyClass() {
			out = append(out, fmt.Sprintf("%s: was %s, is %s", name, then.kind.GetPrivacyClass(), now.kind.GetPrivacyClass()))
		}
		if then.kind.GetOfficeOnly() != now.kind.GetOfficeOnly() {
			out = append(out, fmt.Sprintf("%s: was the office's only %t, is %t", name, then.kind.GetOfficeOnly(), now.kind.GetOfficeOnly()))
		}
		for number, policy := range then.merge {
			if now, ok := now.merge[number]; !ok || now != policy {
				out = append(out, fmt.Sprintf("%s: field %d was %s, is %s", name, number, policy, now))
			}
		}
	}
	return out
}

func releasedFiles(t *testing.T) []*descriptorpb.FileDescriptorProto {
	t.Helper()
	data, err := os.ReadFile(releasedImage)
	if err != nil {
		t.Fatal(err)
	}
	var image descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(data, &image); err != nil {
		t.Fatal(err)
	}
	return image.GetFile()
}

func filesOfToday() (out []*descriptorpb.FileDescriptorProto) {
	protoregistry.GlobalFiles.RangeFilesByPackage(carePackage, func(f protoreflect.FileDescriptor) bool {
		out = append(out, protodesc.ToFileDescriptorProto(f))
		return true
	})
	return out
}

func TestWhatMergesHowIsFrozenSinceTheLastRelease(t *testing.T) {
	was, is := optionsOf(releasedFiles(t)), optionsOf(filesOfToday())
	for _, what := range thawed(was, is) {
		t.Errorf("%s: records in the field were made with what was released", what)
	}
	kinds, sections := 0, 0
	for _, m := range was {
		if m.kind != nil {
			kinds++
		}
		for _, policy := range m.merge {
			if policy == schemav1.MergePolicy_MERGE_POLICY_FIELDS {
				sections++
			}
		}
	}
	if kinds < 6 || sections < 5 {
		t.Errorf("the release has %d kinds and %d sections: its options are not read", kinds, sections)
	}
}

func TestAThawedOptionIsNamed(t *testing.T) {
	for name, c := range map[string]struct {
		mutate func(t *testing.T, m *descriptorpb.DescriptorProto)
		want   string // "" where nothing frozen changes
	}{
		"nothing": {func(*testing.T, *descriptorpb.DescriptorProto) {}, ""},
		"a section becomes a register": {setField("general", func(o *schemav1.FieldOptions) {
			o.Merge = schemav1.MergePolicy_MERGE_POLICY_REGISTER
		}), "Checkup: field 12 was MERGE_POLICY_FIELDS, is MERGE_POLICY_REGISTER"},
		"a register becomes a section": {setField("capture", func(o *schemav1.FieldOptions) {
			o.Merge = schemav1.MergePolicy_MERGE_POLICY_FIELDS
		}), "Checkup: field 5 was MERGE_POLICY_REGISTER, is MERGE_POLICY_FIELDS"},
		"a register says that it is one": {setField("capture", func(o *schemav1.FieldOptions) {
			o.Merge = schemav1.MergePolicy_MERGE_POLICY_REGISTER
		}), ""},
		"a label changes":     {setField("capture", func(o *schemav1.FieldOptions) { o.Zh = "录入" }), ""},
		"another kind number": {setKind(func(o *schemav1.KindOptions) { o.Number = 60 }), "Checkup: was kind 20, is kind 60"},
		"another class": {setKind(func(o *schemav1.KindOptions) {
			o.PrivacyClass = schemav1.PrivacyClass_PRIVACY_CLASS_SENSITIVE
		}), "Checkup: was PRIVACY_CLASS_GENERAL, is PRIVACY_CLASS_SENSITIVE"},
		"the office's only": {setKind(func(o *schemav1.KindOptions) { o.OfficeOnly = true }), "Checkup: was the office's only false, is true"},
		"no kind any more": {func(_ *testing.T, m *descriptorpb.DescriptorProto) {
			proto.ClearExtension(m.GetOptions(), schemav1.E_Kind)
		}, "Checkup: was a kind true, is one false"},
		"a field that is gone": {func(_ *testing.T, m *descriptorpb.DescriptorProto) { m.Field = m.GetField()[1:] }, "Checkup: field 1 was"},
		"a message that is gone": {func(_ *testing.T, m *descriptorpb.DescriptorProto) {
			m.Name = proto.String("Examination")
		}, "Checkup is gone"},
	} {
		files := releasedFiles(t)
		c.mutate(t, messageOf(t, files, "Checkup"))
		got := strings.Join(thawed(optionsOf(releasedFiles(t)), optionsOf(files)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: complaints %q, want %q", name, got, c.want)
		}
	}
}

func messageOf(t *testing.T, files []*descriptorpb.FileDescriptorProto, name string) *descriptorpb.DescriptorProto {
	t.Helper()
	for _, file := range files {
		for _, m := range file.GetMessageType() {
			if file.GetPackage() == carePackage && m.GetName() == name {
				return m
			}
		}
	}
	t.Fatalf("the release has no %s", name)
	return nil
}

func setField(name string, set func(*schemav1.FieldOptions)) func(*testing.T, *descriptorpb.DescriptorProto) {
	return func(t *testing.T, m *descriptorpb.DescriptorProto) {
		t.Helper()
		for _, f := range m.GetField() {
			if f.GetName() == name {
				set(proto.GetExtension(f.GetOptions(), schemav1.E_Field).(*schemav1.FieldOptions))
				return
			}
		}
		t.Fatalf("%s has no field %s", m.GetName(), name)
	}
}

func setKind(set func(*schemav1.KindOptions)) func(*testing.T, *descriptorpb.DescriptorProto) {
	return func(_ *testing.T, m *descriptorpb.DescriptorProto) {
		set(proto.GetExtension(m.GetOptions(), schemav1.E_Kind).(*schemav1.KindOptions))
	}
}
