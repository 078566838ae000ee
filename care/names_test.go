// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestPathsHaveNames(t *testing.T) {
	for _, c := range []struct {
		path   record.Path
		name   string
		zh, en string
	}{
		{record.Field(8), "place", "体检地点", "place"},
		{record.Field(12, 4), "general.blood_pressure_left", "一般状况：左侧血压", "general condition: blood pressure, left arm"},
		{record.Field(6).Key("k1"), "confirmed_values[k1]", "已确认的异常值", "confirmed values"},
		{record.Field(6).Key("a]b[c"), "confirmed_values[a]b[c]", "已确认的异常值", "confirmed values"},
		{record.Field(6).Key(""), "confirmed_values[]", "已确认的异常值", "confirmed values"},
		{record.PathScope, "scope", "", ""},
	} {
		if got := FormatPath(KindCheckup, c.path); got != c.name {
			t.Errorf("%s is written %q, want %q", c.path, got, c.name)
		}
		if got, err := ParsePath(KindCheckup, c.name); err != nil || got != c.path {
			t.Errorf("%q is read %s (%v), want %s", c.name, got, err, c.path)
		}
		if got, ok := LabelOf(KindCheckup, c.path); got != (Label{c.zh, c.en}) || ok != (c.zh != "") {
			t.Errorf("%q has the label %v", c.name, got)
		}
	}
}

func TestPathsThatTheKindLacksAreNumbers(t *testing.T) {
	for p, want := range map[record.Path]string{record.Field(23, 2): "23.2", record.Field(12): "12", record.Field(8, 1): "8.1"} {
		if got := FormatPath(KindCheckup, p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if _, ok := LabelOf(KindCheckup, p); ok {
			t.Errorf("%s has a label", p)
		}
	}
	if got := FormatPath(9, record.Field(3)); got != "3" {
		t.Errorf("of an unknown kind: %q", got)
	}
	if _, ok := LabelOf(9, record.Field(3)); ok {
		t.Error("an unknown kind has a label")
	}
}

func TestParsePathRefusesWhatNamesNoRegister(t *testing.T) {
	for _, text := range []string{"", "general", "general.", ".place", "place.x", "general.nothing", "place[k]", "confirmed_values", "confirmed_values[k", "12.4", "general.body_size.height_cm_x10"} {
		if p, err := ParsePath(KindCheckup, text); !errors.Is(err, ErrUnknownPath) {
			t.Errorf("%q is %s (%v)", text, p, err)
		}
	}
	if _, err := ParsePath(9, "place"); !errors.Is(err, ErrUnknownKind) {
		t.Errorf("unknown kind: %v", err)
	}
}
