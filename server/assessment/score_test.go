// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"context"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func withCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// target sets what the county is to reach in 2026.
func (w *world) target(code string, baseline, weight int64, a carev1.ScoreAlgorithm) {
	w.t.Helper()
	form := &carev1.AssessmentTarget{
		DivisionCode: "431124000000", IndicatorCode: code, Year: new(int32), SetterId: "zhao",
		Score: &carev1.TargetScore{BaselineX100: &baseline, WeightX100: &weight, Algorithm: a},
	}
	*form.Year = 2026
	w.put(indicators.TargetID(form), indicators.KindAssessmentTarget, form, scope("431124000000"))
}

func (w *world) adjust(division, code, title, evidence string, points int32) {
	w.t.Helper()
	form := &carev1.ScoreAdjustment{
		Window: &carev1.FreezeWindow{StartsOn: 20260101, EndsOn: 20260630}, DivisionCode: division, IndicatorCode: code, Title: title,
		Points: &carev1.AdjustedPoints{PointsX100: &points, Evidence: evidence, DecidedById: "zhao", DecidedOn: 20260705},
	}
	w.put(assessment.AdjustmentID(form), 59, form, scope(division))
}

func TestASheetNamesWhoLostEachPoint(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.target("H02", 60_00, 10_00, carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT)
	w.target("P02", 90_00, 5_00, carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT)
	w.target("F1", 0, 5_00, carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH)
	w.target("X01", 95_00, 3_00, carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH)
	w.adjust("431124101000", "X01", "satisfaction by telephone", "call sheet 7", 2_50)
	w.adjust("431124102000", "", "untrue records", "round 3: two records", -6_00)
	w.follow()
	sheets, r, err := w.a.Scores(t.Context(), w.query(assessment.Township), quiet)
	if err != nil || len(sheets) != 2 {
		t.Fatalf("%d sheets, %v", len(sheets), err)
	}
	if r.Basis.AsOf != 20260630 {
		t.Errorf("as of %s", r.Basis.AsOf)
	}
	first, second := sheets[0], sheets[1]
	if first.Division != "431124101" || first.Rank != 1 || second.Rank != 2 {
		t.Fatalf("%+v, %+v", first, second)
	}
	// H02 of the first township: 1 of 2 is 50.00 %, of 60.00 % gives 8.33 of 10; P02 has nobody; X01 2.5 of 3.
	if first.Total != 8_33+2_50 || first.Full != 10_00+5_00+3_00 {
		t.Errorf("total %d of %d: %+v", first.Total, first.Full, first.Lines)
	}
	for _, l := range first.Lines {
		switch l.Code {
		case "H02":
			if l.Lost != 1_67 || len(l.LostBy) != 1 || l.LostBy[0].Division != village || l.LostBy[0].Missing != 1 {
				t.Errorf("%+v", l)
			}
		case "P02":
			if l.Points.OK || l.Missing != assessment.MissingValue || l.Lost != 5_00 {
				t.Errorf("%+v", l)
			}
		case "X01":
			if l.Points.N != 2_50 || l.Evidence != "call sheet 7" {
				t.Errorf("%+v", l)
			}
		}
	}
	last := second.Lines[len(second.Lines)-1]
	if last.Title != "untrue records" || last.Points.N != -6_00 || last.Evidence == "" {
		t.Errorf("%+v", last)
	}
	for _, l := range second.Lines {
		if l.Code == "X01" && l.Missing != assessment.MissingAdjustment {
			t.Errorf("%+v", l)
		}
	}
	q := w.query(assessment.Doctor)
	_, _, err = w.a.Scores(t.Context(), q, quiet)
	wantProblem(t, err, assessment.ProblemUnit)
}

func TestTargetsAreHeldAgainstFiguresAndUnitsAreRanked(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.target("H02", 60_00, 10_00, carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT)
	r := w.figures(w.query(assessment.Township, "H02"))
	a, b := one(t, r.Figures, "H02", "431124101"), one(t, r.Figures, "H02", "431124102")
	if !a.Target.OK || a.Meets || a.Value.N != 50_00 || a.Rank != 1 || b.Rank != 2 {
		t.Errorf("%+v, %+v", a, b)
	}
	if len(r.Spreads) != 1 || r.Spreads[0].Best != 50_00 || r.Spreads[0].Median != 25_00 || r.Spreads[0].Deviation != 25_00 {
		t.Errorf("%+v", r.Spreads)
	}
	for _, at := range r.Attainments {
		if at.Of != 1 || at.Met != 0 {
			t.Errorf("%+v", at)
		}
	}
}

func TestWhatWasEnteredIsTheDenominatorAndMoreThanAllIsFlagged(t *testing.T) {
	w := newWorld(t)
	w.three()
	year, value := int32(2026), int64(2_000)
	w.put(record.ID{}, 45, &carev1.Statistic{
		Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, DivisionCode: "431124000000", Year: &year,
		Code: carev1.StatisticCode_STATISTIC_CODE_RESIDENT_POPULATION, Value: &carev1.StatisticValue{ValueX1000: &value}, ReporterId: "zhao",
	}, scope("431124000000"))
	f := one(t, w.figures(w.query(assessment.County, "S02")).Figures, "S02", countyCode)
	if !f.ByStatistic || !f.StatisticX1000.OK || f.StatisticX1000.N != 2_000 || f.Denominator != 3 || !f.Other.OK {
		t.Errorf("%+v", f)
	}
	if f.Value.N != 150_00 || !f.AboveAll {
		t.Errorf("3 of 2 is %+v", f)
	}
}

func TestWorkIsCountedByWhoDidIt(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.follow()
	q := w.query(assessment.County)
	q.Period = indicators.Year(2025)
	all, b, err := w.a.WorkPoints(t.Context(), q, quiet)
	if err != nil || b.AsOf != 20251231 {
		t.Fatalf("%+v, %v", b, err)
	}
	if len(all) != 2 || all[1].Doctor != "zhang" || all[1].Items[0].Times != 2 || all[0].Points <= 0 || len(all[0].Items) == 0 {
		t.Errorf("%+v", all)
	}
}
