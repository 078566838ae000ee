// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
)

// sheet is a table with its rows, ready to be written.
type sheet struct {
	rows *spool
	head head
}

// headerRow is where the columns' headers stand in a sheet: below the title and three lines.
const headerRow = 5

// writeWorkbook writes all sheets as .xlsx. What does not fit into memory is kept in dir.
func writeWorkbook(ctx context.Context, to io.Writer, sheets []sheet, b Basis, dir string, tell func()) (err error) {
	f := excelize.NewFile(excelize.Options{TmpDir: dir})
	defer func() {
		if failed := f.Close(); err == nil {
			err = failed
		}
	}()
	w := workbook{file: f, styles: map[styleKey]int{}, tell: tell}
	for i, s := range sheets {
		if err := w.add(ctx, i, s); err != nil {
			return fmt.Errorf("sheet %s: %w", s.rows.table.Name, err)
		}
	}
	if err := f.SetDocProps(properties(sheets, b)); err != nil {
		return err
	}
	if err := f.Write(cancellable{ctx, to}); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

// cancellable fails as soon as ctx is done.
type cancellable struct {
	ctx context.Context
	to  io.Writer
}

func (c cancellable) Write(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.to.Write(b)
}

// properties say in the file what the lines above the rows say.
func properties(sheets []sheet, b Basis) *excelize.DocProperties {
	var titles, lines []string
	for _, s := range sheets {
		titles = append(titles, s.head.title)
		lines = append(lines, s.head.title+"    "+strings.Join(s.head.lines[:2], "    "))
	}
	at := b.At.UTC().Format(time.RFC3339)
	return &excelize.DocProperties{
		Title: strings.Join(titles, "、"), Creator: "巡诊 Xunzhen", LastModifiedBy: "巡诊 Xunzhen", Description: strings.Join(lines, "\n"),
		Identifier: fmt.Sprintf("position %d", b.Position), Created: at, Modified: at, Language: "zh-CN",
	}
}

type styleKey struct {
	format export.Format
	wrap   bool
	header bool
}

// workbook is a file that is being written.
type workbook struct {
	file   *excelize.File
	styles map[styleKey]int
	title  int
	lines  int
	tell   func()
}

const (
	bodyFont  = "宋体"
	fontSize  = 10
	titleSize = 16
	mostWide  = 60
)

func (w *workbook) add(ctx context.Context, i int, s sheet) error {
	name := s.rows.table.SheetZH
	if i == 0 {
		if err := w.file.SetSheetName("Sheet1", name); err != nil {
			return err
		}
	} else if _, err := w.file.NewSheet(name); err != nil {
		return err
	}
	if err := w.layOut(name, s.rows.table.Columns); err != nil {
		return err
	}
	to, err := w.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	if err := w.top(to, s); err != nil {
		return err
	}
	styles := make([]int, len(s.rows.table.Columns))
	for i, c := range s.rows.table.Columns {
		if styles[i], err = w.style(styleKey{format: c.Format, wrap: c.Wrap}); err != nil {
			return err
		}
	}
	cells := make([]any, len(styles))
	err = s.rows.each(ctx, func(n int, row export.Row) error {
		for i, c := range row {
			cells[i] = excelize.Cell{StyleID: styles[i], Value: cellValue(c, s.rows.table.Columns[i].Format)}
		}
		w.tell()
		return to.SetRow(fmt.Sprintf("A%d", headerRow+1+n), cells)
	})
	if err != nil {
		return err
	}
	return to.Flush()
}

// pageWidth is how wide columns may be together that are printed on one page across: at 10 points
// A4 has room for some 130 characters, and two thirds of that size can be read.
const pageWidth = 195

// pagesAcross returns how many pages a table takes across.
func pagesAcross(columns []export.Column) int {
	sum := 0.0
	for _, c := range columns {
		sum += min(max(c.Width, 6), mostWide)
	}
	return max(1, int((sum+pageWidth-1)/pageWidth))
}

// layOut sets how a sheet is printed: A4 across, as many pages down as it takes, the header and
// the first columns on each.
func (w *workbook) layOut(name string, columns []export.Column) error {
	a4, landscape, across, none, yes := 9, "landscape", pagesAcross(columns), 0, true
	edge, foot := 0.4, 0.6
	last, err := excelize.ColumnNumberToName(len(columns))
	if err != nil {
		return err
	}
	titles := string(rune('A' + frozen - 1))
	for _, do := range []func() error{
		func() error {
			return w.file.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &landscape, FitToWidth: &across, FitToHeight: &none})
		},
		func() error { return w.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &yes}) },
		func() error {
			return w.file.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: &edge, Right: &edge, Top: &edge, Bottom: &foot})
		},
		func() error {
			return w.file.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&C第 &P 页，共 &N 页"})
		},
		func() error {
			return w.file.SetDefinedName(&excelize.DefinedName{
				Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%[1]s'!$A:$%[2]s,'%[1]s'!$%[3]d:$%[3]d", name, titles, headerRow), Scope: name,
			})
		},
		func() error {
			return w.file.SetDefinedName(&excelize.DefinedName{
				Name: "_xlnm._FilterDatabase", RefersTo: fmt.Sprintf("'%s'!$A$%d:$%s$%d", name, headerRow, last, headerRow), Scope: name,
			})
		},
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// frozen is how many columns stay when the sheet is moved to the side.
const frozen = 2

// top writes what stands above the rows.
func (w *workbook) top(to *excelize.StreamWriter, s sheet) error {
	columns := s.rows.table.Columns
	for i, c := range columns {
		if err := to.SetColWidth(i+1, i+1, min(max(c.Width, 6), mostWide)); err != nil {
			return err
		}
	}
	corner, err := excelize.CoordinatesToCellName(frozen+1, headerRow+1)
	if err != nil {
		return err
	}
	err = to.SetPanes(&excelize.Panes{Freeze: true, XSplit: frozen, YSplit: headerRow, TopLeftCell: corner, ActivePane: "bottomRight"})
	if err != nil {
		return err
	}
	if err := w.topStyles(); err != nil {
		return err
	}
	last, err := excelize.ColumnNumberToName(len(columns))
	if err != nil {
		return err
	}
	for n, text := range append([]string{s.head.title}, s.head.lines...) {
		style, height := w.lines, 16.0
		if n == 0 {
			style, height = w.title, 28
		}
		cell := fmt.Sprintf("A%d", n+1)
		if err := to.SetRow(cell, []any{excelize.Cell{StyleID: style, Value: text}}, excelize.RowOpts{Height: height}); err != nil {
			return err
		}
		if err := to.MergeCell(cell, fmt.Sprintf("%s%d", last, n+1)); err != nil {
			return err
		}
	}
	return w.header(to, columns)
}

func (w *workbook) header(to *excelize.StreamWriter, columns []export.Column) error {
	style, err := w.style(styleKey{header: true})
	if err != nil {
		return err
	}
	cells := make([]any, len(columns))
	lines := 1
	for i, c := range columns {
		cells[i] = excelize.Cell{StyleID: style, Value: c.ZH}
		lines = max(lines, int((width(c.ZH)+max(c.Width, 6)-2)/(max(c.Width, 6)-1)))
	}
	return to.SetRow(fmt.Sprintf("A%d", headerRow), cells, excelize.RowOpts{Height: float64(min(lines, 5)*14 + 6)})
}

// width returns how wide a text is in characters of a spreadsheet: Chinese ones are two.
func width(text string) float64 {
	n := 0
	for _, r := range text {
		n++
		if utf8.RuneLen(r) > 2 {
			n++
		}
	}
	return float64(n)
}

func (w *workbook) topStyles() (err error) {
	if w.title > 0 {
		return nil
	}
	if w.title, err = w.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Family: "黑体", Size: titleSize, Bold: true}, Alignment: &excelize.Alignment{Horizontal: "left", Vertical: "center"},
	}); err != nil {
		return err
	}
	w.lines, err = w.file.NewStyle(&excelize.Style{
		Font: &excelize.Font{Family: bodyFont, Size: fontSize}, Alignment: &excelize.Alignment{Horizontal: "left", Vertical: "center"},
	})
	return err
}

// formats of numbers, as spreadsheets write them.
func numberFormat(f export.Format) string {
	return map[export.Format]string{
		export.Text: "@", export.Whole: "0", export.Tenths: "0.0", export.Hundredths: "0.00", export.Percent: "0.00%", export.Day: "yyyy-mm-dd",
	}[f]
}

func (w *workbook) style(k styleKey) (int, error) {
	if id, ok := w.styles[k]; ok {
		return id, nil
	}
	line := func(side string) excelize.Border { return excelize.Border{Type: side, Color: "808080", Style: 1} }
	s := &excelize.Style{
		Border:    []excelize.Border{line("left"), line("right"), line("top"), line("bottom")},
		Font:      &excelize.Font{Family: bodyFont, Size: fontSize},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: k.wrap},
	}
	format := numberFormat(k.format)
	s.CustomNumFmt = &format
	switch {
	case k.header:
		s.Font.Bold = true
		s.Alignment = &excelize.Alignment{Horizontal: "center", Vertical: "center", WrapText: true}
		s.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E7EEF7"}}
	case k.format == export.Day:
		s.Alignment.Horizontal = "center"
	case k.format != export.Text:
		s.Alignment.Horizontal = "right" // also where a text stands for a number that is not there
	}
	id, err := w.file.NewStyle(s)
	w.styles[k] = id
	return id, err
}

// cellValue returns what a spreadsheet keeps of a cell.
func cellValue(c export.Cell, f export.Format) any {
	switch {
	case !c.Given && c.Text == "":
		return nil
	case !c.Given:
		return c.Text
	}
	switch f {
	case export.Day:
		if n, ok := serialDay(care.Date(c.Number)); ok {
			return n
		}
		return c.String(f)
	case export.Tenths:
		return float64(c.Number) / 10
	case export.Hundredths:
		return float64(c.Number) / 100
	case export.Percent:
		return float64(c.Number) / 10000
	}
	return c.Number
}

// serialDay returns the day as spreadsheets count days. Those of before March 1900 they count
// wrongly: they stay texts.
func serialDay(d care.Date) (int, bool) {
	at := time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, time.UTC)
	first := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	n := int(at.Sub(first) / (24 * time.Hour))
	return n, n >= 61
}

// MaxRows is how many rows a sheet has room for.
const MaxRows = 1<<20 - headerRow

func tooMany(sheets []sheet) bool {
	return slices.ContainsFunc(sheets, func(s sheet) bool { return len(s.rows.rows) > MaxRows })
}
