// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

var errPower = errors.New("power cut")

// failing is a store whose power is cut at one of its updates: before its commit,
// or after it, when nobody hears of the commit any more.
type failing struct {
	*memstore.Store
	left   int
	after  bool
	failed bool
}

func (s *failing) Update(ctx context.Context, f func(replica.Tx) error) error {
	if s.failed {
		return errPower
	}
	if s.left--; s.left > 0 {
		return s.Store.Update(ctx, f)
	}
	s.failed = true
	if s.after {
		if err := s.Store.Update(ctx, f); err != nil {
			return err
		}
	}
	return errPower
}

func (s *failing) View(ctx context.Context, f func(replica.Reader) error) error {
	if s.failed {
		return errPower
	}
	return s.Store.View(ctx, f)
}

// story is what one tablet does with its power cut once; what it was told is
// saved must be at the centre at the end.
type story struct {
	w     *world
	a, b  *device
	saved map[causal.Dot]record.ID
	x     record.ID
}

func newStory(t *testing.T) *story {
	w := newWorld(t)
	s := &story{w: w, a: w.tablet("li", villageA), b: w.tablet("wang", villageA), saved: map[causal.Dot]record.ID{}}
	s.x = s.b.create(villageA, phone, "139").Record
	s.b.sync()
	s.a.sync()
	clone := s.a.clone() // so that a fork is part of the story
	clone.edit(s.x, address, "clone")
	clone.sync()
	return s
}

// act runs the story until it ends or the power is cut.
func (s *story) act(ctx context.Context) error {
	for i := range 3 {
		if err := s.save(ctx, fmt.Sprint(i)); err != nil {
			return err
		}
		if _, err := s.a.Seal(ctx); err != nil {
			return err
		}
	}
	s.b.edit(s.x, phone, "wang")
	s.b.sync()
	for range 2 {
		if _, err := s.a.Sync(ctx, s.a.line(), replica.Options{PageRecords: 1}); err != nil {
			return err
		}
		if err := s.save(ctx, "again"); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) save(ctx context.Context, v string) error {
	screen, err := s.a.View(ctx, s.x)
	if err != nil {
		return err
	}
	saved, err := s.a.Save(ctx, replica.SaveRequest{
		Shown: screen.Shown, Author: "li",
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte(v)), Parents: screen.Parents(phone)}},
	})
	if err == nil {
		s.saved[saved.Dot] = s.x
	}
	return err
}

// TestCrashBetweenAnyTwoTransactionsLosesNothing covers B12 as well: a cut at any
// step of a sync, with every page on its own.
func TestCrashBetweenAnyTwoTransactionsLosesNothing(t *testing.T) {
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("committed %v", after), func(t *testing.T) {
			t.Parallel()
			for n := 1; cutAt(t, n, after); n++ {
			}
		})
	}
}

// cutAt tells the story with a cut at its n-th transaction and reports whether it
// has so many.
func cutAt(t *testing.T, n int, after bool) bool {
	s := newStory(t)
	s.a.cfg.Store = &failing{Store: s.a.store, left: n, after: after}
	s.a.open()
	err := s.act(t.Context())
	if err == nil {
		if n < 20 {
			t.Errorf("the story has only %d transactions", n)
		}
		return false
	}
	if !errors.Is(err, errPower) {
		t.Fatalf("cut at update %d: %v", n, err)
	}
	s.goOn(t, n)
	return true
}

// goOn opens the store again and requires that everything comes to the centre.
func (s *story) goOn(t *testing.T, n int) {
	t.Helper()
	s.a.cfg.Store = s.a.store
	s.a.open()
	s.a.sync()
	s.a.sync()
	s.b.sync()
	for d, id := range s.saved {
		if at := s.a.where(id, d); at.Place != replica.PlaceCentre || at.Held {
			t.Errorf("cut at update %d: save %v is at %v, held %v", n, d, at.Place, at.Held)
		}
	}
	mine, other := s.a.view(s.x), s.b.view(s.x)
	if string(mine.State.Append(nil)) != string(other.State.Append(nil)) {
		t.Errorf("cut at update %d: two tablets show different states", n)
	}
	if got := must(s.a.Status(t.Context()))(s.w); got.Unsent != 0 || got.Forked {
		t.Errorf("cut at update %d: %+v", n, got)
	}
}

// B12: the line cut after any message, without a crash.
func TestB12LineCutAfterEveryMessage(t *testing.T) {
	for n := 1; n < 40; n++ {
		s := newStory(t)
		for i := range 3 {
			s.w.ok(s.save(t.Context(), fmt.Sprint(i)))
		}
		left := n
		l := s.a.line()
		cut := func() error {
			if left--; left == 0 {
				return errCut
			}
			return nil
		}
		l.onHello = func(*session.HelloRequest, *session.HelloReply) error { return cut() }
		l.onPush = func(*session.PushRequest, *session.PushReply) error { return cut() }
		l.onPage = func(*session.Page) error { return cut() }
		_, err := s.a.Sync(t.Context(), l, replica.Options{PageRecords: 1})
		if err == nil {
			if n < 4 {
				t.Errorf("a sync has only %d messages", n-1)
			}
			return
		}
		if !errors.Is(err, errCut) {
			t.Fatalf("cut after message %d: %v", n, err)
		}
		s.goOn(t, n)
	}
	t.Error("a sync does not come to its end")
}
