// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"context"
	"slices"

	"github.com/xunzhen/xunzhen/care/indicators"
)

// DoctorWork is what one doctor did. Points are in hundredths.
type DoctorWork struct {
	Doctor string
	Name   string
	Items  []WorkDone // in the order of the specification; what was not done is left out
	Points int64
}

// WorkDone is how often one thing was done, and what that is worth.
type WorkDone struct {
	Item   indicators.WorkItem
	Times  int64
	Points int64
}

// WorkPoints returns what each doctor did in a period for people under the query's prefixes, in
// order of doctor. Level and codes do not count.
func (a *Assessment) WorkPoints(ctx context.Context, q Query, progress Progress) (out []DoctorWork, b Basis, err error) {
	if q, err = q.check(a.today()); err != nil {
		return nil, b, err
	}
	err = a.count(ctx, func(c *counting) error {
		w := on(q.Period, c.asOf(q))
		ask := w.question()
		ask.ReceivedBy = q.ReceivedBy
		e := indicators.NewEvaluator(ask, c.book.settings)
		times := map[string]map[indicators.WorkItem]int64{}
		var work []indicators.Work
		err := c.walk(ctx, sqlAllFacts, progress, func(_ factsRow, f *indicators.Facts) error {
			work = e.Work(work[:0], f)
			for _, one := range work {
				if !within(one.Division, q.Divisions) {
					continue
				}
				if times[one.Doctor] == nil {
					times[one.Doctor] = map[indicators.WorkItem]int64{}
				}
				times[one.Doctor][one.Item] += one.Times
			}
			return nil
		})
		if err != nil {
			return err
		}
		n, err := c.names()
		b = c.basis(w.last)
		out = doctorsWork(times, n, c.book.settings)
		return err
	})
	return out, b, err
}

func doctorsWork(times map[string]map[indicators.WorkItem]int64, n names, s indicators.Settings) (out []DoctorWork) {
	for doctor, items := range times {
		d := DoctorWork{Doctor: doctor, Name: n.staff[doctor]}
		for _, item := range indicators.WorkItems() {
			if t := items[item]; t > 0 {
				d.Items = append(d.Items, WorkDone{item, t, s.Points(item, t)})
				d.Points += s.Points(item, t)
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b DoctorWork) int { return cmp.Compare(a.Doctor, b.Doctor) })
	return out
}
