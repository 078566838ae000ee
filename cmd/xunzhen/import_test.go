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
	corrected := strings.Replace(string(aside), "990000195003050000", residentNumber(t, "19500305", 3), 1)
	if got := one.imports("roster", one.file(corrected)); got.Created != 1 || got.Rows != 2 {
		t.Errorf("what was kept aside, corrected: %+v", got)
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

func (s *shell) imports(what, file string, more ...string) importTold {
	s.t.Helper()
	return decode[importTold](s.t, s.ok(append([]string{"import", what, file, "--save", "--author", "zhao", "--json"}, more...)...))
}

func TestDeathsAreComparedWithWhoWasSeenLater(t *testing.T) {
	one, _ := clinic(t)
	dead, seen, wrong := residentNumber(t, "19400101", 1), residentNumber(t, "19410101", 2), residentNumber(t, "19420101", 3)
	one.imports("roster", workbook(t, [][]any{
		{"姓名", "身份证号", "村代码"}, {"张试一", dead, village}, {"张试二", seen, village}, {"张试三", wrong, village},
	}))
	one.ok("tablet", "sync")
	id := decode[[]foundPerson](t, one.ok("find", seen, "--json"))[0].Residents[0].ID
	one.save(`{"service_date": 20260420, "met_resident": "MET_RESIDENT_RESIDENT"}`, "--kind", "home_visit", "--subject", id)
	one.ok("tablet", "sync")

	list := workbook(t, [][]any{
		{"死者姓名", "身份证号", "死亡日期", "死亡原因"},
		{"张试一", dead, "2026年3月1日", "脑梗死"},
		{"张试二", seen, "2026-04-01", "心梗"},
		{"李试别", wrong, "2026-04-01", ""},
		{"无此人", residentNumber(t, "19430101", 4), "2026-04-01", ""},
	})
	one.says(one.ok("import", "deaths", list), "would create 1", "2 kept aside, 1 refused", "was seen after that day, on 2026-04-20", "another name", "no such resident")
	if got := one.imports("deaths", list); got.Created != 1 || got.Aside != 2 || got.Refused != 1 || got.Rows != 4 {
		t.Errorf("%+v", got)
	}
	if got := one.imports("deaths", list); got.Created != 0 || got.Same != 1 {
		t.Errorf("a second time: %+v", got)
	}
	other := workbook(t, [][]any{{"姓名", "身份证号", "死亡日期"}, {"张试一", dead, "2026-03-02"}})
	one.says(one.ok("import", "deaths", other, "--source", "civil"), "death is known with another day: 2026-03-01")
	same := workbook(t, [][]any{{"姓名", "身份证号", "死亡日期"}, {"张试一", dead, "2026-03-01"}})
	if got := one.imports("deaths", same, "--source", "civil"); got.Same != 1 {
		t.Errorf("the same death from another office: %+v", got)
	}
}

func TestOrganisationsStaffTeamsAndFigures(t *testing.T) {
	one, _ := clinic(t)
	org := one.file("机构编码,机构名称,机构类型,服务区划\nO1,试验村卫生室,村卫生室," + village + "\n")
	if got := one.imports("organisations", org, "--division", "431124"); got.Created != 1 || got.Kind != "organisation" {
		t.Errorf("%+v", got)
	}
	staff := one.file("工号,姓名,机构编码,岗位角色\nli,李试医,O1,村医\n")
	if got := one.imports("organisations", staff, "--division", "431124"); got.Created != 1 || got.Kind != "staff" {
		t.Errorf("%+v", got)
	}
	team := one.file("团队名称;机构编码;团队长;服务村\n试验团队;O1;li;" + village + "\n")
	if got := one.imports("organisations", team, "--division", "431124"); got.Created != 1 || got.Kind != "team" {
		t.Errorf("%+v", got)
	}
	if got := one.imports("organisations", org, "--division", "431124", "--source", "other"); got.Same != 1 {
		t.Errorf("another source makes no second organisation: %+v", got)
	}
	figures := workbook(t, [][]any{{"2026年人口数"}, {"区划代码", "2024年常住人口", "2025年常住人口", "2025年65岁及以上老年人数"}, {village, 1200, 1250, 180}})
	if got := one.imports("statistics", figures); got.Created != 1 || got.Rows != 1 {
		t.Errorf("%+v", got)
	}
	corrected := workbook(t, [][]any{{"区划代码", "2024年常住人口", "2025年常住人口"}, {village, 1200, 1260}})
	if got := one.imports("statistics", corrected); got.Updated != 1 {
		t.Errorf("%+v", got)
	}
	if got := one.imports("statistics", workbook(t, [][]any{{"区划代码", "2024年常住人口"}, {village, 1}}), "--source", "other"); got.Aside != 1 {
		t.Errorf("another source overwrites a figure: %+v", got)
	}
}

func TestRecordsOfAnOlderSystem(t *testing.T) {
	one, _ := clinic(t)
	number := residentNumber(t, "19500305", 1)
	one.imports("roster", workbook(t, [][]any{{"姓名", "身份证号", "村代码"}, {"张试一", number, village}}))
	one.imports("organisations", one.file("工号,姓名,机构编码\nli,李试医,O1\n"), "--division", "431124")
	visits := one.file("姓名,身份证号,随访日期,收缩压,舒张压,随访医生,药物不良反应\n" +
		"张试一," + number + ",2026-01-05,150,95,李试医,无\n" +
		"张试一," + number + ",2026-04-05,1500,95,李试医,无\n" +
		"张试一," + number + ",2026-04-06,140,90,王试医,无\n" +
		"张试一," + number + ",2026-04-07,140,90,li,1\n")
	one.fails(exitFailed, []string{"--kind"}, "import", "records", visits)
	out := one.ok("import", "records", visits, "--kind", "hypertension_follow_up", "--map", "药物不良反应=adverse_reaction.state")
	one.says(out, "would create 1", "3 kept aside", "outside what is possible", "no member of staff", "one source it means yes")
	got := one.imports("records", visits, "--kind", "hypertension_follow_up", "--profile", "national", "--map", "药物不良反应=adverse_reaction.state")
	if got.Created != 2 || got.Aside != 2 {
		t.Errorf("%+v", got)
	}
	one.ok("tablet", "sync")
	id := decode[[]foundPerson](t, one.ok("find", number, "--json"))[0].Residents[0].ID
	if n := one.followUps(id); n != 2 {
		t.Errorf("%d follow-ups", n)
	}
	aside, _ := os.ReadFile(visits + ".aside.csv")
	if !strings.Contains(string(aside), "1500") {
		t.Errorf("what breaks a limit is not kept aside: %s", aside)
	}
	one.fails(exitFailed, []string{"no.such"}, "import", "records", visits, "--kind", "checkup", "--map", "收缩压=no.such")
}

func TestSeveralSheetsAreForAPersonToChoose(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	_, err := f.NewSheet("二村")
	for _, sheet := range []string{"Sheet1", "二村"} {
		for i, row := range [][]any{{"姓名", "身份证号", "村代码"}, {"张试一", residentNumber(t, "19500305", 1), village}} {
			if e := f.SetSheetRow(sheet, fmt.Sprintf("A%d", i+1), &row); e != nil {
				err = e
			}
		}
	}
	path := filepath.Join(t.TempDir(), "two.xlsx")
	if e := f.SaveAs(path); e != nil || err != nil {
		t.Fatal(e, err)
	}
	s := newShell(t)
	s.fails(exitFailed, []string{"--sheet", "二村"}, "import", "roster", path, "--offline")
	s.says(s.ok("import", "roster", path, "--offline", "--sheet", "二村"), "1 rows: 0 kept aside", "centre was not asked")
	s.fails(exitFailed, []string{"no sheet 三村"}, "import", "roster", path, "--offline", "--sheet", "三村")
}

func TestFilesThatAreNoTablesSayWhatToDo(t *testing.T) {
	s := newShell(t)
	s.fails(exitFailed, []string{"empty"}, "import", "roster", s.file(""), "--offline")
	s.fails(exitFailed, []string{"damaged"}, "import", "roster", s.file("PK\x03\x04 and nothing"), "--offline")
	s.fails(exitFailed, []string{"no row of heads"}, "import", "roster", s.file("some,words\n1,2\n"), "--offline")
	s.fails(exitFailed, []string{"no such"}, "import", "roster", "nowhere.xlsx", "--offline")
	s.fails(exitFailed, []string{"x.y", "line 2"}, "import", "roster", s.file("a"), "--profile", s.file("name: \"x\"\ncolumns { field: \"x.y\" heads: \"a\" }"))
	s.says(s.ok("import", "profiles"), "national", "county-dm")
	s.says(s.ok("import", "profiles", "national"), "national_codes: true")
	s.says(s.ok("import", "roster", s.file("姓名,身份证号,天气\n"), "--print-map"), `field: "name"`, `field: "-"`)
}
