// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

// callTimeout is how long one try of a call may take: a full push over a line of
// 10 kB a second.
const callTimeout = 3 * time.Minute

// inSession makes a unary call in a session.
func (c *Centre) inSession(ctx context.Context, doing string, once func(context.Context) error) error {
	return c.call(ctx, doing, never, func(ctx context.Context) error {
		ctx, err := c.signedIn(ctx)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return once(ctx)
	})
}

// Hello compares what both sides have.
func (c *Centre) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	var m *syncv1.HelloResponse
	err := c.inSession(ctx, "hello", func(ctx context.Context) (err error) {
		m, err = c.sync.Hello(ctx, sessionwire.HelloRequestToWire(c.cfg.Shard, q), transport.Compressed())
		return err
	})
	if err != nil {
		return session.HelloReply{}, err
	}
	r, err := sessionwire.HelloReplyFromWire(m)
	if err != nil {
		return r, protocolError("hello", err)
	}
	return r, nil
}

// Scope returns how much a pull from nothing would bring. Where the server is an older
// program the error's reason is ReasonNotServed.
func (c *Centre) Scope(ctx context.Context) (session.Extent, error) {
	var m *syncv1.ScopeResponse
	err := c.inSession(ctx, "scope", func(ctx context.Context) (err error) {
		m, err = c.sync.Scope(ctx, &syncv1.ScopeRequest{Shard: c.cfg.Shard[:]})
		return err
	})
	if err != nil {
		return session.Extent{}, notServed(err)
	}
	return sessionwire.ExtentFromWire(m), nil
}

// notServed gives an error that a server without the method answered its own reason.
func notServed(err error) error {
	var gaveUp *Error
	if errors.As(err, &gaveUp) && gaveUp.Reason == ReasonProtocol && status.Code(gaveUp.Err) == codes.Unimplemented {
		gaveUp.Reason = ReasonNotServed
	}
	return err
}

// Push hands over segments and gap statements. Several segments that break off are
// not sent again as they are: fewer may come through.
func (c *Centre) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	several := len(q.Segments)+len(q.Envelopes) > 1
	var m *syncv1.PushResponse
	var broken *Error
	err := c.inSession(ctx, "push", func(ctx context.Context) (err error) {
		m, err = c.sync.Push(ctx, sessionwire.PushRequestToWire(c.cfg.Shard, q), transport.Compressed())
		if f, ok := c.judge(err); err != nil && several && ok {
			broken = &Error{"push", f.reason, f.retry, err}
			if broken.BrokenOff() {
				return nil
			}
			broken = nil
		}
		return err
	})
	if err == nil && broken != nil {
		err = broken
	}
	if err != nil {
		return session.PushReply{}, err
	}
	r, err := sessionwire.PushReplyFromWire(m)
	if err != nil {
		return r, protocolError("push", err)
	}
	return r, nil
}

// Succeed certifies the new key of a replica that goes on under one. The session
// was the old key's; the next call opens another.
func (c *Centre) Succeed(ctx context.Context, succession []byte) ([]byte, error) {
	var m *syncv1.SucceedResponse
	err := c.inSession(ctx, "succeed", func(ctx context.Context) (err error) {
		m, err = c.enrolment.Succeed(ctx, &syncv1.SucceedRequest{Shard: c.cfg.Shard[:], Succession: succession})
		return err
	})
	if err != nil {
		return nil, err
	}
	c.forgetToken()
	return m.GetCertificate(), nil
}

// Renew returns the caller's certificate with a new expiry. The session was the old
// one's; the next call opens another.
func (c *Centre) Renew(ctx context.Context) ([]byte, error) {
	var m *syncv1.RenewResponse
	err := c.inSession(ctx, "renew", func(ctx context.Context) (err error) {
		m, err = c.enrolment.Renew(ctx, &syncv1.RenewRequest{Shard: c.cfg.Shard[:]})
		return err
	})
	if err != nil {
		return nil, err
	}
	c.SignInAnew()
	return m.GetCertificate(), nil
}

// SignInAnew lets the next call open another session: that of another certificate.
func (c *Centre) SignInAnew() { c.forgetToken() }
