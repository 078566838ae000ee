// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func (w *world) make(q Request) (*File, []byte) {
	w.t.Helper()
	f, err := w.exports().Make(w.t.Context(), q, func(int, int) {})
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.Close() }) //nolint:errcheck // the folder is the test's
	return f, b
}

// rows returns an export as CSV with rows only, without the header.
func (w *world) rowsOf(q Request) [][]string {
	w.t.Helper()
	return w.rowsBy(w.exports(), q)
}

// rowsIn reads a CSV file, the header first.
func rowsIn(t testing.TB, from io.Reader) [][]string {
	t.Helper()
	all, err := csv.NewReader(from).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func column(rows [][]string, table export.Table, ids ...string) (out []string) {
	for _, r := range rows {
		var parts []string
		for _, want := range ids {
			parts = append(parts, r[slices.IndexFunc(table.Columns, func(c export.Column) bool { return c.ID == want })])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func (w *world) expect(got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTheRegisterOfTheAgedHasEveryoneOfThemWithTheLatestCheckup(t *testing.T) {
	w := newWorld(t)
	w.staff()
	a, b := w.resident("甲", village, 19500101), w.resident("乙", village2, 19611231)
	w.resident("丙", village, 19620101) // reaches 65 in a later year
	w.checkup("1", a, village, 20260310)
	w.checkup("2", a, village, 20260601)
	w.checkup("last year", b, village2, 20251201)
	w.checkup("to come", a, village, 20261201)
	voided := w.checkup("voided", a, village, 20260801)
	w.save(voided, a, village, &carev1.Checkup{ServiceDate: 20260801}, true)
	draft := id(care.KindCheckup, "draft")
	w.save(draft, a, village, &carev1.Checkup{ServiceDate: 20260802, Status: carev1.FormStatus_FORM_STATUS_DRAFT})
	table := export.Checkups().Whole()
	rows := w.rowsOf(request("checkups"))
	w.expect(column(rows, table, "serial", "name", "checkup_on", "pressure_right", "glucose", "haemoglobin", "age", "township", "doctor"),
		"1 甲 2026-06-01 138/84 6.10 拒检 76 东街卫生院 李医生", "2 乙     64 130403002 李医生")
	w.expect(column(rows, table, "abnormalities"), "'=1+1；血压偏高", "")
}

func TestLinkedResidentsAreOneRow(t *testing.T) {
	w := newWorld(t)
	a, b := w.resident("甲", village, 19500101), w.resident("甲", village2, 19500101)
	w.checkup("1", b, village2, 20260310)
	w.save(care.LinkID(a, b), record.ID{}, village, care.NewLink(a, b, &carev1.LinkRuling{State: carev1.LinkState_LINK_STATE_LINKED}))
	w.expect(column(w.rowsOf(request("checkups")), export.Checkups().Whole(), "name", "checkup_on"), "甲 2026-03-10")
}

func TestWhatChangesWhileAFileIsMadeIsReadAgain(t *testing.T) {
	w := newWorld(t)
	a, b := w.resident("甲", village, 19500101), w.resident("乙", village, 19800101)
	w.checkup("1", a, village, 20260310)
	w.checkup("b", b, village, 20260311)
	pages := 0
	w.listed = func(w *world, call int) {
		pages = call
		switch call {
		case 6: // residents and checkups are being read
			w.checkup("1", a, village, 20260401) // corrected
			w.resident("乙", village, 19510101)   // is one of the aged after all: what else there is of it was passed by
			w.resident("丁", village, 19400101)   // new
		}
	}
	f, _ := w.make(request("checkups"))
	w.listed = nil
	if pages < 6 {
		t.Fatalf("only %d pages were read", pages)
	}
	if f.Basis.Position != w.Position() {
		t.Errorf("as of position %d, the feed ends at %d", f.Basis.Position, w.Position())
	}
	before := w.rowsOf(request("checkups"))
	w.expect(column(before, export.Checkups().Whole(), "name", "checkup_on"), "丁 ", "乙 2026-03-11", "甲 2026-04-01")
	e := w.exports()
	again, err := e.Make(t.Context(), request("checkups"), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close() //nolint:errcheck // the folder is the test's
	if again.Parts[0].Digest != f.Parts[0].Digest {
		t.Error("rows that were read while records changed are others than those of afterwards")
	}
}

func (w *world) follow(kind record.Kind, name string, of record.ID, form proto.Message) {
	w.save(id(kind, name), of, village, form)
}

func TestTheRegisterOfADiseaseHasFourVisitsFaceToFace(t *testing.T) {
	w := newWorld(t)
	a := w.resident("甲", village, 19600101, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION)
	w.resident("乙", village, 19600101)
	for i, on := range []int32{20260105, 20260301, 20260402, 20260601, 20260801} {
		way := carev1.FollowUpWay_FOLLOW_UP_WAY_HOME
		if on == 20260402 {
			way = carev1.FollowUpWay_FOLLOW_UP_WAY_PHONE
		}
		w.follow(care.KindHypertensionFollowUp, fmt.Sprint(i), a, &carev1.HypertensionFollowUp{
			ServiceDate: on, Way: way, BloodPressure: &carev1.BloodPressure{SystolicMmhg: i32(130 + int32(i)), DiastolicMmhg: i32(80)}, Classification: 1, NextServiceDate: 20261101,
		})
	}
	q := request("chronic")
	q.Disease = "hypertension"
	w.expect(column(w.rowsOf(q), export.Chronic()[0].Whole(), "name", "visit_1", "visit_2", "visit_3", "visit_4", "visits", "phoned", "pressure", "class", "next_on"),
		"甲 2026-01-05 2026-03-01 2026-06-01 2026-08-01 4 1 134/80 控制满意 2026-11-01")
}

func TestWhoIsInAPopulationThatMayNotBeSeenIsNotInTheRegisterOfContracts(t *testing.T) {
	w := newWorld(t)
	mental := w.resident("甲", village, 19800101, carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL)
	both := w.resident("乙", village, 19800101, carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL, carev1.PopulationCode_POPULATION_CODE_DISABLED)
	for _, one := range []record.ID{mental, both} {
		w.save(id(kindContract, one.String()), one, village, &carev1.Contract{
			SignedOn: 20260101, State: carev1.ContractState_CONTRACT_STATE_SIGNED, Term: &carev1.ContractTerm{Since: 20260101, Until: 20261231}, DoctorId: "li",
		})
	}
	q := request("contracts")
	w.expect(column(w.rowsOf(q), export.Contracts().Whole(), "name", "groups", "restricted_groups"), "乙 残疾人 严重精神障碍", "甲  严重精神障碍")
	q.View = export.View{Masked: true}
	table := export.Contracts().Table(q.View)
	if slices.ContainsFunc(table.Columns, func(c export.Column) bool { return c.Sensitive }) {
		t.Error("a sensitive column is shown")
	}
	w.expect(column(w.rowsOf(q), table, "name", "groups", "id_number", "phone"), "乙 残疾人 130403********0024 138****0001")
}

func TestRatesOfNothingAreNone(t *testing.T) {
	w := newWorld(t)
	a := w.resident("甲", village, 19500101)
	check := func(n int, v *carev1.Verification) {
		v.ServiceDate = 20260501
		w.save(id(kindVerification, fmt.Sprint(n)), a, "130403000000", v)
	}
	check(1, &carev1.Verification{Mode: 1, CallResult: 6, Contact: 1, TruthVerdict: 1, StandardVerdict: 2})
	check(2, &carev1.Verification{Mode: 1, CallResult: 6, Contact: 1, TruthVerdict: 2})
	check(3, &carev1.Verification{Mode: 1, CallResult: 3, Contact: 3, TruthVerdict: 2})
	w.expect(column(w.rowsOf(request("calls")), export.Calls().Whole(), "division", "sampled", "dead", "accepted", "reached", "true", "untrue", "truth", "standard_rate"),
		"130403001 3 1 2 66.67% 1 1 50.00% 0.00%")
	w.save(id(kindSurvey, "1"), record.ID{}, village, &carev1.SatisfactionSurvey{ServiceDate: 20260201, Overall: 5})
	w.expect(column(w.rowsOf(request("satisfaction")), export.Satisfaction().Whole(), "quarter", "forms", "overall_5", "satisfied", "aware"), "2026Q1 1 1 — —")
}

func TestAMonthlyReportShowsWhatWasReportedBesideWhatIsRecorded(t *testing.T) {
	w := newWorld(t)
	w.save(id(care.KindResident, "new"), record.ID{}, village, &carev1.Resident{
		Name: "甲", BirthDate: 19600101, PastDiseases: map[string]*carev1.PastDisease{"1": {Code: carev1.PastDiseaseCode_PAST_DISEASE_CODE_DIABETES, DiagnosedOn: 20260512}},
		Tags: map[string]*carev1.PopulationTag{"1": {Code: carev1.PopulationCode_POPULATION_CODE_DIABETES, Since: 20260512}},
	})
	w.save(id(kindStatistic, "1"), record.ID{}, "130403001000", &carev1.Statistic{
		DivisionCode: "130403001000", Year: i32(2026), Month: i32(5), Code: carev1.StatisticCode_STATISTIC_CODE_DIABETES_AT_END, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(0)},
	})
	q := request("monthly")
	q.Period = indicators.Month(2026, 5)
	w.expect(column(w.rowsOf(q), export.Monthly().Whole(), "disease", "reported_new", "new", "reported_at_end", "at_end", "difference"),
		"高血压 未报 0 未报 0 ", "2型糖尿病 未报 1 0 1 -1", "慢阻肺 未报 0 未报 0 ")
}

func TestRequestsThatCannotBeMetSayWhy(t *testing.T) {
	w := newWorld(t)
	e := w.exports()
	for name, c := range map[string]struct {
		change func(*Request)
		want   error
	}{
		"unknown":            {func(q *Request) { q.Export = "secrets" }, ErrUnknown},
		"period to come":     {func(q *Request) { q.Period = indicators.Year(2027) }, ErrFuture},
		"three tables":       {func(q *Request) { q.Export, q.Format = "chronic", CSV }, ErrOneTable},
		"half a month":       {func(q *Request) { q.Export, q.Period.To = "monthly", 20260115 }, ErrMonths},
		"division of others": {func(q *Request) { q.Scope.Divisions, q.Division = []record.Division{"130403001"}, "130403002" }, ErrOutside},
		"no figures":         {func(q *Request) { q.Export = "scores" }, ErrNoFigures},
		"no findings":        {func(q *Request) { q.Export = "findings" }, ErrNoFound},
	} {
		q := request("checkups")
		c.change(&q)
		if _, err := e.Make(t.Context(), q, func(int, int) {}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.leavesNothing()
}

func (w *world) leavesNothing() {
	w.t.Helper()
	if left, err := os.ReadDir(w.dir); err != nil || len(left) > 0 {
		w.t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestACancelledExportLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	for i := range 3 * progressEach {
		w.resident(fmt.Sprint(i), village, 19500101)
	}
	e := w.exports()
	for phase, stop := range map[string]func(done, of int) bool{
		"while reading": func(_, of int) bool { return of == 0 }, "while writing": func(_, of int) bool { return of > 0 },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := e.Make(ctx, request("checkups"), func(done, of int) {
			if stop(done, of) {
				cancel()
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", phase, err)
		}
		cancel()
		w.leavesNothing()
	}
}

func TestCSVIsUTF8WithAMarkOrGB18030(t *testing.T) {
	w := newWorld(t)
	w.resident("𠮷㐂·阿不都", village, 19500101) // beyond GBK, and beyond the first plane
	q := request("checkups")
	q.Format = CSV
	_, marked := w.make(q)
	if !bytes.HasPrefix(marked, []byte("\xef\xbb\xbf65岁及以上老年人体检花名册\r\n")) {
		t.Errorf("begins with %q", marked[:60])
	}
	q.Encoding = GB18030
	_, encoded := w.make(q)
	back, err := simplifiedchinese.GB18030.NewDecoder().Bytes(encoded)
	if err != nil || !bytes.Equal(back, marked[3:]) {
		t.Errorf("GB18030 does not say the same: %v", err)
	}
	q.Encoding, q.RowsOnly = UTF8, true
	f, bare := w.make(q)
	if f.Sha256 != f.Parts[0].Digest || !bytes.HasPrefix(bare, []byte("序号,姓名,")) {
		t.Error("rows only are not the bytes of the digest")
	}
}

// python returns an interpreter, and whether it has a module; without one the test is skipped, and fails in CI.
func python(t *testing.T, module string) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), name, "-c", "import "+module).Run() == nil { //nolint:gosec // the names are above
			return name
		}
	}
	if os.Getenv("CI") != "" && module == "zipfile" {
		t.Fatal("there is no python3 to read files back with")
	}
	t.Skip("NOT READ BACK: there is no python3 with " + module)
	return ""
}

type readSheet struct {
	Name   string
	Rows   [][]string
	Kinds  [][]string
	Frozen []string
	Page   []string
	Titles string
	Digest string
}

func readBack(t *testing.T, how, interpreter string, file []byte) (sheets []readSheet, properties string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.xlsx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), interpreter, "read_workbook.py", how, path).Output()
	if err != nil {
		t.Fatalf("%s: %v", how, err)
	}
	var book struct {
		Sheets     []readSheet
		Properties string
	}
	if err := json.Unmarshal(out, &book); err != nil {
		t.Fatal(err)
	}
	return book.Sheets, book.Properties
}

func TestAWorkbookIsReadBackByAnotherProgram(t *testing.T) {
	w := newWorld(t)
	w.staff()
	for i := range 120 {
		a := w.resident(fmt.Sprintf("居民<%d>&", i), village, 19500101, carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, carev1.PopulationCode_POPULATION_CODE_DIABETES)
		w.checkup(fmt.Sprint(i), a, village, 20260101+int32(i%28))
	}
	for _, name := range []string{"checkups", "chronic"} {
		f, b := w.make(request(name))
		for how, interpreter := range map[string]string{"stdlib": python(t, "zipfile"), "openpyxl": "/usr/bin/python3"} {
			if how == "openpyxl" && exec.CommandContext(t.Context(), interpreter, "-c", "import openpyxl").Run() != nil {
				t.Log("openpyxl is not there: read by the standard library alone")
				continue
			}
			sheets, properties := readBack(t, how, interpreter, b)
			if len(sheets) != len(f.Parts) {
				t.Fatalf("%s: %d sheets", how, len(sheets))
			}
			for i, s := range sheets {
				if s.Digest != hex.EncodeToString(f.Parts[i].Digest[:]) {
					t.Errorf("%s, %s: the digest of the rows is another one", how, s.Name)
				}
				if len(s.Rows) != headerRow+f.Parts[i].Rows || !slices.Equal(s.Page, []string{"9", "landscape"}) {
					t.Errorf("%s, %s: %d rows, page %v", how, s.Name, len(s.Rows), s.Page)
				}
				if !strings.Contains(properties, s.Digest) || !strings.Contains(s.Rows[2][0], s.Digest) || !strings.Contains(s.Rows[2][0], fmt.Sprintf("位置 %d", f.Basis.Position)) {
					t.Errorf("%s, %s: nothing says what the file is of: %q", how, s.Name, s.Rows[2][0])
				}
				if len(s.Rows) > headerRow && (s.Rows[headerRow][3] != "130403195003150024" || s.Kinds[headerRow][3] != "text") {
					t.Errorf("%s: the number is %q, kept as %s", how, s.Rows[headerRow][3], s.Kinds[headerRow][3])
				}
				if how == "stdlib" && (!slices.Equal(s.Frozen, []string{"2", "5"}) || !strings.HasSuffix(s.Titles, "!$5:$5")) {
					t.Errorf("%s: frozen %v, repeated %q", s.Name, s.Frozen, s.Titles)
				}
			}
		}
	}
}
