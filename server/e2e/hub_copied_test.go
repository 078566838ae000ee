// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// copied starts a copy of a hub beside it, as whoever stole an image of its disk can.
func (c *clinic) copied() *clinic {
	c.w.t.Helper()
	image := c.w.t.TempDir()
	c.stop()
	c.copyTo(image)
	c.start()
	thief := &clinic{w: c.w, line: newLine(), data: c.w.t.TempDir(), listen: "127.0.0.1:0"}
	thief.putBack(image)
	thief.start()
	c.w.t.Cleanup(func() { thief.stop() })
	return thief
}

// A hub runs twice, under one key: what either takes from tablets comes to the centre
// once, no history forks, and what one gives is never taken back by the other. One
// fence cuts off both, and what was saved goes on without them.
func TestAHubIsCopied(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a := w.tablet("zhang", village).knows(l, c)
	x := a.add("resident", "", "", `{"name": "王建国", "phone": "1"}`)
	a.by(c)
	c.up()
	thief := c.copied()
	b := w.tablet("li", village).knows(l, thief)
	b.by(thief)
	a.save(a.show(x.ID).Form, `{"name": "王建国", "phone": "2"}`)
	a.by(c)
	late := b.add("resident", "", "", `{"name": "李四"}`)
	b.by(thief)
	b.wantState(late.ID, tablet.StateClinic, "")
	for range 2 {
		c.up()
		thief.up()
		a.by(c)
		b.by(thief)
	}
	if phone := value(t, b.show(x.ID).JSON, "phone"); phone != "2" {
		t.Errorf("by the copy the phone is %v", phone)
	}
	w.wantAgreed([]*tab{a, b}, []string{x.ID, late.ID})
	replicas, err := w.county.Engine.Replicas(t.Context())
	for _, r := range must(t, replicas, err) {
		if len(r.Forks) > 0 {
			t.Errorf("%x forked", r.Certificate.Replica())
		}
	}
	certificate, err := c.Certificate(t.Context())
	do(t, w.county.Engine.Fence(t.Context(), "office", must(t, certificate, err).Replica(), "copied"))
	after := a.add("resident", "", "", `{"name": "赵六"}`)
	a.sync.With = tablet.CentreName
	a.run()
	for _, h := range []*clinic{c, thief} {
		if r := h.up(); !r.Revoked || r.Bases != 0 {
			t.Errorf("after the fence: %+v", r)
		}
	}
	b.sync.With = tablet.CentreName
	b.run()
	w.wantAgreed([]*tab{a, b}, []string{x.ID, late.ID, after.ID})
}
