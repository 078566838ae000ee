// SPDX-License-Identifier: Apache-2.0

package indicators

import "github.com/xunzhen/xunzhen/care"

// A day is the number of days since 1970-01-01, so that days can be counted. noDay is none.
type day int32

const (
	noDay    day = -1 << 31
	firstDay day = -719162 // 0001-01-01
	lastDay  day = 2932896 // 9999-12-31
)

// dayOf returns the day of a date; what is not known of it counts as the first. 0 and what the calendar
// does not have are no day.
func dayOf(d care.Date) day {
	y, m, n := int(d)/10000, max(int(d)/100%100, 1), max(int(d)%100, 1)
	if d <= 0 || y < 1 || m > 12 || n > lengthOfMonth(y, m) {
		return noDay
	}
	if m <= 2 {
		y--
	}
	era := y / 400
	ofEra := y - era*400
	ofYear := (153*((m+9)%12)+2)/5 + n - 1
	return day(era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468)
}

// date returns the date of a day, 0 for none.
func (d day) date() care.Date {
	if d == noDay {
		return 0
	}
	z := int(d) + 719468
	era := z / 146097
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	year, month := yoe+era*400, mp+3
	if month > 12 {
		month -= 12
		year++
	}
	return dateOf(year, month, doy-(153*mp+2)/5+1)
}

// ageOn returns the full years between a birth and a day, -1 before the birth or where one is no day.
func ageOn(birth, on day) int {
	if birth == noDay || on == noDay || on < birth {
		return -1
	}
	a, b := birth.date(), on.date()
	years := b.Year() - a.Year()
	if int(b)%10000 < int(a)%10000 {
		years--
	}
	return years
}
