// SPDX-License-Identifier: Apache-2.0

package export

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/xunzhen/xunzhen/care"
)

// Format says what the cells of a column hold and how they are shown.
type Format int

// Formats. Numbers are kept as whole numbers, in units of their last decimal.
const (
	Text       Format = iota // as it stands: names, numbers of documents, codes
	Whole                    // 1234
	Tenths                   // 123 is 12.3
	Hundredths               // 123 is 1.23
	Percent                  // 9512 is 95.12%
	Day                      // yyyymmdd is 2026-03-01; a month or a year is a text
)

// Decimals returns how many decimals are shown.
func (f Format) Decimals() int {
	switch f {
	case Tenths:
		return 1
	case Hundredths, Percent:
		return 2
	}
	return 0
}

// Cell is what stands in one place of a table. The zero value is an empty cell. In a column
// of numbers or days a text stands where there is no number: 拒检, 2024-05.
type Cell struct {
	Text   string
	Number int64 // in the column's format, where Given
	Given  bool
}

// String returns the cell as people read it, and as it stands in CSV.
func (c Cell) String(f Format) string {
	switch {
	case !c.Given:
		return c.Text
	case f == Day:
		return care.Date(c.Number).String()
	case f == Percent:
		return decimal(c.Number, 2) + "%"
	}
	return decimal(c.Number, f.Decimals())
}

// decimal writes n in units of its last decimal.
func decimal(n int64, decimals int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	digits := strconv.FormatInt(n, 10)
	if pad := decimals + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	if decimals == 0 {
		return sign + digits
	}
	cut := len(digits) - decimals
	return sign + digits[:cut] + "." + digits[cut:]
}

// MaxCellCharacters is how much text a cell of a spreadsheet can hold.
const MaxCellCharacters = 32767

// text makes a cell of what people wrote. What a spreadsheet would take for a formula begins
// with an apostrophe; characters that XML cannot have are left out, ends of lines are blanks.
func text(s string) Cell { return Cell{Text: Tame(s)} }

// Tame returns a text as it may stand in a cell: at most MaxCellCharacters, on one line,
// without control characters, and with an apostrophe before = + - @ and their full-width
// twins, which begin formulas.
func Tame(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\v', r == '\f', r == 0x85, r == 0x2028, r == 0x2029:
			return ' '
		case unicode.IsControl(r), r == 0xfffe, r == 0xffff, r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	if strings.HasPrefix(s, "=") || strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-") || strings.HasPrefix(s, "@") ||
		strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") || strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		s = "'" + s
	}
	return shorten(s, MaxCellCharacters)
}

// shorten returns at most n UTF-16 units of s, which is how spreadsheets count.
func shorten(s string, n int) string {
	units := 0
	for i, r := range s {
		units++
		if r > 0xffff {
			units++
		}
		if units > n {
			return s[:i]
		}
	}
	return s
}

// number makes a cell of a number in units of the format's last decimal.
func number(n int64) Cell { return Cell{Number: n, Given: true} }

// measured makes a cell of a measured value; an empty one where it was not measured.
func measured(v *int32) Cell { return scaled(v, 1) }

// scaled makes a cell of a value that is kept with fewer decimals than the column shows.
func scaled(v *int32, by int64) Cell {
	if v == nil {
		return Cell{}
	}
	return number(int64(*v) * by)
}

// day makes a cell of a civil date: a whole one is a day, a month or a year a text.
func day(d care.Date) Cell {
	switch {
	case d.Whole():
		return number(int64(d))
	case d.Valid():
		return Cell{Text: d.String()}
	}
	return Cell{}
}

// rate makes a cell of a share in hundredths of a per cent, rounded half up. Of nothing there
// is no share: the cell says so in place of 0 or 100 per cent.
func rate(part, whole int64) Cell {
	if whole <= 0 {
		return Cell{Text: noRate}
	}
	return number((part*10000*2 + whole) / (2 * whole))
}

// noRate stands where there is nothing to take a share of.
const noRate = "—"
