// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Peer is what devices sync with here: a county, or a hub that stands in for one.
// Callers are certificates whose holders have signed in. Errors are those of package
// syncengine.
type Peer interface {
	Shard() segment.ShardID
	ShardKey() []byte
	// Newest returns the newest certificate known of the same replica: an older one may
	// say more than it may do today.
	Newest(ctx context.Context, shown segment.Certificate) (segment.Certificate, error)
	// Revoked reports whether a fence known here cuts a caller off.
	Revoked(ctx context.Context, caller segment.Certificate) (bool, error)
	// CentreTime returns the centre's time, as far as it is known here, when the own
	// clock shows now: expiry is judged by it.
	CentreTime(now time.Time) time.Time
	Hello(ctx context.Context, caller segment.Certificate, q session.HelloRequest) (session.HelloReply, error)
	Push(ctx context.Context, caller segment.Certificate, q session.PushRequest) (session.PushReply, error)
	// Pull calls page for each page in order, outside of any transaction.
	Pull(ctx context.Context, caller segment.Certificate, q session.PullRequest, page func(session.Page) error) error
	// Scope returns how much a pull from nothing would bring the caller now.
	Scope(ctx context.Context, caller segment.Certificate) (session.Extent, error)
	// Changed returns a channel that is closed when there is something new to pull.
	Changed() <-chan struct{}
}

// Hub is a Peer that can show whose it is.
type Hub interface {
	Peer
	// Introduce returns the hub's certificate and its signature over
	// session.HubMessage for the server with this pin.
	Introduce(ctx context.Context, pin session.Pin) (certificate, signature []byte, err error)
}

// peer returns whom devices of a shard sync with here, and whether there is anybody.
func (c Config) peer(shard segment.ShardID) (Peer, bool) {
	if c.Hub != nil {
		return c.Hub, c.Hub.Shard() == shard
	}
	cty, ok := c.Counties.County(shard)
	return central{cty}, ok
}

// central is the county itself.
type central struct{ *county.County }

func (c central) ShardKey() []byte { return c.Engine.ShardKey() }

// Newest returns shown itself when the county has lost it since.
func (c central) Newest(ctx context.Context, shown segment.Certificate) (segment.Certificate, error) {
	known, err := c.Engine.CertificateOf(ctx, shown.Replica())
	switch {
	case err != nil && syncengine.ReasonOf(err) == syncengine.ReasonNotFound:
		return shown, nil
	case err != nil:
		return shown, err
	case known.IssuedAt.Before(shown.IssuedAt):
		return shown, nil
	}
	return known, nil
}

func (c central) Revoked(ctx context.Context, caller segment.Certificate) (bool, error) {
	return c.Engine.Revoked(ctx, caller)
}

func (central) CentreTime(now time.Time) time.Time { return now }

func (c central) Hello(ctx context.Context, caller segment.Certificate, q session.HelloRequest) (session.HelloReply, error) {
	return c.Engine.Hello(ctx, caller, q)
}

func (c central) Push(ctx context.Context, _ segment.Certificate, q session.PushRequest) (session.PushReply, error) {
	return c.County.Push(ctx, q)
}

func (c central) Pull(ctx context.Context, caller segment.Certificate, q session.PullRequest, page func(session.Page) error) error {
	for {
		p, err := c.Engine.PullPage(ctx, caller, q)
		if err != nil {
			return err
		}
		if err := page(p); err != nil || p.Last != nil {
			return err
		}
		q.Cursor = p.Cursor
	}
}

func (c central) Scope(ctx context.Context, caller segment.Certificate) (session.Extent, error) {
	return c.Engine.Scope(ctx, caller)
}

func (c central) Changed() <-chan struct{} { return c.Engine.Changed() }
