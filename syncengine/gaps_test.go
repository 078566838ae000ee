// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// A replica states gaps without end that never touch: the county keeps the first
// few hundred.
func TestOneReplicaStatesSoManyGapsAndNoMore(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	stored, at := 0, uint64(1000)
	for range 8 {
		var q session.PushRequest
		for range session.MaxPushSegments {
			g, err := segment.NewGap(segment.KeySigner(d.key), c.Shard(), d.cert.Hash, causal.Range{Replica: d.cert.Replica(), From: at, To: at})
			if err != nil {
				t.Fatal(err)
			}
			q.Gaps, at = append(q.Gaps, g.Raw), at+2
		}
		reply, err := c.Push(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range reply.Gaps {
			if o == session.OutcomeStored {
				stored++
			}
		}
	}
	if stored != 256 {
		t.Errorf("%d of %d are stored", stored, 8*session.MaxPushSegments)
	}
	d.create(kindNote, villageA, "139")
	if v := d.pushed(); !v.Admitted() {
		t.Errorf("what it saves then is %s", v)
	}
	c.sound()
}
