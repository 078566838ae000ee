// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport/remote"
)

const full = "full"

// bounded is a store whose transactions have room for so many writes, and a commit
// counts as one; negative: without end.
type bounded struct {
	syncengine.Store
	room *atomic.Int64
}

func (s bounded) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	return s.Store.Update(ctx, func(tx syncengine.Tx) error {
		b := &boundedTx{Tx: tx, left: s.room.Load()}
		if err := f(b); err != nil {
			return err
		}
		return b.take()
	})
}

type boundedTx struct {
	syncengine.Tx
	left int64
}

func (t *boundedTx) take() error {
	if t.left == 0 {
		return fmt.Errorf("%w: %w", syncengine.ErrStoreFull, sqlitestore.ErrFull)
	}
	t.left--
	return nil
}

func (t *boundedTx) PutRecord(r syncengine.RecordRow) error {
	if err := t.take(); err != nil {
		return err
	}
	return t.Tx.PutRecord(r)
}

func (t *boundedTx) PutSegment(h syncengine.SegmentHead, stored []byte) error {
	if err := t.take(); err != nil {
		return err
	}
	return t.Tx.PutSegment(h, stored)
}

func (t *boundedTx) AppendLeaf(leaf []byte, hashes []tlog.Hash) error {
	if err := t.take(); err != nil {
		return err
	}
	return t.Tx.AppendLeaf(leaf, hashes)
}

// B26: a centre whose disk is full refuses with that reason, wherever in a commit it
// runs out; it goes on answering; nothing is half-written; tablets go on saving, keep
// everything, and hand it over when there is room again.
func TestB26CentreWithoutRoom(t *testing.T) {
	t.Parallel()
	room := &atomic.Int64{}
	room.Store(-1)
	w, c := newWorld(t, func(s syncengine.Store) syncengine.Store { return bounded{s, room} })
	w.work()
	w.quiet(c)
	for _, n := range []int64{0, 1, 2, 3, 4} { // five writes at least in each push
		w.openForms()
		w.work()
		room.Store(n)
		for _, x := range w.tablets {
			x.wantUndelivered(c)
		}
		if err := w.device.push(c.server.Address()); remote.ReasonOf(err) != full {
			t.Fatalf("with room for %d writes: %v", n, err)
		}
		w.wantGoingOn(c)
		room.Store(-1)
		w.wantRecovered(c)
	}
}

// wantUndelivered syncs with a centre that has no room: the tablet is told so, keeps
// all it has, and says of nothing that it has arrived.
func (x *tab) wantUndelivered(c *centre) {
	x.t.Helper()
	before, err := x.Status()
	must(x.t, before, err)
	arrived := x.claims(c)
	_, err = x.sync(c.server.Address())
	if tablet.ReasonOf(err) != full {
		x.t.Fatalf("tablet %s: %v", x.dir, err)
	}
	after, err := x.Status()
	if must(x.t, after, err); after.Unsent != before.Unsent || after.LastReason != full || x.claims(c) != arrived {
		x.t.Fatalf("tablet %s: status %+v, before %+v", x.dir, after, before)
	}
	x.add(1)
}

// wantGoingOn reads from a centre that has no room and has it check itself.
func (w *world) wantGoingOn(c *centre) {
	w.t.Helper()
	do(w.t, w.device.pull(c.server.Address(), closed()))
	c.wantSound()
}

// wantRecovered syncs with a centre that has room again, until all is there.
func (w *world) wantRecovered(c *centre) {
	w.t.Helper()
	w.quiet(c)
	c.wantSound()
	w.wantNothingLost(c)
	w.wantAgreement(c)
}
