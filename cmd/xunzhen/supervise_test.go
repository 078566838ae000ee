// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// supervised is a clinic with people: li is the village's doctor, at the tablet one.
func supervised(t *testing.T, people int) (one, two *shell, ids, visits []string) {
	t.Helper()
	one, two = clinic(t)
	for i := range people {
		id := one.save(fmt.Sprintf(
			`{"name": "王试%02d", "sex": "SEX_MALE", "birth_date": 19500306, "registered_on": 20240101, "phone": "138000000%02d", "doctor_id": "li", "organisation_code": "431124101", "tags": {"t": {"code": "POPULATION_CODE_HYPERTENSION", "since": 20200101}}}`, i, i), "--kind", "resident")
		visit := one.save(`{"service_date": 20260110, "way": "FOLLOW_UP_WAY_HOME", "doctor_id": "li", "organisation_code": "431124101", "symptoms": [1], "adherence": 1, "salt": 1, "blood_pressure": {"systolic_mmhg": 138, "diastolic_mmhg": 84}}`,
			"--kind", "hypertension_follow_up", "--subject", id)
		ids, visits = append(ids, id), append(visits, visit)
	}
	one.ok("tablet", "sync")
	one.followed()
	return one, two, ids, visits
}

// grown makes the ledger reach a size by saves of the office.
func (s *shell) grown(size int64, resident string) {
	s.t.Helper()
	id, err := record.ParseID(resident)
	if err != nil {
		s.t.Fatal(err)
	}
	running, err := office.ReadServing(s.env["XUNZHEN_DATA"])
	if err != nil {
		s.t.Fatal(err)
	}
	o, err := running.Connect("431124")
	if err != nil {
		s.t.Fatal(err)
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	for i := range size {
		if decode[[]countyStatus](s.t, s.ok("status", "--json"))[0].LedgerSize >= uint64(size) {
			return
		}
		for range 16 {
			change := record.Change{Path: record.Field(14), Value: record.Of([]byte(fmt.Sprint("\x72\x03", 100+i%800)))}
			if _, err := o.Save(s.t.Context(), id, "chen", []record.Change{change}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.t.Fatal("the ledger does not grow")
}

func TestARoundFromAnnouncementToRectification(t *testing.T) {
	one, _, ids, visits := supervised(t, 4)
	dir := t.TempDir()
	frame := filepath.Join(dir, "q1.frame")
	announce := []string{"supervise", "announce", "2026Q1", "--from", "2026-01-01", "--to", "2026-03-31", "--division", village, "--draw", "hypertension/village=3", "--author", "chen", "-o", frame}
	one.fails(exitFailed, []string{"which text will give the seed", "Nothing was saved"}, announce...)
	one.fails(exitFailed, []string{"hypertension/village=5"}, append(announce[:9:9], "--draw", "everybody=3", "--author", "chen")...)
	one.fails(exitFailed, []string{"no division of county"}, "supervise", "announce", "x", "--from", "2026-01-01", "--to", "2026-03-31", "--division", "110101", "--author", "chen")
	one.fails(exitFailed, []string{"is no day"}, "supervise", "announce", "x", "--from", "yesterday", "--to", "2026-03-31", "--author", "chen")
	dry := decode[announcedJSON](t, one.ok(append(announce, "--ledger", "--dry-run", "--json")...))
	if !dry.DryRun || dry.Round.Persons != 4 || len(dry.Strata) != 1 || dry.Strata[0].Drawn != 3 {
		t.Errorf("%+v", dry)
	}
	if all := decode[[]roundJSON](t, one.ok("supervise", "rounds", "--json")); len(all) != 0 {
		t.Errorf("a dry run announces: %+v", all)
	}
	a := decode[announcedJSON](t, one.ok(append(announce, "--ledger", "--json")...))
	one.fails(exitFailed, []string{"the ledger must first reach"}, "supervise", "draw", "2026Q1", "--author", "chen")
	one.grown(a.Round.LedgerSize, ids[3])
	one.says(one.ok("supervise", "draw", "2026Q1", "--author", "chen", "--dry-run"), "3 would be drawn")
	drawn := decode[announcedJSON](t, one.ok("supervise", "draw", "2026Q1", "--author", "chen", "--json"))
	if drawn.Round.Sample != 3 || len(drawn.Round.Seed) != 64 || len(drawn.Round.LedgerRoot) != 64 {
		t.Fatalf("%+v", drawn.Round)
	}
	one.says(one.ok("supervise", "draw", "2026Q1", "--author", "chen"), "It had been drawn")
	one.says(one.ok("supervise", "check", "2026Q1", frame), "Frame: as it should be. Seed: as it should be. Sample: as it should be")
	text, err := os.ReadFile(frame)
	if err != nil {
		t.Fatal(err)
	}
	if got := one.ok("supervise", "frame", "2026Q1"); got != string(text) {
		t.Error("the server has another frame")
	}
	spoilt := filepath.Join(dir, "spoilt.frame")
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(spoilt, []byte(strings.Join(lines[:len(lines)-2], "")), 0o600); err != nil {
		t.Fatal(err)
	}
	one.fails(exitFailed, nil, "supervise", "check", "2026Q1", spoilt)

	// Call sheets: masked unless asked for with a purpose.
	sheets := decode[[]sheetJSON](t, one.ok("supervise", "sheets", "2026Q1", "--json"))
	if len(sheets) != 3 || !strings.Contains(sheets[0].Phone, "****") || len(sheets[0].Questions) < 9 || !slices.Contains(ids, sheets[0].Resident) {
		t.Fatalf("%+v", sheets)
	}
	one.fails(exitFailed, []string{"--purpose"}, "supervise", "sheets", "2026Q1", "--whole")
	whole := decode[[]sheetJSON](t, one.ok("supervise", "sheets", "2026Q1", "--whole", "--author", "chen", "--purpose", "电话核查", "--json"))
	if strings.Contains(whole[0].Phone, "*") {
		t.Errorf("%+v", whole[0])
	}
	for lang, says := range map[string]string{"en": "blood pressure they were told", "zh": "告知的血压值"} {
		one.says(one.ok("supervise", "sheets", "2026Q1", "--lang", lang), says, "138/84 mmHg", sheets[0].ID)
	}

	// Results from a table that was filled in.
	table := filepath.Join(dir, "sheets.csv")
	one.ok("supervise", "sheets", "2026Q1", "--csv", table)
	fill(t, table, map[string]map[string]string{
		sheets[0].ID: {"mode": "电话", "call_result": "有效接通", "respondent": "本人", "truth.diagnosed": "是", "truth.face_to_face_this_year": "否"},
		sheets[1].ID: {"mode": "phone", "call_result": "connected", "respondent": "1", "truth.diagnosed": "yes", "truth.blood_pressure_told": "140/80"},
		sheets[2].ID: {"mode": "phone", "call_result": "5"},
	})
	one.says(one.ok("supervise", "record", "2026Q1", table, "--author", "chen", "--accept", "--dry-run"), "untrue", "Nothing was saved")
	one.says(one.ok("supervise", "record", "2026Q1", table, "--author", "chen", "--accept"), "says not seen face to face", "3 results were saved")
	r := decode[resultsJSON](t, one.ok("supervise", "results", "2026Q1", "--by", "doctor", "--adjust", "H01:*=800/1000", "--json"))
	if r.Total.True != 1 || r.Total.Untrue != 1 || r.Total.NotReached != 1 || len(r.Units) != 1 || r.Units[0].Unit != "li" || r.Total.Truth.Value != 0.5 || !r.Total.Truth.Few {
		t.Errorf("%+v", r)
	}
	if len(r.Adjusted) != 1 || *r.Adjusted[0].Adjusted != 0.4 {
		t.Errorf("%+v", r.Adjusted)
	}
	counted := decode[resultsJSON](t, one.ok("supervise", "results", "2026Q1", "--adjust", "h02", "--json")).Adjusted
	figures := decode[figuresText](t, one.ok("report", "indicators", "H02", "--period", "2026-01-01..2026-03-31", "--division", village, "--level", "county", "--live", "--json")).Figures
	if len(counted) == 0 || len(figures) != 1 || counted[0].Unit != "*" || counted[0].Denominator != figures[0].Denominator || counted[0].Numerator != figures[0].Numerator ||
		counted[0].Denominator == 0 || *counted[0].Adjusted != 0.5*counted[0].Reported || counted[0].High <= *counted[0].Adjusted {
		t.Errorf("%+v, counted %+v", counted, figures)
	}
	one.says(one.ok("supervise", "results", "2026Q1", "--adjust", "H02"), "times truth rate", "H02")
	one.fails(exitFailed, []string{"nobody could count"}, "supervise", "results", "2026Q1", "--adjust", "MC1")
	one.fails(exitFailed, []string{"no indicator"}, "supervise", "results", "2026Q1", "--adjust", "N01")
	one.says(one.ok("supervise", "results", "2026Q1", "--lang", "zh"), "真实率", "失访 1", "431124101", "样本少：2")
	for _, bad := range []struct{ text, says string }{
		{`[{"id": "` + sheets[0].ID + `", "form": {"nonsense": 1}}]`, "no list of results"},
		{"[", "no list of results"},
		{"id,mode\nx,1\n", "Line 2, column id"},
		{"id,truth.diagnosed\n" + sheets[0].ID + ",maybe\n", "Line 2, column truth.diagnosed"},
		{"id,mode\n", "no result"},
		{`[{"id": "` + sheets[0].ID + `", "form": {"mode": 1, "doctor_id": "li", "call_result": 5}}]`, "nobody checks their own"},
	} {
		one.in = bad.text
		one.fails(exitFailed, []string{bad.says}, "supervise", "record", "2026Q1", "-", "--author", "chen")
	}

	// What is wrong goes down to the doctor, is answered and comes back.
	issued := decode[[]faultJSON](t, one.ok("supervise", "rectify", "--round", "2026Q1", "--due", "2099-01-01", "--author", "chen", "--json"))
	if len(issued) < 1 || issued[0].Doctor != "li" || issued[0].State != "open" {
		t.Fatalf("%+v", issued)
	}
	one.says(one.ok("supervise", "rectify", "--round", "2026Q1", "--due", "2099-01-01", "--author", "chen"), "0 were given out")
	visitFault := decode[[]faultJSON](t, one.ok("supervise", "rectify", "--record", visits[0], "--rule", "Q11", "--fault", "next date is missing", "--due", "2099-01-01", "--author", "chen", "--json"))[0]
	if visitFault.Doctor != "li" || visitFault.Division != village || visitFault.Kind != "hypertension_follow_up" {
		t.Errorf("%+v", visitFault)
	}
	one.fails(exitFailed, []string{"say what is wrong"}, "supervise", "rectify", "--record", visits[0], "--due", "2099-01-01", "--author", "chen")
	one.fails(exitFailed, []string{"it is over"}, "supervise", "rectify", "--record", visits[0], "--fault", "x", "--due", "2020-01-01", "--author", "chen")
	one.ok("tablet", "sync")
	due := one.ok("tablet", "due", "--until", "2099-12-31", "--kind", "rectification")
	one.says(due, "put right: next date is missing")
	one.fails(exitFailed, []string{"correct it first"}, "tablet", "answer", visitFault.ID, "--corrected")
	one.edit(visits[0], "next_service_date", 20260401)
	one.ok("tablet", "answer", visitFault.ID, "--corrected", "--text", "已补下次日期")
	one.fails(exitFailed, []string{"needs a text"}, "tablet", "answer", issued[0].ID, "--explained")
	one.ok("tablet", "sync")
	one.followed()
	got := find(t, decode[[]faultJSON](t, one.ok("supervise", "faults", "--json")), visitFault.ID)
	if got.State != "answered" || len(got.Answers) != 1 || got.Answers[0].By != "li" || got.Answers[0].Revision == "" || len(got.Missing) > 0 || got.OnTablet {
		t.Errorf("%+v", got)
	}
	// Office and doctor at once: the office returns it while the doctor, who has not heard, explains.
	one.says(one.ok("supervise", "rule", visitFault.ID, "--return", "--reason", "the date is too late", "--due", "2099-02-01", "--author", "chen"), "returned")
	one.ok("tablet", "answer", visitFault.ID, "--explained", "--text", "按季度随访")
	one.ok("tablet", "sync")
	one.followed()
	both := find(t, decode[[]faultJSON](t, one.ok("supervise", "faults", "--json")), visitFault.ID)
	if both.State != "answered" || len(both.Answers) != 2 || len(both.Decisions) != 1 || both.DueOn != "2099-02-01" || both.Conflict {
		t.Errorf("%+v", both)
	}
	tab := decode[[]tabletFaultJSON](t, one.ok("tablet", "rectify", "--json"))
	if i := slices.IndexFunc(tab, func(f tabletFaultJSON) bool { return f.ID == visitFault.ID }); i < 0 || tab[i].Reason != "the date is too late" || tab[i].Answer != "按季度随访" {
		t.Errorf("%+v", tab)
	}
	one.fails(exitFailed, []string{"--close"}, "supervise", "rule", visitFault.ID, "--author", "chen")
	one.fails(exitFailed, []string{"say why"}, "supervise", "rule", visitFault.ID, "--withdraw", "--author", "chen")
	one.ok("supervise", "rule", visitFault.ID, "--close", "--author", "chen")
	one.ok("tablet", "sync")
	if out := one.ok("tablet", "rectify"); strings.Contains(out, visitFault.ID) {
		t.Error("closed, and still to do: " + out)
	}
	// A doctor who writes a ruling of their own closes nothing.
	forged := issued[0].ID
	d := decode[map[string]any](t, one.ok("tablet", "show", forged, "--json"))
	d["values"].(map[string]any)["rulings"] = map[string]any{"aaaa1111": map[string]any{"ruled_at_ms": "1", "ruled_by_id": "chen", "decision": "RECTIFICATION_DECISION_CLOSED"}}
	text, _ = json.Marshal(d)
	one.in = string(text)
	one.ok("tablet", "save", "--confirm")
	one.ok("tablet", "sync")
	one.followed()
	if f := find(t, decode[[]faultJSON](t, one.ok("supervise", "faults", "--json")), forged); f.State != "open" || !f.OnTablet {
		t.Errorf("%+v", f)
	}
	// What is still open is carried into the next round.
	next := decode[announcedJSON](t, one.ok("supervise", "announce", "2026Q2", "--from", "2026-04-01", "--to", "2026-06-30", "--draw", "archive/township=2", "--ledger", "--author", "chen", "-o", filepath.Join(dir, "q2"), "--json"))
	if next.Carried < 1 {
		t.Errorf("%+v", next)
	}
	one.followed()
	if f := find(t, decode[[]faultJSON](t, one.ok("supervise", "faults", "--round", "2026Q2", "--json")), forged); f.Carried != 1 {
		t.Errorf("%+v", f)
	}
	one.fails(exitUsage, []string{"--state"}, "supervise", "faults", "--state", "lost")
}

func find(t *testing.T, all []faultJSON, id string) faultJSON {
	t.Helper()
	for _, f := range all {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no %s in %+v", id, all)
	return faultJSON{}
}

// fill fills in cells of a table, by id and column.
func fill(t *testing.T, file string, cells map[string]map[string]string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		for head, text := range cells[row[0]] {
			at := slices.Index(rows[0], head)
			if at < 0 {
				t.Fatalf("no column %s in %v", head, rows[0])
			}
			row[at] = text
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestATaskIsDividedFollowedAndSetByHand(t *testing.T) {
	one, two, ids, _ := supervised(t, 5)
	split := []string{"task", "split", "checkups-2026", "--title", "65岁及以上老年人体检", "--indicator", "T01", "--population", "aged", "--from", "2026-01-01", "--to", "2099-12-31", "--author", "chen"}
	one.fails(exitFailed, []string{"nobody is in charge", "Nothing was saved"}, split...)
	one.fails(exitFailed, []string{"no code of a task"}, append([]string{"task", "split", "体检"}, split[3:]...)...)
	one.fails(exitFailed, []string{"no group of people"}, "task", "split", "x", "--population", "heroes", "--author", "chen")
	split = append(split, "--owner", "chen", "--unit", "431124")
	dry := decode[splitJSON](t, one.ok(append(split, "--dry-run", "--json")...))
	if !dry.DryRun || dry.Added != 4 || dry.Parts[0].Quota != 5 || dry.Parts[3].Unit != village+"/li" || dry.Parts[3].Quota != 5 {
		t.Fatalf("%+v", dry)
	}
	if all := decode[[]taskJSON](t, one.ok("task", "list", "--json")); len(all) != 0 {
		t.Errorf("a dry run gives out: %+v", all)
	}
	one.says(one.ok(split...), "4 parts: 4 new")
	one.followed()
	if again := decode[splitJSON](t, one.ok("task", "split", "checkups-2026", "--author", "chen", "--json")); again.Added+again.Changed+again.Withdrawn != 0 || len(again.Parts) != 4 {
		t.Errorf("divided again, and %+v", again)
	}
	one.fails(exitFailed, []string{"all parts below 431124 are set by hand and sum to 3; it has 5"}, "task", "override", "checkups-2026", "431124101", "3", "--reason", "flood", "--author", "chen")
	one.fails(exitFailed, []string{"below 431124 sum to 9; it has 5"}, "task", "override", "checkups-2026", "431124101", "9", "--reason", "flood", "--author", "chen")
	one.fails(exitFailed, []string{"needs --reason"}, "task", "override", "checkups-2026", "431124101", "5", "--author", "chen")
	one.fails(exitFailed, []string{"nobody is eligible there"}, "task", "override", "checkups-2026", "431124109", "5", "--reason", "x", "--author", "chen")
	set := decode[splitJSON](t, one.ok("task", "override", "checkups-2026", village+"/li", "5", "--reason", "agreed", "--author", "chen", "--json"))
	if p := set.Parts[3]; !p.Overridden || p.By != "chen" || p.Reason != "agreed" || p.Proposed != 5 {
		t.Errorf("%+v", p)
	}
	one.ok("task", "override", "checkups-2026", village+"/li", "rule", "--author", "chen")

	// The doctor's tablet has the doctor's part, counts what was done, and the office does so after sync.
	one.ok("tablet", "sync")
	one.save(`{"service_date": 20260301, "status": "FORM_STATUS_SUBMITTED", "doctor_id": "li", "general": {"pulse_per_min": 72}}`, "--kind", "checkup", "--subject", ids[0])
	tab := decode[[]tabletTaskJSON](t, one.ok("tablet", "tasks", "--json"))
	i := slices.IndexFunc(tab, func(k tabletTaskJSON) bool { return k.Doctor == "li" })
	if i < 0 || tab[i].Quota != 5 || tab[i].Done == nil || *tab[i].Done != 1 || tab[i].Due != 4 {
		t.Fatalf("%+v", tab)
	}
	one.says(one.ok("tablet", "tasks"), "65岁及以上老年人体检", "li")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	if len(decode[[]tabletTaskJSON](t, two.ok("tablet", "tasks", "--json"))) != len(tab) {
		t.Error("a colleague of the village has other tasks")
	}
	one.followed()
	shown := decode[[]taskJSON](t, one.ok("task", "show", "checkups-2026", "--json"))
	if len(shown) != 4 || shown[3].Progress == nil || shown[3].Owner != "li" || shown[3].State != "issued" {
		t.Fatalf("%+v", shown)
	}
	one.says(one.ok("task", "show", "checkups-2026", "--depth", "village"), "431124101", "░")
	red := decode[[]taskJSON](t, one.ok("task", "red", "checkups-2026", "--as-of", "2099-12-31", "--json"))
	if len(red) != 4 || red[0].Progress == nil || !red[0].Progress.Red || red[0].Progress.Expected != 5 {
		t.Errorf("%+v", red)
	}
	one.says(one.ok("task", "list"), "checkups-2026")

	// People changed: what would change is shown first.
	one.save(`{"name": "王新", "birth_date": 19400101, "doctor_id": "wang", "organisation_code": "431124101"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	one.followed()
	would := decode[splitJSON](t, one.ok("task", "split", "checkups-2026", "--author", "chen", "--dry-run", "--json"))
	if would.Added != 1 || would.Parts[0].Quota != 5 || would.Parts[3].Quota+would.Parts[4].Quota != 5 || would.Parts[3].Before == nil {
		t.Errorf("%+v", would)
	}
}

func TestAProblemOfARoundSaysWhatItHasToSayAndNoMore(t *testing.T) {
	for _, lang := range []words.Language{words.English, words.Chinese} {
		c := &call{words: words.In(lang)}
		seen := 0
		for _, key := range c.words.Keys() {
			if !strings.HasPrefix(key, "supervise_problem_") {
				continue
			}
			seen++
			if said := c.fit(key, "about", "text"); strings.Contains(said, "%!") {
				t.Errorf("%s in %v: %s", key, lang, said)
			}
		}
		if seen < 30 {
			t.Errorf("only %d problems", seen)
		}
	}
}
