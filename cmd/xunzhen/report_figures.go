// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// reportIndicators prints figures: of one unit all indicators, of one indicator all units.
type reportIndicators struct {
	reportFlags
	Codes []string `arg:"" optional:"" name:"code" help:"help_report_codes"`
	All   bool     `help:"help_report_all"`
}

// figureText is a figure for programs: numbers are whole, rates in hundredths of a percent.
type figureText struct {
	Code        string `json:"code"`
	Name        string `json:"name"`
	Division    string `json:"division,omitempty"`
	Doctor      string `json:"doctor,omitempty"`
	Unit        string `json:"unit,omitempty"`
	Numerator   int64  `json:"numerator"`
	Denominator int64  `json:"denominator"`
	Statistic   *int64 `json:"statistic_x1000"`
	Amount      int64  `json:"amount"`
	Value       *int64 `json:"value_x100"`
	Other       *int64 `json:"other_value_x100"`
	ByStatistic bool   `json:"by_statistic"`
	AboveAll    bool   `json:"above_all"`
	LastYear    *int64 `json:"last_year_x100"`
	Target      *int64 `json:"target_x100"`
	Meets       bool   `json:"meets"`
	Rank        uint32 `json:"rank,omitempty"`
}

// figuresText is a report for programs.
type figuresText struct {
	Period      string                   `json:"period"`
	AsOf        string                   `json:"as_of"`
	Position    uint64                   `json:"position"`
	Frozen      bool                     `json:"frozen"`
	Pack        string                   `json:"pack"`
	Complete    *officev1.Completeness   `json:"completeness"`
	Figures     []figureText             `json:"figures"`
	Spreads     []*officev1.Spread       `json:"spreads"`
	Attainments []*officev1.Attainment   `json:"attainments"`
	Units       []*officev1.AssessedUnit `json:"-"`
}

func figureTextOf(c *call, k catalogue, units map[string]string, f *officev1.Figure) figureText {
	return figureText{
		Code: f.GetCode(), Name: k.title(c, f.GetCode()), Division: f.GetDivision(), Doctor: f.GetDoctor(), Unit: units[f.GetDivision()+" "+f.GetDoctor()],
		Numerator: f.GetNumerator(), Denominator: f.GetDenominator(), Statistic: f.StatisticX1000, Amount: f.GetAmount(), Value: f.ValueX100,
		Other: f.OtherValueX100, ByStatistic: f.GetByStatistic(), AboveAll: f.GetAboveAll(), LastYear: f.LastYearX100, Target: f.TargetX100,
		Meets: f.GetMeets(), Rank: f.GetRank(),
	}
}

// Run prints them.
func (f reportIndicators) Run(c *call) error {
	level := "county"
	if len(f.Codes) > 0 {
		level = "township"
	}
	for i, code := range f.Codes {
		f.Codes[i] = strings.ToUpper(code)
	}
	q, p, err := f.query(c, level, f.Codes...)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		k, err := catalogueOf(c, o)
		if err != nil {
			return err
		}
		var all []*officev1.Figure
		var r *officev1.FiguresReport
		err = c.asking("report_counting", p, func(progress office.Progress) (err error) {
			all, r, err = o.Figures(c.ctx, q, progress)
			return err
		})
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(f.text(c, k, p, all, r))
		}
		return f.tell(c, k, p, all, r)
	})
}

func (f reportIndicators) text(c *call, k catalogue, p indicators.Period, all []*officev1.Figure, r *officev1.FiguresReport) figuresText {
	b, units := r.GetBasis(), unitsOf(r)
	out := figuresText{
		Period: p.String(), AsOf: care.Date(b.GetAsOf()).String(), Position: b.GetPosition(), Frozen: len(b.GetFreeze()) > 0,
		Pack: b.GetPackName() + " " + b.GetPackVersion(), Complete: r.GetCompleteness(), Figures: []figureText{},
		Spreads: r.GetSpreads(), Attainments: r.GetAttainments(),
	}
	for _, one := range all {
		out.Figures = append(out.Figures, figureTextOf(c, k, units, one))
	}
	return out
}

// tell prints one table for each indicator, or one of all indicators where there is one unit.
func (f reportIndicators) tell(c *call, k catalogue, p indicators.Period, all []*officev1.Figure, r *officev1.FiguresReport) error {
	units := unitsOf(r)
	if len(f.Codes) == 0 && len(units) <= 1 {
		if err := f.tellCounty(c, k, all); err != nil {
			return err
		}
	} else {
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].GetCode() == all[0].GetCode() {
				n++
			}
			if err := tellUnits(c, k, units, all[:n], r); err != nil {
				return err
			}
			all = all[n:]
		}
	}
	met, of := uint32(0), uint32(0)
	for _, a := range r.GetAttainments() {
		met, of = met+a.GetMet(), of+a.GetOf()
	}
	if of > 0 {
		c.line("report_attained", met, of)
	}
	c.restsOn(p, r)
	return nil
}

// tellCounty prints all indicators of one unit. Those that have nothing to say are left out.
func (f reportIndicators) tellCounty(c *call, k catalogue, all []*officev1.Figure) error {
	t := reportTable{Table: terminal.Table{
		Head:  []string{c.say("report_head_code"), c.say("report_head_indicator"), c.say("report_head_count"), "", c.say("report_head_value"), c.say("report_head_target"), c.say("report_head_change"), ""},
		Right: []bool{false, false, true, false, true, true, true, false},
	}}
	for _, one := range all {
		if !f.All && one.TargetX100 == nil && one.GetDenominator() == 0 && one.GetNumerator() == 0 && one.GetAmount() == 0 && one.StatisticX1000 == nil && one.GetLastYearX100() == 0 {
			continue
		}
		short := one.TargetX100 != nil && !one.GetMeets()
		t.add(short, one.GetCode(), k.title(c, one.GetCode()), k.of(one), k.miniature(one.GetCode(), one.ValueX100), k.value(one.GetCode(), one.ValueX100),
			targetText(k, one), k.change(one.GetCode(), one), remarkOf(c, k, one))
	}
	return t.tell(c)
}

// targetText writes a target with whether it is met.
func targetText(k catalogue, f *officev1.Figure) string {
	switch {
	case f.TargetX100 == nil:
		return ""
	case f.GetMeets():
		return k.value(f.GetCode(), f.TargetX100) + " ✓"
	}
	return k.value(f.GetCode(), f.TargetX100) + " ✗"
}

// remarkOf says what a reader should know of a figure: that it is more than all, what the other
// denominator would give.
func remarkOf(c *call, k catalogue, f *officev1.Figure) string {
	switch {
	case f.GetAboveAll():
		return c.say("report_above_all")
	case f.OtherValueX100 != nil && f.GetByStatistic():
		return c.say("report_other_live", k.value(f.GetCode(), f.OtherValueX100), grouped(f.GetDenominator()))
	case f.OtherValueX100 != nil:
		return c.say("report_other_entered", k.value(f.GetCode(), f.OtherValueX100))
	}
	return ""
}

// tellUnits prints one indicator of all units, the best first.
func tellUnits(c *call, k catalogue, units map[string]string, all []*officev1.Figure, r *officev1.FiguresReport) error {
	one := k[all[0].GetCode()]
	of := one.GetDenominatorEn()
	if c.words.Language() == words.Chinese {
		of = one.GetDenominatorZh()
	}
	c.line("report_indicator", one.GetCode(), k.title(c, one.GetCode()), of)
	t := reportTable{Table: terminal.Table{
		Head:  []string{"#", c.say("report_head_unit"), c.say("report_head_count"), "", c.say("report_head_value"), c.say("report_head_target"), c.say("report_head_change"), ""},
		Right: []bool{true, false, true, false, true, true, true, false},
	}}
	for _, f := range byRank(all) {
		rank := ""
		if f.GetRank() > 0 {
			rank = grouped(int64(f.GetRank()))
		}
		t.add(f.TargetX100 != nil && !f.GetMeets(), rank, unitName(c, units, f.GetDivision(), f.GetDoctor()), k.of(f), k.miniature(f.GetCode(), f.ValueX100),
			k.value(f.GetCode(), f.ValueX100), targetText(k, f), k.change(f.GetCode(), f), remarkOf(c, k, f))
	}
	if err := t.tell(c); err != nil {
		return err
	}
	for _, s := range r.GetSpreads() {
		if s.GetCode() == one.GetCode() {
			best, worst, median, deviation := s.GetBestX100(), s.GetWorstX100(), s.GetMedianX100(), s.GetDeviationX100()
			c.line("report_spread", k.value(s.GetCode(), &best), k.value(s.GetCode(), &worst), k.value(s.GetCode(), &median), k.value(s.GetCode(), &deviation))
		}
	}
	return nil
}
