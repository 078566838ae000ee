// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func row(code carev1.StatisticCode, division string, year, month int, value int64) Registered {
	return Registered{Statistic: code, Division: record.Division(division), Year: year, Month: month, ValueX1000: value * 1000}
}

func denominator(t *testing.T, r *Registry, code Code, division string, p Period) int64 {
	t.Helper()
	d, ok := r.Of(code, record.Division(division), p)
	if !ok {
		return -1
	}
	return d.ValueX1000
}

func TestRegisteredDenominators(t *testing.T) {
	const (
		people  = carev1.StatisticCode_STATISTIC_CODE_RESIDENT_POPULATION
		over35  = carev1.StatisticCode_STATISTIC_CODE_AGED_35_AND_OVER
		toCare  = carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_TO_MANAGE
		percent = carev1.StatisticCode_STATISTIC_CODE_HYPERTENSION_PREVALENCE
	)
	r := NewRegistry([]Registered{
		row(people, "431124000000", 2026, 0, 600_000),
		row(people, "431124001000", 2026, 0, 30_000),
		row(people, "431124001201", 2026, 0, 2_000),
		row(people, "431124001202", 2026, 0, 1_500),
		row(people, "431125001201", 2026, 0, 700),
		row(people, "431125002000", 2026, 0, 9_000),
		row(people, "431125002201", 2026, 0, 800),
		row(toCare, "431124001201", 2026, 0, 300),
		row(over35, "431124001202", 2026, 0, 800),
		{Statistic: percent, Division: "430000000000", Year: 2026, ValueX1000: 25_250},
		{Task: "T01", Division: "431124001000", Year: 2026, ValueX1000: 4_000_000},
		{Task: "T01", Division: "431124001201", Year: 2026, ValueX1000: 250_000},
	})
	for _, c := range []struct {
		name     string
		code     Code
		division string
		period   Period
		want     int64
	}{
		{"the division's own row, not the sum of what is below", "S01", "431124", Year(2026), 600_000_000},
		{"with zeros behind it", "S01", "431124001000", Year(2026), 30_000_000},
		{"the sum of the highest rows below", "S01", "431125", Year(2026), 9_700_000},
		{"the half year takes that of its year", "G01", "431124001201", HalfYear(2026), 2_000_000},
		{"another year has none", "S01", "431124", Year(2025), -1},
		{"a village without", "S01", "431124001203", Year(2026), -1},
		{"what is entered goes before what is computed", "H00", "431124001201", Year(2026), 300_000},
		{"people of 35 and over times the prevalence of the province", "H00", "431124001202", Year(2026), 202_000},
		{"an indicator without registered denominator", "H01", "431124001201", Year(2026), -1},
		{"the task of the township", "T01", "431124001", Year(2026), 4_000_000},
		{"the task of the village", "T01", "431124001201", Year(2026), 250_000},
		{"tasks are not added up", "T01", "431124", Year(2026), -1},
		{"a code that is none", "H99", "431124", Year(2026), -1},
	} {
		if got := denominator(t, r, c.code, c.division, c.period); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestTotalsOfAPeriod(t *testing.T) {
	var rows []Registered
	for month := 1; month <= 12; month++ {
		rows = append(rows, row(clinicVisits, "431124001000", 2026, month, int64(100*month)))
	}
	rows = append(rows, row(clinicVisits, "431124001000", 2025, 0, 9_000))
	r := NewRegistry(rows)
	for period, want := range map[Period]int64{Year(2026): 7_800, HalfYear(2026): 2_100, Month(2026, 5): 500, Year(2025): 9_000} {
		if d, ok := r.Count("N01", "431124001", period); !ok || d.ValueX1000 != want*1000 {
			t.Errorf("%s: %v %t", period, d, ok)
		}
	}
	if d, ok := r.Count("N01", "431124001", HalfYear(2025)); ok {
		t.Errorf("half of a year of which only the whole is known: %v", d)
	}
	if _, ok := r.Share("431124001", Year(2026)); ok {
		t.Error("a share of visits that nobody registered")
	}
}

func TestWhatStatisticsAndTasksSay(t *testing.T) {
	read := func(cutoff care.Date, form proto.Message) []Registered {
		p := personOf(form)
		p.division = nil
		return p.facts(p.entries).Registered(cutoff)
	}
	big := int64(9_999_999_999_999)
	got := read(0, &carev1.Statistic{DivisionCode: "431124", Year: proto.Int32(2026), Month: proto.Int32(3), Code: clinicVisits, Value: &carev1.StatisticValue{ValueX1000: &big}})
	if len(got) != 1 || got[0].ValueX1000 != big || got[0].Division != "431124000000" || got[0].Year != 2026 || got[0].Month != 3 {
		t.Errorf("a statistic: %v", got)
	}
	task := &carev1.Task{IssuedOn: 20260110, DivisionCode: "431124001201", IndicatorCode: "T01", Quota: &carev1.TaskQuota{Quota: proto.Int32(250)}, Window: &carev1.TaskWindow{DueOn: 20261031}}
	if got := read(0, task); len(got) != 1 || got[0].Task != "T01" || got[0].ValueX1000 != 250_000 || got[0].Year != 2026 {
		t.Errorf("a task: %v", got)
	}
	if got := read(20191231, task); got != nil {
		t.Errorf("a task received after the cutoff: %v", got)
	}
	task.State = carev1.TaskState_TASK_STATE_WITHDRAWN
	for name, form := range map[string]proto.Message{
		"a task that was withdrawn": task,
		"a statistic without value": &carev1.Statistic{DivisionCode: "431124", Year: proto.Int32(2026), Code: 1},
		"a statistic without year":  &carev1.Statistic{DivisionCode: "431124", Code: 1, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(1)}},
		"a draft":                   &carev1.Statistic{Status: carev1.FormStatus_FORM_STATUS_DRAFT, DivisionCode: "431124", Year: proto.Int32(2026), Code: 1, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(1)}},
		"a resident":                resident(),
	} {
		if got := read(0, form); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}
