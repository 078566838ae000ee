// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// scope returns what the centre says of d's scope.
func (c *centre) scope(d *device) session.Extent {
	c.t.Helper()
	x, err := c.Scope(c.t.Context(), d.cert)
	if err != nil {
		c.t.Fatal(err)
	}
	return x
}

func TestAScopeIsWhatAPullFromNothingBrings(t *testing.T) {
	c := newCentre(t)
	a := c.enrol(1, doctor("zhang", villageA))
	b := c.enrol(2, doctor("li", villageB))
	if x := c.scope(a); x != (session.Extent{}) {
		t.Errorf("an empty county has %+v", x)
	}
	a.saves(5)
	bases, _, _, _ := c.pull(a, nil)
	size := 0
	for _, one := range bases {
		size += len(one.State)
	}
	if x := c.scope(a); x != (session.Extent{Records: 5, StateBytes: uint64(size)}) {
		t.Errorf("scope %+v, a pull brings %d records of %d bytes", x, len(bases), size)
	}
	if x := c.scope(b); x != (session.Extent{}) {
		t.Errorf("the other village is told of %+v", x)
	}
}

func TestAGreatScopeIsReckonedFromASample(t *testing.T) {
	c := newCentre(t)
	a := c.enrol(1, doctor("zhang", villageA))
	const records = 1500
	for range records / 50 {
		for range 50 {
			a.create(kindNote, villageA, "139")
		}
		c.push(a.seal())
	}
	size := 0
	for cursor := []byte(nil); ; {
		bases, _, last, next := c.pull(a, cursor)
		for _, one := range bases {
			size += len(one.State)
		}
		if cursor = next; last != nil {
			break
		}
	}
	x := c.scope(a)
	if x.Records != records || !x.Sampled || x.StateBytes < uint64(size)*9/10 || x.StateBytes > uint64(size)*11/10 {
		t.Errorf("scope %+v of %d records of %d bytes", x, records, size)
	}
}

func TestOnlyWhoMayPullIsToldOfAScope(t *testing.T) {
	c := newCentre(t)
	a := c.enrol(1, doctor("zhang", villageA))
	a.saves(1)
	c.fence(a)
	if _, err := c.Scope(t.Context(), a.cert); syncengine.ReasonOf(err) != syncengine.ReasonRevoked {
		t.Errorf("cut off: %v", err)
	}
	b := c.enrol(2, doctor("li", villageA))
	c.now = c.now.Add(20 * 365 * 24 * time.Hour)
	if _, err := c.Scope(t.Context(), b.cert); syncengine.ReasonOf(err) != syncengine.ReasonExpired {
		t.Errorf("expired: %v", err)
	}
}
