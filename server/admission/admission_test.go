// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

func TestCallersTakeTurns(t *testing.T) {
	turns := NewTurns[string](1)
	first, err := turns.Wait(t.Context(), "flood")
	if err != nil {
		t.Fatal(err)
	}
	// While the first works, the flood queues nine more, then two others come.
	var order []string
	var mu sync.Mutex
	var group sync.WaitGroup
	queue := func(who string) {
		before := waiting(turns)
		group.Go(func() {
			done, err := turns.Wait(t.Context(), who)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, who)
			mu.Unlock()
			done()
		})
		for waiting(turns) == before {
			runtime.Gosched() // it is about to queue
		}
	}
	for range 9 {
		queue("flood")
	}
	queue("zhang")
	queue("li")
	first()
	group.Wait()
	if at := slices.Index(order, "zhang"); at > 1 {
		t.Errorf("zhang waited for %d of the flood: %v", at, order)
	}
	if at := slices.Index(order, "li"); at > 2 {
		t.Errorf("li waited for %d others: %v", at, order)
	}
	if len(turns.lines) > 0 || len(turns.next) > 0 || turns.free != 1 {
		t.Errorf("after all are done: %d lines, %d next, %d free", len(turns.lines), len(turns.next), turns.free)
	}
}

func waiting(t *Turns[string]) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, l := range t.lines {
		n += len(l.waiting)
	}
	return n
}

func TestOneCallerWorksOnOnePieceAtATime(t *testing.T) {
	turns := NewTurns[string](4)
	done, err := turns.Wait(t.Context(), "zhang")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.Wait(ended, "zhang"); !errors.Is(err, context.Canceled) {
		t.Errorf("a second piece beside the first: %v", err)
	}
	other, err := turns.Wait(t.Context(), "li")
	if err != nil {
		t.Fatal(err)
	}
	done()
	other()
	if len(turns.lines) > 0 || turns.free != 4 {
		t.Errorf("%d lines, %d free", len(turns.lines), turns.free)
	}
}

// Whoever gives up while waiting leaves nothing behind, in whatever moment.
func TestTurnsSurviveCallersThatGiveUp(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	turns := NewTurns[int](3)
	var group sync.WaitGroup
	for i := range 64 {
		rnd := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(2) == 0 {
					go cancel()
				}
				if done, err := turns.Wait(ctx, rnd.IntN(5)); err == nil {
					done()
				}
				cancel()
			}
		})
	}
	group.Wait()
	if len(turns.lines) > 0 || len(turns.next) > 0 || turns.free != 3 {
		t.Errorf("%d lines, %d next, %d free", len(turns.lines), len(turns.next), turns.free)
	}
}

func TestSharesAreGivenBack(t *testing.T) {
	s := NewShares[string](3, 2)
	one, err1 := s.Take("flood")
	_, err2 := s.Take("flood")
	_, err3 := s.Take("flood")
	other, err4 := s.Take("zhang")
	_, err5 := s.Take("li")
	var busy *Busy
	if err1 != nil || err2 != nil || err4 != nil || !errors.As(err3, &busy) || !errors.As(err5, &busy) {
		t.Errorf("flood %v %v %v, zhang %v, li %v", err1, err2, err3, err4, err5)
	}
	one()
	one() // twice is once
	other()
	if s.InUse() != 1 || len(s.by) != 1 {
		t.Errorf("%d in use by %d", s.InUse(), len(s.by))
	}
}

func TestBudgetFillsUpAgain(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	r := NewRates[string](Budget{PerSecond: 100, Burst: 1000}, 10)
	if err := r.Spend("zhang", now, 10); err != nil {
		t.Fatal(err)
	}
	r.Charge("zhang", now, 2500) // more than there is, and than one reservation may be
	var busy *Busy
	if err := r.Spend("zhang", now, 10); !errors.As(err, &busy) {
		t.Fatalf("with nothing left: %v", err)
	}
	if got := busy.RetryAfter.Round(100 * time.Millisecond); got != 15100*time.Millisecond {
		t.Errorf("told to come again in %v", got)
	}
	if err := r.Spend("li", now, 10); err != nil {
		t.Errorf("another caller: %v", err)
	}
	if err := r.Spend("zhang", now.Add(busy.RetryAfter+time.Millisecond), 10); err != nil {
		t.Errorf("when told to come again: %v", err)
	}
}

func TestRatesRememberSoManyCallersOnly(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	r := NewRates[int](Budget{PerSecond: 1, Burst: 10}, 100)
	for i := range 10_000 {
		now = now.Add(time.Second)
		if err := r.Spend(i, now, 1); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.callers) > 100 {
		t.Errorf("%d callers remembered", len(r.callers))
	}
	if _, ok := r.callers[9_999]; !ok {
		t.Error("the last caller was forgotten")
	}
}

func TestListenerClosesConnectionsOverTheLimit(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(inner, 10, 2)
	defer l.Close()
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			fmt.Fprint(c, "!")
			accepted <- c
		}
	}()
	dial := func() (net.Conn, bool) {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadFull(c, make([]byte, 1))
		return c, err == nil
	}
	_, first := dial()
	_, second := dial()
	_, third := dial()
	if !first || !second || third {
		t.Errorf("connections let in: %t %t %t", first, second, third)
	}
	one := <-accepted
	one.Close()
	one.Close()
	if l.Open() != 1 {
		t.Errorf("%d open", l.Open())
	}
	if _, again := dial(); !again {
		t.Error("no place after one was closed")
	}
}
