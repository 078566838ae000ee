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
