// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/transport"
)

// reportCommands say how far the county is.
type reportCommands struct {
	Indicators reportIndicators `cmd:"" help:"help_report_indicators"`
	People     reportPeople     `cmd:"" help:"help_report_people"`
	Score      reportScore      `cmd:"" help:"help_report_score"`
	Adjust     reportAdjust     `cmd:"" help:"help_report_adjust"`
	Freeze     reportFreeze     `cmd:"" help:"help_report_freeze"`
	Freezes    reportFreezes    `cmd:"" help:"help_report_freezes"`
	Compare    reportCompare    `cmd:"" help:"help_report_compare"`
	Late       reportLate       `cmd:"" help:"help_report_late"`
	Verify     reportVerify     `cmd:"" help:"help_report_verify"`
	Workpoints reportWork       `cmd:"" help:"help_report_workpoints"`
	Page       reportPage       `cmd:"" help:"help_report_page"`
}

// periodFlag says which period; empty: this year.
type periodFlag struct {
	Period string `help:"help_report_period" placeholder:"2026H1"`
}

func (f periodFlag) read(c *call) (indicators.Period, error) {
	if f.Period == "" {
		return indicators.Year(care.DateOf(c.Clock()).Year()), nil
	}
	p, err := indicators.ParsePeriod(f.Period)
	if err != nil {
		return p, problemf("problem_report_period", f.Period)
	}
	return p, nil
}

func wireWindow(p indicators.Period) *officev1.Window {
	return &officev1.Window{From: int32(p.From), To: int32(p.To)}
}

// reportFlags select figures.
type reportFlags struct {
	officeFlags
	periodFlag
	Division   []string `help:"help_report_division" placeholder:"CODE"`
	Level      string   `help:"help_report_level" enum:"county,township,village,doctor," default:"" placeholder:"county|township|village|doctor"`
	AsOf       string   `help:"help_report_as_of" placeholder:"DATE"`
	ReceivedBy string   `help:"help_report_received_by" placeholder:"DATE"`
	Live       bool     `help:"help_report_live"`
	Json       bool     `help:"help_json"`
}

// query returns the question; level is the one where nobody says.
func (f reportFlags) query(c *call, level string, codes ...string) (*officev1.AssessmentQuery, indicators.Period, error) {
	p, err := f.read(c)
	if err != nil {
		return nil, p, err
	}
	if f.Level != "" {
		level = f.Level
	}
	q := &officev1.AssessmentQuery{
		Window: wireWindow(p), Divisions: f.Division, Codes: codes, Live: f.Live,
		Level: officev1.AssessedLevel(officev1.AssessedLevel_value["ASSESSED_LEVEL_"+strings.ToUpper(level)]),
	}
	for _, one := range []struct {
		text string
		into *int32
	}{{f.AsOf, &q.AsOf}, {f.ReceivedBy, &q.ReceivedBy}} {
		if one.text == "" {
			continue
		}
		day, err := care.ParseDate(one.text)
		if err != nil {
			return nil, p, problemf("problem_findings_since", one.text)
		}
		*one.into = int32(day)
	}
	return q, p, nil
}

// asking shows a bar while the server works, and says its problems in the reader's language.
func (c *call) asking(key string, p indicators.Period, do func(office.Progress) error) error {
	bar := c.screen().Begin(c.say(key), 0)
	err := do(func(done, total uint64) { bar.Set(int(done), int(total)) })
	bar.End("")
	return reportProblem(err, p)
}

// reportProblem turns a problem that the server names into one that stands in the catalogue.
func reportProblem(err error, p indicators.Period) error {
	r, ok := transport.RefusalOf(err)
	if !ok {
		return err
	}
	code, text, ok := strings.Cut(r.Text, ": ")
	if !ok {
		return err
	}
	switch code {
	case "not_begun", "not_over", "frozen", "not_frozen", "window":
		return problemf("problem_report_"+code, p.String())
	case "busy":
		return problemf("problem_report_busy")
	case "as_of", "code", "unit", "people", "settings", "too_large", "period":
		return problemf("problem_report_"+code+"_text", text)
	}
	return err
}

// catalogue is what indicators are called.
type catalogue map[string]*officev1.Indicator

func catalogueOf(c *call, o *office.Office) (catalogue, error) {
	all, err := o.Indicators(c.ctx)
	out := catalogue{}
	for _, one := range all {
		out[one.GetCode()] = one
	}
	return out, err
}

// title is what an indicator is called in the reader's language.
func (k catalogue) title(c *call, code string) string {
	if c.words.Language() == words.Chinese {
		return k[code].GetNameZh()
	}
	return k[code].GetNameEn()
}

// value writes a value as people read it.
func (k catalogue) value(code string, v *int64) string {
	if v == nil {
		return "–"
	}
	n := *v
	switch k[code].GetUnit() {
	case officev1.IndicatorUnit_INDICATOR_UNIT_COUNT:
		return grouped(n / 100)
	case officev1.IndicatorUnit_INDICATOR_UNIT_FEN:
		return "¥" + hundredths(n/100)
	case officev1.IndicatorUnit_INDICATOR_UNIT_PERCENTAGE_POINTS:
		if n > 0 {
			return "+" + hundredths(n)
		}
		return hundredths(n)
	}
	return hundredths(n) + "%"
}

// hundredths writes 3582 as 35.82.
func hundredths(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// grouped writes 66693 as 66,693.
func grouped(n int64) string {
	text := fmt.Sprint(n)
	for at := len(text) - 3; at > 0 && text[at-1] != '-'; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// change writes how a value stands to the one of the year before: an arrow and the difference, in
// points of a rate, in percent of a number.
func (k catalogue) change(code string, f *officev1.Figure) string {
	if f.ValueX100 == nil || f.LastYearX100 == nil {
		return ""
	}
	now, then := f.GetValueX100(), f.GetLastYearX100()
	unit, difference := "pp", now-then
	if u := k[code].GetUnit(); u == officev1.IndicatorUnit_INDICATOR_UNIT_COUNT || u == officev1.IndicatorUnit_INDICATOR_UNIT_FEN {
		d, ok := indicators.Change(now, then)
		if !ok {
			return ""
		}
		unit, difference = "%", d
	}
	switch {
	case difference > 0:
		return "↑ " + hundredths(difference) + unit
	case difference < 0:
		return "↓ " + hundredths(-difference) + unit
	}
	return "="
}

const barCells = 10

// miniature draws a rate as a small bar.
func (k catalogue) miniature(code string, v *int64) string {
	if u := k[code].GetUnit(); v == nil || u == officev1.IndicatorUnit_INDICATOR_UNIT_COUNT || u == officev1.IndicatorUnit_INDICATOR_UNIT_FEN || u == officev1.IndicatorUnit_INDICATOR_UNIT_PERCENTAGE_POINTS {
		return ""
	}
	full := int(max(0, min(barCells, (*v*barCells+50_00)/100_00)))
	return strings.Repeat("█", full) + strings.Repeat("░", barCells-full)
}

// of writes a numerator and what it is of.
func (k catalogue) of(f *officev1.Figure) string {
	switch u := k[f.GetCode()].GetUnit(); {
	case u == officev1.IndicatorUnit_INDICATOR_UNIT_COUNT || u == officev1.IndicatorUnit_INDICATOR_UNIT_FEN:
		if f.GetAmount() != 0 && f.GetNumerator() != 0 && f.GetAmount() != f.GetNumerator() {
			return grouped(f.GetNumerator()) + " · " + grouped(f.GetAmount())
		}
		return ""
	case f.GetByStatistic():
		return grouped(f.GetNumerator()) + " / " + grouped(f.GetStatisticX1000()/1000)
	}
	return grouped(f.GetNumerator()) + " / " + grouped(f.GetDenominator())
}

// unitName is what a unit is called: its name with its code.
func unitName(c *call, units map[string]string, division, doctor string) string {
	name := units[division+" "+doctor]
	switch {
	case doctor != "":
		return strings.TrimSpace(name + " " + doctor)
	case division == "":
		return c.say("report_nowhere")
	}
	return strings.TrimSpace(division + " " + name)
}

func unitsOf(r *officev1.FiguresReport) map[string]string {
	out := map[string]string{}
	for _, u := range r.GetUnits() {
		out[u.GetDivision()+" "+u.GetDoctor()] = u.GetName()
	}
	return out
}

// restsOn says what figures rest on and how complete they are.
func (c *call) restsOn(p indicators.Period, r *officev1.FiguresReport) {
	b, w := r.GetBasis(), r.GetCompleteness()
	if len(b.GetFreeze()) > 0 {
		c.line("report_frozen", p.String(), minute(time.UnixMilli(b.GetFrozenAtMs())), b.GetPosition())
	} else {
		c.line("report_counted", p.String(), care.Date(b.GetAsOf()).String(), b.GetPosition(), care.Date(b.GetCountedOn()).String())
	}
	c.line("report_complete", hundredthsOf(w.GetCoversPermille()), w.GetHeard(), w.GetTablets(), w.GetOldestSyncDays())
	if w.GetHeldSaves() > 0 {
		c.line("report_held", w.GetHeldSaves())
	}
	if w.GetBehind() > 0 {
		c.line("report_behind", w.GetBehind())
	}
}

func hundredthsOf(permille uint32) string { return fmt.Sprintf("%d.%d", permille/10, permille%10) }
