// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"testing"
	"time"
)

func TestDateOfAnInstantIsTheDayInShanghai(t *testing.T) {
	for at, want := range map[string]Date{
		"2026-03-14T15:59:59Z":      20260314,
		"2026-03-14T16:00:00Z":      20260315,
		"2026-03-14T23:00:00+08:00": 20260314,
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := DateOf(instant); got != want {
			t.Errorf("%s: %d, want %d", at, got, want)
		}
	}
}

func TestDatesAreThoseOfTheCalendar(t *testing.T) {
	for d, want := range map[Date]struct{ whole, valid bool }{
		20240229: {true, true}, 20250229: {false, false}, 20250431: {false, false}, 20251301: {false, false},
		20250500: {false, true}, 20250000: {false, true}, 20250012: {false, false}, 20251300: {false, false},
		0: {false, false}, 500: {false, false}, -20250101: {false, false}, 99991231: {true, true},
	} {
		if d.Whole() != want.whole || d.Valid() != want.valid {
			t.Errorf("%d: whole %t valid %t", int32(d), d.Whole(), d.Valid())
		}
	}
}

func TestParseDate(t *testing.T) {
	for text, want := range map[string]Date{"2026-03-14": 20260314, "20260314": 20260314, "1949-12-31": 19491231} {
		if got, err := ParseDate(text); err != nil || got != want {
			t.Errorf("%q: %d (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "2026-02-30", "2026/03/14", "14.3.2026", "2026-3-14"} {
		if got, err := ParseDate(text); !errors.Is(err, ErrNoDate) {
			t.Errorf("%q: %d (%v)", text, got, err)
		}
	}
}

func TestDateString(t *testing.T) {
	for d, want := range map[Date]string{20260314: "2026-03-14", 20190500: "2019-05", 20190000: "2019"} {
		if d.String() != want {
			t.Errorf("%s, want %s", d, want)
		}
	}
}

func TestAgeIsInFullYears(t *testing.T) {
	for _, c := range []struct {
		born, on Date
		want     int
	}{
		{19610315, 20260314, 64},
		{19610315, 20260315, 65},
		{20240229, 20250228, 0},
		{20240229, 20250301, 1},
		{20260314, 20260314, 0},
	} {
		if got := c.born.AgeOn(c.on); got != c.want {
			t.Errorf("born %s is %d on %s, want %d", c.born, got, c.on, c.want)
		}
	}
}

func TestAddDays(t *testing.T) {
	if got := Date(20241230).AddDays(62); got != 20250302 {
		t.Errorf("%s", got)
	}
	if got := Date(20250302).AddDays(-62); got != 20241230 {
		t.Errorf("%s", got)
	}
}
