// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"time"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

type syncService struct {
	syncv1grpc.UnimplementedSyncServiceServer
	cfg Config
}

// Hello compares what both sides have.
func (s *syncService) Hello(ctx context.Context, m *syncv1.HelloRequest) (*syncv1.HelloResponse, error) {
	q, err := sessionwire.HelloRequestFromWire(m)
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	reply, err := c.peer.Hello(ctx, c.principal.Certificate, q)
	if err != nil {
		return nil, err
	}
	return sessionwire.HelloReplyToWire(reply), nil
}

// Push stores what the caller hands over.
func (s *syncService) Push(ctx context.Context, m *syncv1.PushRequest) (*syncv1.PushResponse, error) {
	c := callOf(ctx)
	reply, err := c.peer.Push(ctx, c.principal.Certificate, sessionwire.PushRequestFromWire(m))
	if err != nil {
		return nil, err
	}
	if c.county != nil {
		s.cfg.Observer.Pushed(c.county, reply)
	}
	return sessionwire.PushReplyToWire(reply), nil
}

// Pull sends pages until the caller has everything. Each page is made when it is the
// caller's turn; the turn is over before it is sent, so a slow client holds up nobody.
func (s *syncService) Pull(m *syncv1.PullRequest, stream grpc.ServerStreamingServer[syncv1.PullResponse]) error {
	q, err := sessionwire.PullRequestFromWire(m)
	if err != nil {
		return err
	}
	ctx := stream.Context()
	c := callOf(ctx)
	done, err := c.pullTurn(ctx)
	if err != nil {
		return err
	}
	defer func() { done() }()
	return c.peer.Pull(ctx, c.principal.Certificate, q, func(page session.Page) (err error) {
		done()
		done = func() {}
		if err := stream.Send(sessionwire.PageToWire(page)); err != nil || page.Last != nil {
			return err
		}
		done, err = c.pullTurn(ctx)
		return err
	})
}

// Scope says how much a pull from nothing would bring the caller.
func (s *syncService) Scope(ctx context.Context, _ *syncv1.ScopeRequest) (*syncv1.ScopeResponse, error) {
	c := callOf(ctx)
	extent, err := c.peer.Scope(ctx, c.principal.Certificate)
	if err != nil {
		return nil, err
	}
	return sessionwire.ExtentToWire(extent), nil
}

// Watch sends a hint at once and then after commits, not more often than the limits
// say.
func (s *syncService) Watch(_ *syncv1.WatchRequest, stream grpc.ServerStreamingServer[syncv1.WatchResponse]) error {
	ctx := stream.Context()
	peer := callOf(ctx).peer
	for {
		changed := peer.Changed()
		if err := stream.Send(&syncv1.WatchResponse{}); err != nil {
			return err
		}
		if err := waitFor(ctx, s.cfg.Stopping, time.After(s.cfg.Limits.Hint)); err != nil {
			return err
		}
		if err := waitFor(ctx, s.cfg.Stopping, changed); err != nil {
			return err
		}
	}
}

// waitFor returns nil when something comes, else why it will not.
func waitFor[T any](ctx context.Context, stopping <-chan struct{}, ch <-chan T) error {
	select {
	case <-ch:
		return nil
	case <-stopping:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}
