// SPDX-License-Identifier: Apache-2.0

package terminal

import (
	"fmt"
	"io"
	"strings"
)

// Table is rows of cells that stand under each other.
type Table struct {
	Indent int
	// Columns is how wide the table may be: the last cell of a row goes on in the next
	// line. 0: as wide as it is.
	Columns int
	Head    []string // may be empty
	Right   []bool   // columns whose cells stand at the right, by index
	Rows    [][]string
}

// Add adds a row; a cell that is no text is written as fmt.Sprint does, and each is
// tamed.
func (t *Table) Add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = Tame(fmt.Sprint(c))
	}
	t.Rows = append(t.Rows, row)
}

// Write writes the table; there is a line under its head.
func (t *Table) Write(w io.Writer) error {
	widths := t.widths()
	var b strings.Builder
	if len(t.Head) > 0 {
		t.line(&b, widths, t.Head)
		rule := make([]string, len(t.Head))
		for i := range rule {
			rule[i] = strings.Repeat("─", widths[i])
		}
		t.line(&b, widths, rule)
	}
	for _, row := range t.Rows {
		for _, line := range t.wrapped(widths, row) {
			t.line(&b, widths, line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// leastCell is how narrow a cell is never wrapped.
const leastCell = 20

// wrapped returns the lines of a row whose last cell is too wide.
func (t *Table) wrapped(widths []int, row []string) [][]string {
	last := len(row) - 1
	if t.Columns == 0 || last < 1 {
		return [][]string{row}
	}
	left := t.Columns - t.Indent
	for _, w := range widths[:last] {
		left -= w + 2
	}
	var lines [][]string
	for i, text := range Wrap(row[last], max(left, leastCell)) {
		line := make([]string, len(row))
		if i == 0 {
			copy(line, row)
		}
		line[last] = text
		lines = append(lines, line)
	}
	return lines
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	return widths
}

func (t *Table) line(b *strings.Builder, widths []int, cells []string) {
	var line strings.Builder
	line.WriteString(blanks(t.Indent))
	for i, cell := range cells {
		if i > 0 {
			line.WriteString("  ")
		}
		if i < len(t.Right) && t.Right[i] {
			line.WriteString(PadLeft(cell, widths[i]))
		} else {
			line.WriteString(Pad(cell, widths[i]))
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}
