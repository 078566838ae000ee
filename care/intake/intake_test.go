// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/sheets"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	roster  = carev1.ImportSubject_IMPORT_SUBJECT_ROSTER
	deaths  = carev1.ImportSubject_IMPORT_SUBJECT_DEATHS
	records = carev1.ImportSubject_IMPORT_SUBJECT_RECORDS
	figures = carev1.ImportSubject_IMPORT_SUBJECT_STATISTICS
	orgs    = carev1.ImportSubject_IMPORT_SUBJECT_ORGANISATIONS

	today   = care.Date(20260701)
	village = "431124001001"
)

// resident is a number of an area that does not exist.
func resident(birth string, n int) string {
	for _, check := range "0123456789X" {
		if r, err := care.ParseResidentNumber(fmt.Sprintf("990000%s%03d%c", birth, n, check)); err == nil {
			return string(r)
		}
	}
	return ""
}

func row(n int, cells ...string) sheets.Row {
	r := sheets.Row{Number: n}
	for _, c := range cells {
		kind := sheets.Text
		if c == "" {
			kind = sheets.Empty
		}
		r.Cells = append(r.Cells, sheets.Cell{Text: c, Kind: kind})
	}
	return r
}

// planOf finds the head in the first of the rows.
func planOf(t *testing.T, o Options, rows ...sheets.Row) *Plan {
	t.Helper()
	if o.Today == 0 {
		o.Today = today
	}
	if o.Kinds == nil {
		o.Kinds = KindsOf(o.Content, o.Profile.GetRecordKind())
	}
	h := NewHeads(o)
	for _, r := range rows {
		h.Add(r)
	}
	p, _, ok, err := h.Plan()
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return p
}

func reasons(r Row) (out []Reason) {
	for _, d := range r.Doubts {
		out = append(out, d.Reason)
	}
	return out
}

func TestHeadsAreFoundByTheirWordsNotByTheirPlace(t *testing.T) {
	p := planOf(t, Options{Content: roster},
		row(1, "某縣(xiàn)老年人花名册"), row(3, "填报单位：某中心", "", "2026年"),
		row(4, "序号", "＊姓　名", "居民身份證號碼", "出生年月日", "联系人", "住址（村组）", "天气"))
	got := map[string]string{}
	for _, c := range p.Columns {
		got[c.Head] = c.Field.Path
	}
	for head, want := range map[string]string{
		"*姓 名": "name", "居民身份證號碼": "identity_document.number", "出生年月日": "birth_date", "联系人": "contact_person.name", "住址(村组)": "address.text", "天气": "", "序号": "-",
	} {
		if got[head] != want {
			t.Errorf("%s: %q, want %q (%v)", head, got[head], want, got)
		}
	}
	if p.HeadRow != 4 || len(p.Unknown()) != 1 {
		t.Errorf("row %d, %v", p.HeadRow, p.Unknown())
	}
}

func TestHeadsOfTwoRowsAreReadTogether(t *testing.T) {
	o := Options{Content: records, Profile: &carev1.ImportProfile{RecordKind: "hypertension_follow_up"}}
	p := planOf(t, o, row(1, "随访表"), row(2, "姓名", "身份证号", "随访日期", "血压（mmHg）", "", "足下"), row(3, "", "", "", "收缩压", "舒张压", "风景"))
	paths := map[string]bool{}
	for _, c := range p.Columns {
		paths[c.Field.Path] = true
	}
	for _, want := range []string{Name, Number, "service_date", "blood_pressure.systolic_mmhg", "blood_pressure.diastolic_mmhg"} {
		if !paths[want] {
			t.Errorf("no column for %s: %+v", want, p.Columns)
		}
	}
	if p.HeadRow != 3 {
		t.Error(p.HeadRow)
	}
	r := p.Row(row(4, "张试丰", resident("19500305", 1), "2026.3.5", "150", "95"))
	if len(r.Forms) != 1 || r.Forms[0].(*carev1.HypertensionFollowUp).GetBloodPressure().GetSystolicMmhg() != 150 {
		t.Errorf("%+v", r)
	}
	if r := p.Row(row(5, "张试丰", resident("19500305", 1), "2026.3.5", "1500", "95")); r.Weight() != Aside || !slices.Contains(reasons(r), Limit) || r.Forms != nil {
		t.Errorf("a row that breaks a limit: %+v", r)
	}
}

func TestAResidentOfARow(t *testing.T) {
	p := planOf(t, Options{Content: roster}, row(1, "姓名", "身份证号", "性别", "出生日期", "电话", "村代码", "文化程度", "既往史", "与户主关系"))
	number := resident("19500305", 1)
	r := p.Row(row(2, "張試豐(fēng)", strings.ToLower(number), "男性", "", "139 0000 0001", village, "小学", "高血压、糖尿病", "户主"))
	if len(r.Forms) != 1 {
		t.Fatalf("%+v", r)
	}
	m := r.Forms[0].(*carev1.Resident)
	if m.Name != "張試豐" || m.IdentityDocument.Number != number || m.BirthDate != 19500305 || m.Sex != carev1.Sex_SEX_MALE || len(m.PastDiseases) != 2 || m.RelationToHead != carev1.Relation_RELATION_SELF || m.Address.DivisionCode != village {
		t.Errorf("%+v", m)
	}
	if again := p.Row(row(2, "張試豐(fēng)", number, "男性", "", "139 0000 0001", village, "小学", "高血压、糖尿病", "户主")); fmt.Sprint(again.Forms) != fmt.Sprint(r.Forms) {
		t.Error("read twice, a row says two things")
	}
	bad := number[:17] + map[bool]string{true: "1", false: "2"}[number[17] != '1']
	for what, c := range map[string]struct {
		row  sheets.Row
		want Reason
	}{
		"a slip in the number":        {row(3, "张试", bad, "男", "", "", village), NumberCheck},
		"scientific notation as text": {row(3, "张试", "9.90E+17", "男", "", "", village), Lossy},
		"no village":                  {row(3, "张试", number, "男", "", "", ""), NoDivision},
		"a name for a village":        {row(3, "张试", number, "男", "", "", "某村"), DivisionWrong},
		"a sum":                       {row(3, "合 计", "1"), Total},
		"the head again":              {row(3, "姓名", "身份证号", "性别", "出生日期", "电话", "村代码", "文化程度", "既往史", "与户主关系"), HeadAgain},
		"neither number nor birth":    {row(3, "张试", "", "男", "", "", village), NoBirth},
		"a two-digit year":            {row(3, "张试", "", "男", "50.3.5", "", village), TwoDigitYear},
		"a birth in the future":       {row(3, "张试", "", "男", "2027-01-01", "", village), Future},
		"a birth before 1900":         {row(3, "张试", "", "男", "1899-12-31", "", village), Limit},
		"an unknown word":             {row(3, "张试", number, "雌", "", "", village), CodeUnknown},
		"lost characters":             {row(3, "张\ufffd", number, "男", "", "", village), Unreadable},
		"a fault":                     {row(3, "张试", "#N/A", "男", "", "", village), FaultCell},
		"old number":                  {row(3, "张试", "130403195003150", "", "", "", village), NumberForm},
	} {
		r := p.Row(c.row)
		if what == "old number" {
			if r := p.Row(row(3, "张试", "110105491231002", "", "", "", village)); r.Weight() != Note || !slices.Contains(reasons(r), OldNumber) || r.Forms[0].(*carev1.Resident).BirthDate != 19491231 {
				t.Errorf("%s: %+v", what, r)
			}
			continue
		}
		if !slices.Contains(reasons(r), c.want) || r.Forms != nil || r.Weight() == Note {
			t.Errorf("%s: %v", what, r.Doubts)
		}
		for _, d := range r.Doubts {
			if strings.Contains(d.Shown, number) || strings.Contains(d.Shown, "张试") {
				t.Errorf("%s shows %s", what, d.Shown)
			}
		}
	}
	if r := p.Row(row(3, "张试", number, "女", "1950-03-06", "", village)); r.Weight() != Note || !slices.Contains(reasons(r), SexDiffers) || !slices.Contains(reasons(r), BirthDiffers) {
		t.Errorf("what differs from the number is said, and taken: %+v", r.Doubts)
	}
	float := row(4, "张试", "", "男", "", "", village)
	float.Cells[1] = sheets.Cell{Text: "990000195003050000", Kind: sheets.Number}
	if r := p.Row(float); !slices.Contains(reasons(r), Lossy) {
		t.Errorf("a number of 18 digits in a number cell: %+v", r.Doubts)
	}
	phone := row(4, "张试", number, "男", "", "", village)
	phone.Cells[4] = sheets.Cell{Text: "1.3900000001E10", Kind: sheets.Number}
	if r := p.Row(phone); len(r.Forms) != 1 || r.Forms[0].(*carev1.Resident).Phone != "13900000001" {
		t.Errorf("a telephone in a number cell is exact: %+v", r)
	}
}

func TestDatesOfManyShapes(t *testing.T) {
	for text, want := range map[string]care.Date{
		"1950/3/5": 19500305, "1950.3.5": 19500305, "1950-03-05": 19500305, "19500305": 19500305, "1950年3月5日": 19500305, "1950年3月5": 19500305,
		"1950-03-05 00:00:00": 19500305, "1950-03-05T08:30": 19500305, "18327": 19500305, "１９５０.３.５": 19500305, "2000-02-29": 20000229,
	} {
		if got, why := ReadDate(sheets.Cell{Text: text, Kind: sheets.Text}, 0, false); got != want || why != "" {
			t.Errorf("%s: %v %s", text, got, why)
		}
	}
	for text, want := range map[string]Reason{
		"50.3.5": TwoDigitYear, "500305": TwoDigitYear, "1950年3月": DatePart, "195003": DatePart, "1950": DatePart, "3/5/1950": DateOrder, "1950-02-30": DateForm, "2100-02-29": DateForm,
		"农历三月初五": DateForm, "": DateForm, "1950-13-01": DateForm, "99999999999": DateForm, "0": DateForm,
	} {
		if got, why := ReadDate(sheets.Cell{Text: text, Kind: sheets.Text}, 0, false); why != want || got != 0 {
			t.Errorf("%s: %v %q, want %s", text, got, why, want)
		}
	}
	if got, why := ReadDate(sheets.Cell{Text: "29.12.31", Kind: sheets.Text}, 1930, false); got != 20291231 || why != "" {
		t.Error(got, why)
	}
	if got, why := ReadDate(sheets.Cell{Text: "30-1-1", Kind: sheets.Text}, 1930, false); got != 19300101 || why != "" {
		t.Error(got, why)
	}
	if got, why := ReadDate(sheets.Cell{Text: "1950年3月", Kind: sheets.Text}, 0, true); got != 19500300 || why != "" {
		t.Error(got, why)
	}
	for serial, want := range map[string]care.Date{"61": 19000301, "36526": 20000101, "43831.75": 20200101} {
		if got, why := ReadDate(sheets.Cell{Text: serial, Kind: sheets.Day}, 0, false); got != want || why != "" {
			t.Errorf("%s: %v %s", serial, got, why)
		}
	}
}

func TestNumbersThatMayMeanYesOrNoWantAProfile(t *testing.T) {
	head := row(1, "姓名", "身份证号", "随访日期", "药物不良反应")
	line := row(2, "张试丰", resident("19500305", 1), "2026-03-05", "1")
	state := func(p *Plan) (carev1.NoneOrSome, []Reason) {
		r := p.Row(line)
		if len(r.Forms) == 0 {
			return 0, reasons(r)
		}
		return r.Forms[0].(*carev1.DiabetesFollowUp).GetAdverseReaction().GetState(), nil
	}
	o := Options{Content: records, Kinds: []record.Kind{care.KindDiabetesFollowUp}, Map: map[string]string{"药物不良反应": "adverse_reaction.state"}}
	if _, why := state(planOf(t, o, head)); !slices.Contains(why, CodeTrap) {
		t.Errorf("a bare 1 was believed: %v", why)
	}
	for name, want := range map[string]carev1.NoneOrSome{"national": carev1.NoneOrSome_NONE_OR_SOME_NONE, "county-dm": carev1.NoneOrSome_NONE_OR_SOME_SOME} {
		text, _ := BuiltIn(name)
		p, err := ParseProfile(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Profile = p
		if got, why := state(planOf(t, o, head)); got != want {
			t.Errorf("%s: %v %v", name, got, why)
		}
	}
}

func TestTheBuiltInProfilesAreInOrder(t *testing.T) {
	if len(Profiles()) < 3 {
		t.Fatal(Profiles())
	}
	for _, name := range Profiles() {
		text, _ := BuiltIn(name)
		if p, err := ParseProfile(text); err != nil || p.GetName() != name || p.GetDocument() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProfileIsCheckedLineByLine(t *testing.T) {
	for text, line := range map[string]int{
		"name: \"x\"\ncolumns {\n  field: \"no.such\"\n  heads: \"a\"\n}": 3,
		"name: \"x\"\nnonsense: 1":                              2,
		"name: \"x\"\ndivisions { name: \"v\"\n code: \"12\" }": 3,
		"name: \"x\"\ncontent: IMPORT_SUBJECT_ROSTER\ncodes { field: \"sex\"\n codes { written: \"1\" means: \"雌\" } }": 4,
	} {
		_, err := ParseProfile([]byte(text))
		var f *ProfileFault
		if !errors.As(err, &f) || f.Line != line {
			t.Errorf("%q: %v", text, err)
		}
	}
	if p, err := ParseProfile([]byte(`{"name": "x", "columns": [{"field": "sex", "heads": ["男女"]}]}`)); err != nil || p.GetColumns()[0].GetField() != "sex" {
		t.Error(err)
	}
	if _, err := ParseProfile([]byte(strings.Repeat("{", 100))); err == nil {
		t.Error("braces without end")
	}
}

func TestFiguresOfSeveralYearsInColumns(t *testing.T) {
	p := planOf(t, Options{Content: figures}, row(1, "人口统计表"), row(2, "区划代码", "常住人口", "", "65岁及以上老年人数"), row(3, "", "2024年", "2025年", "2025年"))
	r := p.Row(row(4, "431124001", "1,200", "1300", ""))
	if len(r.Forms) != 2 {
		t.Fatalf("%+v %+v", p.Columns, r)
	}
	a, b := r.Forms[0].(*carev1.Statistic), r.Forms[1].(*carev1.Statistic)
	if a.GetYear() != 2024 || b.GetYear() != 2025 || a.GetValue().GetValueX1000() != 1_200_000 || a.GetCode() != 1 || a.GetDivisionCode() != "431124001000" {
		t.Errorf("%v %v", a, b)
	}
	if r := p.Row(row(5, "431124001", "many")); !slices.Contains(reasons(r), NoNumber) || r.Forms != nil {
		t.Errorf("%+v", r)
	}
	long := planOf(t, Options{Content: figures, Year: 2025}, row(1, "区划代码", "指标名称", "数值"))
	if r := long.Row(row(2, "431124001", "活产数", "31")); len(r.Forms) != 1 || r.Forms[0].(*carev1.Statistic).GetCode() != carev1.StatisticCode_STATISTIC_CODE_LIVE_BIRTHS || r.Forms[0].(*carev1.Statistic).GetYear() != 2025 {
		t.Errorf("%+v", r)
	}
}

func TestStaffAndOrganisationsAreToldByTheirHeads(t *testing.T) {
	p := planOf(t, Options{Content: orgs}, row(1, "机构编码", "机构名称", "机构类型", "服务区划"))
	if r := p.Row(row(2, "O1", "某村卫生室", "村卫生室", village)); len(r.Forms) != 1 || r.Forms[0].(*carev1.Organisation).GetType() != carev1.OrganisationType_ORGANISATION_TYPE_VILLAGE_CLINIC {
		t.Errorf("%+v", r)
	}
	p = planOf(t, Options{Content: orgs, Division: "431124"}, row(1, "工号", "姓名", "机构编码", "岗位角色", "执业证号"))
	r := p.Row(row(2, "li", "李试医", "O1", "村医", "123"))
	if len(r.Forms) != 1 {
		t.Fatalf("%+v", r)
	}
	if m := r.Forms[0].(*carev1.Staff); m.GetStaffId() != "li" || len(m.GetPosts()) != 1 || m.GetRoles()[0] != carev1.StaffRole_STAFF_ROLE_VILLAGE_DOCTOR {
		t.Errorf("%+v", m)
	}
}

func TestADeathWantsItsDay(t *testing.T) {
	p := planOf(t, Options{Content: deaths}, row(1, "死者姓名", "身份证号", "死亡日期", "死亡原因"))
	if r := p.Row(row(2, "张试丰", resident("19500305", 1), "2026-05-01", "脑梗死")); len(r.Forms) != 1 || r.Forms[0].(*carev1.VitalEvent).GetEventDate() != 20260501 || r.Person.Birth != 19500305 {
		t.Errorf("%+v", r)
	}
	if r := p.Row(row(2, "张试丰", resident("19500305", 1), "", "")); !slices.Contains(reasons(r), NoDate) {
		t.Errorf("%+v", r)
	}
	if r := p.Row(row(2, "张试丰", resident("19500305", 1), "1949-05-01", "")); !slices.Contains(reasons(r), BeforeBirth) {
		t.Errorf("%+v", r)
	}
}

func TestAVillageThatIsNotKnownIsDoubtfulWhateverTheCallerSays(t *testing.T) {
	o := Options{Content: roster, Division: village, Profile: &carev1.ImportProfile{Divisions: []*carev1.ImportDivision{{Name: "东乡試驗村", Code: "431124002003"}}}}
	p := planOf(t, o, row(1, "姓名", "身份证号", "乡镇", "行政村"))
	number := resident("19500305", 1)
	for _, c := range []struct {
		township, village string
		division          string
		why               Reason
	}{
		{"", "", village, ""},
		{"东乡", "试验村", "431124002003", ""},
		{"西乡", "", village, ""},
		{"", "别村", "", DivisionWrong},
		{"", "431124001002", "431124001002", ""},
	} {
		r := p.Row(row(2, "张试", number, c.township, c.village))
		if string(r.Division) != c.division || c.why != "" && !slices.Contains(reasons(r), c.why) {
			t.Errorf("%s %s: %q %v", c.township, c.village, r.Division, r.Doubts)
		}
	}
}

func TestTheCallerMayMapColumns(t *testing.T) {
	head := row(1, "姓名", "身份证号", "某列", "村代码")
	o := Options{Content: roster, Map: map[string]string{"某列": "workplace"}}
	if p := planOf(t, o, head); p.Columns[2].Field.Path != "workplace" || p.Columns[2].Why != "caller" {
		t.Errorf("%+v", p.Columns)
	}
	for head_, field := range map[string]string{"没有": "name", "某列": "no.such"} {
		h := NewHeads(Options{Content: roster, Kinds: KindsOf(roster, ""), Today: today, Map: map[string]string{head_: field}})
		h.Add(head)
		var bad *MapError
		if _, _, _, err := h.Plan(); !errors.As(err, &bad) {
			t.Errorf("%s=%s: %v", head_, field, err)
		}
	}
}

func TestTidyLeavesWhatWasMeant(t *testing.T) {
	for from, want := range map[string]string{
		"衛(wèi)生服務(wù)": "衛生服務", "\u00a0张\u3000试 ": "张 试", "１３９": "139", "a\u200bb": "ab", "张（三）": "张(三)", "村(3组)": "村(3组)", "，。": "，。", "": "",
	} {
		if got := Tidy(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}

func FuzzTidy(f *testing.F) {
	f.Add("衛(wèi)生\u00a0")
	f.Fuzz(func(t *testing.T, text string) {
		if once := Tidy(text); Tidy(once) != once {
			t.Errorf("%q: %q, then %q", text, once, Tidy(once))
		}
	})
}

func FuzzReadDate(f *testing.F) {
	f.Add("1950-3-5", byte(1))
	f.Fuzz(func(t *testing.T, text string, kind byte) {
		d, why := ReadDate(sheets.Cell{Text: text, Kind: sheets.Kind(kind % 6)}, 0, false)
		if (why == "") != d.Whole() {
			t.Errorf("%q: %v %s", text, d, why)
		}
	})
}

func FuzzProfile(f *testing.F) {
	for _, name := range Profiles() {
		text, _ := BuiltIn(name)
		f.Add(text)
	}
	f.Add([]byte(`{"name": "x"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := ParseProfile(text)
		if err == nil && !profileName.MatchString(p.GetName()) {
			t.Errorf("%q", p.GetName())
		}
	})
}

func FuzzRow(f *testing.F) {
	f.Add("张试丰", "990000195003050016", "1950-3-5", "431124001001", byte(0))
	f.Fuzz(func(t *testing.T, name, number, birth, village string, kinds byte) {
		o := Options{Content: roster, Kinds: KindsOf(roster, ""), Today: today}
		h := NewHeads(o)
		h.Add(row(1, "姓名", "身份证号", "出生日期", "村代码"))
		p, _, ok, err := h.Plan()
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		r := row(2, name, number, birth, village)
		for i := range r.Cells {
			r.Cells[i].Kind = sheets.Kind((int(kinds) + i) % 6)
		}
		got := p.Row(r)
		if (got.Weight() == Note) != (len(got.Forms) == 1) {
			t.Errorf("%+v", got)
		}
	})
}
