// SPDX-License-Identifier: Apache-2.0

// Package sheets reads tables that people made with spreadsheets: workbooks (.xlsx) and
// delimited text (.csv), row by row, in bounded memory.
//
// A cell comes as it is stored, with what it is: text, or a number with all the digits that
// the file has of it. That is why workbooks are read here and not by a library for them: the
// one at hand (excelize) gives rows as strings, and whether 130403195003150000 was text, or a
// number of which a spreadsheet keeps 15 digits, is what an import has to know. Nothing is
// calculated, followed or run: of a formula the value that was stored with it is taken, macros
// are passed over, and both are said.
//
// The one invariant: what cannot be read whole is a *Problem and never a shorter table. The
// package never holds more than one row, the texts that cells share, and one part of the file.
package sheets

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Kind is what a cell is.
type Kind uint8

// Kinds of cells.
const (
	Empty  Kind = iota
	Text        // as written
	Number      // digits as the file has them, perhaps with an exponent
	Day         // a number that is shown as a date: days since 1899-12-30
	Bool        // "1" or "0"
	Fault       // what a spreadsheet could not calculate: #N/A, #REF!
)

// Cell is one cell.
type Cell struct {
	Text    string
	Kind    Kind
	Formula bool // the text is what was calculated when the file was last saved
}

// Row is one row that has anything in it. Its cells are the caller's until it returns.
type Row struct {
	Number int // as a spreadsheet counts; of delimited text the line on which it begins
	Cells  []Cell
	Hidden bool
}

// Limits bound what a file may cost. Usual explains the numbers.
type Limits struct {
	File        int64 // bytes of the file
	Part        int64 // bytes of one part of a workbook, unpacked
	SharedTexts int64 // bytes of the texts that the cells of a workbook share
	Ratio       int64 // how many times greater than packed a part may be, above a MiB
	Entries     int   // files in a workbook
	Columns     int
	Cell        int // bytes of one cell
	EmptyRows   int // after so many rows with nothing in them there is nothing more
}

// Usual returns limits that the greatest honest file keeps: a county of a million residents
// with forty columns is a sheet of about 2 GiB, packed ten times smaller. A spreadsheet has
// 16,384 columns and 32,767 characters in a cell.
func Usual() Limits {
	return Limits{
		File: 1 << 30, Part: 4 << 30, SharedTexts: 512 << 20, Ratio: 200, Entries: 4096,
		Columns: 1024, Cell: 4 * 32767, EmptyRows: 1 << 21,
	}
}

// Sheet is one table of a file.
type Sheet struct {
	Name   string
	Hidden bool
}

// Format is how a file is written.
type Format string

// Formats.
const (
	Workbook  Format = "xlsx"
	Delimited Format = "csv"
)

// Book is a file whose tables can be read, any number of times.
type Book struct {
	Format Format
	Sheets []Sheet // of delimited text one, without a name
	// Macros is true where the file brings programs with it; they were not looked at.
	Macros bool
	// Encoding and Separator are those of delimited text.
	Encoding  string
	Separator byte
	// Dates1904 is true where days are counted from 1904; cells of kind Day are in the usual count all the same.
	Dates1904 bool

	limits Limits
	file   io.ReaderAt
	size   int64
	work   *workbook
}

// Open looks at a file of size bytes and finds out what it is. Errors: a *Problem, or the
// reader's.
func Open(file io.ReaderAt, size int64, limits Limits) (*Book, error) {
	if size > limits.File {
		return nil, problem(TooLarge, fmt.Sprint(size>>20))
	}
	head := make([]byte, min(size, 8))
	if _, err := file.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, err
	}
	b := &Book{limits: limits, file: file, size: size}
	switch {
	case size == 0:
		return nil, problem(Nothing, "")
	case bytes.HasPrefix(head, []byte("PK")):
		return b, b.openWorkbook()
	case bytes.HasPrefix(head, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")):
		return nil, b.compound()
	case bytes.HasPrefix(head, []byte("%PDF")), bytes.HasPrefix(head, []byte("{\\rtf")), bytes.HasPrefix(head, []byte("\x89PNG")):
		return nil, problem(NoTable, "")
	}
	return b, b.openDelimited()
}

// Read hands the rows of a sheet, by its place in Sheets, to each, in order. It stops at the
// error that each returns, and returns that. Rows with nothing in them are passed over.
// Errors: a *Problem, or the reader's.
func (b *Book) Read(sheet int, each func(Row) error) error {
	if sheet < 0 || sheet >= len(b.Sheets) {
		return problem(NoSheet, "")
	}
	if b.Format == Workbook {
		return b.readSheet(sheet, each)
	}
	return b.readDelimited(each)
}

// About returns about how many rows a sheet has, for showing progress; 0 where the file does
// not say.
func (b *Book) About(sheet int) int {
	if b.Format == Delimited {
		return b.lines()
	}
	rows, enough := 0, errors.New("enough")
	_ = b.elements(b.work.sheets[sheet], func(_ *xml.Decoder, e xml.StartElement) error { // what is wrong is found when it is read
		switch e.Name.Local {
		case "dimension":
			_, last, _ := strings.Cut(attribute(e, "ref"), ":")
			rows, _ = strconv.Atoi(strings.TrimLeft(last, "ABCDEFGHIJKLMNOPQRSTUVWXYZ$"))
		case "sheetData":
			return enough
		}
		return nil
	})
	return rows
}

// lines counts the ends of lines.
func (b *Book) lines() (n int) {
	in, buf := io.NewSectionReader(b.file, 0, b.size), make([]byte, 64<<10)
	for {
		k, err := in.Read(buf)
		n += bytes.Count(buf[:k], []byte{'\n'})
		if err != nil {
			return n
		}
	}
}

// compound says what a file of the old container is: a workbook under a password, or one of
// before 2007.
func (b *Book) compound() error {
	head := make([]byte, min(b.size, 1<<20))
	if _, err := b.file.ReadAt(head, 0); err != nil && err != io.EOF {
		return err
	}
	if bytes.Contains(head, wide("EncryptedPackage")) {
		return problem(Password, "")
	}
	return problem(OldBook, "")
}

// wide returns text as the old container writes names.
func wide(text string) []byte {
	out := make([]byte, 0, 2*len(text))
	for i := range len(text) {
		out = append(out, text[i], 0)
	}
	return out
}

// filled reports whether anything stands in the cells.
func filled(cells []Cell) bool {
	for _, c := range cells {
		if c.Kind != Empty {
			return true
		}
	}
	return false
}
