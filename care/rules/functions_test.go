// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"math"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
)

func TestDaysAreThoseOfTheCalendar(t *testing.T) {
	day := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	for n := dayNumber(firstDate); n <= dayNumber(lastDate); {
		d := int64(day.Year()*10000 + int(day.Month())*100 + day.Day())
		if dayNumber(d) != n || dateAt(n) != d {
			t.Fatalf("%d: day %d (want %d), back %d", d, dayNumber(d), n, dateAt(n))
		}
		step := 1
		if day.Year() < 1890 || day.Year() > 2110 {
			step = 89 // every day of the years that count, and some of every other year
		}
		day, n = day.AddDate(0, 0, step), n+int64(step)
	}
}

func TestFunctionsAreTotal(t *testing.T) {
	odd := []int64{math.MinInt64, -1, 0, 1, 100, 20260230, 20260000, 20261399, 99991231, 99991232, math.MaxInt64}
	for _, a := range odd {
		for _, b := range odd {
			for name, got := range map[string]int64{
				"days_between": dayNumber(b) - dayNumber(a), "add_days": addDays(a, b), "add_months": addMonths(a, b),
				"age_on": ageOn(a, b), "months_on": monthsOn(a, b), "round_div": roundDiv(a, b),
			} {
				if (name == "add_days" || name == "add_months") && !care.Date(got).Whole() {
					t.Errorf("%s(%d, %d) = %d", name, a, b, got)
				}
			}
		}
	}
}

func TestFunctionsGiveWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		name      string
		got, want int64
	}{
		{"28 February and a day", addDays(20260228, 1), 20260301},
		{"28 February of a leap year and a day", addDays(20280228, 1), 20280229},
		{"a day before 1 January", addDays(20260101, -1), 20251231},
		{"before the calendar", addDays(firstDate, -1), firstDate},
		{"after the calendar", addDays(lastDate, 1), lastDate},
		{"a month after 31 January", addMonths(20260131, 1), 20260228},
		{"a month after 31 January of a leap year", addMonths(20280131, 1), 20280229},
		{"a month after 15 December", addMonths(20261215, 1), 20270115},
		{"an unknown day is the first", addDays(20260500, 0), 20260501},
		{"an unknown month is January", addDays(20260000, 0), 20260101},
		{"the day before a birthday", ageOn(19610302, 20260301), 64},
		{"a birthday", ageOn(19610301, 20260301), 65},
		{"born on 29 February, on 28 February", ageOn(20040229, 20260228), 21},
		{"born on 29 February, on 1 March", ageOn(20040229, 20260301), 22},
		{"not born yet", ageOn(20260302, 20260301), -1},
		{"an unknown birthday", ageOn(19610300, 20260301), -1},
		{"a day before a month", monthsOn(20260115, 20260214), 0},
		{"a month", monthsOn(20260115, 20260215), 1},
		{"half is rounded up", roundDiv(5, 2), 3},
		{"less than half is not", roundDiv(4, 3), 1},
		{"by nothing", roundDiv(4, 0), 0},
		{"of less than nothing", roundDiv(-4, 3), 0},
		{"the greatest number", roundDiv(math.MaxInt64, math.MaxInt64), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.name, c.got, c.want)
		}
	}
}

func TestAgeIsThatOfTheForms(t *testing.T) {
	for born := int64(20040101); born < 20080101; born = addDays(born, 17) {
		for d := int64(20200101); d < 20230101; d = addDays(d, 13) {
			if got, want := ageOn(born, d), int64(care.Date(born).AgeOn(care.Date(d))); got != want {
				t.Fatalf("born %d on %d: %d, want %d", born, d, got, want)
			}
		}
	}
}

func TestNumbersAreWrittenWithTheirDecimals(t *testing.T) {
	for _, c := range []struct {
		n        int64
		decimals uint32
		want     string
	}{{0, 0, "0"}, {273, 1, "27.3"}, {5, 1, "0.5"}, {-5, 1, "-0.5"}, {-273, 1, "-27.3"}, {5, 3, "0.005"}, {1000, 2, "10.00"}, {math.MinInt64, 1, "-922337203685477580.8"}} {
		if got := decimal(c.n, c.decimals); got != c.want {
			t.Errorf("%d with %d decimals: %s, want %s", c.n, c.decimals, got, c.want)
		}
	}
}

func TestPlacesOfFieldsAreFoundAmongStringsAndComments(t *testing.T) {
	got := fieldsOf([]byte("# a { \n a: \"{ # \\\" \" b { c: 1 # }\n } d: e\n\"x\" b {} 'y'"))
	want := []textField{{"a", 2}, {"b", 2}, {"d", 3}, {"b", 4}}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got[i], want[i])
		}
	}
}
