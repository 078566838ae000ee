// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A form that tablets had before the centre: everything held for its kind is
// released, in transactions that are not large and in few leaves of the ledger.
func TestManySavesOfAKindLearntLate(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	const n = 2000
	var ids []record.ID
	for range n / 100 {
		for range 100 {
			id, _ := d.create(kindLater, villageA, "139")
			ids = append(ids, id)
		}
		c.push(d.seal())
	}
	before := c.Size()
	c.schema.later = true
	released, err := c.LearnKinds(t.Context())
	if err != nil || released != n {
		t.Fatalf("%d of %d released, %v", released, n, err)
	}
	if leaves := c.Size() - before; leaves > n/64 {
		t.Errorf("the releases took %d leaves", leaves)
	}
	for _, id := range ids {
		if v := c.verdict(id, d.prev[id]); !v.Admitted() {
			t.Fatalf("one is %s", v)
		}
	}
	if again, err := c.LearnKinds(t.Context()); again != 0 || err != nil {
		t.Errorf("%d more, %v", again, err)
	}
	c.sound()
}

// The centre's acts have calls of their own, which know what each must say.
func TestAnActIsNotSavedAsARecord(t *testing.T) {
	c := newCentre(t)
	act, err := record.MakeID(syncengine.KindFence, c.now, c.enrol(1, doctor("zhang", villageA)).cert.Replica(), [16]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]syncengine.OfficeSave{
		"by its kind":                    {Kind: syncengine.KindRelease},
		"by its id, under another kind":  {Record: act, Kind: kindNote},
		"by its id and no kind with it ": {Record: act},
	} {
		s.Changes = []record.Change{set(phone, "x")}
		if _, err := c.Save(t.Context(), "office", s); syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
