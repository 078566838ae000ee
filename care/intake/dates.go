// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"regexp"
	"strconv"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/sheets"
)

var (
	yearFirst = regexp.MustCompile(`^(\d{4}|\d{2})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]\s*\d{1,2}[:时]\d{1,2}.*)?$`)
	yearMonth = regexp.MustCompile(`^(\d{4})\s*(?:[-/.年]\s*(\d{1,2})\s*月?)?年?$`)
	yearLast  = regexp.MustCompile(`^\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})$`)
	onlyDigit = regexp.MustCompile(`^\d+$`)
)

// Serials that are days of a living memory: 1900-03-01 to 2119.
const (
	leastSerial = 61
	mostSerial  = 80000
)

// ReadDate returns the date that a cell shows, or why it is none for certain. century, when
// it is not 0, is the first of the hundred years in which two digits of a year are. With part a
// month or a year is enough.
func ReadDate(c sheets.Cell, century int, part bool) (care.Date, Reason) {
	text := Tidy(c.Text)
	if c.Kind == sheets.Day {
		return fromSerial(text)
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && c.Kind == sheets.Number && n == float64(int64(n)) && n > 0 && n < 1e8 {
		text = strconv.FormatInt(int64(n), 10)
	}
	switch {
	case onlyDigit.MatchString(text):
		return fromDigits(text, century, part)
	case yearLast.MatchString(text) && !yearFirst.MatchString(text):
		return 0, DateOrder
	}
	if p := yearFirst.FindStringSubmatch(text); p != nil {
		return whole(p[1], p[2], p[3], century)
	}
	if p := yearMonth.FindStringSubmatch(text); p != nil {
		return partly(p[1], p[2], part)
	}
	return 0, DateForm
}

func fromSerial(text string) (care.Date, Reason) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < leastSerial || n >= mostSerial {
		return 0, DateForm
	}
	d := care.DateOf(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(n)))
	return d, ""
}

func fromDigits(text string, century int, part bool) (care.Date, Reason) {
	switch len(text) {
	case 8:
		return whole(text[:4], text[4:6], text[6:], century)
	case 6:
		if first := text[:2]; first == "19" || first == "20" {
			if d, why := partly(text[:4], text[4:], part); why != DateForm {
				return d, why
			}
		}
		return whole(text[:2], text[2:4], text[4:], century)
	case 5:
		return fromSerial(text)
	case 4:
		return partly(text, "", part)
	}
	return 0, DateForm
}

func whole(year, month, day string, century int) (care.Date, Reason) {
	y, m, d := number(year), number(month), number(day)
	if len(year) == 2 {
		if century == 0 {
			return 0, TwoDigitYear
		}
		y += century - century%100
		if y < century {
			y += 100
		}
	}
	out := care.Date(y*10000 + m*100 + d)
	if m > 12 || d > 31 || !out.Whole() {
		return 0, DateForm
	}
	return out, ""
}

func partly(year, month string, part bool) (care.Date, Reason) {
	out := care.Date(number(year)*10000 + number(month)*100)
	if month != "" && number(month) == 0 || !out.Valid() || out.Year() < 1850 || out.Year() > 2150 {
		return 0, DateForm
	}
	if !part {
		return 0, DatePart
	}
	return out, ""
}

// number reads at most four digits.
func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
