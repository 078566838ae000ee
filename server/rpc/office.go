// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// Limits of one request.
const (
	maxResolutions = 256
	maxSaves       = 100
	maxRuns        = 64

	usualInvitation = 24 * time.Hour
	maxInvitation   = 30 * 24 * time.Hour
)

// Resolve saves a decision over the siblings that were shown.
func (s *recordService) Resolve(ctx context.Context, m *syncv1.ResolveRequest) (*syncv1.ResolveResponse, error) {
	if n := len(m.GetResolutions()); n == 0 || n > maxResolutions {
		return nil, tooMuch("%d resolutions", n)
	}
	changes, err := changesFromWire(m.GetResolutions())
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		if len(c.Parents) == 0 {
			return nil, invalid("a decision about %s names no value that was shown", c.Path)
		}
	}
	dot, err := s.saveOne(ctx, m.GetAuthor(), m.GetRecord(), changes...)
	if err != nil {
		return nil, err
	}
	v, err := callOf(ctx).county.Engine.Get(ctx, record.ID(m.GetRecord()))
	if err != nil {
		return nil, err
	}
	return &syncv1.ResolveResponse{Dot: dot, Record: viewToWire(v)}, nil
}

// Void declares a record void.
func (s *recordService) Void(ctx context.Context, m *syncv1.VoidRequest) (*syncv1.VoidResponse, error) {
	parents, err := dotsFromWire(m.GetParents())
	if err != nil {
		return nil, err
	}
	dot, err := s.saveOne(ctx, m.GetAuthor(), m.GetRecord(), record.Change{
		Path: record.PathLife, Value: record.Voided(m.GetReason()), Parents: parents,
	})
	return &syncv1.VoidResponse{Dot: dot}, err
}

// Move gives a record another scope.
func (s *recordService) Move(ctx context.Context, m *syncv1.MoveRequest) (*syncv1.MoveResponse, error) {
	if !record.Division(m.GetDivision()).Valid() {
		return nil, invalid("division")
	}
	parents, err := dotsFromWire(m.GetParents())
	if err != nil {
		return nil, err
	}
	dot, err := s.saveOne(ctx, m.GetAuthor(), m.GetRecord(), record.Change{
		Path: record.PathScope, Value: record.Of([]byte(m.GetDivision())), Parents: parents,
	})
	return &syncv1.MoveResponse{Dot: dot}, err
}

// saveOne saves changes of a record that exists and returns the save's dot.
func (s *recordService) saveOne(ctx context.Context, author string, rec []byte, changes ...record.Change) ([]byte, error) {
	id, err := recordFromWire(rec)
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(author); err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if _, err := c.county.Engine.Get(ctx, id); err != nil {
		return nil, err
	}
	one := syncengine.OfficeSave{Record: id, Changes: changes}
	if err := c.mayWrite(one); err != nil {
		return nil, err
	}
	saved, err := c.save(ctx, author, one)
	if err != nil {
		return nil, err
	}
	return dotToWire(saved[0].Dot), nil
}

// Save saves revisions of the centre's replica, all or none.
func (s *recordService) Save(ctx context.Context, m *syncv1.SaveRequest) (*syncv1.SaveResponse, error) {
	if n := len(m.GetSaves()); n == 0 || n > maxSaves {
		return nil, tooMuch("%d saves", n)
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	saves := make([]syncengine.OfficeSave, len(m.GetSaves()))
	for i, one := range m.GetSaves() {
		var err error
		if saves[i], err = saveFromWire(one); err != nil {
			return nil, err
		}
		if err := callOf(ctx).mayWrite(saves[i]); err != nil {
			return nil, err
		}
	}
	saved, err := callOf(ctx).save(ctx, m.GetAuthor(), saves...)
	if err != nil {
		return nil, err
	}
	out := &syncv1.SaveResponse{}
	for _, v := range saved {
		out.Saved = append(out.Saved, &syncv1.SavedRecord{Record: v.Record[:], Dot: dotToWire(v.Dot)})
	}
	return out, nil
}

// saveFromWire reads a save.
func saveFromWire(m *syncv1.OfficeSave) (s syncengine.OfficeSave, err error) {
	if len(m.GetRecord()) > 0 {
		if s.Record, err = recordFromWire(m.GetRecord()); err != nil {
			return s, err
		}
	} else if m.GetKind() > uint32(record.MaxKind) {
		return s, invalid("kind %d", m.GetKind())
	}
	s.Kind = record.Kind(m.GetKind())
	s.Changes, err = changesFromWire(m.GetChanges())
	return s, err
}

// Release admits a held revision.
func (s *recordService) Release(ctx context.Context, m *syncv1.ReleaseRequest) (*syncv1.ReleaseResponse, error) {
	err := s.rule(ctx, m, (*syncengine.Engine).Release)
	return &syncv1.ReleaseResponse{}, err
}

// Withdraw holds a revision.
func (s *recordService) Withdraw(ctx context.Context, m *syncv1.WithdrawRequest) (*syncv1.WithdrawResponse, error) {
	err := s.rule(ctx, m, (*syncengine.Engine).Withdraw)
	return &syncv1.WithdrawResponse{}, err
}

// Erase removes the body of a revision, and has what follows from it forgotten.
func (s *recordService) Erase(ctx context.Context, m *syncv1.EraseRequest) (*syncv1.EraseResponse, error) {
	if err := s.rule(ctx, m, (*syncengine.Engine).Erase); err != nil {
		return nil, err
	}
	c := callOf(ctx).county
	if p, err := c.Projection(); err == nil {
		if err := p.Forget(ctx, forgetPatience); err != nil {
			s.cfg.Log.Warn("what was erased is in the file of projections until it has followed", "shard", c.Shard().String(), "err", err)
		}
	}
	return &syncv1.EraseResponse{}, nil
}

// forgetPatience is how long an erasure waits for what is derived of the record.
const forgetPatience = 5 * time.Second

// ruling is what the requests about one revision have in common.
type ruling interface {
	GetRecord() []byte
	GetDot() []byte
	GetAuthor() string
	GetReason() string
}

func (s *recordService) rule(ctx context.Context, m ruling, act func(*syncengine.Engine, context.Context, syncengine.Ruling) error) error {
	id, err := recordFromWire(m.GetRecord())
	if err != nil {
		return err
	}
	dot, err := dotFromWire(m.GetDot())
	if err != nil {
		return err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return err
	}
	return act(callOf(ctx).county.Engine, ctx, syncengine.Ruling{
		Record: id, Dot: dot, Author: m.GetAuthor(), Reason: m.GetReason(),
	})
}

// Fence cuts a replica off, or lifts that.
func (s *recordService) Fence(ctx context.Context, m *syncv1.FenceRequest) (*syncv1.FenceResponse, error) {
	replica, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	act := callOf(ctx).county.Engine.Fence
	if m.GetLift() {
		act = callOf(ctx).county.Engine.LiftFence
	}
	return &syncv1.FenceResponse{}, act(ctx, m.GetAuthor(), replica, m.GetReason())
}

// RuleGap states a gap for an author who cannot.
func (s *recordService) RuleGap(ctx context.Context, m *syncv1.RuleGapRequest) (*syncv1.RuleGapResponse, error) {
	replica, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	if len(m.GetRuns()) > maxRuns {
		return nil, tooMuch("%d runs", len(m.GetRuns()))
	}
	var runs []causal.Range
	for _, r := range m.GetRuns() {
		g, err := sessionwire.RunFromWire(r)
		if err != nil {
			return nil, err
		}
		if g.Replica != replica {
			return nil, invalid("run of another replica")
		}
		runs = append(runs, g)
	}
	err = callOf(ctx).county.Engine.RuleGap(ctx, m.GetAuthor(), replica, runs, m.GetReason())
	return &syncv1.RuleGapResponse{}, err
}

// CreateInvitation makes a single-use enrolment code.
func (s *recordService) CreateInvitation(ctx context.Context, m *syncv1.CreateInvitationRequest) (*syncv1.CreateInvitationResponse, error) {
	life := time.Duration(min(m.GetValidForMs(), uint64(maxInvitation.Milliseconds()))) * time.Millisecond
	if life == 0 {
		life = usualInvitation
	}
	rights, err := rightsFromWire(m)
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if err := c.county.Divisions.CatchUp(ctx); err != nil {
		return nil, err
	}
	for _, d := range rights.Divisions {
		if !c.county.Holds(d) {
			return nil, invalid("division %q is not in county %s", d, c.county.Code)
		}
	}
	code, err := c.county.Engine.Invite(ctx, rights, life)
	if err != nil {
		return nil, err
	}
	i := session.Invitation{Addresses: s.cfg.Addresses(), Code: code, Shard: c.county.Shard(), Pin: s.cfg.Pin}
	return &syncv1.CreateInvitationResponse{
		Invitation: i.String(), Code: code, ExpiresAtMs: c.began.Add(life).UnixMilli(),
	}, nil
}

func rightsFromWire(m *syncv1.CreateInvitationRequest) (syncengine.Rights, error) {
	r := syncengine.Rights{Staff: m.GetStaff(), Label: m.GetLabel()}
	switch m.GetRole() {
	case syncv1.Role_ROLE_TABLET:
		r.Role = segment.RoleTablet
	case syncv1.Role_ROLE_HUB:
		r.Role = segment.RoleHub
	case syncv1.Role_ROLE_OFFICE:
		r.Role = segment.RoleOffice
	default:
		return r, invalid("role %v", m.GetRole())
	}
	if len(m.GetStaff()) > segment.MaxStaff || len(m.GetDivisions()) > segment.MaxDivisions ||
		len(m.GetPrivacyClasses()) > segment.MaxClasses {
		return r, tooMuch("%d staff, %d divisions, %d classes", len(m.GetStaff()), len(m.GetDivisions()), len(m.GetPrivacyClasses()))
	}
	for _, d := range m.GetDivisions() {
		r.Divisions = append(r.Divisions, record.Division(d))
	}
	for _, c := range m.GetPrivacyClasses() {
		if c > 255 {
			return r, invalid("privacy class %d", c)
		}
		r.Classes = append(r.Classes, record.Class(c))
	}
	return r, nil
}
