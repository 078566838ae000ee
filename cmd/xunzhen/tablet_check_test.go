// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
)

// doorstep is a tablet of one village and a resident with high blood pressure on it.
func doorstep(t *testing.T) (s *shell, resident string) {
	t.Helper()
	s = newShell(t)
	at, _ := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	resident = s.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306,
		"tags": {"a": {"code": "POPULATION_CODE_HYPERTENSION", "since": 20200101}}}`, "--kind", "resident", "--scope", village)
	return s, resident
}

// tells demands that a text has all of some words.
func tells(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("does not say %q:\n%s", w, text)
		}
	}
}

func (s *shell) followUps(resident string) int {
	return len(decode[[]listed](s.t, s.ok("tablet", "list", "--json", "--kind", "hypertension_follow_up", "--resident", resident)))
}

const oddFollowUp = `{"service_date": 20260301, "blood_pressure": {"systolic_mmhg": 290, "diastolic_mmhg": 94}, "adverse_reaction": {"state": "NONE_OR_SOME_NONE"}}`

func TestAnOddFormIsSavedOnceItIsMeant(t *testing.T) {
	s, resident := doorstep(t)
	args := []string{"tablet", "save", "--kind", "hypertension_follow_up", "--subject", resident, "--scope", village}
	s.in = oddFollowUp
	s.fails(exitUnconfirmed, []string{"290", "--confirm", "nothing was saved"}, args...)
	s.fails(exitUnconfirmed, []string{"290", "--confirm", "还没有保存", "项未填"}, append(args, "--lang", "zh")...)
	status, out, _ := s.run(append(args, "--json")...)
	if look := decode[checkJSON](t, out); status != exitUnconfirmed || !look.MustConfirm || len(look.Findings) == 0 || len(look.Proposals) == 0 {
		t.Errorf("status %d, %+v", status, look)
	}
	out = s.ok(append(args, "--check")...)
	tells(t, out, "290", "Proposed", "not controlled", "--fill", "empty")
	if n := s.followUps(resident); n != 0 {
		t.Fatalf("%d were saved", n)
	}
	file := s.file(oddFollowUp)
	answer := "n"
	s.say = &answer
	s.fails(exitUnconfirmed, []string{"not saved"}, append(args, file)...)
	answer = "y"
	id := strings.Fields(s.ok(append(args, file)...))[1]
	got, err := json.Marshal(s.show(id).Values)
	if err != nil {
		t.Fatal(err)
	}
	tells(t, string(got), `"systolic_mmhg":290`, `"field":"blood_pressure.systolic_mmhg"`)
	s.say = nil
	saved := decode[savedJSON](t, s.ok(append(args, "--confirm", "--fill", "--json")...))
	if len(saved.Filled) == 0 || s.show(saved.ID).Values["classification"] == nil {
		t.Errorf("nothing was filled in: %+v", saved)
	}
	if n := s.followUps(resident); n != 2 {
		t.Errorf("%d are saved", n)
	}
}

// What was odd before is not asked again when something else is edited.
func TestAnEditIsNotAskedForWhatWasThereBefore(t *testing.T) {
	s, resident := doorstep(t)
	id := s.save(`{"service_date": 20260301, "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`,
		"--kind", "hypertension_follow_up", "--subject", resident, "--scope", village)
	d := decode[map[string]any](t, s.ok("tablet", "show", id, "--json"))
	edit := func(key string, value any) {
		d["values"].(map[string]any)[key] = value
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		s.in = string(text)
	}
	edit("other_signs", "无")
	s.ok("tablet", "save")
	edit("heart_rate_per_min", 990)
	s.fails(exitUnconfirmed, []string{"990"}, "tablet", "save")
}

func TestWhatIsDueAndWasLastIsToldAtTheDoor(t *testing.T) {
	s, resident := doorstep(t)
	last := time.Now().AddDate(0, 0, -200).Format("20060102")
	s.save(`{"service_date": `+last+`, "classification": "FOLLOW_UP_RESULT_CONTROLLED", "heart_rate_per_min": 72,
		"medications": {"a": {"name": "硝苯地平"}}, "body_size": {"height_cm_x10": 1700, "weight_kg_x10": 700}}`,
		"--kind", "hypertension_follow_up", "--subject", resident, "--scope", village)
	status, out, notes := s.run("tablet", "due", "--until", time.Now().AddDate(2, 0, 0).Format("2006-01-02"))
	if status != exitOK {
		t.Fatalf("status %d: %s", status, notes)
	}
	tells(t, out, "王试春", "days overdue", "hypertension follow-up", resident)
	tells(t, notes, "Not contracted: 1")
	tells(t, s.ok("tablet", "due", "--lang", "zh", "--kind", "contract"), "未签约", "今天")
	all := decode[[]dueJSON](t, s.ok("tablet", "due", "--json", "--village", village))
	if len(all) == 0 || !all[0].Overdue || all[0].Kind != "hypertension_follow_up" || all[0].Resident != resident || all[0].ReasonZH == "" {
		t.Errorf("%+v", all)
	}
	if none := s.ok("tablet", "due", "--village", "431124101202"); !strings.Contains(none, "Nothing is due") {
		t.Error(none)
	}
	s.fails(exitFailed, []string{"2026-03-01"}, "tablet", "due", "--until", "tomorrow")
	tells(t, s.ok("tablet", "show", resident), "To think of now", "overdue", "not contracted")
	tells(t, s.ok("tablet", "show", resident, "--lang", "zh"), "此次请留意", "逾期", "未签约")

	tells(t, s.ok("tablet", "last", resident, "hypertension_follow_up"), "72 /min", "硝苯地平", time.Now().AddDate(0, 0, -200).Format("2006-01-02"))
	if l := decode[[]lastJSON](t, s.ok("tablet", "last", resident, "hypertension_follow_up", "--json")); len(l) < 4 {
		t.Errorf("%+v", l)
	}
	tells(t, s.ok("tablet", "last", resident, "checkup"), "No earlier checkup")
	s.in = s.ok("tablet", "form", "hypertension_follow_up", "--for", resident)
	tells(t, s.in, `"硝苯地平"`, `"height_cm_x10": 1700`, resident)
	if strings.Contains(s.in, "heart_rate") || strings.Contains(s.in, "weight") {
		t.Errorf("what was measured is carried over:\n%s", s.in)
	}
	s.ok("tablet", "save")
	if n := s.followUps(resident); n != 2 {
		t.Errorf("%d follow-ups", n)
	}
}

func TestFindingsAreShownWithTheirRecord(t *testing.T) {
	s, resident := doorstep(t)
	id := s.save(`{"service_date": 20260301, "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`,
		"--kind", "home_visit", "--subject", resident, "--scope", village)
	tells(t, s.ok("tablet", "show", id), "Found:", "80", "120")
	tells(t, s.ok("tablet", "show", id, "--lang", "zh"), "发现：", "错误")
	tells(t, s.ok("tablet", "findings", resident), id, "wrong")
	tells(t, s.ok("tablet", "findings"), "Nothing is found")
	found := decode[[]findingJSON](t, s.ok("tablet", "findings", resident, "--json"))
	if len(found) == 0 || found[0].Severity != "error" {
		t.Errorf("%+v", found)
	}
	tells(t, s.ok("tablet", "status"), "xunzhen 2026.1 (", "of this program")
	if r := decode[statusJSON](t, s.ok("tablet", "status", "--json")).Rules; !r.BuiltIn || len(r.Hash) != 8 {
		t.Errorf("%+v", r)
	}
}

// What the centre finds comes to the other tablet of the village; of a record that was
// declared void nothing is found any more.
func TestWhatTheCentreFindsComesToTheTablet(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"name": "王试春", "phone": "10000000000"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	centre := func(s *shell, want bool) string {
		t.Helper()
		var out string
		for range 60 {
			s.ok("tablet", "sync")
			if out = s.ok("tablet", "findings"); strings.Contains(out, id) == want {
				return out
			}
			time.Sleep(100 * time.Millisecond) // the follower is another goroutine's
		}
		t.Fatalf("found at the centre: want %t\n%s", want, out)
		return ""
	}
	tells(t, centre(two, true), "[the centre, since ")
	tells(t, two.ok("tablet", "status"), "found by the centre")
	if n := decode[statusJSON](t, two.ok("tablet", "status", "--json")).Findings; n == 0 {
		t.Error("status counts nothing")
	}
	tells(t, two.ok("tablet", "show", id), "to look at")
	one.ok("tablet", "void", id, "--reason", "重复建档")
	one.ok("tablet", "sync")
	centre(two, false)
}

// Only the county says what its rules are: a pack that a tablet saved is held, and then not
// worked by where it was saved either.
func TestARulePackThatTheCentreHoldsIsNotWorkedBy(t *testing.T) {
	one, _ := clinic(t)
	pack, err := rulepack.Load(rules.Source{Name: "county", Text: []byte(`extends: "xunzhen" name: "county" version: "7"
changes { id: "Q21" off: true source { document: "county office" section: "1" mark: SOURCE_MARK_CONFIRMED } }`)})
	if err != nil {
		t.Fatal(err)
	}
	form, err := pack.Record()
	if err != nil {
		t.Fatal(err)
	}
	text, err := protojson.Marshal(form)
	if err != nil {
		t.Fatal(err)
	}
	one.save(string(text), "--kind", "rule_pack")
	one.ok("tablet", "sync")
	tells(t, one.ok("tablet", "list", "--held"), "only the centre may do this")
	if r := decode[statusJSON](t, one.ok("tablet", "status", "--json")).Rules; !r.BuiltIn || r.Refused {
		t.Errorf("%+v", r)
	}
	one.in = `{"name": "王试春", "phone": "10000000000"}`
	one.fails(exitUnconfirmed, []string{"telephone"}, "tablet", "save", "--kind", "resident")
}
