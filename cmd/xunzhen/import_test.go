// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/xunzhen/xunzhen/care"
)

// residentNumber returns a number of area 990000, which does not exist.
func residentNumber(t *testing.T, birth string, n int) string {
	t.Helper()
	first := fmt.Sprintf("990000%s%03d", birth, n)
	for _, check := range "0123456789X" {
		if r, err := care.ParseResidentNumber(first + string(check)); err == nil {
			return string(r)
		}
	}
	t.Fatal("no check character fits")
	return ""
}

// workbook writes a workbook of one sheet and returns where.
func workbook(t *testing.T, rows [][]any) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	for i, row := range rows {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "花名册.xlsx")
	if err := f.SaveAs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func rosterRows(t *testing.T) [][]any {
	return [][]any{
		{"西洲街道65岁及以上老年人花名册"},
		{"填报单位：西洲街道社区衛(wèi)生服務(wù)中心", nil, nil, nil, nil, "单位：人"},
		{"序号", "姓　名", "身份证号码", "性别", "联系电话", "现住址", "行政村代码", "备注栏"},
		{1, "张试\u00a0豐", residentNumber(t, "19500305", 1), "男", 13900000001, "道縣(xiàn)一组", village, "低保"},
		{2, "李试夏", "９９" + residentNumber(t, "19481231", 2)[2:], "女", "10000000002", "二组", village, ""},
		{3, "王试秋", 990000195003050038.0, "男", "", "三组", village, ""},
		{"合计", 3},
	}
}

func TestARosterIsTriedThenSavedThenKnown(t *testing.T) {
	one, _ := clinic(t)
	file := workbook(t, rosterRows(t))
	out := one.ok("import", "roster", file)
	one.says(out, "heads found in row 3", "identity_document.number", "not known", "备注栏", "digits are lost", "a sum of other rows", "4 rows: would create 2", "1 kept aside, 1 refused", "Nothing was changed", "--save --author")
	if strings.Contains(out, residentNumber(t, "19500305", 1)) || strings.Contains(out, "李试夏") || strings.Contains(out, "13900000001") {
		t.Error("a dry run shows somebody's name, number or telephone", out)
	}
	one.fails(exitFailed, []string{"--author"}, "import", "roster", file, "--save")
	one.says(one.ok("import", "list"), "Nothing was imported")

	told := decode[importTold](t, one.ok("import", "roster", file, "--save", "--author", "zhao", "--json"))
	if told.Created != 2 || told.Aside != 1 || told.Refused != 1 || told.Rows != 4 || told.Batch == "" {
		t.Errorf("%+v", told)
	}
	aside, err := os.ReadFile(file + ".aside.csv")
	if err != nil || !strings.Contains(string(aside), "王试秋") || strings.Contains(string(aside), "李试夏") {
		t.Errorf("%s %v", aside, err)
	}
	again := decode[importTold](t, one.ok("import", "roster", file, "--save", "--author", "zhao", "--json"))
	if again.Created != 0 || again.Updated != 0 || again.Same != 2 {
		t.Errorf("%+v", again)
	}
	runs := decode[[]listedImport](t, one.ok("import", "list", "--json"))
	if len(runs) != 1 || !runs[0].Done || runs[0].Created != 2 || runs[0].Rows != 4 || runs[0].Author != "zhao" {
		t.Errorf("%+v", runs)
	}
	one.says(one.ok("find", residentNumber(t, "19481231", 2)), "李试夏")
	one.ok("tablet", "sync")
	one.says(one.ok("tablet", "search", "李试夏"), "李试夏")
	one.says(one.ok("verify", "--replay"), "")
}

func TestWhatADoctorWroteIsNotOverwrittenInSilence(t *testing.T) {
	one, _ := clinic(t)
	number := residentNumber(t, "19500305", 1)
	row := func(name, phone, address string) string {
		return workbook(t, [][]any{{"姓名", "身份证号", "联系电话", "家庭住址", "村代码"}, {name, number, phone, address, village}})
	}
	save := func(file string, more ...string) importTold {
		t.Helper()
		return decode[importTold](t, one.ok(append([]string{"import", "roster", file, "--save", "--author", "zhao", "--source", "police", "--json"}, more...)...))
	}
	if got := save(row("张试丰", "10000000001", "")); got.Created != 1 {
		t.Fatalf("%+v", got)
	}
	if got := save(row("張試豐", "10000000002", "")); got.Updated != 1 {
		t.Errorf("the source corrects itself: %+v", got)
	}
	one.ok("tablet", "sync")
	id := decode[[]foundPerson](t, one.ok("find", number, "--json"))[0].Residents[0].ID
	one.edit(id, "phone", "10000000003")
	one.ok("tablet", "sync")
	other := row("张试丰", "10000000004", "一组")
	if got := save(other); got.Aside != 1 || got.Updated != 0 {
		t.Errorf("what a doctor wrote was overwritten: %+v", got)
	}
	one.says(one.ok("import", "roster", other, "--source", "police"), "centre says otherwise", "联系电话")
	if got := save(other, "--keep-centre"); got.Updated != 1 {
		t.Errorf("%+v", got)
	}
	one.ok("tablet", "sync")
	one.says(one.ok("tablet", "show", id), "10000000003", "一组")
	if got := save(other, "--prefer-file"); got.Updated != 1 {
		t.Errorf("%+v", got)
	}
	one.ok("tablet", "sync")
	one.says(one.ok("tablet", "show", id), "10000000004")
	if got := save(row("别人", "10000000004", "")); got.Aside != 1 {
		t.Errorf("a number with another name: %+v", got)
	}
}
