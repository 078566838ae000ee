// SPDX-License-Identifier: Apache-2.0

package export

import "github.com/xunzhen/xunzhen/care"

// Mask says what of a cell is left to those who may not see all of it.
type Mask int

// Masks.
const (
	Open   Mask = iota
	Number      // of a document: care.MaskNumber
	Phone       // care.MaskPhone
)

// Column is one column of a table.
type Column struct {
	ID     string  `json:"id"`     // stays the same when the header changes
	ZH     string  `json:"zh"`     // the header
	EN     string  `json:"en"`     // what it means
	Format Format  `json:"format"` // 0 text, 1 to 3 numbers with none to two decimals, 4 per cent, 5 day
	Width  float64 `json:"width"`  // in characters
	Wrap   bool    `json:"wrap"`
	Mask   Mask    `json:"mask"`
	// Sensitive: only those who may see records of the sensitive class have the column.
	Sensitive bool `json:"sensitive"`
	// FromZH, FromEN say where the cells come from.
	FromZH string `json:"from_zh"`
	FromEN string `json:"from_en"`
}

// Table is one table: a sheet of a workbook, or a CSV file.
type Table struct {
	Name    string   `json:"name"` // of the table: "hypertension"
	ZH      string   `json:"zh"`   // the title
	EN      string   `json:"en"`
	RowZH   string   `json:"counts_zh"` // what is counted: 人
	RowEN   string   `json:"counts_en"`
	SheetZH string   `json:"sheet"`   // the name of the sheet, at most 31 characters
	NoteZH  string   `json:"note_zh"` // who is in it, and how it is counted
	NoteEN  string   `json:"note_en"`
	Columns []Column `json:"columns"`
}

// SerialNumber is the ID of the column that counts the rows. It is filled in when the rows
// have their order.
const SerialNumber = "serial"

// View is what of the tables somebody may see.
type View struct {
	Masked    bool // numbers of documents and telephones in part
	Sensitive bool // columns and rows of the sensitive class
}

// Sees reports whether the view has a column.
func (v View) Sees(c Column) bool { return v.Sensitive || !c.Sensitive }

// Row is a line of a table, a cell for each column that the view has.
type Row []Cell

// field is a column with what fills it in.
type field[S any] struct {
	Column
	of func(S) Cell
}

// Sheet is a table whose rows are made of S.
type Sheet[S any] struct {
	table  Table
	fields []field[S]
}

// define makes a sheet of its columns; the first counts the rows.
func define[S any](t Table, fields ...field[S]) Sheet[S] {
	count := field[S]{
		Column: Column{ID: SerialNumber, ZH: "序号", EN: "No.", Format: Whole, Width: 6, FromZH: "行的次序", FromEN: "the order of the rows"},
		of:     func(S) Cell { return Cell{} },
	}
	s := Sheet[S]{table: t, fields: append([]field[S]{count}, fields...)}
	for _, f := range s.fields {
		s.table.Columns = append(s.table.Columns, f.Column)
	}
	return s
}

// Whole returns the table with every column.
func (s Sheet[S]) Whole() Table { return s.table }

// Table returns the table with the columns that the view has.
func (s Sheet[S]) Table(v View) Table {
	t := s.table
	t.Columns = nil
	for _, f := range s.fields {
		if v.Sees(f.Column) {
			t.Columns = append(t.Columns, f.Column)
		}
	}
	return t
}

// Row returns the row of one S for the view.
func (s Sheet[S]) Row(v View, of S) Row {
	row := make(Row, 0, len(s.fields))
	for _, f := range s.fields {
		if v.Sees(f.Column) {
			row = append(row, v.mask(f.Mask, f.of(of)))
		}
	}
	return row
}

func (v View) mask(m Mask, c Cell) Cell {
	switch {
	case !v.Masked || c.Text == "":
	case m == Number:
		c.Text = care.MaskNumber(c.Text)
	case m == Phone:
		c.Text = care.MaskPhone(c.Text)
	}
	return c
}
