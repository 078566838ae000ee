// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"time"
)

// ErrNoDate is wrapped when a text or number is no date.
var ErrNoDate = errors.New("no date")

// Date is a civil date in Asia/Shanghai, as forms store it: the decimal number
// yyyymmdd. Dates compare as numbers do. A day that is not known is 00, and so is
// a month. 0 is no date.
type Date int32

// shanghai has had no summer time since 1991 and is set by law to UTC+8; a fixed
// zone needs no time zone files on a tablet.
var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// DateOf returns the civil date of an instant.
func DateOf(t time.Time) Date {
	year, month, day := t.In(shanghai).Date()
	return Date(year*10000 + int(month)*100 + day)
}

// ParseDate reads yyyy-mm-dd or yyyymmdd. Its errors wrap ErrNoDate; so does one
// for a day that the calendar does not have.
func ParseDate(text string) (Date, error) {
	for _, layout := range []string{time.DateOnly, "20060102"} {
		if t, err := time.ParseInLocation(layout, text, shanghai); err == nil {
			return DateOf(t), nil
		}
	}
	return 0, fmt.Errorf("%q: %w", text, ErrNoDate)
}

// Year, Month and Day return the parts of d, 0 for one that is not known.
func (d Date) Year() int { return int(d) / 10000 }

// Month returns 1 to 12, or 0 when it is not known.
func (d Date) Month() int { return int(d) / 100 % 100 }

// Day returns 1 to 31, or 0 when it is not known.
func (d Date) Day() int { return int(d) % 100 }

// Whole reports whether d is a day that the calendar has, with nothing unknown.
func (d Date) Whole() bool { return d.Year() >= 1 && d == DateOf(d.start()) }

// Valid reports whether d is Whole, or a month or a year of the calendar.
func (d Date) Valid() bool {
	switch {
	case d.Month() == 0 && d.Day() == 0:
		return d.Year() >= 1 && d.Year() <= 9999
	case d.Day() == 0:
		return (d + 1).Whole()
	}
	return d.Whole()
}

// start returns the first instant of d; what it gives for a date that is not
// whole falls on another.
func (d Date) start() time.Time {
	return time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, shanghai)
}

// Start returns the first instant of d, which must be whole.
func (d Date) Start() time.Time { return d.start() }

// String returns yyyy-mm-dd, or the part of it that is known.
func (d Date) String() string {
	switch {
	case d.Month() == 0:
		return fmt.Sprintf("%04d", d.Year())
	case d.Day() == 0:
		return fmt.Sprintf("%04d-%02d", d.Year(), d.Month())
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year(), d.Month(), d.Day())
}

// AddDays returns the date n days after d, which must be whole.
func (d Date) AddDays(n int) Date { return DateOf(d.start().AddDate(0, 0, n)) }

// AgeOn returns the full years between a birth on d and the day on; both must be
// whole. Who is born on 29 February is a year older on 1 March of other years.
func (d Date) AgeOn(on Date) int {
	age := on.Year() - d.Year()
	if int(on)%10000 < int(d)%10000 {
		age--
	}
	return age
}
