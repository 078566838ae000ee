// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Newest returns the newest certificate known here of the same replica.
func (h *Hub) Newest(ctx context.Context, shown segment.Certificate) (segment.Certificate, error) {
	c, err := h.replica.Newest(ctx, shown)
	return c, refuse("sign in", err)
}

// Revoked reports whether a fence that has come down to this hub cuts a caller off.
func (h *Hub) Revoked(ctx context.Context, caller segment.Certificate) (bool, error) {
	cut, err := h.replica.Revoked(ctx, caller)
	return cut, refuse("sign in", err)
}

// CentreTime returns what the centre's clock shows at least: when the newest
// certificate known here was issued. The own clock is nobody's word: a clinic's
// computer may be wrong by years, and expiry is the centre's to judge.
func (h *Hub) CentreTime(time.Time) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.issued
}

// Hello compares what a caller and the hub have.
func (h *Hub) Hello(ctx context.Context, caller segment.Certificate, q session.HelloRequest) (session.HelloReply, error) {
	reply, err := h.replica.Hub(caller).Hello(ctx, q)
	return reply, refuse("hello", err)
}

// Push takes what a caller hands over, and soon hands it on.
func (h *Hub) Push(ctx context.Context, caller segment.Certificate, q session.PushRequest) (session.PushReply, error) {
	reply, err := h.replica.Hub(caller).Push(ctx, q)
	if err == nil {
		h.wake()
	}
	if slices.ContainsFunc(reply.Results, func(r session.SegmentResult) bool { return r.Outcome == session.OutcomeStored }) {
		h.announce() // others may borrow it
	}
	return reply, refuse("push", err)
}

// Pull gives what the centre sent down, in the caller's scope, and lends what is held
// here of colleagues that the centre has not sent yet.
func (h *Hub) Pull(ctx context.Context, caller segment.Certificate, q session.PullRequest, page func(session.Page) error) error {
	var refused error
	err := h.replica.Hub(caller).Pull(ctx, q, func(p session.Page) error {
		refused = page(p)
		return refused
	})
	if refused != nil {
		return refused // the caller's own, as it is
	}
	return refuse("pull", err)
}

// Scope returns how much of what the centre sent down is in the caller's scope.
func (h *Hub) Scope(ctx context.Context, caller segment.Certificate) (session.Extent, error) {
	extent, err := h.replica.HubScope(ctx, caller)
	return extent, refuse("scope", err)
}

// Changed returns a channel that is closed when a sync with the centre brought
// something, or somebody pushed.
func (h *Hub) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.changed
}

func (h *Hub) announce() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.changed)
	h.changed = make(chan struct{})
}

// refuse gives a replica's error the reason that callers act on.
func refuse(doing string, err error) error {
	if err == nil {
		return nil
	}
	reason := syncengine.ReasonInternal
	for _, known := range []struct {
		err    error
		reason syncengine.Reason
	}{
		{replica.ErrPage, syncengine.ReasonTooMuch},
		{replica.ErrOtherShard, syncengine.ReasonWrongShard},
		{replica.ErrNotEnrolled, syncengine.ReasonRevoked},
		{sqlitefile.ErrFull, syncengine.ReasonFull},
	} {
		if errors.Is(err, known.err) {
			reason = known.reason
			break
		}
	}
	if reason == syncengine.ReasonInternal && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return err
	}
	return &syncengine.Error{Reason: reason, Doing: doing, Err: err}
}
