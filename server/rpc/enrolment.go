// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"crypto/ed25519"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

type enrolmentService struct {
	syncv1grpc.UnimplementedEnrolmentServiceServer
	cfg Config
}

// peer returns whom a caller without a session means.
func (s *enrolmentService) peer(shard []byte) (Peer, error) {
	id, err := sessionwire.ShardFromWire(shard)
	if err != nil {
		return nil, err
	}
	p, ok := s.cfg.peer(id)
	if !ok {
		return nil, &syncengine.Error{Reason: syncengine.ReasonWrongShard, Doing: "call"}
	}
	return p, nil
}

// errNotCentre: what only the centre does was asked of a hub.
var errNotCentre = errors.New("only the centre does this")

// Enrol turns a code into a certificate.
func (s *enrolmentService) Enrol(ctx context.Context, m *syncv1.EnrolRequest) (*syncv1.EnrolResponse, error) {
	p, err := s.peer(m.GetShard())
	if err != nil {
		return nil, err
	}
	c, ok := p.(central)
	if !ok {
		return nil, errNotCentre
	}
	if err := c.Divisions.CatchUp(ctx); err != nil {
		return nil, err
	}
	enrol := c.Engine.Enrol
	if m.GetRole() == syncv1.Role_ROLE_OFFICE {
		enrol = c.Engine.EnrolDesk
	}
	cert, err := enrol(ctx, m.GetCode(), m.GetPublicKey())
	if err != nil {
		return nil, err
	}
	return &syncv1.EnrolResponse{
		Certificate:  cert.Raw,
		ShardKey:     c.Engine.ShardKey(),
		RecipientKey: c.RecipientKey(),
		TlsPin:       s.cfg.Pin[:],
		Roster:       c.Roster().Raw,
	}, nil
}

// Challenge gives bytes to sign.
func (s *enrolmentService) Challenge(_ context.Context, m *syncv1.ChallengeRequest) (*syncv1.ChallengeResponse, error) {
	p, err := s.peer(m.GetShard())
	if err != nil {
		return nil, err
	}
	challenge, err := s.cfg.Challenges.New(p.Shard())
	if err != nil {
		return nil, err
	}
	return &syncv1.ChallengeResponse{Challenge: challenge, ValidForMs: uint32(auth.ChallengeLife.Milliseconds())}, nil
}

// Login opens a session.
func (s *enrolmentService) Login(ctx context.Context, m *syncv1.LoginRequest) (*syncv1.LoginResponse, error) {
	at, err := s.peer(m.GetShard())
	if err != nil {
		return nil, err
	}
	p, key, err := claimed(at, m)
	if err != nil {
		return nil, err
	}
	signed := session.LoginMessage(at.Shard(), s.cfg.Pin, m.GetChallenge())
	if !ed25519.Verify(key, signed, m.GetSignature()) {
		return nil, fmt.Errorf("signature: %w", auth.ErrLogin)
	}
	if err := s.cfg.Challenges.Take(at.Shard(), m.GetChallenge()); err != nil {
		return nil, err
	}
	if p.Certificate.Raw != nil {
		newest, err := at.Newest(ctx, p.Certificate)
		if err != nil {
			return nil, err
		}
		p = auth.Certified(newest)
	}
	token, err := s.cfg.Sessions.Open(p)
	if err != nil {
		return nil, err
	}
	reply := &syncv1.LoginResponse{
		Token: token, ValidForMs: uint32(auth.SessionLife.Milliseconds()), Certificate: p.Certificate.Raw,
	}
	if c, ok := at.(central); ok {
		reply.Roster = c.Roster().Raw
		if p.Certificate.Raw != nil {
			if err := c.Divisions.CatchUp(ctx); err != nil {
				return nil, err
			}
			reply.Recoded = c.Engine.Recoded(p.Certificate)
			reply.RenewDue = reply.GetRecoded() || renewDue(p.Certificate, s.cfg.Clock())
		}
	}
	return reply, nil
}

// renewDue reports whether half of a certificate's life is over: early enough that a
// tablet which syncs once in a while never expires, late enough that few are issued.
func renewDue(c segment.Certificate, now time.Time) bool {
	return now.Sub(c.IssuedAt) > c.ExpiresAt.Sub(c.IssuedAt)/2
}

// claimed returns who the caller says to be, and the key that must have signed.
func claimed(at Peer, m *syncv1.LoginRequest) (auth.Principal, ed25519.PublicKey, error) {
	switch who := m.GetWho().(type) {
	case *syncv1.LoginRequest_Certificate:
		cert, err := segment.ParseCertificate(who.Certificate, at.ShardKey())
		p := auth.Certified(cert)
		_, office := at.(central) // a hub has none
		if err != nil || p.Who == auth.Nobody || p.Who == auth.Desk && !office {
			return auth.Principal{}, nil, fmt.Errorf("certificate: %w", auth.ErrLogin)
		}
		return p, cert.PublicKey, nil
	case *syncv1.LoginRequest_OperatorKey:
		c, ok := at.(central) // a hub has no office
		if !ok || subtle.ConstantTimeCompare(who.OperatorKey, c.Operator()) != 1 {
			return auth.Principal{}, nil, fmt.Errorf("operator key: %w", auth.ErrLogin)
		}
		return auth.Principal{Who: auth.Operator, Shard: c.Shard()}, c.Operator(), nil
	}
	return auth.Principal{}, nil, fmt.Errorf("nobody named: %w", auth.ErrLogin)
}

// renewEvery is how often a certificate is issued anew: each one stays in the ledger.
const renewEvery = 24 * time.Hour

// Renew issues the caller's certificate anew.
func (s *enrolmentService) Renew(ctx context.Context, _ *syncv1.RenewRequest) (*syncv1.RenewResponse, error) {
	c := callOf(ctx)
	if c.county == nil {
		return nil, errNotCentre
	}
	if err := c.county.Divisions.CatchUp(ctx); err != nil {
		return nil, err
	}
	now, has := s.cfg.Clock(), c.principal.Certificate
	if now.Before(has.IssuedAt.Add(renewEvery)) && now.Before(has.ExpiresAt) && !c.county.Engine.Recoded(has) {
		return &syncv1.RenewResponse{Certificate: has.Raw}, nil
	}
	cert, err := c.county.Engine.Renew(ctx, c.principal.Certificate)
	if err != nil {
		return nil, err
	}
	s.cfg.Sessions.Renewed(cert)
	return &syncv1.RenewResponse{Certificate: cert.Raw}, nil
}

// Succeed certifies the caller's next key.
func (s *enrolmentService) Succeed(ctx context.Context, m *syncv1.SucceedRequest) (*syncv1.SucceedResponse, error) {
	c := callOf(ctx)
	if c.county == nil {
		return nil, errNotCentre
	}
	if err := c.county.Divisions.CatchUp(ctx); err != nil {
		return nil, err
	}
	cert, err := c.county.Engine.Succeed(ctx, c.principal.Certificate, m.GetSuccession())
	if err != nil {
		return nil, err
	}
	return &syncv1.SucceedResponse{Certificate: cert.Raw}, nil
}
