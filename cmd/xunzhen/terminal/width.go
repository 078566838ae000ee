// SPDX-License-Identifier: Apache-2.0

// Package terminal writes what people read in a terminal: tables whose columns
// stand under each other in Chinese too, and progress bars. Where the output is no
// terminal a bar is one plain line.
package terminal

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width returns how many columns a text takes.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < ' ' || unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// Pad fills a text up with blanks on its right to n columns.
func Pad(s string, n int) string { return s + blanks(n-Width(s)) }

// PadLeft fills a text up with blanks on its left to n columns.
func PadLeft(s string, n int) string { return blanks(n-Width(s)) + s }

// Cut shortens a text to at most n columns, with … for what is gone.
func Cut(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	used := 1
	for i, r := range s {
		if used += runeWidth(r); used > n {
			return s[:i] + "…"
		}
	}
	return s
}

// Wrap breaks a text into lines of at most n columns, between words or between
// Chinese characters, never before closing punctuation.
func Wrap(s string, n int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(s, "\n") {
		lines = append(lines, wrapOne(paragraph, n)...)
	}
	return lines
}

func wrapOne(s string, n int) []string {
	var lines []string
	line := ""
	for _, piece := range pieces(s) {
		if line != "" && Width(line)+Width(strings.TrimRight(piece, " ")) > n {
			lines = append(lines, strings.TrimRight(line, " "))
			line, piece = "", strings.TrimLeft(piece, " ")
		}
		line += piece
	}
	return append(lines, strings.TrimRight(line, " "))
}

// pieces cuts a text at the places where a line may end; blanks belong to the
// piece before them.
func pieces(s string) []string {
	var all []string
	start, last := 0, ' '
	for i, r := range s {
		ends := last == ' ' && r != ' ' || runeWidth(last) == 2 && r != ' ' || runeWidth(r) == 2 && last != ' '
		if i > start && ends && !strings.ContainsRune("，。；：、！？）》」』”…,.;:!?)", r) && !strings.ContainsRune("（《「『“(", last) {
			all = append(all, s[start:i])
			start = i
		}
		last = r
	}
	return append(all, s[start:])
}

func blanks(n int) string { return strings.Repeat(" ", max(0, n)) }
