// SPDX-License-Identifier: Apache-2.0

package tasks

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// MostParts is how many parts a task has at most: all are saved in one transaction.
const MostParts = 20_000

// Order is a task as somebody gives it out. Of a task that exists, what is left empty stays.
type Order struct {
	Set, Title, Indicator string
	Population            carev1.PopulationCode
	Total                 int64 // 0: as before; of a new task as many as are eligible
	Season                quota.Season
	Organisation          string
	Owner                 string // of the county's part; empty: as before
	Charges               map[quota.Unit]quota.Charge
	Overrides             []quota.Override // beside those of before
	Clear                 []quota.Unit     // whose override of before is taken back
	OverCapacity          bool
}

// Part is one part of a task as it would be, or is.
type Part struct {
	ID record.ID
	quota.Node
	Before *int64 // the quota before; nil: there was none
}

// Division is what came of dividing.
type Division struct {
	Title, Indicator          string
	Parts                     []Part
	Warnings                  []quota.Fault
	Added, Changed, Withdrawn int
}

// Split divides a task and saves all that changes in one transaction. With dry nothing is saved.
// faults: why nothing was.
func (t *Tasks) Split(ctx context.Context, author string, o Order, dry bool) (Division, []quota.Fault, error) {
	root := quota.Unit{Division: t.cfg.County}
	behind, err := t.cfg.Parts.Follow(ctx)
	if err != nil {
		return Division{}, nil, fmt.Errorf("split: %w", err)
	}
	if behind {
		return Division{}, []quota.Fault{{Code: quota.FaultBehind, Unit: root}}, nil
	}
	if !supervision.CheckCode(o.Set) {
		return Division{}, []quota.Fault{{Code: quota.FaultSet, Unit: root}}, nil
	}
	had, err := t.parts(ctx, o.Set)
	if err != nil {
		return Division{}, nil, fmt.Errorf("split: %w", err)
	}
	o, faults := o.over(root, had)
	if len(faults) > 0 {
		return Division{}, faults, nil
	}
	counts, err := t.cfg.People.Eligible(ctx, o.Population, t.cfg.County)
	if err != nil {
		return Division{}, nil, fmt.Errorf("split: %w", err)
	}
	order := o.order(t.cfg.County, counts)
	warnings := before(&order, had, o, counts)
	tree, faults := order.Divide(counts)
	if len(faults) == 0 && len(tree.Nodes) > MostParts {
		faults = []quota.Fault{{Code: quota.FaultParts, Unit: root, A: int64(len(tree.Nodes)), B: MostParts}}
	}
	if len(faults) > 0 {
		return Division{}, faults, nil
	}
	out := Division{Title: o.Title, Indicator: o.Indicator, Warnings: append(warnings, tree.Warnings...)}
	saves, err := t.saves(o, author, tree, had, &out)
	if err == nil && !dry && len(saves) > 0 {
		_, err = t.cfg.Records.Save(ctx, author, saves...)
	}
	return out, nil, err
}

// over lays an order over the task as it was.
func (o Order) over(root quota.Unit, had []part) (Order, []quota.Fault) {
	for _, p := range had {
		if p.unit != root {
			continue
		}
		f, s := p.form, p.season()
		o.Title, o.Indicator = cmp.Or(o.Title, f.GetTitle()), cmp.Or(o.Indicator, f.GetIndicatorCode())
		o.Population, o.Organisation = cmp.Or(o.Population, f.GetPopulationGroup()), cmp.Or(o.Organisation, f.GetOrganisationCode())
		o.Total = cmp.Or(o.Total, int64(f.GetQuota().GetQuota()))
		o.Season = quota.Season{
			From: cmp.Or(o.Season.From, s.From), To: cmp.Or(o.Season.To, s.To), DaysAWeek: cmp.Or(o.Season.DaysAWeek, s.DaysAWeek),
			DailyLimit: cmp.Or(o.Season.DailyLimit, s.DailyLimit),
		}
	}
	if o.Title == "" || o.Indicator == "" || o.Population == 0 {
		return o, []quota.Fault{{Code: quota.FaultTask, Unit: root}}
	}
	return o, nil
}

func (o Order) order(county record.Division, counts []quota.Count) quota.Order {
	out := quota.Order{County: county, Total: o.Total, Season: o.Season, Overrides: slices.Clone(o.Overrides), OverCapacity: o.OverCapacity, Charges: map[quota.Unit]quota.Charge{}}
	for u, c := range o.Charges {
		out.Charges[u] = c
	}
	if root := (quota.Unit{Division: county}); o.Owner != "" {
		out.Charges[root] = quota.Charge{Owner: o.Owner, DueOn: out.Charges[root].DueOn}
	}
	for _, c := range counts {
		if o.Total == 0 && c.Village.Within(county) {
			out.Total += c.Eligible
		}
	}
	return out
}

// before adds to an order what people had set by hand and whom they had put in charge, where it
// says nothing else. What was set for units in which nobody is eligible any more is left out,
// and said.
func before(order *quota.Order, had []part, o Order, counts []quota.Count) (warnings []quota.Fault) {
	live := map[quota.Unit]bool{{Division: order.County}: true}
	for _, c := range counts {
		if c.Eligible <= 0 || !c.Village.Within(order.County) || c.Village == "" {
			continue
		}
		u := quota.Unit{Division: care.FullCode(c.Village), Doctor: c.Doctor, Nobody: c.Doctor == ""}
		for more := true; more; u, more = u.Above() {
			live[u] = true
		}
	}
	of := map[quota.Unit]part{}
	for _, p := range had {
		of[p.unit] = p
	}
	for _, p := range had {
		u, q := p.unit, p.form.GetQuota()
		if p.withdrawn() {
			continue
		}
		set := q.GetOverrideReason() != "" && !slices.Contains(o.Clear, u) && !slices.ContainsFunc(o.Overrides, func(n quota.Override) bool { return n.Unit == u })
		switch {
		case set && live[u]:
			order.Overrides = append(order.Overrides, quota.Override{Unit: u, Quota: int64(q.GetQuota()), Reason: q.GetOverrideReason(), By: q.GetChangedById()})
		case set:
			warnings = append(warnings, quota.Fault{Code: quota.FaultUnknown, Unit: u})
		}
		if live[u] {
			order.Charges[u] = charged(order.Charges[u], p, of, o)
		}
	}
	return warnings
}

// charged lays what an order says of a charge over what stood: who was in charge of a part and
// not of the whole, or not the doctor; a day that is not the whole's.
func charged(c quota.Charge, p part, of map[quota.Unit]part, o Order) quota.Charge {
	owner, due := p.form.GetOwnerId(), care.Date(p.form.GetWindow().GetDueOn())
	above, ok := p.unit.Above()
	switch {
	case !ok:
		c.Owner = cmp.Or(c.Owner, owner)
		return c // the county's day is the season's
	case owner != of[above].form.GetOwnerId() && owner != p.unit.Doctor:
		c.Owner = cmp.Or(c.Owner, owner)
	}
	if due != care.Date(of[above].form.GetWindow().GetDueOn()) && due <= cmp.Or(o.Season.To, due) {
		c.DueOn = cmp.Or(c.DueOn, due)
	}
	return c
}

// saves returns the saves of what changes, and counts it.
func (t *Tasks) saves(o Order, author string, tree quota.Tree, had []part, out *Division) ([]syncengine.OfficeSave, error) {
	of := map[record.ID]part{}
	for _, p := range had {
		of[p.id] = p
	}
	var saves []syncengine.OfficeSave
	for _, n := range tree.Nodes {
		id := NodeID(t.cfg.County, o.Set, n.Unit)
		p, there := of[id]
		delete(of, id)
		one := Part{ID: id, Node: n}
		if there && !p.withdrawn() {
			q := int64(p.form.GetQuota().GetQuota())
			one.Before = &q
		}
		out.Parts = append(out.Parts, one)
		if !there {
			p = part{id: id, unit: n.Unit, form: &carev1.Task{}}
		}
		save, changed, err := p.save(t.node(o, n, p.form, int32(t.today())))
		switch {
		case err != nil:
			return nil, err
		case changed && !there:
			out.Added++
		case changed:
			out.Changed++
		}
		if changed {
			saves = append(saves, save)
		}
	}
	gone, err := withdraw(of, out)
	return append(saves, gone...), err
}

// withdraw returns the saves of parts that are no more.
func withdraw(of map[record.ID]part, out *Division) ([]syncengine.OfficeSave, error) {
	var saves []syncengine.OfficeSave
	for _, p := range of {
		edited := proto.CloneOf(p.form)
		edited.State = carev1.TaskState_TASK_STATE_WITHDRAWN
		save, changed, err := p.save(edited)
		if err != nil {
			return nil, err
		}
		if changed {
			out.Withdrawn++
			saves = append(saves, save)
		}
	}
	slices.SortFunc(saves, func(a, b syncengine.OfficeSave) int { return slices.Compare(a.Record[:], b.Record[:]) })
	return saves, nil
}

// node returns the form of a part over the one that was.
func (t *Tasks) node(o Order, n quota.Node, was *carev1.Task, asOf int32) *carev1.Task {
	f := proto.CloneOf(was)
	f.Title, f.IndicatorCode, f.SetCode, f.PopulationGroup = o.Title, o.Indicator, o.Set, o.Population
	f.OrganisationCode, f.OwnerId, f.DoctorId, f.Unassigned = o.Organisation, n.Owner, n.Doctor, n.Nobody
	f.DivisionCode = string(care.FullCode(n.Division))
	if above, ok := n.Above(); ok {
		parent := NodeID(t.cfg.County, o.Set, above)
		f.ParentTaskId = parent[:]
	}
	f.Window = &carev1.TaskWindow{StartsOn: int32(o.Season.From), DueOn: int32(n.DueOn)}
	if o.Season.DaysAWeek != 0 {
		f.Window.DaysAWeek = proto.Int32(int32(o.Season.DaysAWeek))
	}
	f.DailyLimit = nil
	if o.Season.DailyLimit > 0 && n.Level() <= quota.LevelTownship {
		f.DailyLimit = proto.Int32(int32(o.Season.DailyLimit))
	}
	f.Quota = &carev1.TaskQuota{Quota: proto.Int32(int32(n.Quota))}
	if n.Overridden {
		f.Quota.Proposed, f.Quota.OverrideReason, f.Quota.ChangedById = proto.Int32(int32(n.Proposed)), n.Reason, n.By
	}
	if was.GetBasis() == nil || int64(was.GetBasis().GetEligible()) != n.Eligible {
		f.Basis = &carev1.TaskBasis{Eligible: proto.Int32(int32(n.Eligible)), AsOf: asOf}
	}
	if f.IssuedOn == 0 {
		f.IssuedOn = asOf
	}
	if f.State == 0 || f.State == carev1.TaskState_TASK_STATE_WITHDRAWN {
		f.State = carev1.TaskState_TASK_STATE_ISSUED
	}
	return f
}

// save returns the save that makes a part say edited; false where it says so already.
func (p part) save(edited *carev1.Task) (syncengine.OfficeSave, bool, error) {
	changes, err := care.Diff(KindTask, p.shown, edited)
	if err != nil {
		return syncengine.OfficeSave{}, false, fmt.Errorf("task %s: %w", p.id, err)
	}
	if len(changes) > 0 && p.shown == nil {
		changes = append(changes, record.Change{Path: record.PathLife, Value: record.Active()},
			record.Change{Path: record.PathScope, Value: record.Of([]byte(edited.GetDivisionCode()))})
	}
	return syncengine.OfficeSave{Record: p.id, Changes: changes}, len(changes) > 0, nil
}
