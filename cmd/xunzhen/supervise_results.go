// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// superviseResults sums a round.
type superviseResults struct {
	roundFlags
	By       string   `help:"help_supervise_by" enum:"township,village,doctor,group" default:"township" placeholder:"township|village|doctor|group"`
	Division string   `help:"help_supervise_sheets_division" placeholder:"CODE"`
	Adjust   []string `help:"help_supervise_adjust" placeholder:"CODE"`
	Json     bool     `help:"help_json"`
}

// resultJSON is a unit's results for programs. A rate without anybody is null.
type resultJSON struct {
	Unit         string    `json:"unit"`
	Place        uint32    `json:"place"`
	Drawn        uint32    `json:"drawn"`
	Tried        uint32    `json:"tried"`
	Reached      uint32    `json:"reached"`
	Refused      uint32    `json:"refused"`
	NotReached   uint32    `json:"not_reached"`
	WrongAddress uint32    `json:"wrong_address"`
	True         uint32    `json:"true"`
	Untrue       uint32    `json:"untrue"`
	Undecided    uint32    `json:"undecided"`
	Standard     uint32    `json:"standard"`
	NotStandard  uint32    `json:"not_standard"`
	Truth        *rateJSON `json:"truth_rate"`
	UpToStandard *rateJSON `json:"standard_rate"`
	Contact      *rateJSON `json:"contact_rate"`
	Faults       uint32    `json:"faults"`
	OpenFaults   uint32    `json:"open_faults"`
}

type rateJSON struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Among int     `json:"among"`
	Few   bool    `json:"few"` // too few for a ranking
}

type resultsJSON struct {
	Total          resultJSON     `json:"total"`
	Units          []resultJSON   `json:"units"`
	ContactPercent int32          `json:"contact_percent"`
	Adjusted       []adjustedJSON `json:"adjusted,omitempty"`
}

type adjustedJSON struct {
	Code        string   `json:"code"`
	Unit        string   `json:"unit"` // * is all
	Numerator   int64    `json:"numerator"`
	Denominator int64    `json:"denominator"`
	Reported    float64  `json:"reported"`
	Adjusted    *float64 `json:"adjusted"` // null: no truth rate
	Low         float64  `json:"low"`
	High        float64  `json:"high"`
}

// Run prints the bulletin: units by rank, who was lost and why, faults.
func (f superviseResults) Run(c *call) error {
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		level := officev1.ResultLevel(officev1.ResultLevel_value["RESULT_LEVEL_"+strings.ToUpper(f.By)])
		r, err := o.Results(c.ctx, &officev1.GetResultsRequest{RoundId: f.id(county), Level: level, Division: f.Division})
		if err != nil {
			return err
		}
		out := resultsJSON{Total: resultOf(&officev1.UnitResult{Tally: r.GetTotal()}), ContactPercent: r.GetContactPercent()}
		for _, u := range r.GetUnits() {
			out.Units = append(out.Units, resultOf(u))
		}
		if out.Adjusted, err = f.adjusted(c, o, county, r); err != nil {
			return err
		}
		if f.Json {
			return c.json(out)
		}
		return f.tell(c, out)
	})
}

func tallyOf(t *officev1.CheckTally) supervision.Tally {
	return supervision.Tally{
		Drawn: int(t.GetDrawn()), Tried: int(t.GetTried()), Reached: int(t.GetReached()), True: int(t.GetVerifiedTrue()), Untrue: int(t.GetVerifiedUntrue()),
		Standard: int(t.GetStandard()), NotStandard: int(t.GetNotStandard()),
	}
}

func resultOf(u *officev1.UnitResult) resultJSON {
	t, sum := u.GetTally(), tallyOf(u.GetTally())
	return resultJSON{
		u.GetUnit(), u.GetPlace(), t.GetDrawn(), t.GetTried(), t.GetReached(), t.GetRefused(), t.GetNotReached(), t.GetWrongAddress(), t.GetVerifiedTrue(),
		t.GetVerifiedUntrue(), t.GetUndecided(), t.GetStandard(), t.GetNotStandard(), rateOf(sum.Truth()), rateOf(sum.UpToStandard()), rateOf(sum.Contact()),
		u.GetFaults(), u.GetOpenFaults(),
	}
}

func rateOf(r supervision.Rate) *rateJSON {
	v, ok := r.Value()
	if !ok {
		return nil
	}
	return &rateJSON{v, r.Low, r.High, r.Among, r.Few()}
}

func (f superviseResults) tell(c *call, r resultsJSON) error {
	t := r.Total
	c.line("supervise_total", t.Drawn, t.Tried, t.Reached)
	c.line("supervise_lost", t.Refused+t.NotReached+t.WrongAddress, t.Refused, t.NotReached, t.WrongAddress)
	c.line("supervise_rates", c.rate(t.Truth), c.rate(t.UpToStandard), c.rate(t.Contact))
	if t.Drawn > 0 && uint32(r.ContactPercent)*t.Drawn > 100*t.Tried {
		c.line("supervise_contact_short", r.ContactPercent)
	}
	if len(r.Units) == 0 {
		return nil
	}
	table := terminal.Table{
		Head:  []string{c.say("supervise_head_place"), c.say("supervise_head_unit"), c.say("supervise_head_drawn"), c.say("supervise_head_lost"), c.say("supervise_head_truth"), c.say("supervise_head_standard"), c.say("supervise_head_contact"), c.say("supervise_head_faults")},
		Right: []bool{true, false, true, true},
	}
	for _, u := range r.Units {
		place := "-"
		if u.Place > 0 {
			place = strconv.Itoa(int(u.Place))
		}
		table.Add(place, f.unitName(c, u.Unit), u.Drawn, u.Refused+u.NotReached+u.WrongAddress, c.rate(u.Truth), c.rate(u.UpToStandard), c.rate(u.Contact),
			c.say("supervise_faults", u.OpenFaults, u.Faults))
	}
	if err := table.Write(c.Stdout); err != nil {
		return err
	}
	c.line("supervise_intervals")
	return f.tellAdjusted(c, r.Adjusted)
}

func (f superviseResults) unitName(c *call, unit string) string {
	if n, err := strconv.Atoi(unit); f.By == "group" && err == nil {
		return c.groupName(carev1.SupervisionGroup(n))
	}
	if unit == "" {
		return c.say("supervise_nobody")
	}
	return unit
}

// rate is a share as people read it, with its interval; few are said.
func (c *call) rate(r *rateJSON) string {
	if r == nil {
		return "-"
	}
	text := fmt.Sprintf("%.1f %% (%.0f-%.0f)", 100*r.Value, 100*r.Low, 100*r.High)
	if r.Few {
		text += " " + c.say("supervise_few", r.Among)
	}
	return text
}
