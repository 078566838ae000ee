// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestPeopleAreSearchedAndShown(t *testing.T) {
	one, _ := clinic(t)
	resident := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306, "phone": "13912345678",
		"identity_document": {"type": "IDENTITY_TYPE_RESIDENT_CARD", "number": "990000195803060018"}}`, "--kind", "resident")
	for _, visit := range []string{
		`{"service_date": 20260101, "blood_pressure": {"systolic_mmhg": 150, "diastolic_mmhg": 95}}`,
		`{"service_date": 20260201, "blood_pressure": {"systolic_mmhg": 142, "diastolic_mmhg": 90}}`,
		`{"service_date": 20260301, "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`,
	} {
		one.save(visit, "--kind", "hypertension_follow_up", "--subject", resident)
	}
	one.ok("tablet", "sync")
	one.followed()
	for _, args := range [][]string{
		{"试"}, {"wsc"}, {"wangshichun"}, {"5678"}, {"--number", "990000195803060018"}, {"--phone", "13912345678"}, {"--village", village},
		{"--sex", "male", "--age-from", "60"}, {"--status", "here"}, {},
	} {
		all := decode[foundPeople](t, one.ok(append([]string{"people", "search", "--json"}, args...)...))
		if len(all.People) != 1 || all.People[0].Person != resident || !all.Masked || all.People[0].Number != "990000********0018" {
			t.Errorf("%v: %+v", args, all)
		}
	}
	for _, args := range [][]string{{"李"}, {"--sex", "female"}, {"--age-to", "60"}, {"--status", "dead"}, {"--village", "110101"}, {"--population", "diabetes"}} {
		says(t, one.ok(append([]string{"people", "search"}, args...)...), "Nobody is found")
	}
	says(t, one.ok("people", "search", "王"), resident, "王试春", "male", "139****5678")
	says(t, one.ok("people", "search", "王", "--lang", "zh"), "男", "证件号码")
	says(t, one.ok("people", "show", resident), "王试春", "990000********0018", "150/95", "▲", "▼", "hypertension", "findings: ")
	page := decode[personShown](t, one.ok("people", "show", resident, "--json"))
	if len(page.Measurements) != 3 || len(page.Records) != 4 || page.Findings["error"] == 0 || page.Person.Person != resident {
		t.Errorf("%+v", page)
	}
	says(t, one.ok("access"), "Nothing has left")
	says(t, one.ok("people", "show", resident, "--author", "sun", "--purpose", "电话核查"), "990000195803060018", "13912345678")
	says(t, one.ok("people", "search", "王", "--author", "sun", "--purpose", "电话核查"), "990000195803060018")
	one.followed()
	log := decode[accessList](t, one.ok("access", "--json", "--staff", "sun"))
	if len(log.Entries) != 2 || log.Entries[1].What != "people.show" || log.Entries[1].Person != resident || log.Entries[0].Purpose != "电话核查" {
		t.Errorf("%+v", log)
	}
	says(t, one.ok("access", "--what", "people"), "sun", "people.search", "operator", "电话核查")
	says(t, one.ok("access", "--until", "2020-01-01"), "Nothing has left")
	one.fails(exitFailed, []string{"--author", "--purpose"}, "people", "search", "王", "--purpose", "x")
	one.fails(exitFailed, []string{"no population"}, "people", "search", "--population", "tall")
	one.fails(exitFailed, []string{"is no day"}, "access", "--since", "yesterday")
	one.fails(exitFailed, []string{"is no id"}, "people", "show", "x")
	d := one.desk("zhao", village)
	says(t, d.ok("people", "search", "王"), "王试春", "139****5678")
	d.fails(exitFailed, []string{"not allowed"}, "people", "search", "王", "--author", "zhao", "--purpose", "核查")
}

func TestAPressureChartFitsItsColumns(t *testing.T) {
	visit := func(on string, systolic, diastolic int32) pressureShown {
		return pressureShown{On: on, Systolic: &systolic, Diastolic: &diastolic}
	}
	all := []pressureShown{visit("2026-01-01", 150, 95), visit("2026-02-01", 150, 95), {On: "2026-02-11"}}
	if got := pressureChart(all, 80); got != nil {
		t.Errorf("of two: %q", got)
	}
	for range 30 {
		all = append(all, visit("2026-03-01", 120, 120))
	}
	for _, columns := range []int{0, 40, 80, 120} {
		got := pressureChart(all, columns)
		for _, line := range got {
			if n := len([]rune(line)); n > columns {
				t.Errorf("a line of %d in %d columns: %q", n, columns, line)
			}
		}
		if columns >= 40 && (len(got) != chartRows+2 || !strings.Contains(strings.Join(got, ""), "120/120")) {
			t.Errorf("in %d columns: %q", columns, got)
		}
	}
}
