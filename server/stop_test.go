// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// Bug class B27: an older file copied back under a running county is noticed by the
// first tablet that has seen more, and nothing is taken until a restore.
func TestB27OlderFileIsNoticed(t *testing.T) {
	data, stores := t.TempDir(), &servertest.Stores{}
	s := servertest.Start(t, func(c *server.Config) { c.Data, c.OpenStore = data, stores.Open })
	d := s.Enrol(servertest.Doctor("zhang"))
	older := stores.Clone()
	d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	pages, err := d.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := pages[len(pages)-1].Last.Checkpoint
	s.Stop()

	s2 := servertest.Start(t, func(c *server.Config) { c.Data, c.OpenStore = data, older.Open })
	d2 := &servertest.Device{Caller: s2.Stranger(), Key: d.Key, Cert: d.Cert}
	if err := d2.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	_, err = d2.Hello(session.HelloRequest{Checkpoint: seen})
	wantReason(t, "hello with a later checkpoint", err, syncv1.Reason_REASON_ROLLED_BACK)
	if r, _ := transport.RefusalOf(err); !r.Retry {
		t.Error("a tablet must keep everything and come again")
	}
	_, err = d2.Push(session.PushRequest{Segments: [][]byte{{1}}})
	wantReason(t, "push", err, syncv1.Reason_REASON_ROLLED_BACK)
	_, err = d2.Pull(session.PullRequest{})
	wantReason(t, "pull", err, syncv1.Reason_REASON_ROLLED_BACK)
	o := s2.Operator()
	shard := s2.County.Shard()
	c, err := o.Records.GetCheckpoint(o.Context(), &syncv1.GetCheckpointRequest{Shard: shard[:]})
	if err != nil || !c.GetStopped() {
		t.Errorf("the office sees %v, %v", c, err)
	}
	if err := s2.Ready(t.Context()); !errors.Is(err, server.ErrStopped) {
		t.Errorf("ready: %v", err)
	}
}

// full is a store without room while it is told so.
type full struct {
	syncengine.Store
	now *atomic.Bool
}

func (f full) Update(ctx context.Context, do func(syncengine.Tx) error) error {
	if f.now.Load() {
		return fmt.Errorf("write: %w", syncengine.ErrStoreFull)
	}
	return f.Store.Update(ctx, do)
}

// Bug class B26: a full disk is said as such, and when there is room again the same
// push is stored.
func TestB26FullDiskIsSaid(t *testing.T) {
	var noRoom atomic.Bool
	s := servertest.Start(t, func(c *server.Config) {
		inner := c.OpenStore
		c.OpenStore = func(path string, create bool) (syncengine.Store, error) {
			store, err := inner(path, create)
			return full{store, &noRoom}, err
		}
	})
	d := s.Enrol(servertest.Doctor("zhang"))
	d.Create(servertest.Village, "139")
	seg := d.Seal()
	noRoom.Store(true)
	_, err := d.Push(session.PushRequest{Segments: [][]byte{seg.Bytes()}})
	wantReason(t, "push", err, syncv1.Reason_REASON_FULL)
	if r, _ := transport.RefusalOf(err); !r.Retry || r.RetryAfter == 0 {
		t.Errorf("refusal %+v", r)
	}
	if _, err := d.Pull(session.PullRequest{}); err != nil {
		t.Errorf("reading goes on: %v", err)
	}
	noRoom.Store(false)
	d.PushSegments(seg)
}
