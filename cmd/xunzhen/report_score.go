// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// reportScore prints the score sheets.
type reportScore struct {
	reportFlags
	Lines bool `help:"help_report_lines"`
}

// Run prints them.
func (f reportScore) Run(c *call) error {
	q, p, err := f.query(c, "township")
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		k, err := catalogueOf(c, o)
		if err != nil {
			return err
		}
		var all []*officev1.UnitScore
		var r *officev1.FiguresReport
		err = c.asking("report_counting", p, func(progress office.Progress) (err error) {
			all, r, err = o.Scores(c.ctx, q, progress)
			return err
		})
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(map[string]any{"period": p.String(), "scores": all})
		}
		if err := f.tell(c, k, all); err != nil {
			return err
		}
		c.restsOn(p, r)
		return nil
	})
}

func (f reportScore) tell(c *call, k catalogue, all []*officev1.UnitScore) error {
	t := reportTable{Table: terminal.Table{
		Head: []string{"#", c.say("report_head_unit"), "", c.say("report_head_points"), c.say("report_head_full"), c.say("report_head_lost")}, Right: []bool{true, false, false, true, true, true},
	}}
	scored := false
	for _, s := range all {
		scored = scored || len(s.GetLines()) > 0
		share := int64(0)
		if s.GetFullX100() > 0 {
			share = max(s.GetTotalX100(), 0) * 100_00 / s.GetFullX100()
		}
		t.Add(s.GetRank(), strings.TrimSpace(s.GetDivision()+" "+s.GetName()), catalogue{}.miniature("", &share), hundredths(s.GetTotalX100()), hundredths(s.GetFullX100()),
			hundredths(s.GetFullX100()-s.GetTotalX100()))
	}
	if !scored {
		c.line("report_no_targets")
		return nil
	}
	if err := t.tell(c); err != nil {
		return err
	}
	if !f.Lines && len(all) > 1 {
		c.line("report_lines_hint")
		return nil
	}
	for _, s := range all {
		if err := tellSheet(c, k, s); err != nil {
			return err
		}
	}
	return nil
}

// tellSheet prints the lines of one unit.
func tellSheet(c *call, k catalogue, s *officev1.UnitScore) error {
	c.line("report_sheet", s.GetRank(), strings.TrimSpace(s.GetDivision()+" "+s.GetName()), hundredths(s.GetTotalX100()), hundredths(s.GetFullX100()))
	t := reportTable{Table: terminal.Table{
		Columns: c.tableColumns(),
		Head: []string{
			c.say("report_head_code"), c.say("report_head_indicator"), c.say("report_head_target"), c.say("report_head_value"), c.say("report_head_points"), c.say("report_head_lost"),
			c.say("report_head_owner"), c.say("report_head_lost_by"),
		}, Right: []bool{false, false, true, true, true, true},
	}}
	for _, l := range s.GetLines() {
		points := "–"
		if l.PointsX100 != nil {
			points = hundredths(l.GetPointsX100()) + " / " + hundredths(l.GetFullX100())
		}
		name, value, target := l.GetTitle(), "–", ""
		if l.GetCode() != "" {
			name, value, target = k.title(c, l.GetCode()), k.value(l.GetCode(), l.ValueX100), k.value(l.GetCode(), l.TargetX100)
		}
		if l.GetAlgorithm() == "attach" {
			value, target = "", ""
		}
		t.Add(l.GetCode(), name, target, value, points, hundredths(l.GetLostX100()), l.GetOwner(), whyLost(c, k, l))
	}
	return t.Write(c.Stdout)
}

// whyLost says which parts of the unit lost the points, or what points by hand rest on.
func whyLost(c *call, k catalogue, l *officev1.ScoreLine) string {
	if l.GetMissing() != "" {
		return c.say("report_missing_" + l.GetMissing())
	}
	if l.GetEvidence() != "" {
		return l.GetEvidence()
	}
	var parts []string
	for _, by := range l.GetLostBy() {
		name := by.GetName()
		if name == "" {
			name = by.GetDivision()
		}
		text := name + " " + k.value(l.GetCode(), by.ValueX100)
		if by.GetMissing() > 0 {
			text += " (-" + grouped(by.GetMissing()) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// reportAdjust saves points by hand.
type reportAdjust struct {
	officeFlags
	periodFlag
	Division  string `help:"help_adjust_division" required:"" placeholder:"CODE"`
	Indicator string `help:"help_adjust_indicator" placeholder:"CODE"`
	Title     string `help:"help_adjust_title" required:"" placeholder:"TEXT"`
	Points    string `help:"help_adjust_points" required:"" placeholder:"N.NN"`
	Evidence  string `help:"help_adjust_evidence" required:"" placeholder:"TEXT"`
	Author    string `help:"help_release_author" required:"" placeholder:"ID"`
}

// Run saves them: a new record, or in place of what the same reason gave before.
func (f reportAdjust) Run(c *call) error {
	p, err := f.read(c)
	if err != nil {
		return err
	}
	points, err := strconv.ParseFloat(f.Points, 64)
	if err != nil || points < -1000 || points > 1000 {
		return problemf("problem_adjust_points", f.Points)
	}
	d, err := care.ParseDivision(f.Division)
	if err != nil {
		return problemf("problem_findings_division", f.Division)
	}
	x100 := int32(math.Round(points * 100))
	form := &carev1.ScoreAdjustment{
		Window: &carev1.FreezeWindow{StartsOn: int32(p.From), EndsOn: int32(p.To)}, DivisionCode: string(care.FullCode(d)), IndicatorCode: strings.ToUpper(f.Indicator),
		Title: f.Title, Points: &carev1.AdjustedPoints{PointsX100: &x100, Evidence: f.Evidence, DecidedById: f.Author, DecidedOn: int32(care.DateOf(c.Clock()))},
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		id := assessment.AdjustmentID(form)
		if err := c.settle(o, id, f.Author, form, care.FullCode(d)); err != nil {
			return err
		}
		c.line("report_adjusted", hundredths(int64(x100)), string(d), p.String(), f.Title)
		return nil
	})
}

// settle saves a form under an id that is derived from what it is about: a new record in a
// scope, or what is another than the record says, and nothing where it says the same.
func (c *call) settle(o *office.Office, id record.ID, author string, form proto.Message, scope record.Division) error {
	shown, err := registersIfThere(c, o, id)
	if err != nil {
		return err
	}
	changes, err := care.Diff(id.Kind(), shown, form)
	if err != nil {
		return err
	}
	if len(shown) == 0 {
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(scope))})
	}
	if len(changes) == 0 {
		return nil
	}
	_, err = o.Save(c.ctx, id, author, changes)
	return err
}
