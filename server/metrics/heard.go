// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// heard remembers when replicas were last heard of. What was before the start comes
// from the store, once a replica: its certificate and its newest segment. A tablet
// that only reads is therefore silent after a start, until it calls.
type heard struct {
	mu   *sync.Mutex
	last map[causal.ReplicaID]time.Time // certified ones only: it has an end
}

func newHeard() heard { return heard{&sync.Mutex{}, map[causal.ReplicaID]time.Time{}} }

// at says that a replica called.
func (h heard) at(r causal.ReplicaID, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[r] = now
}

func (h heard) lookUp(r causal.ReplicaID) (time.Time, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.last[r]
	return at, ok
}

// learn keeps what the store knows, unless the replica has called meanwhile.
func (h heard) learn(r causal.ReplicaID, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.last[r]; !ok {
		h.last[r] = at
	}
}

// of returns when the holder of a certificate was last heard of.
func (h heard) of(ctx context.Context, c *county.County, cert segment.Certificate) (time.Time, error) {
	r := cert.Replica()
	if at, ok := h.lookUp(r); ok {
		return later(at, cert.IssuedAt), nil
	}
	at, err := c.Engine.LastReceived(ctx, r)
	if err != nil {
		return time.Time{}, err
	}
	h.learn(r, at)
	return later(at, cert.IssuedAt), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
