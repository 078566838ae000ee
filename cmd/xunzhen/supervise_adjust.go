// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// adjusted takes figures times the truth rates: H01 as the county counts it in the round's days, of all and
// of each unit; H01:130403001=800/1000 as somebody reported it, where the unit * is all.
func (f superviseResults) adjusted(c *call, o *office.Office, county office.ServingCounty, r *officev1.GetResultsResponse) (out []adjustedJSON, err error) {
	for _, text := range f.Adjust {
		var some []adjustedJSON
		if strings.ContainsAny(text, ":=") {
			some, err = reported(text, r)
		} else {
			some, err = f.counted(c, o, county, strings.ToUpper(text), r)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// reported adjusts a figure that stands on the command line.
func reported(text string, r *officev1.GetResultsResponse) ([]adjustedJSON, error) {
	what, numbers, ok := strings.Cut(text, "=")
	code, unit, cut := strings.Cut(what, ":")
	n, m, slash := strings.Cut(numbers, "/")
	num, bad := strconv.ParseInt(n, 10, 64)
	den, worse := strconv.ParseInt(m, 10, 64)
	tally, known := unitTally(r, unit)
	if !ok || !cut || !slash || bad != nil || worse != nil || num < 0 || den < 1 || !known {
		return nil, problemf("problem_supervise_adjust", text)
	}
	return []adjustedJSON{adjust(unit, supervision.Figure{Code: code, Numerator: num, Denominator: den}, tally)}, nil
}

func adjust(unit string, figure supervision.Figure, tally supervision.Tally) adjustedJSON {
	a := supervision.Adjust(figure, tally.Truth())
	one := adjustedJSON{
		Code: figure.Code, Unit: unit, Numerator: figure.Numerator, Denominator: figure.Denominator,
		Reported: float64(figure.Numerator) / float64(figure.Denominator), Low: a.Low, High: a.High,
	}
	if a.OK {
		one.Adjusted = &a.Value
	}
	return one
}

// counted adjusts an indicator of the days that the round is about: of all of them first, then of each unit of the
// results that has anybody who could count. Units that are groups of people have no figure of their own.
func (f superviseResults) counted(c *call, o *office.Office, county office.ServingCounty, code string, r *officev1.GetResultsResponse) ([]adjustedJSON, error) {
	one, known := indicators.Lookup(indicators.Code(code))
	if !known || one.Unit != indicators.Percent || one.Derived != indicators.Counted {
		return nil, problemf("problem_supervise_adjust_code", code)
	}
	period, divisions, err := f.window(c, o, county)
	if err != nil {
		return nil, err
	}
	q := &officev1.AssessmentQuery{
		Window: wireWindow(period), Divisions: divisions, Codes: []string{code}, Level: officev1.AssessedLevel_ASSESSED_LEVEL_COUNTY, Live: true,
	}
	all, err := c.figuresOf(o, q, period)
	if err != nil {
		return nil, err
	}
	var out []adjustedJSON
	for _, one := range all {
		if figure := figureOf(one); figure.Denominator > 0 {
			out = append(out, adjust("*", figure, tallyOf(r.GetTotal())))
		}
	}
	if len(out) == 0 {
		return nil, problemf("problem_supervise_adjust_empty", code)
	}
	level, ok := officev1.AssessedLevel_value["ASSESSED_LEVEL_"+strings.ToUpper(f.By)]
	if !ok {
		return out, nil
	}
	q.Level = officev1.AssessedLevel(level)
	units, err := c.figuresOf(o, q, period)
	if err != nil {
		return nil, err
	}
	for _, u := range r.GetUnits() {
		for _, one := range units {
			if figure := figureOf(one); u.GetUnit() == one.GetDivision()+one.GetDoctor() && figure.Denominator > 0 {
				out = append(out, adjust(u.GetUnit(), figure, tallyOf(u.GetTally())))
			}
		}
	}
	return out, nil
}

// window returns the days that the round is about, and where.
func (f superviseResults) window(c *call, o *office.Office, county office.ServingCounty) (indicators.Period, []string, error) {
	rounds, err := o.Rounds(c.ctx)
	if err != nil {
		return indicators.Period{}, nil, err
	}
	for _, one := range rounds {
		if !bytes.Equal(one.GetRoundId(), f.id(county)) {
			continue
		}
		plan := one.GetRound().GetPlan()
		divisions := plan.GetDivisions()
		if f.Division != "" {
			divisions = []string{f.Division}
		}
		return indicators.Period{From: care.Date(plan.GetFromOn()), To: care.Date(plan.GetToOn())}, divisions, nil
	}
	return indicators.Period{}, nil, problemf("supervise_problem_no_round")
}

func (c *call) figuresOf(o *office.Office, q *officev1.AssessmentQuery, p indicators.Period) (all []*officev1.Figure, err error) {
	err = c.asking("report_counting", p, func(progress office.Progress) (err error) {
		all, _, err = o.Figures(c.ctx, q, progress)
		return err
	})
	return all, err
}

func figureOf(f *officev1.Figure) supervision.Figure {
	return supervision.Figure{Code: f.GetCode(), Numerator: f.GetNumerator(), Denominator: f.GetDenominator()}
}

// unitTally returns the tally of a unit; * is all.
func unitTally(r *officev1.GetResultsResponse, unit string) (supervision.Tally, bool) {
	if unit == "*" {
		return tallyOf(r.GetTotal()), true
	}
	for _, u := range r.GetUnits() {
		if u.GetUnit() == unit {
			return tallyOf(u.GetTally()), true
		}
	}
	return supervision.Tally{}, false
}

func (f superviseResults) tellAdjusted(c *call, all []adjustedJSON) error {
	if len(all) == 0 {
		return nil
	}
	table := terminal.Table{
		Head: []string{
			c.say("supervise_head_indicator"), c.say("supervise_head_unit"), c.say("supervise_head_counted"), c.say("supervise_head_reported"),
			c.say("supervise_head_adjusted"), c.say("supervise_head_interval"),
		},
		Right: []bool{false, false, true, true, true, true},
	}
	for _, a := range all {
		unit := c.say("supervise_everywhere")
		if a.Unit != "*" {
			unit = f.unitName(c, a.Unit)
		}
		value, interval := "-", c.say("supervise_no_truth")
		if a.Adjusted != nil {
			value, interval = fmt.Sprintf("%.2f %%", 100**a.Adjusted), fmt.Sprintf("%.2f-%.2f", 100*a.Low, 100*a.High)
		}
		table.Add(a.Code, unit, fmt.Sprintf("%d / %d", a.Numerator, a.Denominator), fmt.Sprintf("%.2f %%", 100*a.Reported), value, interval)
	}
	return table.Write(c.Stdout)
}
