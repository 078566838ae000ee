// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// A replica is listed as blocked while counters are missing of which nobody said
// that they are gone, and no longer.
func TestBlockedIsWhoWaitsForCountersThatNobodyStated(t *testing.T) {
	for name, row := range map[string]struct {
		stated causal.Range // by the replica itself; its segments are 1 to 6
		pushed int          // the segment that follows; 0: none
		want   int          // blocked afterwards
	}{
		"a statement without a segment":              {causal.Range{From: 2, To: 2}, 0, 0},
		"a statement that goes beyond what blocked":  {causal.Range{From: 2, To: 5}, 6, 0},
		"a statement about other counters":           {causal.Range{From: 3, To: 3}, 0, 1},
		"and then the next one behind another hole":  {causal.Range{From: 2, To: 2}, 5, 1},
		"a statement, and the segment that it frees": {causal.Range{From: 2, To: 2}, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCentre(t)
			d := c.enrol(1, doctor("zhang", villageA))
			var wires [][]byte
			for range 6 {
				d.create(kindNote, villageA, "1")
				wires = append(wires, d.seal().Bytes())
			}
			push := func(q session.PushRequest) {
				t.Helper()
				if _, err := c.Push(t.Context(), q); err != nil {
					t.Fatal(err)
				}
			}
			push(session.PushRequest{Segments: [][]byte{wires[0], wires[2]}, Certificates: [][]byte{d.cert.Raw}})
			if n := len(c.blockedNow(t)); n != 1 {
				t.Fatalf("%d blocked by a missing counter", n)
			}
			row.stated.Replica = d.cert.Replica()
			gap, err := segment.NewGap(segment.KeySigner(d.key), c.Shard(), d.cert.Hash, row.stated)
			if err != nil {
				t.Fatal(err)
			}
			q := session.PushRequest{Gaps: [][]byte{gap.Raw}}
			if row.pushed > 0 {
				q.Segments = [][]byte{wires[row.pushed-1]}
			}
			push(q)
			if b := c.blockedNow(t); len(b) != row.want {
				t.Errorf("blocked %v, want %d", b, row.want)
			}
		})
	}
}
