// SPDX-License-Identifier: Apache-2.0

package care

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"
)

// TestCuttingANewFormGivesWhatComparingItGives: create(m) == diff(nil, m), for every kind, with
// empty messages in it, and with fields of a later release anywhere.
func TestCuttingANewFormGivesWhatComparingItGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := drawKind(t)
		m := drawnForm(t, kind, rapid.SampledFrom([]int{10, 40, 90}).Draw(t, "share")).ProtoReflect()
		empty(t, m)
		f, err := formOf(kind)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := f.diff(nil, m)
		got, err := f.create(m.Interface())
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v, want %v", err, wantErr)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("kind %d: %s", kind, d)
		}
	})
}

// empty puts empty messages and unknown fields into a form.
func empty(t *rapid.T, m protoreflect.Message) {
	for _, f := range byNumber(m.Descriptor().Fields()) {
		if f.Message() == nil || f.IsList() || f.IsMap() {
			continue
		}
		switch rapid.IntRange(0, 9).Draw(t, "empty") {
		case 0:
			m.Set(f, m.NewField(f))
		case 1:
			m.Mutable(f).Message().SetUnknown(unknownField("later"))
		case 2:
			empty(t, m.Mutable(f).Message())
		}
	}
	if rapid.IntRange(0, 5).Draw(t, "unknown") == 0 {
		m.SetUnknown(unknownField("a later release"))
	}
}

func TestANewFormWithTextThatIsNotUTF8IsAnError(t *testing.T) {
	m := aResident()
	m.Name = "\xff"
	if got, err := Diff(KindResident, nil, m); err == nil {
		t.Errorf("%d changes", len(got))
	}
}

func BenchmarkCreate(b *testing.B) {
	f, _ := formOf(KindResident)
	m := aResident()
	b.Run("cut", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.create(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("compared", func(b *testing.B) {
		for b.Loop() {
			if _, err := f.diff(nil, m.ProtoReflect()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
