// SPDX-License-Identifier: Apache-2.0

package county

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/exports"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// exportsFolder is where files are made that leave the county; what is in it is of no use to anybody.
const exportsFolder = "exports.tmp"

// ErrNoExports says that no tables can be made in this county: it was opened without rules.
var ErrNoExports = errors.New("no tables are made here")

// Exports returns what makes the files that leave the county.
func (c *County) Exports() (*exports.Exports, error) {
	c.exporting.Do(func() {
		if c.means.Rules == nil {
			c.notExported = ErrNoExports
			return
		}
		cfg := exports.Config{
			Records: c.Engine, Cards: c.cards, History: c.Engine, County: c.Code, Pack: c.packInForce, Complete: c.complete, Dir: filepath.Join(c.Dir, exportsFolder), Clock: c.means.Clock,
		}
		if p, err := c.Projection(); err == nil {
			cfg.Persons = p
		}
		if f, err := c.Findings(); err == nil {
			cfg.Found = f
		}
		if c.counts != nil {
			cfg.Figures = counted{c}
		}
		c.exports, c.notExported = exports.New(cfg)
	})
	return c.exports, c.notExported
}

// packInForce returns the rule pack of the county, or that of the program where it has none.
func (c *County) packInForce(ctx context.Context) (exports.Pack, error) {
	rows, err := c.Engine.Rows(ctx, []record.ID{rules.RecordID(c.Code)})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err != nil || state.Life() == record.LifeVoided {
			continue
		}
		form, err := care.Message(care.KindRulePack, state.Registers())
		if err != nil {
			continue
		}
		if p, err := rules.LoadRecord(form.(*carev1.RulePack)); err == nil {
			return p, nil
		}
	}
	p, ok := c.means.Rules.(exports.Pack)
	if !ok {
		return nil, ErrNoExports
	}
	return p, nil
}

// complete says how much of what was saved in the field until a day has come, as the assessment does.
func (c *County) complete(ctx context.Context, last care.Date) (out exports.Completeness, err error) {
	devices, err := c.Engine.Devices(ctx)
	if err != nil {
		return out, err
	}
	t := assessment.TabletsAt(devices, last, c.means.Clock())
	out.Tablets, out.Heard, out.OldestDays = t.Tablets, t.Heard, t.OldestSyncDays
	held, err := c.HeldRecords(ctx)
	out.Held = int(held)
	return out, err
}

// HeldRecords returns how many records have a save that is held.
func (c *County) HeldRecords(ctx context.Context) (n uint64, err error) {
	q := syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive},
		Flags: syncengine.FlagHeld, Limit: 500, Bytes: 1 << 20,
	}
	for {
		rows, err := c.Engine.List(ctx, q)
		if err != nil {
			return n, err
		}
		n += uint64(len(rows))
		if !q.Full(rows) {
			return n, nil
		}
		q.After = rows[len(rows)-1].Position
	}
}

// counted gives exports the figures of the assessment.
type counted struct{ c *County }

func (f counted) query(q exports.FiguresQuery, codes []indicators.Code) assessment.Query {
	level := map[care.Level]assessment.Level{care.LevelCounty: assessment.County, care.LevelTownship: assessment.Township, care.LevelVillage: assessment.Village}[q.Level]
	return assessment.Query{Period: q.Period, Divisions: q.Divisions, Level: level, Codes: codes, Sensitive: q.Sensitive}
}

// Figures returns what the units of a level have reached in some indicators.
func (f counted) Figures(ctx context.Context, q exports.FiguresQuery, codes []indicators.Code) ([]exports.Figure, uint64, error) {
	a, err := f.c.Assessment()
	if err != nil {
		return nil, 0, err
	}
	r, err := a.Figures(ctx, f.query(q, codes), func(int, int) {})
	if err != nil {
		return nil, 0, err
	}
	var out []exports.Figure
	for _, one := range r.Figures {
		if len(one.Division) == int(q.Level) {
			out = append(out, exports.Figure{Code: one.Code, Division: one.Division, Numerator: one.Numerator, Denominator: one.Denominator})
		}
	}
	return out, r.Completeness.Behind, nil
}

// Scores returns the score sheets of the units of a level, without their names.
func (f counted) Scores(ctx context.Context, q exports.FiguresQuery) ([]export.ScoreLine, uint64, error) {
	a, err := f.c.Assessment()
	if err != nil {
		return nil, 0, err
	}
	sheets, r, err := a.Scores(ctx, f.query(q, nil), func(int, int) {})
	if err != nil {
		return nil, 0, err
	}
	type key struct {
		code indicators.Code
		unit assessment.Unit
	}
	figures := map[key]assessment.Figure{}
	for _, one := range r.Figures {
		figures[key{one.Code, one.Unit}] = one
	}
	var out []export.ScoreLine
	for _, s := range sheets {
		for _, l := range s.Lines {
			out = append(out, scoreLine(s.Unit, l, figures[key{l.Code, s.Unit}]))
		}
	}
	return out, r.Completeness.Behind, nil
}

func scoreLine(u assessment.Unit, l assessment.ScoreLine, f assessment.Figure) export.ScoreLine {
	one, _ := indicators.Lookup(l.Code)
	algorithm, _ := export.Label(l.Algorithm)
	out := export.ScoreLine{
		Unit: export.UnitName{Division: u.Division}, Code: l.Code, Indicator: cmp.Or(l.Title, one.ZH), Numerator: f.Numerator, Denominator: f.Denominator,
		ValueX100: l.Value.N, Valued: l.Value.OK, TargetX100: l.Target.N, Algorithm: algorithm, WeightX100: l.Full, PointsX100: l.Points.N,
		DeductionX100: l.Lost, Scored: l.Points.OK, Remark: l.Evidence,
	}
	switch one.Unit {
	case indicators.Percent:
		out.Unitary = "%"
	case indicators.PercentagePoints:
		out.Unitary = "百分点"
	}
	if f.ByStatistic {
		out.Denominator = f.StatisticX1000.N / 1000
	}
	switch l.Missing {
	case assessment.MissingValue:
		out.Remark = "无分母，无值"
	case assessment.MissingAdjustment:
		out.Remark = "待人工评定"
	}
	for i, by := range l.LostBy {
		if i == 0 {
			out.Remark += "失分单位："
		}
		out.Remark += fmt.Sprintf("%s（差 %d） ", by.Name, by.Missing)
	}
	return out
}
