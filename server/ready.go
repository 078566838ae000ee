// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Why a server does not take and give everything.
var (
	// ErrNotServing: it has not begun to answer, or has begun to stop.
	ErrNotServing = errors.New("not serving")
	// ErrStopped: a county takes and gives nothing until a restore.
	ErrStopped = errors.New("stopped until a restore")
	// ErrNotWritable: a store cannot be written.
	ErrNotWritable = errors.New("store not writable")
	// ErrNoRoom: the disk of the data folder is almost full, or full.
	ErrNoRoom = errors.New("disk full")
)

// MinRoom is how much room in bytes a server wants on its disk: a store's write-ahead
// log may grow to 40 MiB before it is taken into the store.
const MinRoom = 64 << 20

// readyLife is how long an answer of Ready is good: it costs a write to the disk.
const readyLife = 5 * time.Second

// readyTime is how long a store may take to write.
const readyTime = 10 * time.Second

// readiness is the last answer.
type readiness struct {
	mu    sync.Mutex
	err   error
	until time.Time
}

// Ready returns nil when the server takes and gives everything; else what is wrong,
// joined, each wrapping one of the errors above and naming the county. It writes to
// each store, at most once a readyLife.
func (s *Server) Ready(ctx context.Context) error {
	s.mu.RLock()
	serving := s.serving
	s.mu.RUnlock()
	if !serving {
		return ErrNotServing
	}
	s.ready.mu.Lock()
	defer s.ready.mu.Unlock()
	now := s.cfg.Clock()
	if now.Before(s.ready.until) {
		return s.ready.err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	err := s.check(ctx)
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		s.ready.err, s.ready.until = err, now.Add(readyLife)
	}
	return err
}

func (s *Server) check(ctx context.Context) error {
	var errs []error
	if free, _ := s.cfg.Room(s.cfg.Data); free >= 0 && free < MinRoom {
		errs = append(errs, fmt.Errorf("%w: %d MiB left, %d needed", ErrNoRoom, free>>20, MinRoom>>20))
	}
	for _, c := range s.Counties() {
		if err := checkCounty(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("county %s: %w", c.Code, err))
		}
	}
	if s.cfg.Hub != nil {
		errs = append(errs, writable(s.cfg.Hub.CheckWritable(ctx)))
	}
	return errors.Join(errs...)
}

func checkCounty(ctx context.Context, c *county.County) error {
	if c.Engine.Stopped() {
		return ErrStopped
	}
	return writable(c.Engine.CheckWritable(ctx))
}

// writable says what keeps a store from being written.
func writable(err error) error {
	switch {
	case errors.Is(err, syncengine.ErrStoreFull), errors.Is(err, sqlitefile.ErrFull):
		return ErrNoRoom
	case err != nil:
		return ErrNotWritable
	}
	return nil
}

func (s *Server) setServing(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving = is
}
