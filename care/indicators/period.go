// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/xunzhen/xunzhen/care"
)

// ErrPeriod is wrapped when a text names no period.
var ErrPeriod = errors.New("no period")

// A Period is the days that are counted, both included.
type Period struct{ From, To care.Date }

// Year returns a calendar year.
func Year(year int) Period { return months(year, 1, 12) }

// HalfYear returns the first half of a year, that is cut on 30 June.
func HalfYear(year int) Period { return months(year, 1, 6) }

// Quarter returns one of the four quarters of a year.
func Quarter(year, quarter int) Period { return months(year, 3*quarter-2, 3*quarter) }

// Month returns a calendar month.
func Month(year, month int) Period { return months(year, month, month) }

func months(year, first, last int) Period {
	return Period{dateOf(year, first, 1), dateOf(year, last, lengthOfMonth(year, last))}
}

func dateOf(year, month, day int) care.Date { return care.Date(year*10000 + month*100 + day) }

func lengthOfMonth(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && year%100 != 0 || year%400 == 0 {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// ParsePeriod reads 2026, 2026H1, 2026H2, 2026Q3, 2026-05 or 2026-01-01..2026-06-30. Its errors wrap
// ErrPeriod and say what would be right.
func ParsePeriod(text string) (Period, error) {
	if from, to, ok := strings.Cut(text, ".."); ok {
		return parseDays(text, from, to)
	}
	digits, part := text, ""
	if len(text) > 4 {
		digits, part = text[:4], text[4:]
	}
	year, err := strconv.Atoi(digits)
	if err != nil || len(digits) != 4 || year < 1900 || year > 2999 {
		return Period{}, notAPeriod(text)
	}
	switch {
	case part == "":
		return Year(year), nil
	case part == "H1":
		return HalfYear(year), nil
	case part == "H2":
		return months(year, 7, 12), nil
	case len(part) == 2 && part[0] == 'Q' && part[1] >= '1' && part[1] <= '4':
		return Quarter(year, int(part[1]-'0')), nil
	case len(part) == 3 && part[0] == '-':
		if month, err := strconv.Atoi(part[1:]); err == nil && month >= 1 && month <= 12 && part[1] != '+' {
			return Month(year, month), nil
		}
	}
	return Period{}, notAPeriod(text)
}

func parseDays(text, from, to string) (Period, error) {
	a, errA := care.ParseDate(from)
	b, errB := care.ParseDate(to)
	if errA != nil || errB != nil {
		return Period{}, notAPeriod(text)
	}
	if b < a {
		return Period{}, fmt.Errorf("%w: %s ends before it begins", ErrPeriod, text)
	}
	return Period{a, b}, nil
}

func notAPeriod(text string) error {
	return fmt.Errorf("%w: %q: write 2026, 2026H1, 2026Q3, 2026-05 or 2026-01-01..2026-06-30", ErrPeriod, text)
}

// Valid reports whether both days are whole and in order.
func (p Period) Valid() bool { return p.From.Whole() && p.To.Whole() && p.From <= p.To }

// Has reports whether a day is in the period.
func (p Period) Has(d care.Date) bool { return p.From <= d && d <= p.To }

// LastYear returns the same days of the year before: 29 February is the 28th there.
func (p Period) LastYear() Period { return Period{yearBefore(p.From), yearBefore(p.To)} }

// yearBefore returns the same day a year earlier. The last day of February stays the last.
func yearBefore(d care.Date) care.Date {
	year, month, day := d.Year()-1, d.Month(), d.Day()
	if month == 2 && day == lengthOfMonth(year+1, 2) {
		day = lengthOfMonth(year, 2)
	}
	return dateOf(year, month, day)
}

// Days returns how many days the period has.
func (p Period) Days() int { return int(dayOf(p.To)-dayOf(p.From)) + 1 }

// String returns the period as ParsePeriod reads it, in the shortest form.
func (p Period) String() string {
	y := p.From.Year()
	switch p {
	case Year(y):
		return fmt.Sprintf("%04d", y)
	case HalfYear(y):
		return fmt.Sprintf("%04dH1", y)
	case months(y, 7, 12):
		return fmt.Sprintf("%04dH2", y)
	}
	for q := 1; q <= 4; q++ {
		if p == Quarter(y, q) {
			return fmt.Sprintf("%04dQ%d", y, q)
		}
	}
	if m := p.From.Month(); p == Month(y, m) {
		return fmt.Sprintf("%04d-%02d", y, m)
	}
	return p.From.String() + ".." + p.To.String()
}
