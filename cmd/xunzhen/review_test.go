// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// visitOf saves a submitted home visit with its resident and hands both over.
func visitOf(s *shell) string {
	s.t.Helper()
	resident := s.save(`{"name": "王试春"}`, "--kind", "resident")
	id := s.save(`{"service_date": 20260301, "status": "FORM_STATUS_SUBMITTED"}`, "--kind", "home_visit", "--subject", resident)
	s.ok("tablet", "sync")
	return id
}

func TestAReturnedFormComesBackCorrected(t *testing.T) {
	one, two := clinic(t)
	id := visitOf(one)
	says(t, one.ok("tablet", "list", "--kind", "home_visit"), id, "submitted")
	says(t, one.ok("tablet", "list", "--returned"), "No records")
	says(t, one.ok("review", id, "--level", "1", "--check", "--author", "sun"), "checked (the team)")
	says(t, one.ok("review", id, "--level", "2", "--return", "--reason", "脉率缺失", "--author", "zhao"), "returned (the township)")
	says(t, one.ok("tablet", "sync"), "To be corrected: 1 (the township 1)")
	for lang, words := range map[string][]string{
		"en": {"returned for correction", "1 (the township 1)", "tablet list --returned"},
		"zh": {"被退回更正", "1 (乡镇 1)"},
	} {
		says(t, one.ok("tablet", "status", "--lang", lang), words...)
	}
	if s := decode[statusJSON](t, one.ok("tablet", "status", "--json")); s.Returned != 1 || s.ReturnedBy["2"] != 1 || len(s.ReturnedBy) != 1 || s.ReturnedBehind {
		t.Errorf("%+v", s)
	}
	says(t, one.ok("tablet", "list", "--returned"), id, "returned (the township)", "脉率缺失", "tablet correct")
	says(t, one.ok("tablet", "list", "--returned", "--lang", "zh"), "退回更正 (乡镇)")
	if l := decode[[]listed](t, one.ok("tablet", "list", "--returned", "--json")); len(l) != 1 || l[0].Stage != "returned" || l[0].Level != 2 || l[0].Returned != "脉率缺失" {
		t.Errorf("%+v", l)
	}
	says(t, one.ok("tablet", "show", id), "returned for", "脉率缺失")
	one.in = `{"service_date": 20260301, "status": "FORM_STATUS_SUBMITTED", "pulse_per_min": 72}`
	one.ok("tablet", "correct", id, "--file", "-", "--answer", "补测")
	one.ok("tablet", "sync")
	says(t, one.ok("tablet", "list", "--kind", "home_visit"), "corrected (the township)")
	says(t, one.ok("tablet", "list", "--returned"), "No records")
	says(t, one.ok("review", id, "--level", "2", "--check", "--author", "zhao"), "checked (the township)")
	two.ok("tablet", "sync")
	values := two.show(id).Values
	if values["pulse_per_min"] != float64(72) || values["reviews"].(map[string]any)["1"].(map[string]any)["reviewer_id"] != "sun" {
		t.Errorf("another tablet has %v", values)
	}
	says(t, two.ok("tablet", "list", "--kind", "home_visit"), "checked (the township)")
}

// The township checks while the doctor, who does not know it yet, corrects: both stay,
// everybody sees that they do, and whoever decides says so.
func TestACheckAndACorrectionAtTheSameTimeBothStay(t *testing.T) {
	one, _ := clinic(t)
	id := visitOf(one)
	one.ok("review", id, "--level", "2", "--return", "--reason", "脉率缺失", "--author", "zhao")
	one.ok("tablet", "sync")
	one.ok("tablet", "correct", id, "--answer", "病人拒测")
	one.ok("review", id, "--level", "2", "--check", "--author", "zhao")
	one.ok("review", id, "--level", "3", "--check", "--author", "qian")
	one.ok("tablet", "sync")
	l := decode[[]listed](t, one.ok("tablet", "list", "--conflicts", "--json"))
	if len(l) != 1 || len(l[0].Conflicts) != 1 || l[0].Conflicts[0] != "reviews[2]" {
		t.Fatalf("%+v", l)
	}
	says(t, one.ok("tablet", "show", id), "病人拒测", "REVIEW_STATE_CHECKED")
	one.fails(exitFailed, []string{"2 different", "reviews[2]", "--resolve"}, "review", id, "--level", "2", "--check", "--author", "zhao")
	one.ok("review", id, "--level", "2", "--check", "--author", "zhao", "--resolve")
	one.ok("tablet", "sync")
	says(t, one.ok("tablet", "list", "--conflicts"), "No records")
	says(t, one.ok("tablet", "list", "--kind", "home_visit"), "checked (the county)")
}

func TestWhatCannotBeReviewedIsSaid(t *testing.T) {
	one, _ := clinic(t)
	id := visitOf(one)
	draft := one.save(`{"name": "李试秋", "status": "FORM_STATUS_DRAFT"}`, "--kind", "resident")
	void := one.save(`{"name": "赵试冬"}`, "--kind", "resident")
	one.ok("tablet", "void", void, "--reason", "twice")
	task := one.save(`{"title": "65岁及以上老年人体检"}`, "--kind", "task")
	one.ok("tablet", "sync")
	by := []string{"--author", "zhao"}
	for name, c := range map[string]struct {
		words []string
		args  []string
	}{
		"no verdict":           {[]string{"--check, --return"}, []string{id, "--level", "1"}},
		"no reason":            {[]string{"500", "--reason"}, []string{id, "--level", "1", "--return"}},
		"too long a reason":    {[]string{"500"}, []string{id, "--level", "1", "--return", "--reason", strings.Repeat("错", 501)}},
		"level 0":              {[]string{"no level 0"}, []string{id, "--level", "0", "--check"}},
		"level 4":              {[]string{"no level 4"}, []string{id, "--level", "4", "--check"}},
		"no record id":         {[]string{"no record id"}, []string{"x", "--level", "1", "--check"}},
		"a void record":        {[]string{"is void"}, []string{void, "--level", "1", "--check"}},
		"a draft":              {[]string{"has not submitted"}, []string{draft, "--level", "1", "--check"}},
		"a kind not reviewed":  {[]string{"not reviewed"}, []string{task, "--level", "1", "--check"}},
		"a record never heard": {[]string{"no such thing"}, []string{strings.Replace(id, id[len(id)-4:], "0000", 1), "--level", "1", "--check"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := *one
			s.t = t
			s.fails(exitFailed, c.words, append(append([]string{"review"}, c.args...), by...)...)
		})
	}
	one.fails(exitUsage, []string{"--author"}, "review", id, "--level", "1", "--check")
	one.fails(exitUsage, nil, "review", id, "--level", "1", "--check", "--return", "--author", "zhao")
	one.fails(exitFailed, []string{"not returned"}, "tablet", "correct", id, "--answer", "x")
	says(t, one.ok("review", draft, "--level", "1", "--return", "--reason", "姓名不全", "--author", "sun"), "returned (the team)")
}

func TestEveryKindIsListedByName(t *testing.T) {
	s := newShell(t)
	says(t, s.ok("tablet", "form"), "home_visit", "household", "outreach event", "personal plan")
	says(t, s.ok("tablet", "form", "--lang", "zh"), "家庭医生签约", "入户访视")
	says(t, s.ok("tablet", "form", "contract", "--lang", "en"), "reviews.KEY.reason", "CONTRACT_STATE_SIGNED (signed)")
}
