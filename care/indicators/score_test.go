// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

const (
	egt     = carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT
	elt     = carev1.ScoreAlgorithm_SCORE_ALGORITHM_ELT
	y01     = carev1.ScoreAlgorithm_SCORE_ALGORITHM_Y01
	n01     = carev1.ScoreAlgorithm_SCORE_ALGORITHM_N01
	attach  = carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH
	nothing = carev1.ScoreAlgorithm_SCORE_ALGORITHM_EMPTY
)

func TestPointsFollowFromAValue(t *testing.T) {
	for _, c := range []struct {
		name                    string
		algorithm               carev1.ScoreAlgorithm
		value, baseline, weight int64
		points                  int64
		ok                      bool
	}{
		{"at the baseline", egt, 6400, 6400, 500, 500, true},
		{"above it", egt, 9900, 6400, 500, 500, true},
		{"a hundredth below", egt, 6399, 6400, 500, 500, true}, // 4.9992 points
		{"far enough below to lose a hundredth", egt, 6393, 6400, 500, 499, true},
		{"half of it", egt, 3200, 6400, 500, 250, true},
		{"half a hundredth is rounded up", egt, 1, 200, 100, 1, true},
		{"less than half is not", egt, 1, 201, 100, 0, true},
		{"nothing", egt, 0, 6400, 500, 0, true},
		{"below nothing, as a rate that fell", egt, -50, 100, 500, 0, true},
		{"a baseline of nothing", egt, 0, 0, 500, 500, true},
		{"the largest numbers", egt, math.MaxInt64 - 1, math.MaxInt64, 100000, 100000, true},
		{"at the most", elt, 500, 500, 300, 300, true},
		{"below the most", elt, 0, 500, 300, 300, true},
		{"twice the most", elt, 1000, 500, 300, 150, true},
		{"above a most of nothing", elt, 1, 0, 300, 0, true},
		{"yes", y01, 100, 0, 200, 200, true},
		{"no", y01, 0, 0, 200, 0, true},
		{"no is wanted", n01, 0, 0, 200, 200, true},
		{"no is wanted and it is yes", n01, 100, 0, 200, 0, true},
		{"given for evidence", attach, 150, 0, 200, 150, true},
		{"more given than there are", attach, 250, 0, 200, 200, true},
		{"less than nothing given", attach, -10, 0, 200, 0, true},
		{"not scored", nothing, 9900, 6400, 500, 0, false},
		{"not said", 0, 9900, 6400, 500, 0, false},
		{"no points to win", egt, 9900, 6400, -5, 0, true},
	} {
		if points, ok := Score(c.algorithm, c.value, c.baseline, c.weight); points != c.points || ok != c.ok {
			t.Errorf("%s: %d %t, want %d %t", c.name, points, ok, c.points, c.ok)
		}
	}
}

func target(code string, algorithm carev1.ScoreAlgorithm, baseline, weight int64) *carev1.AssessmentTarget {
	return &carev1.AssessmentTarget{
		DivisionCode: "431124000000", SetterId: "b", IndicatorCode: code, Year: proto.Int32(2026),
		Score: &carev1.TargetScore{BaselineX100: proto.Int64(baseline), WeightX100: proto.Int64(weight), Algorithm: algorithm},
	}
}

func TestARowOfASheet(t *testing.T) {
	l := ScoreOf(target("H01", egt, 6400, 500), 5833, true)
	if l.Points != 456 || l.Deduction != 44 || l.Attained || !l.Scored || l.Code != "H01" {
		t.Errorf("below the target: %+v", l)
	}
	if l := ScoreOf(target("H01", egt, 6400, 500), 6400, true); l.Points != 500 || l.Deduction != 0 || !l.Attained {
		t.Errorf("at the target: %+v", l)
	}
	if l := ScoreOf(target("H01", egt, 6400, 500), 0, false); l.Points != 0 || l.Deduction != 500 || l.Attained {
		t.Errorf("an empty denominator: %+v", l)
	}
	if l := ScoreOf(target("H01", n01, 0, 500), 0, false); l.Points != 0 || l.Deduction != 500 {
		t.Errorf("nothing known is not no: %+v", l)
	}
	if l := ScoreOf(target("X01", nothing, 9500, 0), 9500, true); l.Scored || l.Deduction != 0 || !l.Attained {
		t.Errorf("reported only: %+v", l)
	}
	if l := ScoreOf(target("A03.4", nothing, 5, 0), 6, true); l.Attained {
		t.Errorf("fewer would be better: %+v", l)
	}
}

func TestATargetHasOneRecord(t *testing.T) {
	a, b := target("H01", egt, 6400, 500), target("H01", elt, 1, 2)
	b.DivisionCode = "431124"
	if TargetID(a) != TargetID(b) {
		t.Error("the same unit, indicator and year are two records")
	}
	for name, change := range map[string]func(*carev1.AssessmentTarget){
		"year":      func(t *carev1.AssessmentTarget) { t.Year = proto.Int32(2027) },
		"indicator": func(t *carev1.AssessmentTarget) { t.IndicatorCode = "H02" },
		"division":  func(t *carev1.AssessmentTarget) { t.DivisionCode = "431124001000" },
		"unit":      func(t *carev1.AssessmentTarget) { t.DivisionCode, t.OrganisationCode = "", "431124" },
	} {
		other := target("H01", egt, 6400, 500)
		change(other)
		if TargetID(a) == TargetID(other) {
			t.Errorf("another %s is the same record", name)
		}
	}
	if got := TargetID(a).Kind(); got != KindAssessmentTarget {
		t.Errorf("kind %d", got)
	}
}

func TestWrongTargetsAreRefused(t *testing.T) {
	if err := CheckTarget(target("H01", egt, 6400, 500)); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*carev1.AssessmentTarget){
		"no indicator":          func(t *carev1.AssessmentTarget) { t.IndicatorCode = "H99" },
		"no unit":               func(t *carev1.AssessmentTarget) { t.DivisionCode = "" },
		"no division":           func(t *carev1.AssessmentTarget) { t.DivisionCode = "4311x" },
		"a year of long ago":    func(t *carev1.AssessmentTarget) { t.Year = proto.Int32(1999) },
		"no year":               func(t *carev1.AssessmentTarget) { t.Year = nil },
		"no algorithm":          func(t *carev1.AssessmentTarget) { t.Score.Algorithm = 0 },
		"no score":              func(t *carev1.AssessmentTarget) { t.Score = nil },
		"negative points":       func(t *carev1.AssessmentTarget) { t.Score.WeightX100 = proto.Int64(-1) },
		"in proportion to none": func(t *carev1.AssessmentTarget) { t.Score.BaselineX100 = nil },
	} {
		wrong := target("H01", egt, 6400, 500)
		change(wrong)
		if CheckTarget(wrong) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestRatesAreRoundedHalfUp(t *testing.T) {
	for _, c := range []struct{ part, whole, want int64 }{{1, 3, 3333}, {2, 3, 6667}, {1, 20000, 1}, {1, 20001, 0}, {5, 4, 12500}, {math.MaxInt64 / 2, math.MaxInt64, 5000}} {
		if got, ok := Rate(c.part, c.whole); got != c.want || !ok {
			t.Errorf("%d of %d: %d", c.part, c.whole, got)
		}
	}
	if got, _ := Change(89, 100); got != -1100 {
		t.Errorf("from 100 to 89: %d", got)
	}
}
