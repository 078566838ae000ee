// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"testing"
	"time"
)

// doubts waits until the server has settled what is doubtful by a rule, and returns it.
func (s *shell) doubts(rule string) doubtsJSON {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		s.followed()
		if all := decode[doubtsJSON](s.t, s.ok("authenticity", "list", "--json", "--rule", rule)); all.Waiting == 0 && len(all.Findings) > 0 {
			return all
		}
	}
	s.t.Fatal("nothing is doubtful")
	return doubtsJSON{}
}

func TestTheOfficeLooksAtWhatIsDoubtful(t *testing.T) {
	one, _ := clinic(t)
	resident := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306}`, "--kind", "resident")
	for i, on := range []int{20260101, 20260201, 20260301} {
		one.save(fmt.Sprintf(`{"service_date": %d, "doctor_id": "li", "organisation_code": "C1", "blood_pressure": {"systolic_mmhg": 127, "diastolic_mmhg": 83}, "heart_rate_per_min": %d}`, on, 70+i),
			"--kind", "hypertension_follow_up", "--subject", resident)
	}
	one.ok("tablet", "sync")
	all := one.doubts("A02")
	f := all.Findings[0]
	if f.Rule != "A02.pressure" || f.Doctor != "li" || f.Numbers["times"] != 3 || all.Counts[0].Open != 1 {
		t.Fatalf("%+v", all)
	}
	one.says(one.ok("authenticity", "list", "--counts"), "A02.pressure", "suspicion")
	one.says(one.ok("authenticity", "list", "--lang", "zh"), "A02.pressure", "连续 3 次血压均为 127/83 mmHg")
	one.says(one.ok("authenticity", "show", f.ID), "127/83", "May be honest", "authenticity rule "+f.ID)
	if shown := decode[doubtJSON](t, one.ok("authenticity", "show", f.ID, "--json")); len(shown.Records) != 3 || shown.Records[0].Kind != "hypertension_follow_up" {
		t.Errorf("%+v", shown)
	}
	one.says(one.ok("authenticity", "doctor", "li", "--day", "2026-03-01"), "Doctor li in 2026: 3 visits", "125 ████████████████████████ 3", "from visit to visit")
	if d := decode[doctorJSON](t, one.ok("authenticity", "doctor", "li", "--json")); d.Visits != 3 || d.SystolicDigits[7] != 3 {
		t.Errorf("%+v", d)
	}
	one.says(one.ok("authenticity", "rule", f.ID, "--decision", "cleared", "--reason", "控制稳定", "--author", "zhao"), "Saved: cleared")
	for end := time.Now().Add(time.Minute); ; {
		if after := decode[doubtJSON](t, one.ok("authenticity", "show", f.ID, "--json")); after.Ruling != nil {
			if after.Ruling.Decision != "cleared" || after.Ruling.Author != "zhao" || after.Ruling.EvidenceChanged {
				t.Errorf("%+v", after.Ruling)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal("the ruling does not come")
		}
	}
	one.says(one.ok("authenticity", "list", "--rule", "A02", "--open"), "Nothing is doubtful")
	one.says(one.ok("authenticity", "book"), "A20.ultrasound", "may be")
	one.fails(exitFailed, []string{"is no quarter"}, "authenticity", "list", "--quarter", "spring")
	one.fails(exitFailed, []string{"no beginning of a division"}, "authenticity", "list", "--division", "village")
	one.fails(exitFailed, []string{"is no finding"}, "authenticity", "show", "9")
	one.fails(exitFailed, []string{"is no day"}, "authenticity", "doctor", "li", "--day", "yesterday")
	one.fails(exitFailed, []string{"is no id of a person"}, "authenticity", "list", "--resident", "9")
}
