// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// DueAheadDays is how far ahead Due looks where nobody says until when.
const DueAheadDays = 30

// DueQuery selects what is due. The zero value selects everything up to DueAheadDays
// ahead.
type DueQuery struct {
	Until      string   // yyyy-mm-dd; "" for DueAheadDays from today
	Division   string   // only residents whose division begins with this code
	Kind       string   // only what a record of this kind fulfils
	ResidentID string   // only this resident
	Progress   Progress // told with the phase "due" how many residents were looked at
}

// Due is something that is due for a resident.
type Due struct {
	ResidentID string
	Name       string
	Division   string
	Kind       string // of the record that fulfils it
	RuleID     string
	On         string // yyyy-mm-dd: since when, or until when
	Days       int    // from today; negative: it is past
	Overdue    bool   // the days of grace are over
	ReasonZH   string
	ReasonEN   string
	on         care.Date
}

// DueList is what is due, overdue first, then by date.
type DueList struct {
	all       []*Due
	residents int
	later     int
	damaged   int
	beyond    int
}

// Len returns how many there are.
func (l *DueList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *DueList) At(i int) *Due { return l.all[i] }

// Residents returns how many residents were looked at.
func (l *DueList) Residents() int { return l.residents }

// Later returns how much is due after the day until which was asked.
func (l *DueList) Later() int { return l.later }

// Damaged returns of how many residents something cannot be read on this tablet: what is
// said to be due for them may be done.
func (l *DueList) Damaged() int { return l.damaged }

// Beyond returns of how many residents something is at the centre only, for want of room
// here: what is said to be due for them may be done.
func (l *DueList) Beyond() int { return l.beyond }

// Due returns what is due for the residents on this tablet. What was evaluated stays in
// memory while the tablet is unlocked; only who was saved since is looked at again. A
// context that ends ends it. Reasons: date, division, unknown_kind, id, locked, stopped.
func (t *Tablet) Due(ctx context.Context, q *DueQuery) (*DueList, error) {
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return nil, fail("due", err)
	}
	defer done()
	if q == nil {
		q = &DueQuery{}
	}
	l, err := t.due(ctx, *q)
	return l, fail("due", err)
}

// wanted is a query that was read.
type wanted struct {
	until    care.Date
	division record.Division
	kind     string
	resident record.ID
}

func (t *Tablet) wanted(q DueQuery) (w wanted, err error) {
	w.until, w.kind = t.today().AddDays(DueAheadDays), q.Kind
	if q.Until != "" {
		if w.until, err = care.ParseDate(q.Until); err != nil {
			return w, err
		}
	}
	if q.Division != "" {
		if w.division, err = care.ParseDivision(q.Division); err != nil {
			return w, err
		}
	}
	if _, ok := care.KindNamed(q.Kind); q.Kind != "" && !ok {
		return w, fmt.Errorf("kind %q: %w", q.Kind, care.ErrUnknownKind)
	}
	w.resident, err = optionalID(q.ResidentID)
	return w, err
}

func (t *Tablet) due(ctx context.Context, q DueQuery) (*DueList, error) {
	w, err := t.wanted(q)
	if err != nil {
		return nil, err
	}
	a, err := t.plan(ctx, q.Progress)
	if err != nil {
		return nil, err
	}
	out := &DueList{}
	for _, p := range a.persons {
		if !w.selects(p) {
			continue
		}
		out.residents++
		if p.damaged {
			out.damaged++
		}
		if p.beyond {
			out.beyond++
		}
		for _, d := range p.due {
			switch {
			case w.kind != "" && w.kind != d.Kind:
			case d.on > w.until:
				out.later++
			default:
				one := *d
				out.all = append(out.all, &one)
			}
		}
	}
	if err := t.addRectifications(ctx, w, out); err != nil {
		return nil, err
	}
	slices.SortFunc(out.all, mostPressing)
	return out, nil
}

// addRectifications adds the faults that wait for a doctor.
func (t *Tablet) addRectifications(ctx context.Context, w wanted, out *DueList) error {
	if w.kind != "" && w.kind != "rectification" {
		return nil
	}
	l, err := t.rectifications(ctx, false)
	if err != nil {
		return err
	}
	for _, r := range l.all {
		switch {
		case r.State == supervision.StateAnswered.String(), !w.resident.IsZero() && r.ResidentID != w.resident.String(),
			w.division != "" && !strings.HasPrefix(r.division, string(w.division)):
		case r.on > w.until:
			out.later++
		default:
			out.all = append(out.all, &Due{
				ResidentID: r.ResidentID, Name: r.Name, Division: r.division, Kind: "rectification", RuleID: cmp.Or(r.Rule, "rectification"), On: r.DueOn,
				Days: r.DaysLeft, Overdue: r.Overdue, ReasonZH: "整改：" + r.Fault, ReasonEN: "put right: " + r.Fault, on: r.on,
			})
		}
	}
	return nil
}

func (w wanted) selects(p *planned) bool {
	if !w.resident.IsZero() && !slices.Contains(p.ids, w.resident) {
		return false
	}
	return w.division == "" || strings.HasPrefix(string(p.division), string(w.division))
}

func mostPressing(a, b *Due) int {
	late := func(d *Due) int {
		if d.Overdue {
			return 0
		}
		return 1
	}
	return cmp.Or(cmp.Compare(late(a), late(b)), cmp.Compare(a.on, b.on), cmp.Compare(a.Name, b.Name),
		cmp.Compare(a.ResidentID, b.ResidentID), cmp.Compare(a.RuleID, b.RuleID))
}

// dueFor evaluates what is due for one person.
func (t *Tablet) dueFor(b *rulebook, p *planned, k *known, asOf care.Date) []*Due {
	items, _ := b.Due(k.Person, asOf) // a row that fails is found about records, too
	var out []*Due
	for _, i := range items {
		out = append(out, &Due{
			ResidentID: p.ids[0].String(), Name: p.name, Division: string(p.division), Kind: kindName(i.Kind), RuleID: i.RuleID,
			On: i.On.String(), Days: daysBetween(asOf, i.On), Overdue: i.Overdue, ReasonZH: i.ReasonZH, ReasonEN: i.ReasonEN, on: i.On,
		})
	}
	return out
}

// daysBetween returns how many days lie between two dates.
func daysBetween(from, to care.Date) int {
	day := func(d care.Date) time.Time {
		return time.Date(d.Year(), time.Month(max(d.Month(), 1)), max(d.Day(), 1), 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// nameOf returns what a resident is called, "" for another form.
func nameOf(form any) string {
	r, _ := form.(*carev1.Resident)
	return r.GetName()
}
