// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestDivisions(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  record.Division
		level Level
		full  record.Division
	}{
		{"13", "13", LevelProvince, "130000000000"},
		{"1304", "1304", LevelCity, "130400000000"},
		{"130403", "130403", LevelCounty, "130403000000"},
		{"130403001", "130403001", LevelTownship, "130403001000"},
		{"130403001001", "130403001001", LevelVillage, "130403001001"},
		{"130403000000", "130403", LevelCounty, "130403000000"},
		{"130403001000", "130403001", LevelTownship, "130403001000"},
		{"130000", "13", LevelProvince, "130000000000"},
		{"1304 0300 1001", "130403001001", LevelVillage, "130403001001"},
	} {
		d, err := ParseDivision(c.text)
		if err != nil || d != c.want || LevelOf(d) != c.level || FullCode(d) != c.full {
			t.Errorf("%q: %q level %d full %s (%v)", c.text, d, LevelOf(d), FullCode(d), err)
		}
	}
	for _, text := range []string{"", "1", "130", "1304030", "13040300100", "1304030010011", "13040a"} {
		if d, err := ParseDivision(text); !errors.Is(err, ErrNoDivision) {
			t.Errorf("%q: %q (%v)", text, d, err)
		}
	}
}

func TestAbove(t *testing.T) {
	for level, want := range map[Level]record.Division{
		LevelCountry: "", LevelProvince: "13", LevelCity: "1304", LevelCounty: "130403", LevelTownship: "130403001", LevelVillage: "130403001",
	} {
		if got := Above("130403001", level); got != want {
			t.Errorf("level %d: %q, want %q", level, got, want)
		}
	}
}
