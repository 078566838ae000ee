// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// KindAssessmentTarget is the kind of what a unit is to reach.
const KindAssessmentTarget record.Kind = 54

// Score returns the points for a value, all four in hundredths and half of a hundredth rounded up, and false where an algorithm gives none by
// itself. Points are never below 0 nor above the weight.
//
//	egt     all at the baseline or above, below it in proportion
//	elt     all at the baseline or below, above it in proportion
//	Y01     all for yes (a value that is not 0)
//	N01     all for no
//	attach  the value itself: points that a person gave for evidence
//	empty   none
func Score(algorithm carev1.ScoreAlgorithm, value, baseline, weight int64) (points int64, ok bool) {
	weight = max(weight, 0)
	switch algorithm {
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT:
		return atLeast(value, baseline, weight), true
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_ELT:
		return atMost(value, baseline, weight), true
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_Y01:
		return allIf(value != 0, weight), true
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_N01:
		return allIf(value == 0, weight), true
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH:
		return min(max(value, 0), weight), true
	}
	return 0, false
}

func allIf(is bool, weight int64) int64 {
	if is {
		return weight
	}
	return 0
}

func atLeast(value, baseline, weight int64) int64 {
	if value >= baseline {
		return weight
	}
	if value <= 0 { // so the baseline is above it: nothing in proportion
		return 0
	}
	return min(scaled(weight, value, baseline), weight)
}

func atMost(value, baseline, weight int64) int64 {
	if value <= baseline {
		return weight
	}
	if baseline <= 0 {
		return 0
	}
	return min(scaled(weight, baseline, value), weight)
}

// A Line is one row of a score sheet. Numbers are in hundredths.
type Line struct {
	Code      Code
	Algorithm carev1.ScoreAlgorithm
	Weight    int64
	Baseline  int64
	Value     int64
	HasValue  bool // false: there is no value, for example since the denominator is empty; no points
	Scored    bool // false: the algorithm gives no points by itself
	Points    int64
	Deduction int64
	Attained  bool // all points; of an indicator that is not scored, that the baseline is reached
}

// ScoreOf returns the row of a target for a value, which counts only if there is one. Without a value all points
// are lost.
func ScoreOf(target *carev1.AssessmentTarget, value int64, hasValue bool) Line {
	s := target.GetScore()
	l := Line{
		Code: Code(target.GetIndicatorCode()), Algorithm: s.GetAlgorithm(), Weight: max(s.GetWeightX100(), 0),
		Baseline: s.GetBaselineX100(), Value: value, HasValue: hasValue,
	}
	points, ok := Score(s.GetAlgorithm(), value, s.GetBaselineX100(), l.Weight)
	l.Scored = ok
	if ok && hasValue {
		l.Points = points
	}
	if ok {
		l.Deduction = l.Weight - l.Points
	}
	l.Attained = hasValue && l.reached()
	return l
}

func (l Line) reached() bool {
	if l.Scored {
		return l.Deduction == 0
	}
	if one, ok := Lookup(l.Code); ok && !one.HigherIsBetter {
		return l.Value <= l.Baseline
	}
	return l.Value >= l.Baseline
}

// TargetID returns the id of the record that holds a target: setting one again changes it.
func TargetID(t *carev1.AssessmentTarget) record.ID {
	unit := "division/" + string(short(record.Division(t.GetDivisionCode())))
	if t.GetDivisionCode() == "" {
		unit = "organisation/" + strings.TrimSpace(t.GetOrganisationCode())
	}
	name := fmt.Sprintf("assessment_target/%s/%s/%d", unit, t.GetIndicatorCode(), t.GetYear())
	return record.DerivedID(KindAssessmentTarget, []byte(name))
}

// CheckTarget says what is wrong with a target that somebody is about to save, nil if nothing is.
func CheckTarget(t *carev1.AssessmentTarget) error {
	s := t.GetScore()
	switch _, known := Lookup(Code(t.GetIndicatorCode())); {
	case !known:
		return fmt.Errorf("%q is no indicator", t.GetIndicatorCode())
	case t.GetDivisionCode() == "" && strings.TrimSpace(t.GetOrganisationCode()) == "":
		return fmt.Errorf("a target needs a division or an organisation")
	case t.GetYear() < 2000 || t.GetYear() > 2100:
		return fmt.Errorf("year %d: a target is of a year from 2000 to 2100", t.GetYear())
	case s.GetAlgorithm() == carev1.ScoreAlgorithm_SCORE_ALGORITHM_UNSPECIFIED:
		return fmt.Errorf("a target needs an algorithm: egt, elt, Y01, N01, attach or empty")
	case s.GetWeightX100() < 0:
		return fmt.Errorf("points cannot be negative")
	case s.GetBaselineX100() <= 0 && (s.GetAlgorithm() == carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT || s.GetAlgorithm() == carev1.ScoreAlgorithm_SCORE_ALGORITHM_ELT):
		return fmt.Errorf("egt and elt need a target above 0")
	}
	if t.GetDivisionCode() != "" {
		if _, err := care.ParseDivision(t.GetDivisionCode()); err != nil {
			return err
		}
	}
	return nil
}
