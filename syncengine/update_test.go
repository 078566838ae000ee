// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// reopen opens the shard again over a wrapped store.
func (c *centre) reopen(over syncengine.Store) {
	c.t.Helper()
	cfg := c.cfg
	cfg.Store = over
	e, err := syncengine.Open(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Engine = e
}

// tardy lets others run between the end of a commit and the return of Update.
type tardy struct{ syncengine.Store }

func (s tardy) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	err := s.Store.Update(ctx, f)
	for range 100 {
		runtime.Gosched()
	}
	return err
}

func TestPushesAndOfficeActsFollowEachOther(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	c.reopen(tardy{c.store})
	var group sync.WaitGroup
	group.Go(func() {
		for i := range 30 {
			d.create(kindNote, villageA, fmt.Sprint(i))
			c.push(d.seal())
		}
	})
	for range 2 {
		group.Go(func() {
			for i := range 30 {
				if _, err := c.Save(t.Context(), "office", syncengine.OfficeSave{Kind: kindNote, Changes: []record.Change{
					set(record.PathScope, string(villageA)), set(phone, fmt.Sprint(i)),
				}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	c.sound()
}

// brittle panics where it is told to, as a bug in the engine or a store would.
type brittle struct {
	syncengine.Store
	poison  record.ID   // when this record is written
	after   atomic.Bool // once, when a commit is on disk
	blind   atomic.Bool // once, when the head is read again after that
	gate    chan struct{}
	updates atomic.Int64
}

const told = "patient 139"

func (s *brittle) View(ctx context.Context, f func(syncengine.Reader) error) error {
	if !s.after.Load() && s.blind.Swap(false) {
		return errors.New("no file handles left")
	}
	return s.Store.View(ctx, f)
}

func (s *brittle) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	if s.updates.Add(1) == 1 && s.gate != nil {
		<-s.gate
	}
	err := s.Store.Update(ctx, func(tx syncengine.Tx) error { return f(brittleTx{tx, s}) })
	if err == nil && s.after.Swap(false) {
		panic(told)
	}
	return err
}

type brittleTx struct {
	syncengine.Tx
	s *brittle
}

func (t brittleTx) PutRecord(r syncengine.RecordRow) error {
	if r.ID == t.s.poison {
		panic(told)
	}
	return t.Tx.PutRecord(r)
}

// pushAll pushes each segment in a call of its own, all at the same time, the first
// one first.
func (c *centre) pushAll(s *brittle, segs []*segment.Segment) []error {
	errs := make([]error, len(segs))
	var group sync.WaitGroup
	push := func(i int) {
		_, errs[i] = c.Push(c.t.Context(), session.PushRequest{Segments: [][]byte{segs[i].Bytes()}})
	}
	group.Go(func() { push(0) })
	for s.updates.Load() == 0 {
		runtime.Gosched()
	}
	for i := range segs[1:] {
		group.Go(func() { push(i + 1) })
	}
	for c.Waiting() < len(segs)-1 {
		runtime.Gosched()
	}
	close(s.gate)
	group.Wait()
	return errs
}

func TestPushThatPanicsFailsAlone(t *testing.T) {
	const pushes, guilty = 33, 17
	c := newCentre(t)
	s := &brittle{Store: c.store, gate: make(chan struct{})}
	var segs []*segment.Segment
	for i := range pushes {
		d := c.enrol(byte(i), doctor("zhang", villageA))
		id, _ := d.create(kindNote, villageA, "139")
		segs = append(segs, d.seal())
		if i == guilty {
			s.poison = id
		}
	}
	c.reopen(s)
	for i, err := range c.pushAll(s, segs) {
		var p *syncengine.PanicError
		if errors.As(err, &p) != (i == guilty) || (err != nil) != (i == guilty) {
			t.Errorf("push %d: %v", i, err)
		}
		if p != nil && (syncengine.ReasonOf(err) != syncengine.ReasonInternal || strings.Contains(err.Error()+p.Stack, told) ||
			!strings.Contains(p.Stack, "brittleTx.PutRecord")) {
			t.Errorf("push %d: %v\n%s", i, err, p.Stack)
		}
	}
	// The first alone; the others together, then in halves down to the guilty one.
	if n := s.updates.Load(); n > 1+1+2*5 {
		t.Errorf("%d transactions", n)
	}
	if _, err := c.Get(t.Context(), s.poison); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("the one that panicked: %v", err)
	}
	c.sound()
	s.poison = record.ID{}
	c.push(segs[guilty]) // when the bug is gone
	c.sound()
}

func TestPanicAfterACommitLeavesNoDoubt(t *testing.T) {
	c := newCentre(t)
	s := &brittle{Store: c.store}
	d := c.enrol(1, doctor("zhang", villageA))
	c.reopen(s)
	for i := range 2 { // the second time the head cannot be read at once
		s.blind.Store(i == 1)
		s.after.Store(true)
		d.create(kindNote, villageA, "139")
		seg := d.seal()
		q := session.PushRequest{Segments: [][]byte{seg.Bytes()}}
		if _, err := c.Push(t.Context(), q); syncengine.ReasonOf(err) != syncengine.ReasonInternal || err == nil {
			t.Fatalf("push: %v", err)
		}
		if got := c.push(seg).Results[0].Outcome; got != session.OutcomeAlready {
			t.Errorf("sent again: outcome %d", got)
		}
		d.create(kindNote, villageA, "138")
		c.push(d.seal())
		c.sound()
	}
}
