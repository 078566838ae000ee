// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"strconv"
	"strings"
	"unicode"
)

// A sheet is a page being written.
type sheet struct{ strings.Builder }

// heading starts a part of the page, under its slug. Its text has no markup.
func (s *sheet) heading(level int, heading string) {
	s.block(strings.Repeat("#", level) + " " + text(heading))
}

// block writes Markdown that stands by itself.
func (s *sheet) block(markdown string) {
	if s.Len() > 0 {
		s.WriteByte('\n')
	}
	s.WriteString(markdown + "\n")
}

// list writes a line for each item, nothing if there are none.
func (s *sheet) list(items []string) {
	if len(items) > 0 {
		s.block("- " + strings.Join(items, "\n- "))
	}
}

// table writes rows of cells, nothing if there are none.
func (s *sheet) table(head []string, rows [][]string) {
	if len(rows) > 0 {
		s.block(table(head, rows))
	}
}

func table(head []string, rows [][]string) string {
	lines := []string{line(head), strings.Repeat("|---", len(head)) + "|"}
	for _, cells := range rows {
		lines = append(lines, line(cells))
	}
	return strings.Join(lines, "\n")
}

func line(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// fold returns Markdown that is shown when somebody asks for it.
func fold(summary, markdown string) string {
	return "<details><summary>" + text(summary) + "</summary>\n\n" + markdown + "\n\n</details>"
}

// text returns s so that Markdown shows it as it is: in a paragraph, an item of a list,
// a heading or a cell. It is one line.
func text(s string) string {
	s = plain(s)
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*_[]|~$", r), i == 0 && strings.ContainsRune("#-+=", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case (r == '.' || r == ')') && numeral(s[:i]) && (i+1 == len(s) || s[i+1] == ' '):
			b.WriteByte('\\') // "1. " begins a list
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain returns s as one line of what can be seen.
func plain(s string) string { return strings.Join(strings.Fields(strings.Map(visible, s)), " ") }

// visible drops what has no place in a line, direction marks included.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

func numeral(s string) bool {
	_, err := strconv.ParseUint(s, 10, 64)
	return err == nil
}

// code returns s as code that may stand in a cell. A span between backticks can hold
// neither backticks nor, in a cell, every pipe.
func code(s string) string {
	if strings.ContainsAny(s, "`|") {
		return "<code>" + text(s) + "</code>"
	}
	return "`" + plain(s) + "`"
}

// fence returns lines as a block of code.
func fence(lines []string) string {
	mark := "```"
	for i, l := range lines {
		lines[i] = strings.Map(visible, l)
		for strings.Contains(l, mark) {
			mark += "`"
		}
	}
	return mark + "\n" + strings.Join(lines, "\n") + "\n" + mark
}

// link returns a link that shows text that is Markdown already.
func link(markdown, to string) string { return "[" + markdown + "](" + to + ")" }

// slug returns what GitHub calls a heading in links.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, plain(heading))
}

// capital returns an English label as a heading begins.
func capital(label string) string {
	for i, r := range label {
		return string(unicode.ToUpper(r)) + label[i+len(string(r)):]
	}
	return label
}

// decimal writes n with the point before the last places of it.
func decimal(n int64, places uint32) string {
	digits := strconv.FormatInt(n, 10)
	if places == 0 {
		return digits
	}
	sign, digits := "", strings.TrimPrefix(digits, "-")
	if n < 0 {
		sign = "-"
	}
	if missing := int(places) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - int(places)
	return sign + digits[:point] + "." + digits[point:]
}
