// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// monthKey is one line of the monthly report.
type monthKey struct {
	division record.Division
	month    string
	disease  int // of export.Diseases
}

// report is a monthly report that is being counted.
type report struct {
	*job
	months []indicators.Period
	lines  map[monthKey]*export.MonthLine
}

// fillMonthly counts residents of the three diseases at the end of each month, and puts beside
// them what organisations reported.
func fillMonthly(ctx context.Context, j *job) error {
	sheet := export.Monthly()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	months, ok := export.Months(j.q.Period)
	if !ok {
		return ErrMonths
	}
	r := report{job: j, lines: map[monthKey]*export.MonthLine{}}
	for _, m := range months {
		if m.From <= j.question.AsOf {
			r.months = append(r.months, m)
		}
	}
	if err := r.people(ctx); err != nil {
		return err
	}
	if err := r.reported(ctx); err != nil {
		return err
	}
	for k, l := range r.lines {
		if err := rows.add(l.Month+"\x00"+l.Unit.Order()+string(rune('a'+k.disease)), sheet.Row(j.q.View, *l)); err != nil {
			return err
		}
	}
	return nil
}

// line returns the line of a unit, month and disease; with it the unit has lines of all three.
func (r report) line(unit export.UnitName, month string, disease int) *export.MonthLine {
	for i, d := range export.Diseases() {
		k := monthKey{unit.Division, month, i}
		if r.lines[k] == nil {
			r.lines[k] = &export.MonthLine{Unit: unit, Month: month, Disease: d.ZH, ReportedNew: -1, ReportedAtEnd: -1}
		}
	}
	return r.lines[monthKey{unit.Division, month, disease}]
}

func (r report) people(ctx context.Context) error {
	var groups []carev1.PopulationCode
	for _, d := range export.Diseases() {
		groups = append(groups, d.Group)
	}
	sel := selection{picks: func(c card) bool { return c.tagged(groups) }, kinds: r.populationKinds()}
	return r.job.people(ctx, sel, func(p *export.Person, at person) error {
		unit := r.unit([]record.Division{at.division})
		for _, m := range r.months {
			until := min(m.To, r.question.AsOf)
			for i, d := range export.Diseases() {
				isNew, atEnd := p.Monthly(d, m.From, until)
				if !isNew && !atEnd {
					continue
				}
				l := r.line(unit, m.String(), i)
				l.New += count(isNew)
				l.AtEnd += count(atEnd)
			}
		}
		return nil
	})
}

func count(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// reported adds what organisations reported: the unit's own number, else the sum of those below it.
func (r report) reported(ctx context.Context) error {
	type key struct {
		monthKey
		atEnd bool
	}
	own, below := map[key]int64{}, map[key]int64{}
	said := map[record.ID]*carev1.Statistic{}
	_, err := r.listed(ctx, r.q.Scope, []record.Kind{kindStatistic}, func(id record.ID, form any, _ syncengine.RecordRow) {
		delete(said, id)
		if s, ok := form.(*carev1.Statistic); ok && s.GetStatus() != carev1.FormStatus_FORM_STATUS_DRAFT && s.GetValue().GetValueX1000() >= 0 && s.GetValue() != nil && s.GetMonth() > 0 {
			said[id] = s
		}
	})
	if err != nil {
		return err
	}
	for _, s := range said {
		disease, atEnd, ok := export.ReportedBy(s.GetCode())
		d, err := care.ParseDivision(s.GetDivisionCode())
		if !ok || err != nil || r.q.Division != "" && !d.Within(r.q.Division) {
			continue
		}
		if int(care.LevelOf(d)) < int(r.q.Level) {
			continue
		}
		unit := d[:r.q.Level]
		k := key{monthKey{unit, indicators.Month(int(s.GetYear()), int(s.GetMonth())).String(), disease}, atEnd}
		if d == unit {
			own[k] = max(own[k], s.GetValue().GetValueX1000()/1000+1) // 0 is no number
		} else {
			below[k] += s.GetValue().GetValueX1000() / 1000
		}
	}
	put := func(k key, n int64) {
		for _, m := range r.months {
			if m.String() != k.month {
				continue
			}
			l := r.line(export.UnitName{Division: k.division, Name: r.question.Names.Unit(k.division)}, k.month, k.disease)
			if k.atEnd {
				l.ReportedAtEnd = n
			} else {
				l.ReportedNew = n
			}
		}
	}
	for k, n := range below {
		put(k, n)
	}
	for k, n := range own {
		put(k, n-1)
	}
	return nil
}
