// SPDX-License-Identifier: Apache-2.0

package sheets

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func open(t *testing.T, raw []byte) *Book {
	t.Helper()
	b, err := Open(bytes.NewReader(raw), int64(len(raw)), Usual())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// table reads a sheet whole.
func table(t *testing.T, b *Book, sheet int) (out []Row) {
	t.Helper()
	err := b.Read(sheet, func(r Row) error {
		r.Cells = append([]Cell(nil), r.Cells...)
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func book(t *testing.T, fill func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	fill(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAWorkbookComesCellByCell(t *testing.T) {
	raw := book(t, func(f *excelize.File) {
		must(t, f.SetCellStr("Sheet1", "A1", "名 册"))
		must(t, f.MergeCell("Sheet1", "A1", "D1"))
		must(t, f.SetSheetRow("Sheet1", "A3", &[]any{"姓名", 130403195003150016, time.Date(1950, 3, 5, 0, 0, 0, 0, time.UTC), true, 36.5}))
		must(t, f.SetCellFormula("Sheet1", "F3", "1+1"))
		must(t, f.SetRowVisible("Sheet1", 5, false))
		must(t, f.SetCellStr("Sheet1", "B5", "hidden"))
		_, err := f.NewSheet("另一张")
		must(t, err)
		must(t, f.SetSheetVisible("另一张", false))
	})
	b := open(t, raw)
	if len(b.Sheets) != 2 || b.Sheets[1] != (Sheet{"另一张", true}) || b.Format != Workbook || b.Macros {
		t.Fatalf("%+v", b)
	}
	rows := table(t, b, 0)
	if len(rows) != 3 || rows[0].Number != 1 || rows[1].Number != 3 || rows[2].Number != 5 || !rows[2].Hidden || rows[1].Hidden {
		t.Fatalf("%+v", rows)
	}
	c := rows[1].Cells
	for i, want := range []Kind{Text, Number, Day, Bool, Number, Empty} {
		if c[i].Kind != want {
			t.Errorf("column %d: %+v, want kind %d", i, c[i], want)
		}
	}
	if c[1].Text != "130403195003150016" || c[2].Text != "18327" || !c[5].Formula || rows[2].Cells[1].Text != "hidden" || rows[2].Cells[0].Kind != Empty {
		t.Errorf("%+v", c)
	}
	if got := b.About(0); got != 5 && got != 0 {
		t.Errorf("about %d rows", got)
	}
	if err := b.Read(7, nil); reason(err) != NoSheet {
		t.Error(err)
	}
}

func reason(err error) Reason {
	var p *Problem
	if errors.As(err, &p) {
		return p.Reason
	}
	return ""
}

func TestDelimitedTextOfEveryEncodingIsTheSame(t *testing.T) {
	const text = "姓名,备注\r\n张试丰,\"有\"\"引号\"\"，\n两行\"\r\n\r\n李试夏,\r\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	must(t, err)
	le, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	must(t, err)
	be, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(text)
	must(t, err)
	for name, raw := range map[string]string{
		UTF8: text, "UTF-8 with a mark": "\ufeff" + text, GB18030: gb, UTF16LE: le, UTF16BE: be, "tabs": strings.ReplaceAll(text, ",", "\t"), "semicolons": strings.ReplaceAll(text, ",", ";"),
	} {
		rows := table(t, open(t, []byte(raw)), 0)
		if len(rows) != 3 || rows[0].Cells[0].Text != "姓名" || rows[1].Cells[1].Text != "有\"引号\"，\n两行" || rows[2].Number != 5 || rows[2].Cells[0].Text != "李试夏" {
			t.Errorf("%s: %+v", name, rows)
		}
	}
}

func TestAnEncodingIsDecidedByTheWholeFile(t *testing.T) {
	long := "name,note\n" + strings.Repeat("a,b\n", 100_000)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(long + "张试丰,x\n")
	must(t, err)
	b := open(t, []byte(gb))
	if rows := table(t, b, 0); b.Encoding != GB18030 || rows[len(rows)-1].Cells[0].Text != "张试丰" {
		t.Errorf("%s %+v", b.Encoding, rows[len(rows)-1])
	}
	if b := open(t, []byte(long+"张试丰,x\n")); b.Encoding != UTF8 {
		t.Error(b.Encoding)
	}
}

func TestWhatIsNoTableSaysWhy(t *testing.T) {
	good := book(t, func(f *excelize.File) { must(t, f.SetCellStr("Sheet1", "A1", strings.Repeat("x", 2000))) })
	var locked bytes.Buffer
	f := excelize.NewFile()
	must(t, f.Write(&locked, excelize.Options{Password: "secret"}))
	for want, raw := range map[Reason][]byte{
		Nothing: {}, NoTable: []byte("%PDF-1.7 x"), Password: locked.Bytes(), Broken: good[:len(good)/2],
		OldBook: append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 600)...), OtherFormat: packed(t, map[string]string{"mimetype": "x"}),
		Bomb:     packed(t, map[string]string{contentTypes: "x", "xl/workbook.xml": "x", "xl/worksheets/sheet1.xml": strings.Repeat(" ", 40<<20)}),
		LongCell: []byte("a,b\nc,\"never closed\nd,e\n"),
	} {
		b, err := Open(bytes.NewReader(raw), int64(len(raw)), Usual())
		if err == nil {
			err = b.Read(0, func(Row) error { return nil })
		}
		if reason(err) != want {
			t.Errorf("want %s, got %v", want, err)
		}
	}
	if _, err := Open(bytes.NewReader(good), 2<<30, Usual()); reason(err) != TooLarge {
		t.Error(err)
	}
}

// packed is a package of files, made here so that no such file lies about.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, text := range files {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write([]byte(text))
		must(t, err)
	}
	must(t, z.Close())
	return out.Bytes()
}

// sheetOf packs a workbook around the XML of one sheet.
func sheetOf(t *testing.T, sheet string, more map[string]string) []byte {
	t.Helper()
	files := map[string]string{
		contentTypes:                 "<Types/>",
		"xl/workbook.xml":            `<workbook><sheets><sheet name="s" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   sheet,
	}
	for name, text := range more {
		files[name] = text
	}
	return packed(t, files)
}

func TestMacrosArePassedOverAndSaid(t *testing.T) {
	raw := sheetOf(t, `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>x</t><rPh><t>aid</t></rPh></is></c></row></sheetData></worksheet>`, map[string]string{"xl/vbaProject.bin": "run me"})
	b := open(t, raw)
	if rows := table(t, b, 0); !b.Macros || len(rows) != 1 || rows[0].Cells[0].Text != "x" {
		t.Errorf("%+v %+v", b, rows)
	}
}

func TestAMillionBlankRowsCostNothing(t *testing.T) {
	var s strings.Builder
	s.WriteString(`<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row>`)
	for i := 2; i < 1_000_000; i++ {
		fmt.Fprintf(&s, `<row r="%d"/>`, i)
	}
	s.WriteString(`<row r="1000000"><c r="B1000000"><v>2</v></c></row></sheetData></worksheet>`)
	rows := table(t, open(t, sheetOf(t, s.String(), nil)), 0)
	if len(rows) != 2 || rows[1].Number != 1_000_000 || rows[1].Cells[1].Text != "2" {
		t.Errorf("%d rows", len(rows))
	}
}

func TestASheetThatBreaksOffIsNoShorterTable(t *testing.T) {
	for _, sheet := range []string{
		`<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row>`,
		`<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c>`,
		`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>9</v></c></row></sheetData></worksheet>`,
		`<worksheet><sheetData><row r="1"><c r="A1"><v>&bomb;</v></c></row></sheetData></worksheet>`,
	} {
		b := open(t, sheetOf(t, sheet, nil))
		if err := b.Read(0, func(Row) error { return nil }); reason(err) != Broken {
			t.Errorf("%s: %v", sheet, err)
		}
	}
	wide := open(t, sheetOf(t, `<worksheet><sheetData><row r="1"><c r="ZZZ1"><v>1</v></c></row></sheetData></worksheet>`, nil))
	if err := wide.Read(0, func(Row) error { return nil }); reason(err) != WideRow {
		t.Error(err)
	}
}

func TestFormatsThatShowDates(t *testing.T) {
	for format, want := range map[string]bool{
		"yyyy-mm-dd": true, `yyyy"年"m"月"d"日"`: true, "[$-804]d": true, "0.00": false, "0.00E+00": false, `"day"0`: false, "hh:mm": false, "@": false, "General": false, "[Red]0": false,
	} {
		if got := showsDate(format); got != want {
			t.Errorf("%s: %v", format, got)
		}
	}
}

func FuzzSheet(f *testing.F) {
	f.Add([]byte(`<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row></sheetData></worksheet>`), []byte(`<sst><si><t>a</t></si></sst>`))
	f.Fuzz(func(t *testing.T, sheet, texts []byte) {
		raw := sheetOf(t, string(sheet), map[string]string{"xl/sharedStrings.xml": string(texts)})
		b, err := Open(bytes.NewReader(raw), int64(len(raw)), Usual())
		if err != nil {
			return
		}
		last := 0
		_ = b.Read(0, func(r Row) error {
			if len(r.Cells) > Usual().Columns || !filled(r.Cells) {
				t.Errorf("%+v", r)
			}
			last = r.Number
			return nil
		})
		_ = last
	})
}

func FuzzWorkbook(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := Open(bytes.NewReader(raw), int64(len(raw)), Usual())
		if err == nil {
			for i := range b.Sheets {
				_ = b.Read(i, func(Row) error { return nil })
			}
		}
	})
}

func FuzzDelimited(f *testing.F) {
	f.Add([]byte("a,b\n\"c\"\"\",d\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.HasPrefix(raw, []byte("PK")) {
			return
		}
		b, err := Open(bytes.NewReader(raw), int64(len(raw)), Usual())
		if err != nil {
			return
		}
		last := 0
		err = b.Read(0, func(r Row) error {
			if r.Number <= last {
				t.Errorf("row %d behind %d", r.Number, last)
			}
			last = r.Number
			return nil
		})
		if err != nil && reason(err) == "" {
			t.Error(err)
		}
	})
}
