// SPDX-License-Identifier: Apache-2.0

package care

import (
	"embed"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Forms of invented people, one a kind, by the kind's name.
//
//go:embed testdata/forms/*.json
var fullForms embed.FS

func TestAFullFormIsTheSameAfterItsRegistersAndItsJSON(t *testing.T) {
	files, err := fullForms.ReadDir("testdata/forms")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fullForms.ReadFile("testdata/forms/" + file.Name())
		kind, ok := KindNamed(strings.TrimSuffix(file.Name(), ".json"))
		if err != nil || !ok {
			t.Errorf("%s: is no kind (%v)", file.Name(), err)
			continue
		}
		form, err := ParseJSON(kind, text)
		if err != nil {
			t.Errorf("%s: %v", file.Name(), err)
			continue
		}
		everyFieldIsFilled(t, form)
		changes, err := Diff(kind, nil, form)
		shown := screen{}.save(1, changes)
		again, readErr := Message(kind, shown)
		if err != nil || readErr != nil || !proto.Equal(form, again) {
			t.Errorf("%s: comes back as %v (%v, %v)", file.Name(), again, err, readErr)
		}
		if changes, err := Diff(kind, shown, again); err != nil || len(changes) > 0 {
			t.Errorf("%s: shown and saved, it changes %v (%v)", file.Name(), changes, err)
		}
		out, err := FormatJSON(again)
		if err != nil {
			t.Errorf("%s: %v", file.Name(), err)
		}
		if twice, err := ParseJSON(kind, out); err != nil || !proto.Equal(form, twice) {
			t.Errorf("%s: written and read, it is %v (%v)", file.Name(), twice, err)
		}
	}
}

// everyFieldIsFilled says which fields a form that is to show all of its kind leaves
// out.
func everyFieldIsFilled(t *testing.T, form proto.Message) {
	t.Helper()
	m := form.ProtoReflect()
	for _, f := range byNumber(m.Descriptor().Fields()) {
		if one := f.ContainingOneof(); !m.Has(f) && (one == nil || one.IsSynthetic()) {
			t.Errorf("%s: is left out", f.FullName())
		}
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		if mergesByField(f) {
			everyFieldIsFilled(t, v.Message().Interface())
		}
		return true
	})
}
