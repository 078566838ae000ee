// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"slices"

	"cel.dev/cel-go/cel"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A DueItem is something that is due for a person.
type DueItem struct {
	RuleID             string
	Kind               record.Kind // the kind of record that fulfils it
	Subject            record.ID
	On                 care.Date
	Overdue            bool // the days of grace are over
	ReasonZH, ReasonEN string
}

type dueRule struct {
	row                   *carev1.DueRule
	kind                  record.Kind
	when, on, grace, show expression
	message               message
}

// dueRow compiles a row. Days of grace and days ahead default to none and always.
func (c *compiler) dueRow(row *carev1.DueRule) {
	k := c.kindNamed(row, row.GetKind())
	if k == nil {
		return
	}
	one := &dueRule{
		row: row, kind: k.kind,
		when:    c.expression(nil, row, "when", row.GetWhen(), cel.BoolType),
		on:      c.expression(nil, row, "due_on", row.GetDueOn(), cel.IntType),
		grace:   c.expression(nil, row, "grace_days", cmp.Or(row.GetGraceDays(), "0"), cel.IntType),
		show:    c.expression(nil, row, "ahead_days", cmp.Or(row.GetAheadDays(), "4000000"), cel.IntType),
		message: c.message(nil, row, row.GetValues()),
	}
	if !row.GetOff() {
		c.pack.due = append(c.pack.due, one)
	}
}

// Due returns what is due for a person as seen on asOf, the earliest first, in the
// order of the pack for one day. Faults are findings about rows that could not be
// evaluated.
func (p *Pack) Due(person *Person, asOf care.Date) (items []DueItem, faults []*carev1.Finding) {
	s := p.visit(person, asOf).scopeOfPerson()
	for _, r := range p.due {
		item, ok, err := s.isDue(r)
		switch {
		case err != nil:
			faults = append(faults, s.fault(r.row.GetId()))
		case ok:
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, func(a, b DueItem) int { return cmp.Compare(a.On, b.On) })
	return items, faults
}

func (s *scope) isDue(r *dueRule) (DueItem, bool, error) {
	if ok, err := s.holds(r.when); err != nil || !ok {
		return DueItem{}, false, err
	}
	var n [3]int64
	for i, e := range []expression{r.on, r.grace, r.show} {
		var err error
		if n[i], err = s.number(e); err != nil {
			return DueItem{}, false, err
		}
	}
	left := dayNumber(n[0]) - dayNumber(int64(s.asOf))
	if left > n[2] {
		return DueItem{}, false, nil
	}
	zh, en, err := r.message.words(s)
	item := DueItem{r.row.GetId(), r.kind, s.visit.person.id, care.Date(dateAt(dayNumber(n[0]))), -left > n[1], zh, en}
	return item, true, err
}
