// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func TestWhatWaitsAtAHubIsCountedUntilTheCentreHasIt(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageB), w.hub(county)
	h.sync()
	if got := must(h.Waiting(t.Context()))(w); got.Saves != 0 || !got.Since.IsZero() {
		t.Errorf("before anything: %+v", got)
	}
	for range 3 {
		a.create(villageA, phone, "139")
	}
	a.syncHub(h)
	first := must(h.Waiting(t.Context()))(w)
	if first.Saves != 3 || first.Segments != 1 || first.Since.IsZero() {
		t.Errorf("three saves: %+v", first)
	}
	b.create(villageB, phone, "138")
	b.syncHub(h)
	if got := must(h.Waiting(t.Context()))(w); got.Saves != 4 || got.Since != first.Since {
		t.Errorf("another one later: %+v", got)
	}
	a.sync() // straight to the centre: the hub learns of it with its next sync
	h.sync()
	if got := must(h.Waiting(t.Context()))(w); got.Saves != 0 || got.Segments != 0 {
		t.Errorf("all at the centre: %+v", got)
	}
}

func TestTheNewestCertificateOfACallerCounts(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	old := must(a.Certificate(t.Context()))(w)
	if got := must(h.Newest(t.Context(), old))(w); got.Hash != old.Hash {
		t.Error("the only one is not the newest")
	}
	a.syncHub(h)
	renewed := must(w.engine.Certify(t.Context(), rights("li", segment.RoleTablet, villageB), old.PublicKey))(w)
	w.ok(a.Enrol(t.Context(), w.engine.ShardKey(), renewed.Raw))
	a.syncHub(h)
	if got := must(h.Newest(t.Context(), old))(w); got.Hash != renewed.Hash {
		t.Error("an older certificate still counts")
	}
	if got := must(h.LastIssue(t.Context()))(w); !got.Equal(renewed.IssuedAt) {
		t.Errorf("last issue %v, want %v", got, renewed.IssuedAt)
	}
}
