// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// watchedBy opens the shard again over a wrapped store, and tells seen of its commits.
func (c *centre) watchedBy(seen *[]syncengine.Commit, over syncengine.Store) {
	c.t.Helper()
	c.cfg.Observe = func(one syncengine.Commit) { *seen = append(*seen, one) }
	c.reopen(over)
}

// slow is a store for which each write takes a second of the clock.
type slow struct {
	syncengine.Store
	c   *centre
	err error
}

func (s *slow) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	s.c.now = s.c.now.Add(time.Second)
	if s.err != nil {
		return s.err
	}
	return s.Store.Update(ctx, f)
}

func TestEveryCommitIsToldOnce(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	store := &slow{Store: c.store, c: c}
	var seen []syncengine.Commit
	c.watchedBy(&seen, store)

	d.create(kindNote, villageA, "1")
	d.create(kindNote, villageA, "2")
	seg := d.seal()
	c.push(seg)
	want := syncengine.Commit{Segments: 1, Saves: 2, Records: 2, Took: time.Second}
	if len(seen) != 1 || seen[0] != want {
		t.Fatalf("told %+v, want %+v once", seen, want)
	}
	c.push(seg)
	if len(seen) != 1 {
		t.Errorf("a segment that is held already was told as %+v", seen[1:])
	}
	store.err = errors.New("input/output error")
	d.create(kindNote, villageA, "3")
	if _, err := c.Push(t.Context(), session.PushRequest{Segments: [][]byte{d.seal().Bytes()}}); err == nil {
		t.Fatal("stored on a disk that fails")
	}
	if len(seen) != 2 || !errors.Is(seen[1].Err, store.err) || seen[1].Saves != 0 {
		t.Errorf("told %+v of a commit that failed", seen[1:])
	}
}

func TestCheckWritableAsksTheStoreAndChangesNothing(t *testing.T) {
	c := newCentre(t)
	store := &slow{Store: c.store, c: c}
	c.reopen(store)
	changed, size, epoch := c.Changed(), c.Size(), c.Epoch()
	if err := c.CheckWritable(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-changed:
		t.Error("who watches was woken")
	default:
	}
	c.reopen(store)
	if c.Size() != size || c.Epoch() != epoch {
		t.Errorf("size %d and epoch %v, were %d and %v", c.Size(), c.Epoch(), size, epoch)
	}
	store.err = syncengine.ErrStoreFull
	if err := c.CheckWritable(t.Context()); !errors.Is(err, syncengine.ErrStoreFull) {
		t.Errorf("a full store: %v", err)
	}
}

func TestLastReceivedIsTheNewestSegments(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	last := func() time.Time {
		at, err := c.LastReceived(t.Context(), d.cert.Replica())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if !last().IsZero() {
		t.Errorf("nothing was received, and yet at %v", last())
	}
	for range 2 {
		c.now = c.now.Add(time.Hour)
		d.create(kindNote, villageA, "1")
		c.push(d.seal())
		if !last().Equal(c.now) {
			t.Errorf("%v, want %v", last(), c.now)
		}
	}
}
