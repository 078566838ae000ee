// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"fmt"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// errNoIdentity is returned for calls that need a session when nobody was said to
// call.
var errNoIdentity = errors.New("no identity to sign in with")

// signedIn returns ctx for a call in a session, after signing in if there is none.
// Whether a session is still good only the server knows: the device's clock may be
// wrong.
func (c *Centre) signedIn(ctx context.Context) (context.Context, error) {
	c.mu.Lock()
	token := c.token
	c.mu.Unlock()
	if token == "" {
		var err error
		if token, err = c.login(ctx); err != nil {
			return nil, err
		}
		c.mu.Lock()
		c.token = token
		c.mu.Unlock()
	}
	return transport.WithToken(ctx, token), nil
}

func (c *Centre) forgetToken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = ""
}

func (c *Centre) login(ctx context.Context) (string, error) {
	if c.cfg.Identity == nil {
		return "", errNoIdentity
	}
	certificate, key, err := c.cfg.Identity(ctx)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	challenge, err := c.enrolment.Challenge(ctx, &syncv1.ChallengeRequest{Shard: c.cfg.Shard[:]})
	if err != nil {
		return "", err
	}
	reply, err := c.enrolment.Login(ctx, &syncv1.LoginRequest{
		Shard:     c.cfg.Shard[:],
		Who:       &syncv1.LoginRequest_Certificate{Certificate: certificate},
		Challenge: challenge.GetChallenge(),
		Signature: key.Sign(session.LoginMessage(c.cfg.Shard, c.Trust().Pin, challenge.GetChallenge())),
	})
	if err != nil {
		return "", err
	}
	c.learn(reply)
	return reply.GetToken(), nil
}

// learn keeps what the server says of itself beside the session.
func (c *Centre) learn(m *syncv1.LoginResponse) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due, c.recoded = m.GetRenewDue(), m.GetRecoded()
	if !c.cfg.Follow {
		return
	}
	if r, err := session.OpenRoster(m.GetRoster(), c.cfg.Shard); err == nil {
		c.trust, _ = c.trust.Meets(c.trust.Pin, r)
	}
}

// RenewDue reports whether the server said at the last login that the caller's
// certificate should be renewed: by the centre's clock, whatever the own one shows.
func (c *Centre) RenewDue() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.due
}

// Recoded reports whether the server said at the last login that divisions of the caller's
// certificate have other codes, so that it must be renewed before a pull.
func (c *Centre) Recoded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.recoded
}
