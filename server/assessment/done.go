// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"cmp"
	"context"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Done is how much of an indicator is done by one doctor in one village.
type Done struct {
	Division record.Division // as records have it
	Doctor   string
	Done     int64
}

// villageDoctor is a level of its own: each doctor's people in each village.
const villageDoctor Level = Doctor + 1

// DoneBy returns what counts for an indicator by village and doctor, in that order, and whether it
// is counted at all. What is a number counts by its amount, if it has one.
func (a *Assessment) DoneBy(ctx context.Context, code indicators.Code, p indicators.Period, asOf care.Date) (out []Done, counted bool, err error) {
	one, ok := indicators.Lookup(code)
	if !ok || one.Derived != indicators.Counted {
		return nil, false, nil
	}
	q := Query{Period: p, AsOf: asOf, Divisions: []record.Division{""}, Level: villageDoctor, Codes: []indicators.Code{code}, Sensitive: true}
	if q, err = q.check(a.today()); err != nil {
		return nil, false, err
	}
	err = a.count(ctx, func(c *counting) error {
		all, _, err := c.sums(ctx, q, q.Codes, []window{on(p, c.asOf(q))}, func(int, int) {})
		if err != nil {
			return err
		}
		for at, t := range all[0] {
			n := t.Numerator
			if byAmount(one) {
				n = t.Amount
			}
			out = append(out, Done{at.unit.Division, at.unit.Doctor, n})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Done) int { return cmp.Or(cmp.Compare(a.Division, b.Division), cmp.Compare(a.Doctor, b.Doctor)) })
	return out, err == nil, err
}
