// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Late is a record that is dated in a frozen window and came, or was changed, after it was frozen.
type Late struct {
	Record     record.ID
	Resident   record.ID // zero: it is about nobody
	Divisions  []record.Division
	Dated      care.Date
	ReceivedAt time.Time // of its first save
	ChangedAt  time.Time // of its latest one
	Author     string    // of the first
	Correction bool      // it was there when the window was frozen
	Voided     bool
}

// LateQuery asks for a page of what came late.
type LateQuery struct {
	Period    indicators.Period
	Divisions []record.Division
	Classes   []record.Class
	After     uint64 // position in the feed
	Limit     int
}

// LateList is a page.
type LateList struct {
	Late []Late
	Next uint64
	More bool // the list may go on behind Next
}

const (
	latePage    = 200
	lateScanned = 10_000 // records that are looked at for one page at most
)

// Late returns a page of the records that are dated in a frozen window and came, or were changed,
// after it was frozen, in the order in which they last changed. It can be short, and even empty,
// when many were looked at for few. ProblemNotFrozen: the window is not frozen.
func (a *Assessment) Late(ctx context.Context, q LateQuery) (LateList, error) {
	f, err := a.FreezeOf(ctx, q.Period)
	if err != nil {
		return LateList{}, err
	}
	if f.Epoch != a.cfg.Shard.Epoch().String() {
		return LateList{}, problem(ProblemNotFrozen, "%s was frozen before the county's data was restored from a backup: what came late since cannot be told by its place in the feed", q.Period)
	}
	out := LateList{Next: max(q.After, f.Position), More: true}
	for looked := 0; looked < lateScanned && len(out.Late) < q.Limit; {
		feed := syncengine.FeedQuery{
			After: syncengine.Position(out.Next), Divisions: q.Divisions, Classes: q.Classes, Limit: min(latePage, q.Limit-len(out.Late)), Bytes: 1 << 20,
		}
		rows, err := a.cfg.Shard.List(ctx, feed)
		if err != nil {
			return LateList{}, err
		}
		looked += len(rows)
		some, err := a.lateAmong(ctx, rows, f)
		if err != nil {
			return LateList{}, err
		}
		out.Late = append(out.Late, some...)
		if len(rows) > 0 {
			out.Next = uint64(rows[len(rows)-1].Position)
		}
		if !feed.Full(rows) {
			out.More = false
			break
		}
	}
	return out, nil
}

// lateAmong returns those of some rows that are dated in a frozen window.
func (a *Assessment) lateAmong(ctx context.Context, rows []syncengine.RecordRow, f Freeze) (out []Late, err error) {
	var dated []syncengine.RecordRow
	for _, row := range rows {
		l, ok := lateOf(row, f.Period)
		if ok {
			out, dated = append(out, l), append(dated, row)
		}
	}
	receipts, err := a.cfg.Shard.Receipts(ctx, dated)
	if err != nil {
		return nil, err
	}
	for i, r := range receipts {
		out[i].ReceivedAt, out[i].ChangedAt, out[i].Author = r.First.ReceivedAt, r.Last.ReceivedAt, r.First.Author
		out[i].Correction = r.First.ReceivedAt.Before(f.At)
	}
	return out, nil
}

// lateOf reads a row, and reports whether it is a record of care that is dated in a period.
func lateOf(row syncengine.RecordRow, p indicators.Period) (Late, bool) {
	kind := row.ID.Kind()
	info, known := care.Kinds().Lookup(kind)
	if !known || info.OfficeOnly || isPaper(kind) || kind == kindStatistic || kind == care.KindResidentLink {
		return Late{}, false
	}
	state, err := record.DecodeState(row.State)
	if err != nil {
		return Late{}, false
	}
	registers := state.Registers()
	form, err := care.Message(kind, registers)
	if err != nil {
		return Late{}, false
	}
	day := rules.DayOf(rules.Entry{ID: row.ID, Kind: kind, Form: form, CapturedAt: care.CapturedAt(registers)})
	l := Late{Record: row.ID, Resident: row.Subject, Divisions: slices.Clone(row.Divisions), Dated: day, Voided: state.Life() == record.LifeVoided}
	if kind == care.KindResident {
		l.Resident = row.ID
	}
	return l, p.Has(day)
}

// FreezeOf returns the freeze of a window; ProblemNotFrozen: there is none.
func (a *Assessment) FreezeOf(ctx context.Context, p indicators.Period) (f Freeze, err error) {
	err = a.count(ctx, func(c *counting) error {
		one, ok, err := c.freezeAt(p)
		if err == nil && !ok {
			err = problem(ProblemNotFrozen, "%s is not frozen", p)
		}
		f = one
		return err
	})
	return f, err
}

// Freezes returns all frozen windows, the latest first.
func (a *Assessment) Freezes(ctx context.Context) (all []Freeze, err error) {
	err = a.count(ctx, func(c *counting) (err error) {
		all, err = c.freezes()
		return err
	})
	return all, err
}

// Pair is a figure as it was frozen, and as it is with what came late.
type Pair struct{ Frozen, Now Figure }

// Compare returns the frozen figures of a window beside those of today, in order of indicator, then
// of unit. ProblemNotFrozen: the window is not frozen.
func (a *Assessment) Compare(ctx context.Context, q Query, progress Progress) (pairs []Pair, f Freeze, err error) {
	if q.Level == Doctor {
		return nil, f, problem(ProblemUnit, "doctors were not frozen: ask for the county, townships or villages")
	}
	q.AsOf, q.ReceivedBy = q.Period.To, 0
	if q, err = q.check(a.today()); err != nil {
		return nil, f, err
	}
	err = a.count(ctx, func(c *counting) error {
		ok := false
		if f, ok, err = c.freezeAt(q.Period); err != nil || !ok {
			return cmpErr(err, problem(ProblemNotFrozen, "%s is not frozen", q.Period))
		}
		before, err := c.frozen(f, q)
		if err != nil {
			return err
		}
		now, err := c.counted(ctx, q, q.wanted(), progress)
		if err != nil {
			return err
		}
		pairs, err = c.pairs(q, before, now)
		return err
	})
	return pairs, f, err
}

func cmpErr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (c *counting) pairs(q Query, before, now counted) (out []Pair, err error) {
	n, err := c.names()
	if err != nil {
		return nil, err
	}
	t, err := c.targets(q.Period.To.Year(), n)
	if err != nil {
		return nil, err
	}
	county := record.Division(c.a.cfg.County)
	seen := map[Unit]bool{}
	var units []Unit
	for _, u := range append(before.units(nil), now.units(nil)...) {
		if !seen[u] && u.Division != "" {
			seen[u] = true
			units = append(units, u)
		}
	}
	sortUnits(units)
	for _, one := range q.wanted() {
		for _, u := range units {
			target := t.of(u, one, county)
			out = append(out, Pair{before.figure(one, u, target), now.figure(one, u, target)})
		}
	}
	return out, nil
}
