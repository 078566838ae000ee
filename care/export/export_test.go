// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xunzhen/xunzhen/care/export"
)

var update = flag.Bool("update", false, "write the pages of documentation anew")

func TestThePagesAreWhatTheTablesSay(t *testing.T) {
	for name, zh := range map[string]bool{"../../docs/exports.zh.md": true, "../../docs/exports.en.md": false} {
		want := export.Page(zh)
		if *update {
			if err := os.WriteFile(name, []byte(want), 0o644); err != nil { //nolint:gosec // a page of the repository
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(name); err != nil || string(have) != want {
			t.Errorf("%s is not what the tables say (%v): run make manual", name, err)
		}
	}
}

func TestEveryTableIsFitForASpreadsheet(t *testing.T) {
	names := map[string]bool{}
	for _, table := range export.Tables() {
		if names[table.Name] || names[table.SheetZH] {
			t.Errorf("%s: two tables of one name", table.Name)
		}
		names[table.Name], names[table.SheetZH] = true, true
		if utf8.RuneCountInString(table.SheetZH) > 31 || strings.ContainsAny(table.SheetZH, `[]:*?/\'`) {
			t.Errorf("%s: no name of a sheet", table.SheetZH)
		}
		ids, headers := map[string]bool{}, map[string]bool{}
		for _, c := range table.Columns {
			if ids[c.ID] || headers[c.ZH] || c.ZH == "" || c.EN == "" || c.FromZH == "" || c.FromEN == "" || c.Width < 5 {
				t.Errorf("%s: column %q is doubled, or lacks words or a width", table.Name, c.ID)
			}
			ids[c.ID], headers[c.ZH] = true, true
			if (c.ID == "id_number") != (c.Mask == export.Number) || (c.ID == "phone") != (c.Mask == export.Phone) {
				t.Errorf("%s: %s is masked as %d", table.Name, c.ID, c.Mask)
			}
			if c.ID == "id_number" && c.Format != export.Text {
				t.Errorf("%s: the number of a document is no number", table.Name)
			}
		}
		if table.Columns[0].ID != export.SerialNumber {
			t.Errorf("%s does not count its rows first", table.Name)
		}
	}
	if len(names) != 2*12 {
		t.Errorf("%d tables, §6.8 names ten of which one is three", len(names)/2)
	}
}

func TestTextCannotBeAFormulaOrBreakARow(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "+86": "'+86", "-": "'-", "@SUM(A1)": "'@SUM(A1)", "＝A1": "'＝A1", " =cmd|' /C calc'!A0": "'=cmd|' /C calc'!A0", "\t=1": "'=1",
		"一\r\n二": "一  二", "a\x00b\x1bc": "abc", "张三": "张三", "": "", "1-2": "1-2",
	} {
		if got := export.Tame(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	long := export.Tame(strings.Repeat("𠮷", export.MaxCellCharacters))
	if n := len(utf16.Encode([]rune(long))); n > export.MaxCellCharacters || n < export.MaxCellCharacters-1 || !utf8.ValidString(long) {
		t.Errorf("%d units of %d", n, export.MaxCellCharacters)
	}
}

func TestNumbersAreShownWithTheirDecimals(t *testing.T) {
	for _, c := range []struct {
		cell   export.Cell
		format export.Format
		want   string
	}{
		{export.Cell{Number: 5, Given: true}, export.Hundredths, "0.05"},
		{export.Cell{Number: -5, Given: true}, export.Tenths, "-0.5"},
		{export.Cell{Number: 9512, Given: true}, export.Percent, "95.12%"},
		{export.Cell{Number: 20260301, Given: true}, export.Day, "2026-03-01"},
		{export.Cell{}, export.Whole, ""},
		{export.Cell{Text: "拒检"}, export.Hundredths, "拒检"},
	} {
		if got := c.cell.String(c.format); got != c.want {
			t.Errorf("%+v as %d is %q, want %q", c.cell, c.format, got, c.want)
		}
	}
}

func TestWhoMayNotSeeTheSensitiveClassHasNoSuchColumn(t *testing.T) {
	sees := func(v export.View) bool {
		return slices.ContainsFunc(export.Contracts().Table(v).Columns, func(c export.Column) bool { return c.ID == "restricted_groups" })
	}
	if !sees(export.View{Sensitive: true}) || sees(export.View{}) {
		t.Error("restricted populations are shown to the wrong ones")
	}
}
