// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	law "github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ListRectifications returns a page, those due first at the beginning.
func (s *supervisionService) ListRectifications(ctx context.Context, m *officev1.ListRectificationsRequest) (*officev1.ListRectificationsResponse, error) {
	q := supervision.FaultQuery{Division: record.Division(m.GetDivision()), Doctor: m.GetDoctorId(), OverdueOnly: m.GetOverdueOnly(), Unsettled: m.GetUnsettledOnly()}
	var err error
	if q.Round, err = optionalRecord(m.GetRoundId()); err != nil {
		return nil, err
	}
	known := true
	if m.GetState() != "" {
		q.State, known = law.ParseState(m.GetState())
	}
	if !known || !q.Division.ValidPrefix() {
		return nil, invalid("state or division")
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	all, next, err := super.Rectifications(ctx, q, sight, supervision.Place{Key: int64(from.after), ID: idIn(from.key)}, pageSize(m.GetPageSize(), usualSheets, mostSheets))
	if err != nil {
		return nil, err
	}
	out := &officev1.ListRectificationsResponse{}
	for _, r := range all {
		out.Rectifications = append(out.Rectifications, rectificationToWire(r))
	}
	if next != nil {
		out.NextPageToken = place{after: uint64(next.Key), key: next.ID[:]}.token(m)
	}
	return out, nil
}

func rectificationToWire(r supervision.Rectification) *officev1.RectificationView {
	m := &officev1.RectificationView{
		Id: r.ID[:], Form: r.Form, Division: string(r.Division), State: r.State.String(), DueOn: int32(r.DueOn), DaysLeft: int32(r.DaysLeft), Overdue: r.Overdue,
		LateAnswer: r.Late, ChangedOnTablet: r.OnTablet, MissingRevisions: r.Missing, Conflict: r.Conflict,
	}
	if !r.Resident.IsZero() {
		m.ResidentId = r.Resident[:]
	}
	return m
}

// IssueRectifications gives out faults to be put right, all or none.
func (s *supervisionService) IssueRectifications(ctx context.Context, m *officev1.IssueRectificationsRequest) (*officev1.IssueRectificationsResponse, error) {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	if n := len(m.GetFaults()); n > supervision.MaxFaults {
		return nil, tooMuch("%d faults", n)
	}
	faults := make([]supervision.Fault, len(m.GetFaults()))
	for i, one := range m.GetFaults() {
		f := supervision.Fault{Rule: one.GetRuleId(), Text: one.GetFault(), Unit: one.GetOrganisationCode(), Doctor: one.GetDoctorId(), Division: record.Division(one.GetDivision())}
		for _, id := range []struct {
			into *record.ID
			wire []byte
		}{{&f.Check, one.GetVerificationId()}, {&f.Record, one.GetTargetRecordId()}, {&f.Round, one.GetRoundId()}} {
			var err error
			if *id.into, err = optionalRecord(id.wire); err != nil {
				return nil, err
			}
		}
		if len(f.Rule) > maxRuleID || len(f.Text) > 4<<10 || len(f.Unit) > 64 || len(f.Doctor) > 64 {
			return nil, tooMuch("a text of fault %d", i+1)
		}
		faults[i] = f
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	all, before, problems, err := super.Issue(ctx, m.GetAuthor(), faults, supervision.Issuing{Due: care.Date(m.GetDueOn()), Dry: m.GetDryRun()}, sight)
	if err != nil {
		return nil, err
	}
	out := &officev1.IssueRectificationsResponse{Problems: problemsToWire(problems), Before: uint32(before)}
	for _, r := range all {
		out.Rectifications = append(out.Rectifications, rectificationToWire(r))
	}
	return out, nil
}

// RuleRectification closes, returns or withdraws one.
func (s *supervisionService) RuleRectification(ctx context.Context, m *officev1.RuleRectificationRequest) (*officev1.RuleRectificationResponse, error) {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	id, err := recordFromWire(m.GetId())
	if err != nil {
		return nil, err
	}
	super, sight, err := supervisionOf(ctx)
	if err != nil {
		return nil, err
	}
	r, problems, err := super.Rule(ctx, m.GetAuthor(), id, supervision.Ruling{
		Decision: m.GetDecision(), Reason: m.GetReason(), DueOn: care.Date(m.GetDueOn()), Seen: m.GetSeen(),
	}, sight)
	if err != nil || len(problems) > 0 {
		return &officev1.RuleRectificationResponse{Problems: problemsToWire(problems)}, err
	}
	return &officev1.RuleRectificationResponse{Rectification: rectificationToWire(r)}, nil
}
