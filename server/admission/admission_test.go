// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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

// door is a listener that greets whom it lets in.
type door struct {
	*Listener
	t        *testing.T
	accepted chan net.Conn
}

func newDoor(t *testing.T, limits Arrivals, clock func() time.Time) *door {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{NewListener(inner, limits, clock), t, make(chan net.Conn, 100)}
	t.Cleanup(func() { _ = d.Close() })
	go func() {
		for {
			c, err := d.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "!")
			d.accepted <- c
		}
	}()
	return d
}

// dial reports whether a new connection is let in: not, when it is closed instead.
func (d *door) dial() bool {
	d.t.Helper()
	c, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = c.Close() })
	_, err = io.ReadFull(c, make([]byte, 1))
	return err == nil
}

func TestListenerClosesConnectionsOverTheLimit(t *testing.T) {
	d := newDoor(t, Arrivals{Total: 10, PerAddress: 2, Rate: Budget{PerSecond: 1, Burst: 10}}, time.Now)
	if first, second, third := d.dial(), d.dial(), d.dial(); !first || !second || third {
		t.Errorf("connections let in: %t %t %t", first, second, third)
	}
	one := <-d.accepted
	one.Close()
	one.Close()
	if d.Open() != 1 {
		t.Errorf("%d open", d.Open())
	}
	if !d.dial() {
		t.Error("no place after one was closed")
	}
}

func TestListenerLetsInSoManyOverTime(t *testing.T) {
	var now atomic.Int64
	clock := func() time.Time { return time.Unix(now.Load(), 0) }
	d := newDoor(t, Arrivals{Total: 100, PerAddress: 100, Rate: Budget{PerSecond: 2, Burst: 5}}, clock)
	come := func() (n int) {
		for n < 50 && d.dial() {
			n++
			(<-d.accepted).Close()
		}
		return n
	}
	if n := come(); n < 5 || n > 6 {
		t.Errorf("%d came at once", n)
	}
	now.Add(1)
	if n := come(); n < 1 || n > 3 {
		t.Errorf("%d came a second later", n)
	}
}

func TestListenerLetsSomeWaitForNothing(t *testing.T) {
	held := make(chan struct{}, 10)
	d := newDoor(t, Arrivals{Rate: Budget{PerSecond: 1, Burst: 100}, Hold: time.Hour, Held: 3}, time.Now)
	for range 3 {
		go func() {
			if !d.dial() { // not before the test ends
				held <- struct{}{}
			}
		}()
	}
	for d.waiting() < 3 {
		runtime.Gosched()
	}
	if d.dial() || len(held) > 0 {
		t.Errorf("one more was let in, or %d of those who wait were sent away", len(held))
	}
}

func (l *Listener) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

func TestAnIPv6NetworkCountsAsOneAddress(t *testing.T) {
	network := func(s string) netip.Prefix { return Network(netip.MustParseAddr(s)) }
	for _, row := range []struct {
		a, b string
		one  bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if got := network(row.a) == network(row.b); got != row.one {
			t.Errorf("%s and %s as one: %t", row.a, row.b, got)
		}
	}
	if Network(netip.Addr{}) != (netip.Prefix{}) {
		t.Error("no address has a network")
	}
}
