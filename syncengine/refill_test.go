// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// put lets a centre go on from another file, restored.
func (c *centre) put(store *memstore.Store) {
	c.t.Helper()
	c.store, c.cfg.Store = store, store
	c.reopen(c.store)
	if err := c.Restore(c.t.Context(), "zhao"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *centre) refills() []syncengine.Refill {
	c.t.Helper()
	out, err := c.Refills(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// hello has a device offer segments and show a checkpoint.
func (d *device) hello(checkpoint []byte, offers ...*segment.Segment) {
	d.c.t.Helper()
	q := session.HelloRequest{Checkpoint: checkpoint}
	for _, s := range offers {
		q.Offers = append(q.Offers, session.Offer{Hash: s.Hash()})
	}
	if _, err := d.c.Hello(d.c.t.Context(), d.cert, q); err != nil {
		d.c.t.Fatal(err)
	}
}

func TestWhatARestoredCentreLacksIsKnownFromThoseWhoSaidHello(t *testing.T) {
	c := newCentre(t)
	a, b := c.enrol(1, doctor("wang", villageA)), c.enrol(2, doctor("li", villageA))
	a.create(kindNote, villageA, "138")
	first := a.seal()
	c.push(first)
	whole := c.checkpoint()
	older := c.store.Clone()
	a.create(kindNote, villageA, "139")
	second := a.seal()
	c.push(second)
	lost := c.checkpoint()
	a.hello(lost)
	if r := c.refills(); len(r) != 2 || !r[0].Heard.IsZero() || !r[1].Heard.IsZero() {
		t.Errorf("without a restore: %+v", r)
	}

	c.put(older)
	size := c.Size()
	a.hello(lost, first, second)
	b.hello(whole)
	c.now = c.now.Add(time.Hour)
	a.hello(nil, first, second) // what counts is the first one
	for _, f := range c.refills() {
		switch {
		case f.Heard.IsZero() || !f.Heard.Before(c.now.Add(-time.Minute)):
			t.Errorf("heard %v", f.Heard)
		case f.Certificate.Staff[0] == "wang" && (f.Lacking != 1 || !f.Broken || f.Seen != sizeOf(t, c, lost)):
			t.Errorf("wang: %+v", f)
		case f.Certificate.Staff[0] == "li" && (f.Lacking != 0 || f.Broken || f.Seen != sizeOf(t, c, whole)):
			t.Errorf("li: %+v", f)
		}
	}
	if c.Size() != size {
		t.Error("a hello made leaves")
	}
	c.push(second)
	for _, f := range c.refills() {
		if f.Lacking > 0 {
			t.Errorf("%+v", f)
		}
	}
	c.reopen(c.store)
	for _, f := range c.refills() {
		if f.Heard.IsZero() {
			t.Error("a restart forgot who was heard of")
		}
	}
}

func (c *centre) checkpoint() []byte {
	c.t.Helper()
	raw, err := c.Checkpoint(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return raw
}

func sizeOf(t *testing.T, c *centre, raw []byte) ledger.Size {
	t.Helper()
	cp, err := ledger.OpenCheckpoint(raw, c.ShardKey())
	if err != nil {
		t.Fatal(err)
	}
	return cp.Size
}
