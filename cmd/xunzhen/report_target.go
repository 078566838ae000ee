// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// reportTarget sets what a unit is to reach in a year.
type reportTarget struct {
	officeFlags
	Code        string  `arg:"" help:"help_report_code"`
	Year        int32   `help:"help_target_year" placeholder:"YEAR"`
	Division    string  `help:"help_target_division" placeholder:"CODE"`
	Value       float64 `help:"help_target_value" placeholder:"N.NN"`
	Points      float64 `help:"help_target_points" required:"" placeholder:"N.NN"`
	Algorithm   string  `help:"help_target_algorithm" enum:"egt,elt,y01,n01,attach,empty" default:"egt" placeholder:"egt|elt|y01|n01|attach|empty"`
	Denominator string  `help:"help_target_denominator" enum:"registered,live," default:"" placeholder:"registered|live"`
	Remark      string  `help:"help_target_remark" placeholder:"TEXT"`
	Author      string  `help:"help_release_author" required:"" placeholder:"ID"`
}

// Run saves it: a new record, or in place of what was set before.
func (f reportTarget) Run(c *call) error {
	year := f.Year
	if year == 0 {
		year = int32(care.DateOf(c.Clock()).Year())
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		division := f.Division
		if division == "" {
			division = county.Code
		}
		d, err := care.ParseDivision(division)
		if err != nil {
			return problemf("problem_findings_division", division)
		}
		form := f.form(year, d)
		if err := indicators.CheckTarget(form); err != nil {
			return problemf("problem_target", err)
		}
		id := indicators.TargetID(form)
		if err := c.settle(o, id, f.Author, form, care.FullCode(d)); err != nil {
			return err
		}
		c.line("report_target_set", form.GetIndicatorCode(), strconv.Itoa(int(year)), string(d), hundredths(form.GetScore().GetBaselineX100()), hundredths(form.GetScore().GetWeightX100()))
		return nil
	})
}

func (f reportTarget) form(year int32, d record.Division) *carev1.AssessmentTarget {
	baseline, weight := int64(math.Round(f.Value*100)), int64(math.Round(f.Points*100))
	return &carev1.AssessmentTarget{
		SetterId: f.Author, DivisionCode: string(care.FullCode(d)), IndicatorCode: strings.ToUpper(f.Code), Year: &year, Remark: f.Remark,
		Score: &carev1.TargetScore{
			BaselineX100: &baseline, WeightX100: &weight,
			Algorithm:   carev1.ScoreAlgorithm(carev1.ScoreAlgorithm_value["SCORE_ALGORITHM_"+strings.ToUpper(f.Algorithm)]),
			Denominator: carev1.TargetDenominator(carev1.TargetDenominator_value["TARGET_DENOMINATOR_"+strings.ToUpper(f.Denominator)]),
		},
	}
}
