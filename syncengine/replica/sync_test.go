// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/replica"
)

func TestTwoTabletsMeetAtTheCentre(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "139")

	a.edit(x.Record, phone, "138")
	b.edit(x.Record, phone, "137")
	b.edit(x.Record, address, "no 1")
	a.sync()
	b.sync()
	a.sync()
	for _, d := range []*device{a, b} {
		d.shows(x.Record, phone, "137", "138")
		d.shows(x.Record, address, "no 1")
	}
	if l := must(a.List(t.Context(), replica.Query{Conflicts: true}))(w); len(l) != 1 {
		t.Errorf("%d conflicts listed, want 1", len(l))
	}
	a.edit(x.Record, phone, "138")
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "138")
	if at := a.where(x.Record, x.Dot); at.Place != replica.PlaceCentre || at.Held {
		t.Errorf("first save is at %v, want centre", at)
	}
}
