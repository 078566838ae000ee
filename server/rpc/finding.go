// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"

	"google.golang.org/grpc"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	mostSets = 500 // in a page of a list
	// maxRuleID is the longest id of a rule that is asked for, in bytes.
	maxRuleID = 64
)

// findingService gives what rules find: to tablets what is in their scope, to the office
// everything.
type findingService struct {
	officev1grpc.UnimplementedFindingServiceServer
	cfg Config
}

// PullFindings sends pages until the caller has everything. Each page is made when it is the
// caller's turn; the turn is over before it is sent.
func (s *findingService) PullFindings(m *officev1.PullFindingsRequest, stream grpc.ServerStreamingServer[officev1.PullFindingsResponse]) error {
	ctx := stream.Context()
	c := callOf(ctx)
	f, err := c.county.Findings()
	if err != nil {
		return err
	}
	for from := m.GetCursor(); ; {
		page, err := s.page(ctx, c, f, from, pageSize(m.GetPageSize(), 0, findings.MaxPage))
		if err != nil {
			return err
		}
		if err := stream.Send(findingsPageToWire(page)); err != nil || page.Complete {
			return err
		}
		from = page.Cursor
	}
}

// page makes one page, for a caller who is still in good standing.
func (s *findingService) page(ctx context.Context, c *call, f *findings.Findings, from []byte, limit int) (findings.Page, error) {
	done, err := c.pullTurn(ctx)
	if err != nil {
		return findings.Page{}, err
	}
	defer done()
	if c.county.Engine.Stopped() {
		return findings.Page{}, &syncengine.Error{Reason: syncengine.ReasonRolledBack, Doing: "pull findings"}
	}
	err = c.method.rule.Allow(c.principal, c.peer.CentreTime(s.cfg.Clock()), c.revoked(ctx))
	if err != nil {
		return findings.Page{}, err
	}
	cert := c.principal.Certificate
	return f.Pull(ctx, findings.Scope{Divisions: cert.Divisions, Classes: cert.Classes}, from, limit)
}

func findingsPageToWire(p findings.Page) *officev1.PullFindingsResponse {
	m := &officev1.PullFindingsResponse{Cursor: p.Cursor, Anew: p.Anew, Complete: p.Complete}
	for _, s := range p.Sets {
		m.Sets = append(m.Sets, setToWire(s))
	}
	if p.Complete {
		m.Basis = basisToWire(p.Basis)
	}
	return m
}

func setToWire(s findings.Set) *officev1.FindingSet {
	m := &officev1.FindingSet{
		SubjectId: s.Person[:], Combined: s.Combined, Findings: s.Findings, Omitted: uint32(s.Omitted), ChangedOn: int32(s.ChangedOn),
	}
	if !s.Record.IsZero() {
		m.RecordId = s.Record[:]
	}
	return m
}

func basisToWire(b findings.Basis) *officev1.FindingBasis {
	return &officev1.FindingBasis{
		PackName: b.PackName, PackVersion: b.PackVersion, PackSha256: b.PackHash, AsOf: int32(b.AsOf), UnderWay: b.UnderWay,
		Behind: b.Behind, Queued: uint64(b.Queued),
	}
}

// ListFindings returns a page of what is found, and on the first one how much.
func (s *findingService) ListFindings(ctx context.Context, m *officev1.ListFindingsRequest) (*officev1.ListFindingsResponse, error) {
	f, err := callOf(ctx).county.Findings()
	if err != nil {
		return nil, err
	}
	q, err := findingFilterFromWire(m)
	if err != nil {
		return nil, err
	}
	if c := callOf(ctx); c.principal.Who != auth.Operator {
		v := c.view()
		q.Within = &findings.Scope{Divisions: v.Divisions, Classes: v.Classes}
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	l, err := f.List(ctx, q, findings.Position(from.after), pageSize(m.GetPageSize(), usualPage, mostSets))
	if err != nil {
		return nil, err
	}
	out := &officev1.ListFindingsResponse{}
	for _, one := range l.Sets {
		set := setToWire(one)
		set.PrivacyClass = uint32(one.Class)
		for _, d := range one.Divisions {
			set.Divisions = append(set.Divisions, string(d))
		}
		out.Sets = append(out.Sets, set)
	}
	if l.More {
		out.NextPageToken = place{after: uint64(l.Next)}.token(m)
	}
	if m.GetPageToken() == "" {
		out.Counts, err = countsToWire(ctx, f, q)
	}
	return out, err
}

func findingFilterFromWire(m *officev1.ListFindingsRequest) (q findings.Filter, err error) {
	q = findings.Filter{
		Division: record.Division(m.GetDivision()), Rule: m.GetRuleId(), Severity: m.GetSeverity(), Since: care.Date(m.GetSince()),
	}
	_, known := carev1.Severity_name[int32(q.Severity)]
	switch {
	case len(q.Rule) > maxRuleID:
		return q, invalid("rule of %d bytes", len(q.Rule))
	case !q.Division.ValidPrefix():
		return q, invalid("division")
	case !known:
		return q, invalid("severity %d", q.Severity)
	case q.Since != 0 && !q.Since.Whole():
		return q, invalid("since %d", q.Since)
	}
	for _, one := range []struct {
		into *record.ID
		wire []byte
	}{{&q.Resident, m.GetResident()}, {&q.Record, m.GetRecord()}} {
		if len(one.wire) == 0 {
			continue
		}
		if *one.into, err = recordFromWire(one.wire); err != nil {
			return q, err
		}
	}
	return q, nil
}

func countsToWire(ctx context.Context, f *findings.Findings, q findings.Filter) ([]*officev1.FindingCount, error) {
	counts, err := f.Count(ctx, q)
	var out []*officev1.FindingCount
	for _, c := range counts {
		out = append(out, &officev1.FindingCount{RuleId: c.Rule, Severity: c.Severity, Findings: uint64(c.Findings)})
	}
	return out, err
}

// GetFindingState tells how following goes.
func (s *findingService) GetFindingState(ctx context.Context, _ *officev1.GetFindingStateRequest) (*officev1.GetFindingStateResponse, error) {
	f, err := callOf(ctx).county.Findings()
	if err != nil {
		return nil, err
	}
	state, err := f.State(ctx)
	if err != nil {
		return nil, err
	}
	out := &officev1.GetFindingStateResponse{
		Basis: basisToWire(state.Basis), BuiltIn: state.BuiltIn, RefusedWhy: state.Why, Sets: uint64(state.Sets),
		FailedAtMs: millis(state.FailedAt), PassedOver: uint64(state.PassedOver),
	}
	if !state.Refused.IsZero() {
		out.RefusedPack = state.Refused[:]
	}
	if state.Failed != nil {
		out.Failed = state.Failed.Error()
	}
	return out, nil
}
