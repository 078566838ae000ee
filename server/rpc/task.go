// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"strings"
	"unicode/utf8"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/server/tasks"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	usualTasks  = 100
	mostTasks   = 500
	maxNamed    = 4000 // charges and overrides of one request
	longestText = 200  // characters of a reason, as the form has it
	longestName = 100  // of a title
)

// taskService is for the office: the operator, and desks within their certificates.
type taskService struct {
	officev1grpc.UnimplementedTaskServiceServer
}

func tasksOf(ctx context.Context) (*tasks.Tasks, tasks.Sight, error) {
	c := callOf(ctx)
	t, err := c.county.Tasks(savesAs{c.county.Engine, c})
	return t, tasks.Sight(c.view().Divisions), err
}

// SplitTask divides a task; all parts are saved, or none.
func (s *taskService) SplitTask(ctx context.Context, m *officev1.SplitTaskRequest) (*officev1.SplitTaskResponse, error) {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	o, err := orderFromWire(m)
	if err != nil {
		return nil, err
	}
	t, _, err := tasksOf(ctx)
	if err != nil {
		return nil, err
	}
	d, faults, err := t.Split(ctx, m.GetAuthor(), o, m.GetDryRun())
	if err != nil {
		return nil, err
	}
	out := &officev1.SplitTaskResponse{
		Faults: faultsToWire(faults), Warnings: faultsToWire(d.Warnings), Added: uint32(d.Added), Changed: uint32(d.Changed), Withdrawn: uint32(d.Withdrawn),
	}
	for _, p := range d.Parts {
		out.Nodes = append(out.Nodes, &officev1.TaskNode{
			Id: p.ID[:], Unit: unitToWire(p.Unit), SetCode: o.Set, Title: d.Title, IndicatorCode: d.Indicator, Eligible: p.Eligible, Quota: p.Quota,
			Overridden: p.Overridden, Proposed: p.Proposed, OverrideReason: p.Reason, ChangedById: p.By, OwnerId: p.Owner, DueOn: int32(p.DueOn),
			QuotaBefore: p.Before,
		})
	}
	return out, nil
}

func orderFromWire(m *officev1.SplitTaskRequest) (tasks.Order, error) {
	o := tasks.Order{
		Set: m.GetSetCode(), Title: m.GetTitle(), Indicator: m.GetIndicatorCode(), Population: m.GetPopulation(), Total: m.GetTotal(),
		Season: quota.Season{
			From: care.Date(m.GetStartsOn()), To: care.Date(m.GetDueOn()), DaysAWeek: int(m.GetDaysAWeek()), DailyLimit: int64(m.GetDailyLimit()),
		},
		Organisation: m.GetOrganisationCode(), Charges: map[quota.Unit]quota.Charge{}, OverCapacity: m.GetOverCapacity(),
	}
	if n := len(m.GetCharges()) + len(m.GetOverrides()); n > maxNamed {
		return o, tooMuch("%d charges and overrides", n)
	}
	_, known := carev1.PopulationCode_name[int32(o.Population)]
	if !known || utf8.RuneCountInString(o.Title) > longestName || len(o.Indicator) > 16 || len(o.Organisation) > 22 || o.Season.DailyLimit < 0 {
		return o, invalid("population, title, indicator, organisation or limit")
	}
	for _, c := range m.GetCharges() {
		u, err := unitFromWire(c.GetUnit())
		if err != nil {
			return o, err
		}
		o.Charges[u] = quota.Charge{Owner: c.GetOwnerId(), DueOn: care.Date(c.GetDueOn())}
	}
	if m.GetOwnerId() != "" {
		for _, c := range m.GetCharges() {
			if c.GetUnit().GetDoctorId() == "" && len(c.GetUnit().GetDivision()) <= int(care.LevelCounty) {
				return o, invalid("the county's owner twice")
			}
		}
	}
	o.Owner = m.GetOwnerId()
	for _, one := range m.GetOverrides() {
		u, err := unitFromWire(one.GetUnit())
		if err != nil {
			return o, err
		}
		if utf8.RuneCountInString(one.GetReason()) > longestText {
			return o, tooMuch("a reason of more than %d characters", longestText)
		}
		if one.GetClear() {
			o.Clear = append(o.Clear, u)
			continue
		}
		o.Overrides = append(o.Overrides, quota.Override{Unit: u, Quota: one.GetQuota(), Reason: strings.TrimSpace(one.GetReason()), By: m.GetAuthor()})
	}
	return o, nil
}

// unitFromWire reads a unit; divisions may be filled up with zeros, except a doctor's.
func unitFromWire(m *officev1.TaskUnit) (quota.Unit, error) {
	u := quota.Unit{Division: record.Division(m.GetDivision()), Doctor: m.GetDoctorId(), Nobody: m.GetNobody()}
	d, err := care.ParseDivision(m.GetDivision())
	if err != nil || len(u.Doctor) > 64 {
		return u, invalid("unit of a task")
	}
	if u.Doctor == "" && !u.Nobody && len(d) < int(care.LevelVillage) {
		u.Division = d
	}
	return u, nil
}

func unitToWire(u quota.Unit) *officev1.TaskUnit {
	return &officev1.TaskUnit{Division: string(u.Division), DoctorId: u.Doctor, Nobody: u.Nobody}
}

func faultsToWire(all []quota.Fault) (out []*officev1.TaskFault) {
	for _, f := range all {
		out = append(out, &officev1.TaskFault{Code: f.Code.String(), Unit: unitToWire(f.Unit), A: f.A, B: f.B})
	}
	return out
}

// ListTasks returns a page of parts.
func (s *taskService) ListTasks(ctx context.Context, m *officev1.ListTasksRequest) (*officev1.ListTasksResponse, error) {
	q := tasks.Query{
		Set: m.GetSetCode(), Division: record.Division(m.GetDivision()), Doctor: m.GetDoctorId(), RedOnly: m.GetRedOnly(),
		Depth: quota.Level(m.GetDepth()), AsOf: care.Date(m.GetAsOf()),
	}
	if !q.Division.ValidPrefix() || q.AsOf != 0 && !q.AsOf.Whole() || q.Depth > quota.LevelDoctor {
		return nil, invalid("division, day or depth")
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	t, sight, err := tasksOf(ctx)
	if err != nil {
		return nil, err
	}
	limit := pageSize(m.GetPageSize(), usualTasks, mostTasks)
	l, err := t.List(ctx, q, sight, int(min(from.skip, 1<<30)), limit)
	if err != nil {
		return nil, err
	}
	out := &officev1.ListTasksResponse{NotCounted: l.NotCounted}
	for _, p := range l.Parts {
		out.Nodes = append(out.Nodes, taskToWire(p))
	}
	if l.More {
		out.NextPageToken = place{skip: from.skip + uint64(limit)}.token(m)
	}
	return out, nil
}

func taskToWire(p tasks.Listed) *officev1.TaskNode {
	f, q := p.Form, p.Form.GetQuota()
	m := &officev1.TaskNode{
		Id: p.ID[:], Unit: unitToWire(p.Unit), SetCode: f.GetSetCode(), Title: f.GetTitle(), IndicatorCode: f.GetIndicatorCode(),
		Eligible: int64(f.GetBasis().GetEligible()), Quota: int64(q.GetQuota()), Overridden: q.GetOverrideReason() != "", Proposed: int64(q.GetProposed()),
		OverrideReason: q.GetOverrideReason(), ChangedById: q.GetChangedById(), OwnerId: f.GetOwnerId(), StartsOn: f.GetWindow().GetStartsOn(),
		DueOn: f.GetWindow().GetDueOn(), State: strings.ToLower(strings.TrimPrefix(f.GetState().String(), "TASK_STATE_")), Uneven: p.Uneven,
		ChangedOnTablet: p.OnTablet,
	}
	if g := p.Progress; g != nil {
		m.Progress = &officev1.TaskProgress{
			Done: g.Done, Expected: g.Expected, ElapsedDays: int32(g.Elapsed), Days: int32(g.Days), NeededPerDay: g.PerDay, DaysLeft: int32(g.Left),
			Red: g.Red, Over: g.Over,
		}
	}
	return m
}
