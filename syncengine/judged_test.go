// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// nowhere is a division that nobody in these tests has a right to.
const nowhere record.Division = "999999999999"

// within fails the test when f takes longer; what these tests guard against takes
// hours.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("still judging after %v", limit)
	}
}

// Each save leans on the one before, all of it was sealed twice, and nobody had the
// right to any of it.
func TestAChainSealedTwiceIsJudgedOnce(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, dot := d.create(kindNote, nowhere, "139")
	for range 60 {
		dot = d.edit(id, nowhere, dot, set(record.PathScope, string(nowhere), dot))
	}
	again := slices.Clone(d.pending)
	c.push(d.seal())
	d.pending, d.last = again, segment.Hash{}
	d.edit(id, nowhere, dot, set(phone, "1"))
	second := d.seal()
	within(t, 30*time.Second, func() { c.push(second) })
	if v := c.verdict(id, dot); v != ledger.HeldScope {
		t.Errorf("a save without rights: %s", v)
	}
}

// moved pushes a record that moves with each of n saves, and names them.
func moved(c *centre, d *device, n int) (record.ID, []causal.Dot) {
	id, dot := d.create(kindNote, villageA, "139")
	dots, villages := []causal.Dot{dot}, []record.Division{villageA, villageB}
	for i := range n {
		dot = d.edit(id, villages[i%2], dot, set(record.PathScope, string(villages[(i+1)%2]), dot))
		if dots = append(dots, dot); len(d.pending) == 200 {
			c.push(d.seal())
		}
	}
	c.push(d.seal())
	return id, dots
}

func TestWithdrawingAChainOfMovesJudgesEachOnce(t *testing.T) {
	c := newCentre(t)
	id, dots := moved(c, c.enrol(1, doctor("zhang", villageA, villageB)), 60)
	within(t, 30*time.Second, func() {
		for _, dot := range dots {
			if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: dot, Author: "boss"}); err != nil {
				t.Error(err)
			}
		}
	})
	for _, dot := range dots {
		if v := c.verdict(id, dot); v != ledger.HeldWithdrawn {
			t.Fatalf("%s: %s", dot, v)
		}
	}
}

// A ruling on the first of many saves that lean on each other judges them all anew.
func TestALongChainIsJudgedAnewInOrder(t *testing.T) {
	c := newCentre(t)
	id, dots := moved(c, c.enrol(1, doctor("zhang", villageA, villageB)), 4000)
	within(t, 60*time.Second, func() {
		if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: dots[0], Author: "boss"}); err != nil {
			t.Error(err)
		}
	})
	if v := c.verdict(id, dots[len(dots)-1]); v != ledger.Admitted {
		t.Errorf("the last save, whose author had every right: %s", v)
	}
}

// A save may wait for its scope's bearer through many others that do.
func TestAChainWhoseFirstComesLastIsFreed(t *testing.T) {
	c := newCentre(t)
	first, second := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	id, dot := first.create(kindNote, villageA, "139")
	bearer := first.seal()
	for range 50 {
		dot = second.edit(id, villageA, dot, set(record.PathScope, string(villageA), dot))
		c.push(second.seal())
	}
	if v := c.verdict(id, dot); v != ledger.HeldScopeUnknown {
		t.Fatalf("before the first came: %s", v)
	}
	c.push(bearer)
	if v := c.verdict(id, dot); v != ledger.Admitted {
		t.Errorf("after it: %s", v)
	}
}
