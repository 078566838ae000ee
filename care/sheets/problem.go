// SPDX-License-Identifier: Apache-2.0

package sheets

import "fmt"

// Reason is why a file cannot be read.
type Reason string

// Reasons. What a person should do about each stands with the words of the program.
const (
	Nothing     Reason = "nothing"      // the file is empty
	NoTable     Reason = "no_table"     // neither a workbook nor text
	OldBook     Reason = "old_book"     // .xls of before 2007
	Password    Reason = "password"     // encrypted
	Broken      Reason = "broken"       // cut off or damaged
	TooLarge    Reason = "too_large"    // the file as it is
	Bomb        Reason = "bomb"         // what unpacks to far more than an honest file
	NoSheet     Reason = "no_sheet"     // a sheet that is not there
	WideRow     Reason = "wide_row"     // more columns than anybody fills in
	LongCell    Reason = "long_cell"    // more text in a cell than a spreadsheet takes, or a quote that is never closed
	OtherFormat Reason = "other_format" // a package of another program: .docx, .ods, .zip
)

// Problem says that a file cannot be read.
type Problem struct {
	Reason Reason
	Detail string // for people; nothing that stands in cells
	Row    int    // where it was found; 0: in no row
	cause  error
}

// Error is for programmers.
func (p *Problem) Error() string {
	text := "table: " + string(p.Reason)
	if p.Row > 0 {
		text = fmt.Sprintf("%s in row %d", text, p.Row)
	}
	if p.Detail != "" {
		text += ": " + p.Detail
	}
	return text
}

// Unwrap returns what was the cause, if anything.
func (p *Problem) Unwrap() error { return p.cause }

func problem(r Reason, detail string) *Problem { return &Problem{Reason: r, Detail: detail} }

func problemAt(r Reason, row int) *Problem { return &Problem{Reason: r, Row: row} }

// broken wraps what a decoder says.
func broken(where string, err error) error {
	return &Problem{Reason: Broken, Detail: where, cause: err}
}
