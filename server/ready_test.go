// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
)

// failing is a store whose updates fail as its owner says.
type failing struct {
	syncengine.Store
	err    *atomic.Pointer[error]
	writes *atomic.Int64
}

func (f failing) Update(ctx context.Context, do func(syncengine.Tx) error) error {
	if err := f.err.Load(); err != nil {
		return *err
	}
	f.writes.Add(1)
	return f.Store.Update(ctx, do)
}

func TestReadyMeansThatEverythingIsTaken(t *testing.T) {
	store := failing{err: &atomic.Pointer[error]{}, writes: &atomic.Int64{}}
	var free atomic.Int64
	free.Store(1 << 40)
	s := servertest.Start(t, func(c *server.Config) {
		inner := c.OpenStore
		c.OpenStore = func(path string, create bool) (syncengine.Store, error) {
			one, err := inner(path, create)
			store.Store = one
			return store, err
		}
		c.Room = func(string) (int64, int64) { return free.Load(), 1 << 41 }
	})
	ready := func() error {
		s.Clock.Move(time.Minute)
		return s.Ready(t.Context())
	}
	s.Enrol(servertest.Doctor("zhang")) // it is serving by now
	if err := ready(); err != nil {
		t.Fatalf("a healthy server: %v", err)
	}
	before, size := store.writes.Load(), s.County.Engine.Size()
	if err := errors.Join(s.Ready(t.Context()), s.Ready(t.Context())); err != nil || store.writes.Load() != before {
		t.Errorf("asked again at once: %v, %d more writes", err, store.writes.Load()-before)
	}
	if s.County.Engine.Size() != size {
		t.Error("asking whether it is ready made an entry of the ledger")
	}

	free.Store(server.MinRoom - 1)
	if err := ready(); !errors.Is(err, server.ErrNoRoom) {
		t.Errorf("a disk that is almost full: %v", err)
	}
	free.Store(-1)
	if err := ready(); err != nil {
		t.Errorf("room is not known: %v", err)
	}
	for want, cause := range map[error]error{server.ErrNoRoom: syncengine.ErrStoreFull, server.ErrNotWritable: errors.New("read-only")} {
		store.err.Store(&cause)
		if err := ready(); !errors.Is(err, want) {
			t.Errorf("a store that says %v: %v", cause, err)
		}
	}
	store.err.Store(nil)
	if err := ready(); err != nil {
		t.Errorf("when all is well again: %v", err)
	}
}

func TestAServerThatHasStoppedIsNotReady(t *testing.T) {
	s := servertest.Start(t)
	s.Enrol(servertest.Doctor("zhang"))
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-s.StopLater()
	if err := s.Ready(t.Context()); !errors.Is(err, server.ErrNotServing) {
		t.Errorf("after the drain: %v", err)
	}
}
