// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/care"
	law "github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/server/authenticity"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	mostDoubts = 500 // in a page of a list
	// maxReason is the longest reason of a ruling, in characters, as its form has it.
	maxReason = 500
	// maxStaffID is the longest id of staff, in bytes.
	maxStaffID = 64
)

// authenticityService gives what makes records doubtful: ids and figures, no name, number of a
// document or telephone, so that nothing in it is to be masked.
type authenticityService struct {
	officev1grpc.UnimplementedAuthenticityServiceServer
	cfg Config
}

// doubtsOf returns the module of the caller's county, and what the caller sees.
func doubtsOf(ctx context.Context) (*authenticity.Module, authenticity.Sight, error) {
	c := callOf(ctx)
	m, err := c.county.Authenticity()
	v := c.view()
	return m, authenticity.Sight{Divisions: v.Divisions, Classes: v.Classes}, err
}

// ListAuthenticity returns a page of what is found, and on the first one how much.
func (s *authenticityService) ListAuthenticity(ctx context.Context, m *officev1.ListAuthenticityRequest) (*officev1.ListAuthenticityResponse, error) {
	doubts, sight, err := doubtsOf(ctx)
	if err != nil {
		return nil, err
	}
	q, err := doubtFilterFromWire(m)
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	l, err := doubts.List(ctx, sight, q, int64(from.after), pageSize(m.GetPageSize(), usualPage, mostDoubts))
	if err != nil {
		return nil, err
	}
	out := &officev1.ListAuthenticityResponse{Findings: l.Findings}
	if l.Next > 0 {
		out.NextPageToken = place{after: uint64(l.Next)}.token(m)
	}
	if m.GetPageToken() != "" {
		return out, nil
	}
	counts, waiting, err := doubts.Count(ctx, sight, q)
	if err != nil {
		return nil, err
	}
	out.Waiting = uint64(waiting)
	for _, c := range counts {
		out.Counts = append(out.Counts, &officev1.AuthenticityCount{RuleId: c.Rule, Findings: uint64(c.Findings), Open: uint64(c.Open)})
	}
	return out, nil
}

func doubtFilterFromWire(m *officev1.ListAuthenticityRequest) (q authenticity.Filter, err error) {
	q = authenticity.Filter{
		Division: record.Division(m.GetDivision()), Rule: m.GetRuleId(), Doctor: m.GetDoctorId(), Severity: m.GetSeverity(), Open: m.GetOpen(), Decision: m.GetDecision(),
	}
	_, severity := carev1.Severity_name[int32(q.Severity)]
	_, decision := carev1.AuthenticityDecision_name[int32(q.Decision)]
	quarter := true
	if m.GetQuarter() != "" {
		q.Quarter, quarter = law.ParseQuarter(m.GetQuarter())
	}
	switch {
	case len(q.Rule) > maxRuleID:
		return q, invalid("rule of %d bytes", len(q.Rule))
	case len(q.Doctor) > maxStaffID:
		return q, invalid("doctor of %d bytes", len(q.Doctor))
	case !q.Division.ValidPrefix():
		return q, invalid("division")
	case !severity:
		return q, invalid("severity %d", q.Severity)
	case !decision:
		return q, invalid("decision %d", q.Decision)
	case !quarter:
		return q, invalid("quarter: one is 2026Q3")
	}
	if len(m.GetResident()) > 0 {
		q.Person, err = recordFromWire(m.GetResident())
	}
	return q, err
}

// GetAuthenticity returns one finding with its evidence.
func (s *authenticityService) GetAuthenticity(ctx context.Context, m *officev1.GetAuthenticityRequest) (*officev1.GetAuthenticityResponse, error) {
	doubts, sight, err := doubtsOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := recordFromWire(m.GetId())
	if err != nil {
		return nil, err
	}
	f, err := doubts.Get(ctx, sight, id)
	return &officev1.GetAuthenticityResponse{Finding: f}, err
}

// GetAuthenticityDoctor returns what a doctor's year looks like.
func (s *authenticityService) GetAuthenticityDoctor(ctx context.Context, m *officev1.GetAuthenticityDoctorRequest) (*officev1.GetAuthenticityDoctorResponse, error) {
	day := care.Date(m.GetDay())
	switch {
	case m.GetDoctorId() == "" || len(m.GetDoctorId()) > maxStaffID:
		return nil, invalid("doctor")
	case m.GetYear() != 0 && (m.GetYear() < 1900 || m.GetYear() > 9999):
		return nil, invalid("year %d", m.GetYear())
	case day != 0 && !day.Whole():
		return nil, invalid("day %d", day)
	}
	year := int(m.GetYear())
	if day != 0 && year == 0 {
		year = day.Year()
	}
	doubts, sight, err := doubtsOf(ctx)
	if err != nil {
		return nil, err
	}
	return doubts.Doctor(ctx, sight, m.GetDoctorId(), year, day)
}

// RuleAuthenticity saves a ruling on a finding.
func (s *authenticityService) RuleAuthenticity(ctx context.Context, m *officev1.RuleAuthenticityRequest) (*officev1.RuleAuthenticityResponse, error) {
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	_, known := carev1.AuthenticityDecision_name[int32(m.GetDecision())]
	reason := strings.TrimSpace(m.GetReason())
	switch {
	case !known || m.GetDecision() == 0:
		return nil, invalid("decision %d", m.GetDecision())
	case reason == "" || utf8.RuneCountInString(reason) > maxReason:
		return nil, invalid("reason: 1 to %d characters", maxReason)
	}
	id, err := recordFromWire(m.GetId())
	if err != nil {
		return nil, err
	}
	doubts, sight, err := doubtsOf(ctx)
	if err != nil {
		return nil, err
	}
	f, err := doubts.Get(ctx, sight, id)
	if err != nil {
		return nil, err
	}
	if seen := m.GetEvidenceSha256(); len(seen) > 0 && !bytes.Equal(seen, f.GetEvidenceSha256()) {
		return nil, invalid("the evidence is another one by now: look at it again")
	}
	save, err := s.ruling(ctx, f, m.GetDecision(), reason)
	if err != nil {
		return nil, err
	}
	if _, err := callOf(ctx).save(ctx, m.GetAuthor(), save); err != nil {
		return nil, err
	}
	return &officev1.RuleAuthenticityResponse{RecordId: id[:]}, nil
}

// ruling makes the save over what the ruling is now.
func (s *authenticityService) ruling(ctx context.Context, f *officev1.AuthenticityFinding, decision carev1.AuthenticityDecision, reason string) (syncengine.OfficeSave, error) {
	c := callOf(ctx)
	var shown []record.Register
	v, err := c.county.Engine.Get(ctx, record.ID(f.GetId()))
	switch {
	case err == nil:
		shown = v.State.Registers()
	case syncengine.ReasonOf(err) != syncengine.ReasonNotFound:
		return syncengine.OfficeSave{}, err
	}
	save, err := authenticity.Ruling(f, shown, decision, reason, care.DateOf(s.cfg.Clock()))
	if err == nil && len(shown) == 0 && len(f.GetDivisions()) == 0 {
		return save, invalid("the finding's records are in no division: move them first")
	}
	return save, err
}
