// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
	"time"
)

// followed waits until the server has looked at all that was handed over.
func (s *shell) followed() findingsStatus {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		f := decode[[]countyStatus](s.t, s.ok("status", "--json"))[0].Findings
		if f == nil {
			s.t.Fatal("the server looks for nothing")
		}
		if f.Behind == 0 && f.Queued == 0 && !f.UnderWay && f.Failed == "" && f.Pack != "" {
			return *f
		}
	}
	s.t.Fatal("findings do not follow")
	return findingsStatus{}
}

func TestTheOfficeListsWhatTheRulesFind(t *testing.T) {
	one, _ := clinic(t)
	resident := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306}`, "--kind", "resident")
	visit := one.save(`{"service_date": 20260301, "blood_pressure": {"systolic_mmhg": 80, "diastolic_mmhg": 120}}`,
		"--kind", "hypertension_follow_up", "--subject", resident)
	one.ok("tablet", "sync")
	if f := one.followed(); !f.BuiltIn || f.Sets < 1 || len(f.PackSHA256) != 64 || f.PassedOver != 0 {
		t.Errorf("%+v", f)
	}
	q05 := func(all foundAll) bool {
		return slices.ContainsFunc(all.Findings, func(f foundOne) bool { return f.Rule == "Q05" && f.Record == visit })
	}
	for _, args := range [][]string{
		{}, {"--rule", "Q05"}, {"--record", visit}, {"--resident", resident}, {"--severity", "error"}, {"--division", village[:6]}, {"--since", "2020-01-01"},
	} {
		if all := decode[foundAll](t, one.ok(append([]string{"findings", "--json"}, args...)...)); !q05(all) || len(all.Counts) == 0 {
			t.Errorf("%v: %+v", args, all)
		}
	}
	for _, args := range [][]string{{"--rule", "Q99"}, {"--severity", "suspicion"}, {"--division", "110101"}, {"--since", "2199-01-01"}} {
		if all := decode[foundAll](t, one.ok(append([]string{"findings", "--json"}, args...)...)); len(all.Findings) > 0 || len(all.Counts) > 0 {
			t.Errorf("%v: %+v", args, all)
		}
		one.says(one.ok(append([]string{"findings"}, args...)...), "Nothing is found")
	}
	one.says(one.ok("findings", "--rule", "Q05"), "Q05", visit, "error", "80 mmHg is not above")
	one.says(one.ok("findings", "--rule", "Q05", "--lang", "zh"), "错误", "高血压", "收缩压 80 mmHg")
	if all := decode[foundAll](t, one.ok("findings", "--json", "--limit", "1")); !all.More || len(all.Findings) == 0 {
		t.Errorf("%+v", all)
	}
	one.says(one.ok("status"), "findings about")
	one.fails(exitFailed, []string{"is no day"}, "findings", "--since", "yesterday")
	one.fails(exitFailed, []string{"is no id"}, "findings", "--record", "9")
	one.fails(exitFailed, []string{"no beginning of a division"}, "findings", "--division", "village")
	one.fails(exitUsage, []string{"--severity"}, "findings", "--severity", "grave")

	one.edit(visit, "blood_pressure", map[string]any{"systolic_mmhg": 130, "diastolic_mmhg": 80})
	one.ok("tablet", "sync")
	one.followed()
	if all := decode[foundAll](t, one.ok("findings", "--json", "--rule", "Q05")); len(all.Findings) > 0 {
		t.Errorf("corrected, and still %+v", all)
	}
}
