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
	reply, err := c.county.Engine.Hello(ctx, c.principal.Certificate, q)
	if err != nil {
		return nil, err
	}
	return sessionwire.HelloReplyToWire(reply), nil
}

// Push stores what the caller hands over.
func (s *syncService) Push(ctx context.Context, m *syncv1.PushRequest) (*syncv1.PushResponse, error) {
	to := callOf(ctx).county
	reply, err := to.Push(ctx, sessionwire.PushRequestFromWire(m))
	if err != nil {
		return nil, err
	}
	s.cfg.Observer.Pushed(to, reply)
	return sessionwire.PushReplyToWire(reply), nil
}

// Pull sends pages until the caller has everything.
func (s *syncService) Pull(m *syncv1.PullRequest, stream grpc.ServerStreamingServer[syncv1.PullResponse]) error {
	q, err := sessionwire.PullRequestFromWire(m)
	if err != nil {
		return err
	}
	for {
		page, err := s.page(stream.Context(), q)
		if err != nil {
			return err
		}
		if err := stream.Send(sessionwire.PageToWire(page)); err != nil {
			return err
		}
		if page.Last != nil {
			return nil
		}
		q.Cursor = page.Cursor
	}
}

// page reads one page when it is the caller's turn. The turn is over before the page
// is sent, so a slow client holds up nobody.
func (s *syncService) page(ctx context.Context, q session.PullRequest) (session.Page, error) {
	c := callOf(ctx)
	select {
	case <-s.cfg.Stopping:
		return session.Page{}, errStopping // the caller goes on at its cursor
	default:
	}
	done, err := c.guard.pull.Wait(ctx, c.who())
	if err != nil {
		return session.Page{}, err
	}
	defer done()
	return c.county.Engine.PullPage(ctx, c.principal.Certificate, q)
}

// Watch sends a hint at once and then after commits, not more often than the limits
// say.
func (s *syncService) Watch(_ *syncv1.WatchRequest, stream grpc.ServerStreamingServer[syncv1.WatchResponse]) error {
	ctx := stream.Context()
	engine := callOf(ctx).county.Engine
	for {
		changed := engine.Changed()
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
