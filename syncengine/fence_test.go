// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// state states a gap in d's own history.
func (d *device) state(from, to uint64) {
	d.c.t.Helper()
	g, err := segment.NewGap(segment.KeySigner(d.key), d.c.Shard(), d.cert.Hash, causal.Range{Replica: d.cert.Replica(), From: from, To: to})
	if err != nil {
		d.c.t.Fatal(err)
	}
	reply, err := d.c.Push(d.c.t.Context(), session.PushRequest{Gaps: [][]byte{g.Raw}})
	if err != nil || reply.Gaps[0] != session.OutcomeStored {
		d.c.t.Fatal(reply.Gaps, err)
	}
}

// goBack lets d go on from a counter as if nothing had come after it.
func (d *device) goBack(counter uint64, last segment.Hash) { d.counter, d.last = counter, last }

func (c *centre) fence(d *device) {
	c.t.Helper()
	if err := c.Fence(c.t.Context(), "office", d.cert.Replica(), "stolen"); err != nil {
		c.t.Fatal(err)
	}
}

// pushed pushes what is pending and returns the verdict of its last save.
func (d *device) pushed() ledger.Verdict {
	d.c.t.Helper()
	vs := d.c.push(d.seal()).Results[0].Verdicts
	return vs[len(vs)-1]
}

func TestFenceIsNotPassedOverAStatedGap(t *testing.T) {
	for name, ready := range map[string]bool{"stated after the fence": false, "made ready before it": true} {
		t.Run(name, func(t *testing.T) {
			c := newCentre(t)
			d := c.enrol(1, doctor("zhang", villageA))
			d.create(kindNote, villageA, "139")
			first := d.seal()
			c.push(first)
			if ready { // a history that follows what nobody has, to be written later
				d.state(2, 9)
				d.goBack(9, segment.Hash{1})
			}
			for range 9 {
				d.create(kindNote, villageA, "139")
			}
			if v := d.pushed(); v != ledger.Admitted {
				t.Fatalf("before the fence: %s", v)
			}
			c.fence(d)
			if !ready {
				d.state(2, 9)
			}
			d.goBack(0, segment.Hash{})
			d.create(kindNote, villageA, "666")
			if v := d.pushed(); v != ledger.HeldFence {
				t.Errorf("a first segment made after the fence: %s", v)
			}
			d.goBack(1, first.Hash())
			d.create(kindNote, villageA, "666")
			if v := d.pushed(); v != ledger.HeldFence {
				t.Errorf("a second successor made after the fence: %s", v)
			}
		})
	}
}

// An original that turns up late, and what lay before it, is spared when hashes lead to it.
func TestFenceSparesWhatHashesLeadTo(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	a, one := d.create(kindNote, villageA, "1")
	first := d.seal()
	d.create(kindNote, villageA, "2")
	second := d.seal()
	d.create(kindNote, villageA, "3")
	d.state(1, 2)
	if v := d.pushed(); v != ledger.Admitted {
		t.Fatalf("over the gap: %s", v)
	}
	c.fence(d)
	c.push(first)
	if v := c.verdict(a, one); v != ledger.HeldFence {
		t.Errorf("before anything leads to it: %s", v)
	}
	if v := c.push(second).Results[0].Verdicts[0]; v != ledger.Admitted {
		t.Errorf("the one that is named: %s", v)
	}
	if v := c.verdict(a, one); v != ledger.Admitted {
		t.Errorf("the one before that: %s", v)
	}
	if r, err := c.Verify(t.Context(), syncengine.VerifyOptions{Replay: true}); err != nil || !r.OK() {
		t.Error(r.Violations, err)
	}
}

// succeed certifies next as from's successor.
func (c *centre) succeed(from, next *device) segment.Certificate {
	c.t.Helper()
	s, err := segment.NewSuccession(segment.KeySigner(from.key), segment.KeySigner(next.key), from.cert)
	if err != nil {
		c.t.Fatal(err)
	}
	cert, err := c.Succeed(c.t.Context(), from.cert, s.Raw)
	if err != nil {
		c.t.Fatal(err)
	}
	return cert
}

func TestASecondPredecessorShakesOffNoFence(t *testing.T) {
	c := newCentre(t)
	revoked, clean := c.enrol(1, doctor("zhang", villageB)), c.enrol(2, doctor("li", villageA))
	next := &device{c: c, rnd: revoked.rnd, prev: map[record.ID]causal.Dot{}, clock: c.now.UnixMilli()}
	_, next.key, _ = ed25519.GenerateKey(revoked.rnd)
	c.fence(revoked)
	next.cert = c.succeed(revoked, next)
	c.now = c.now.Add(25 * time.Hour)
	var err error
	if clean.cert, err = c.Renew(t.Context(), clean.cert); err != nil {
		t.Fatal(err)
	}
	c.succeed(clean, next)
	for _, when := range []string{"at once", "after a restart"} {
		next.create(kindNote, villageB, "666")
		if v := next.pushed(); v != ledger.HeldFence {
			t.Errorf("%s: %s", when, v)
		}
		if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate that the centre lost in a restore names a predecessor that it is cut
// off with, also where the centre knows of another one.
func TestAPredecessorThatARestoreLostCutsOff(t *testing.T) {
	c := newCentre(t)
	clean, revoked := c.enrol(1, doctor("li", villageA)), c.enrol(2, doctor("zhang", villageB))
	next := &device{c: c, rnd: revoked.rnd, prev: map[record.ID]causal.Dot{}, clock: c.now.UnixMilli()}
	_, next.key, _ = ed25519.GenerateKey(revoked.rnd)
	c.succeed(clean, next)
	backup := c.store.Clone()
	c.now = c.now.Add(25 * time.Hour)
	var err error
	if revoked.cert, err = c.Renew(t.Context(), revoked.cert); err != nil {
		t.Fatal(err)
	}
	next.cert = c.succeed(revoked, next)
	c.cfg.Store = backup
	if c.Engine, err = syncengine.Open(t.Context(), c.cfg); err != nil {
		t.Fatal(err)
	}
	c.fence(revoked)
	if off, err := c.Revoked(t.Context(), next.cert); err != nil || !off {
		t.Errorf("cut off: %v, %v", off, err)
	}
}

// What fences cost does not grow with what they spare, nor with each other.
func TestFencesJudgeOnlyWhatTheyCut(t *testing.T) {
	c := newCentre(t)
	for n := range byte(4) {
		d := c.enrol(n+1, doctor("zhang", villageA))
		var segs []*segment.Segment
		for i := range 2000 {
			if d.create(kindNote, villageA, "139"); i%50 == 49 {
				segs = append(segs, d.seal())
			}
		}
		c.push(segs...)
		within(t, 5*time.Second, func() {
			c.fence(d)
			for range 20 {
				d.create(kindNote, villageA, "139")
				if v := d.pushed(); v != ledger.HeldFence {
					t.Errorf("after the fence: %s", v)
				}
			}
		})
	}
}

// The save that a fence leaves last is sealed again by a thief, with others before it.
func TestFenceSparesNoOtherSegmentWithTheSameLastSave(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, scope := d.create(kindNote, villageA, "139")
	d.edit(id, villageA, scope, set(phone, "138", scope))
	last := d.pending[1]
	c.push(d.seal())
	c.fence(d)
	d.goBack(0, segment.Hash{})
	d.create(kindNote, villageA, "forged")
	d.pending, d.counter = append(d.pending, last), 2
	verdicts := c.push(d.seal()).Results[0].Verdicts
	if verdicts[0] != ledger.HeldFence || verdicts[1] != ledger.Admitted {
		t.Errorf("the forged save and the one behind it are %v", verdicts)
	}
	c.sound()
}
