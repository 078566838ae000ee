// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// A key that seals its first segment again and again is listed as forked, shortly,
// and each push costs what the first did.
func TestManyForksAreListedShortly(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	within(t, 30*time.Second, func() {
		for push := range 12 {
			var segs []*segment.Segment
			for range session.MaxPushSegments {
				d.goBack(0, segment.Hash{})
				d.create(kindNote, villageA, "139")
				segs = append(segs, d.seal())
			}
			for i, r := range c.push(segs...).Results {
				if first := push+i == 0; r.Outcome != session.OutcomeStored || r.Fork == first {
					t.Errorf("segment %d of push %d: outcome %d, fork %v", i, push, r.Outcome, r.Fork)
				}
			}
		}
	})
	replicas, err := c.Replicas(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range replicas {
		if n := len(r.Forks); r.Certificate.Replica() == d.cert.Replica() && (n == 0 || n > 16) {
			t.Errorf("%d pairs listed", n)
		}
	}
}

// Of a tablet with two histories the office is told the highest counter of both and when the last
// segment came, whichever history it belongs to.
func TestWhenAForkedTabletWasHeardOfIsThatOfItsLastSegment(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	for range 5 {
		d.create(kindNote, villageA, "139")
	}
	c.push(d.seal())
	d.goBack(0, segment.Hash{})
	d.create(kindNote, villageA, "138")
	c.now = c.now.Add(time.Hour)
	c.push(d.seal())
	devices, err := c.Devices(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range devices {
		if one.Certificate.Replica() != d.cert.Replica() {
			continue
		}
		if one.Last != 5 || len(one.Forks) != 1 || !one.LastReceived.Equal(c.now) {
			t.Errorf("counter %d, %d forks, received %s at %s", one.Last, len(one.Forks), one.LastReceived, c.now)
		}
	}
	if at, err := c.LastReceived(t.Context(), d.cert.Replica()); err != nil || !at.Equal(c.now) {
		t.Errorf("received %s, %v", at, err)
	}
}
