// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/care/sheets"
)

// importFile is a file on its way in.
type importFile struct {
	*os.File
	name   string
	size   int64
	sha256 []byte
	book   *sheets.Book
	wanted string // the sheet that is asked for
	sheet  int
	total  int // rows, about; 0: not known
}

// openImport looks at a file. Errors: *sheets.Problem, or the system's.
func openImport(path, sheet string) (*importFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &importFile{File: file, name: baseName(path), wanted: sheet}
	if err := f.look(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return f, nil
}

func (f *importFile) look() error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	if info.IsDir() {
		return &sheets.Problem{Reason: sheets.NoTable}
	}
	if f.book, err = sheets.Open(f, f.size, sheets.Usual()); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, f.size)); err != nil {
		return err
	}
	f.sha256 = h.Sum(nil)
	return nil
}

// errRowsEnough ends the reading of a sheet of which enough is known.
var errRowsEnough = errors.New("enough")

// find finds the sheet and in it the head: the one that is asked for, or the only one in
// which there is a head. Several are for a person to choose from.
func (f *importFile) find(c *call, o intake.Options) (*intake.Plan, error) {
	var plans []*intake.Plan
	var at []int
	var names []string
	for i, sheet := range f.book.Sheets {
		if f.wanted != "" && sheet.Name != f.wanted {
			continue
		}
		heads := intake.NewHeads(o)
		err := f.book.Read(i, func(r sheets.Row) error {
			if !heads.Add(r) {
				return errRowsEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errRowsEnough) {
			return nil, err
		}
		plan, _, ok, err := heads.Plan()
		if err != nil {
			return nil, err
		}
		if ok {
			plans, at, names = append(plans, plan), append(at, i), append(names, sheet.Name)
		}
	}
	switch {
	case len(plans) > 1:
		chosen, err := f.ask(c, names)
		if err != nil {
			return nil, err
		}
		f.sheet = at[chosen]
		return plans[chosen], nil
	case len(plans) == 1:
		f.sheet = at[0]
		return plans[0], nil
	case f.wanted != "" && !f.has(f.wanted):
		return nil, problemf("problem_import_no_sheet", f.wanted, f.sheetList())
	}
	return nil, problemf("problem_import_no_head", f.name)
}

func (f *importFile) has(name string) bool {
	for _, s := range f.book.Sheets {
		if s.Name == name {
			return true
		}
	}
	return false
}

func (f *importFile) sheetList() string {
	var names []string
	for _, s := range f.book.Sheets {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

// ask has a person choose a sheet; where there is nobody to ask it says which there are.
func (f *importFile) ask(c *call, names []string) (int, error) {
	if c.AskLine == nil {
		return 0, problemf("problem_import_sheets", strings.Join(names, ", "))
	}
	for i, name := range names {
		c.note("import_sheet", i+1, name)
	}
	line, err := c.AskLine(c.say("import_which_sheet") + " ")
	if err != nil {
		return 0, err
	}
	var n int
	if _, err := fmt.Sscanf(line, "%d", &n); err != nil || n < 1 || n > len(names) {
		return 0, problemf("problem_import_sheets", strings.Join(names, ", "))
	}
	return n - 1, nil
}

// rows hands the rows below the head to each.
func (f *importFile) rows(plan *intake.Plan, each func(sheets.Row) error) error {
	return f.book.Read(f.sheet, func(r sheets.Row) error {
		if r.Number <= plan.HeadRow {
			return nil
		}
		return each(r)
	})
}

// importProblem says what package sheets and the plan say in words.
func (c *call) importProblem(err error) error {
	var p *sheets.Problem
	var m *intake.MapError
	switch {
	case errors.As(err, &p) && p.Row > 0:
		return &problem{key: "problem_import_row", args: []any{p.Row, c.say("import_file_" + string(p.Reason))}, cause: err}
	case errors.As(err, &p):
		return &problem{key: "problem_import_file", args: []any{c.say("import_file_" + string(p.Reason))}, cause: err}
	case errors.As(err, &m):
		return problemf("problem_import_map", m.Head, m.Field)
	}
	return err
}
