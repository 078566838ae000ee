// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"errors"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// without returns the pack without a threshold, and with another in its place unless that is nil.
func without(t *testing.T, id string, other *carev1.Threshold) *carev1.RulePackContent {
	t.Helper()
	pack, err := ownPack()
	if err != nil {
		t.Fatal(err)
	}
	out := &carev1.RulePackContent{Thresholds: slices.DeleteFunc(slices.Clone(pack.GetThresholds()), func(th *carev1.Threshold) bool { return th.GetId() == id })}
	if other != nil {
		other.Id = id
		out.Thresholds = append(out.Thresholds, other)
	}
	return out
}

func number(n int64) *carev1.Threshold {
	return &carev1.Threshold{Value: &carev1.Threshold_Number{Number: n}}
}

func list(n ...int64) *carev1.Threshold {
	return &carev1.Threshold{Value: &carev1.Threshold_Numbers{Numbers: &carev1.NumberList{Values: n}}}
}

func wantRefused(t *testing.T, id string, pack *carev1.RulePackContent) {
	t.Helper()
	if _, err := SettingsOf(pack); !errors.Is(err, ErrSettings) || !strings.Contains(err.Error(), id) {
		t.Errorf("%s: %v", id, err)
	}
}

func TestAMissingOrSenselessNumberIsNamed(t *testing.T) {
	for _, want := range numbers {
		wantRefused(t, want.id, without(t, want.id, nil))
		wantRefused(t, want.id, without(t, want.id, number(want.min-1)))
		wantRefused(t, want.id, without(t, want.id, number(want.max+1)))
		wantRefused(t, want.id, without(t, want.id, list(want.min)))
		for _, n := range []int64{want.min, want.max} {
			if _, err := SettingsOf(without(t, want.id, number(n))); err != nil {
				t.Errorf("%s at the end of its range: %v", want.id, err)
			}
		}
	}
	for _, want := range lists {
		wantRefused(t, want.id, without(t, want.id, nil))
		wantRefused(t, want.id, without(t, want.id, number(want.min)))
		wantRefused(t, want.id, without(t, want.id, list(slices.Repeat([]int64{want.max}, want.most+1)...)))
		wantRefused(t, want.id, without(t, want.id, list(slices.Repeat([]int64{want.max + 1}, want.most)...)))
		wantRefused(t, want.id, without(t, want.id, list(slices.Repeat([]int64{want.min - 1}, want.most)...)))
	}
	if _, err := SettingsOf(nil); err == nil || !strings.Contains(err.Error(), "aged_years") || !strings.Contains(err.Error(), "indicator_work_points_x100") {
		t.Errorf("no pack at all does not name what is missing: %v", err)
	}
}

func TestEveryNumberOfIndicatorsInThePackIsRead(t *testing.T) {
	pack, err := ownPack()
	if err != nil {
		t.Fatal(err)
	}
	read := SettingIDs()
	for _, th := range pack.GetThresholds() {
		if strings.HasPrefix(th.GetId(), "indicator_") && !slices.Contains(read, th.GetId()) {
			t.Errorf("nothing reads %s", th.GetId())
		}
	}
	for _, one := range All() {
		for _, id := range one.Thresholds {
			if !slices.Contains(read, id) {
				t.Errorf("%s names %s, which nothing reads", one.Code, id)
			}
		}
	}
}

func TestTheCatalogueIsWhole(t *testing.T) {
	seen := map[Code]bool{}
	for _, one := range All() {
		if seen[one.Code] || one.ZH == "" || one.EN == "" || one.Unit == 0 || one.Source == "" || one.Mark == "" || one.NumeratorZH == "" || one.NumeratorEN == "" {
			t.Errorf("%s is there twice or says too little", one.Code)
		}
		if one.Unit == Percent && (one.DenominatorZH == "" || one.DenominatorEN == "") {
			t.Errorf("%s is a rate of nothing", one.Code)
		}
		seen[one.Code] = true
		if got, ok := Lookup(one.Code); !ok || got.ZH != one.ZH {
			t.Errorf("%s cannot be looked up", one.Code)
		}
	}
	for _, code := range strings.Fields(`S01 S02 S03 S23 O00 O01 O02 T01 T02 H00 H01 H02 D00 D01 D02 C01 C02 B01 B02 G01 G02 G03 G04 G05
		M01 M02 P01 P02 MC1 MC2 CH1 CH2 X01 X02 X03 E01 V01 A01 A02 A03`) {
		if !seen[Code(code)] {
			t.Errorf("%s is missing", code)
		}
	}
	if _, ok := Lookup("H99"); ok {
		t.Error("H99 is found")
	}
	All()[0].ZH = "changed"
	if one, _ := Lookup("S01"); one.ZH == "changed" {
		t.Error("the catalogue can be changed from outside")
	}
}
