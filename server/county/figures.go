// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/server/tasks"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// figures returns what counts tasks; nil: nothing does.
func (c *County) figures() tasks.Figures {
	a, err := c.Assessment()
	if err != nil {
		return nil
	}
	return figures{a, record.Division(c.Code), care.DateOf(c.means.Clock())}
}

// figures asks the assessment what tasks want to know.
type figures struct {
	of     *assessment.Assessment
	county record.Division
	today  care.Date
}

// Done returns the numerators of an indicator by unit: what divisions and doctors have; of a doctor
// with people in several villages, and of those whom nobody is in charge of, village by village.
func (f figures) Done(ctx context.Context, code string, from, to, asOf care.Date, units []quota.Unit) (map[quota.Unit]int64, bool, error) {
	if _, ok := indicators.Lookup(indicators.Code(code)); !ok {
		return nil, false, nil
	}
	out := map[quota.Unit]int64{}
	if asOf = min(asOf, to, f.today); asOf < from {
		return out, true, nil // the season has not begun
	}
	levels := map[quota.Level]assessment.Level{
		quota.LevelCounty: assessment.County, quota.LevelTownship: assessment.Township, quota.LevelVillage: assessment.Village, quota.LevelDoctor: assessment.Doctor,
	}
	ask := func(level quota.Level, within record.Division) (map[assessment.Unit]int64, error) {
		q := assessment.Query{
			Period: indicators.Period{From: from, To: to}, AsOf: asOf, Divisions: []record.Division{within}, Level: levels[level],
			Codes: []indicators.Code{indicators.Code(code)}, Live: true, Sensitive: true,
		}
		r, err := f.of.Figures(ctx, q, func(int, int) {})
		if err != nil {
			return nil, err
		}
		by := map[assessment.Unit]int64{}
		for _, one := range r.Figures {
			by[one.Unit] += one.Numerator
		}
		return by, nil
	}
	villages := map[string]int{}
	for _, u := range units {
		if u.Level() == quota.LevelDoctor {
			villages[u.Doctor]++
		}
	}
	known := map[quota.Level]map[assessment.Unit]int64{}
	for _, u := range units {
		level := u.Level()
		if level == quota.LevelDoctor && (villages[u.Doctor] > 1 || u.Nobody) {
			by, err := ask(level, u.Division)
			if err != nil {
				return nil, false, err
			}
			out[u] = by[assessment.Unit{Doctor: u.Doctor}]
			continue
		}
		if known[level] == nil {
			by, err := ask(level, f.county)
			if err != nil {
				return nil, false, err
			}
			known[level] = by
		}
		out[u] = known[level][unitIn(u)]
	}
	return out, true, nil
}

// unitIn names a unit as the assessment does.
func unitIn(u quota.Unit) assessment.Unit {
	if u.Level() == quota.LevelDoctor {
		return assessment.Unit{Doctor: u.Doctor}
	}
	if d, err := care.ParseDivision(string(u.Division)); err == nil {
		return assessment.Unit{Division: d}
	}
	return assessment.Unit{Division: u.Division}
}
