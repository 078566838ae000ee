// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func text(number protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), s)
}

func TestMessageLeavesOutWhatIsNotItsRegister(t *testing.T) {
	entry := func(key string) []byte { return text(34, string(text(1, key))) }
	for _, c := range []struct {
		name  string
		path  record.Path
		value []byte
	}{
		{"a cut-off record", record.Field(15), []byte{0x7a, 5, 'x'}},
		{"a tag that is none", record.Field(15), []byte{0xff}},
		{"another field's record", record.Field(15), text(14, "x")},
		{"another field's record behind its own", record.Field(15), append(text(15, "x"), text(14, "y")...)},
		{"a field with a message where a text belongs", record.Field(15), protowire.AppendVarint(protowire.AppendTag(nil, 15, protowire.VarintType), 1)[:1]},
		{"text that is not UTF-8", record.Field(15), text(15, "\xff")},
		{"a path inside a group", record.Field(16, 1), text(1, "x")},
		{"a section as a whole", record.Field(50), text(50, "")},
		{"a map without a key", record.Field(34), entry("k1")},
		{"a key on a field that is no map", record.Field(15).Key("k1"), text(15, "x")},
		{"an entry under another key", record.Field(34).Key("k1"), entry("k2")},
		{"an entry without a key under one", record.Field(34).Key("k1"), text(34, "")},
		{"an unknown field that smuggles a known one", record.Field(9999), text(15, "x")},
		{"a path that is none", "\xff", text(15, "x")},
	} {
		t.Run(c.name, func(t *testing.T) {
			shown := opened(t, KindResident, &carev1.Resident{Name: "王"}).with(2, c.path, c.value)
			m := message[*carev1.Resident](t, KindResident, shown)
			if want := (&carev1.Resident{Name: "王"}); !proto.Equal(m, want) {
				t.Errorf("the form is %v, want %v", m, want)
			}
			if got := Unreadable(KindResident, shown); !slices.Equal(got, []record.Path{c.path}) {
				t.Errorf("unreadable %v, want %v", got, c.path)
			}
			if changes := diff(t, KindResident, shown, m); changes != nil {
				t.Errorf("untouched, but changes %v", changes)
			}
			if _, err := FormatValue(KindResident, c.path, record.Of(c.value)); !errors.Is(err, ErrUnreadable) {
				t.Errorf("the value is shown: %v", err)
			}
		})
	}
}

func TestMessageShowsTheFirstSibling(t *testing.T) {
	shown := opened(t, KindResident, &carev1.Resident{Phone: "139"})
	shown = shown.beside(2, record.Field(15), record.Of(text(15, "138")), false)
	if m := message[*carev1.Resident](t, KindResident, shown); m.Phone != "139" {
		t.Errorf("phone %q", m.Phone)
	}
}

func TestMessageLeavesOutHeaderRegisters(t *testing.T) {
	shown := screen(nil).with(1, record.PathScope, []byte("130403001001")).with(2, record.PathLife, []byte{1}).with(3, record.Field(0, 77), []byte("later"))
	if m := message[*carev1.Resident](t, KindResident, shown); proto.Size(m) != 0 {
		t.Errorf("the form is %v", m)
	}
	if got := Unreadable(KindResident, shown); got != nil {
		t.Errorf("unreadable %v", got)
	}
}

func TestMessageOfAnUnknownKind(t *testing.T) {
	if _, err := Message(4000, nil); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("%v", err)
	}
	if got := Unreadable(4000, nil); got != nil {
		t.Errorf("%v", got)
	}
}

func TestUnknownFieldsKeepTheirPlace(t *testing.T) {
	shown := screen(nil).
		with(1, record.Field(12, 9999, 5), text(5, "in a section of a section")).
		with(2, record.Field(9998, 1), text(1, "in a section")).
		with(3, record.Field(9997).Key("k"), text(9997, "an entry"))
	m := message[*carev1.Checkup](t, KindCheckup, shown)
	if got, want := m.General.ProtoReflect().GetUnknown(), text(9999, string(text(5, "in a section of a section"))); string(got) != string(want) {
		t.Errorf("inside the section %x, want %x", got, want)
	}
	if got, want := m.ProtoReflect().GetUnknown(), append(text(9997, "an entry"), text(9998, string(text(1, "in a section")))...); string(got) != string(want) {
		t.Errorf("at the root %x, want %x", got, want)
	}
	if got := Unreadable(KindCheckup, shown); got != nil {
		t.Errorf("unreadable %v", got)
	}
	if changes := diff(t, KindCheckup, shown, m); changes != nil {
		t.Errorf("untouched, but changes %v", changes)
	}
}
