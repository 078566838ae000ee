// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/care"
)

func TestPeriodsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]Period{
		"2026":                   {20260101, 20261231},
		"2026H1":                 {20260101, 20260630},
		"2026H2":                 {20260701, 20261231},
		"2026Q1":                 {20260101, 20260331},
		"2026Q4":                 {20261001, 20261231},
		"2024-02":                {20240201, 20240229},
		"2026-12":                {20261201, 20261231},
		"2026-01-15..2026-02-03": {20260115, 20260203},
		"2026-01-15..2026-01-15": {20260115, 20260115},
	} {
		got, err := ParsePeriod(text)
		if err != nil || got != want || got.String() != text || !got.Valid() {
			t.Errorf("%s: %v %q, %v", text, got, got.String(), err)
		}
	}
	for _, text := range []string{
		"", "26", "20260", "2026H3", "2026h1", "2026Q0", "2026Q5", "2026-13", "2026-00", "2026-1", "2026-+1", "+026", "abcd",
		"2026-02-30..2026-03-01", "2026-03-02..2026-03-01", "2026-03-01..", "..", "1899", "3000",
	} {
		if p, err := ParsePeriod(text); !errors.Is(err, ErrPeriod) {
			t.Errorf("%q is %v, %v", text, p, err)
		}
	}
}

func TestTheYearBefore(t *testing.T) {
	for from, want := range map[Period]Period{
		Year(2024):           Year(2023),
		Month(2024, 2):       Month(2023, 2),
		Month(2025, 2):       Month(2024, 2),
		HalfYear(2026):       HalfYear(2025),
		Quarter(2026, 3):     Quarter(2025, 3),
		{20240229, 20240301}: {20230228, 20230301},
	} {
		if got := from.LastYear(); got != want {
			t.Errorf("%v: %v", from, got)
		}
	}
	if Year(2024).Days() != 366 || HalfYear(2026).Days() != 181 {
		t.Error("days")
	}
}

func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	for d := care.Date(18991231); d < 21010102; d = d.AddDays(1) {
		n := dayOf(d)
		if n.date() != d || dayOf(d.AddDays(1)) != n+1 {
			t.Fatalf("%v is day %d, which is %v", d, n, n.date())
		}
		if born := care.Date(19480229); d >= born && ageOn(dayOf(born), n) != born.AgeOn(d) {
			t.Fatalf("%v: age %d, want %d", d, ageOn(dayOf(born), n), born.AgeOn(d))
		}
	}
	for date, want := range map[care.Date]care.Date{20260000: 20260101, 20260500: 20260501, 0: 0, 20261301: 0, 20260230: 0, -5: 0, 99: 0, 99991231: 99991231} {
		if got := dayOf(date).date(); got != want {
			t.Errorf("%d: %d, want %d", date, got, want)
		}
	}
	if a := ageOn(dayOf(20000229), dayOf(20260228)); a != 25 {
		t.Errorf("a day before the birthday: %d", a)
	}
	if a := ageOn(dayOf(20000229), dayOf(20260301)); a != 26 {
		t.Errorf("on 1 March: %d", a)
	}
}
