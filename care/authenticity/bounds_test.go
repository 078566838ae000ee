// SPDX-License-Identifier: Apache-2.0

package authenticity_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/rulepack"
)

// A county may change thresholds, and is told which one makes no sense.
func TestThresholdsThatMakeNoSenseAreRefused(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	with := func(id string, n int64) error {
		t.Helper()
		content, found := proto.CloneOf(pack.Content()), false
		for _, th := range content.GetThresholds() {
			if th.GetId() == id {
				th.Value, found = &carev1.Threshold_Number{Number: n}, true
			}
		}
		if !found {
			t.Fatalf("the pack has no %s", id)
		}
		_, err := authenticity.SettingsOf(content)
		return err
	}
	for _, c := range []struct {
		id          string
		least, most int64
	}{
		{"auth_late_percent", 1, 100},
		{"auth_controlled_percent", 1, 100},
		{"auth_night_from_hour", 0, 24},
		{"auth_p_x1000000", 1, 100_000},
		{"auth_digit_min", 10, 1_000_000},
		{"auth_digit_manual_with_zero", 0, 1},
		{"auth_clone_fields", 2, 1_000_000},
		{"auth_run", 2, 1_000_000},
		{"auth_home_visits_a_day", 1, 1_000_000},
		{"auth_clock_minutes", 0, 100_000},
		{"auth_speed_km_per_h", 1, 1_000_000},
	} {
		for _, n := range []int64{c.least, c.most} {
			if err := with(c.id, n); err != nil {
				t.Errorf("%s %d: %v", c.id, n, err)
			}
		}
		for _, n := range []int64{c.least - 1, c.most + 1} {
			if err := with(c.id, n); !errors.Is(err, authenticity.ErrSettings) || !strings.Contains(err.Error(), c.id) {
				t.Errorf("%s %d is taken, or the error does not name it: %v", c.id, n, err)
			}
		}
	}
	if err := with("auth_band_low_mmhg", 139); !errors.Is(err, authenticity.ErrSettings) {
		t.Errorf("an empty band is taken: %v", err)
	}
}

// A20 asks of at least fifty, and of each result by itself. Who refused, or was not examined, is not asked.
func TestEverythingNormalIsAskedOfEnough(t *testing.T) {
	r := newRules(t)
	const normal, abnormal, refused = carev1.FindingResult_FINDING_RESULT_NORMAL, carev1.FindingResult_FINDING_RESULT_ABNORMAL, carev1.FindingResult_FINDING_RESULT_UNSPECIFIED
	for rule, set := range map[string]func(*authenticity.Visit, carev1.FindingResult){
		"A20.ecg":        func(v *authenticity.Visit, f carev1.FindingResult) { v.ECG = f },
		"A20.ultrasound": func(v *authenticity.Visit, f carev1.FindingResult) { v.Sound = f },
	} {
		for _, c := range []struct {
			normal, abnormal, refused int
			found                     bool
		}{{49, 0, 0, false}, {50, 0, 0, true}, {49, 0, 1, false}, {50, 0, 9, true}, {99, 1, 0, false}, {200, 0, 0, true}} {
			var v visits
			add := func(n int, f carev1.FindingResult) {
				for range n {
					i := len(v)
					v.add(care.Date(20260302+100*(i%9)+i%20), func(one *authenticity.Visit) {
						set(one, f)
						one.Kind, one.AtHome = care.KindCheckup, false
					})
				}
			}
			add(c.normal, normal)
			add(c.abnormal, abnormal)
			add(c.refused, refused)
			slices.SortStableFunc(v, func(a, b authenticity.Visit) int { return cmp.Compare(a.Day, b.Day) })
			found := false
			for _, id := range ruleIDs(r, v, authenticity.Around{}) {
				found = found || id == rule
				if strings.HasPrefix(id, "A20") && id != rule {
					t.Errorf("%s is found of what has only the other result", id)
				}
			}
			if found != c.found {
				t.Errorf("%s, %d normal, %d abnormal, %d refused: found %t", rule, c.normal, c.abnormal, c.refused, found)
			}
		}
	}
}

// A18: a device that is ahead of the centre saved what the centre had already. One that was without a network
// for weeks hands over late, and that is no sign of a clock.
func TestAClockIsAheadOnlyWhenTheCentreSaysSo(t *testing.T) {
	r := newRules(t)
	for _, c := range []struct {
		name                     string
		entered, saved, received int // minutes after nine
		want                     string
	}{
		{"on time", 0, 1, 2, ""},
		{"ten minutes ahead", 12, 12, 2, ""},
		{"eleven minutes ahead", 13, 13, 2, "A18.ahead"},
		{"five weeks late", 0, 1, 5 * 7 * 24 * 60, ""},
		{"set back by ten minutes", 0, 10, 12, ""},
		{"set back by eleven minutes", 0, 11, 12, "A18.back"},
		{"never received", 0, 900, -540, ""},
	} {
		var v visits
		v.add(day, func(one *authenticity.Visit) {
			one.Entered, one.Saved, one.Received = at(day, 9, c.entered), at(day, 9, c.saved), at(day, 9, c.received)
			if c.received < 0 {
				one.Received = 0
				one.Entered = one.Saved
			}
		})
		got := ""
		for _, id := range ruleIDs(r, v, authenticity.Around{}) {
			if strings.HasPrefix(id, "A18") {
				got += id
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
