// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// notice saves what everybody is to know, over what was said before.
func (w *world) notice(id record.ID, text string) record.ID {
	w.Helper()
	change := record.Change{Path: phone, Value: record.Of([]byte(text))}
	if !id.IsZero() {
		view := must(w.engine.Get(w.Context(), id))(w)
		for _, s := range view.State.At(phone) {
			change.Parents = append(change.Parents, s.Dot)
		}
	}
	saved := must(w.engine.Save(w.Context(), "chief", syncengine.OfficeSave{Record: id, Kind: kindNotice, Changes: []record.Change{change}}))(w)
	return saved[0].Record
}

// What the centre says to everybody stands on each screen, wherever its holder works,
// and no state of it is ever sent.
func TestWhatGoesToEverybodyStandsOnEachScreen(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("zhao", villageB)
	id := w.notice(record.ID{}, "first")
	for range 3 { // the cursor passes it, and it stays
		for _, d := range []*device{a, b} {
			d.sync()
			d.shows(id, phone, "first")
		}
	}
	w.notice(id, "second")
	a.sync()
	a.shows(id, phone, "second")
	b.shows(id, phone, "first")
	b.sync()
	b.shows(id, phone, "second")
	w.tablet("wu", villageA).syncAndShow(id, "second")
	if d := must(a.Sweep(t.Context()))(w); d.Segments > 0 {
		t.Errorf("%d segments of the centre's were let go", d.Segments)
	}
}

func (d *device) syncAndShow(id record.ID, want string) {
	d.w.Helper()
	d.sync()
	d.shows(id, phone, want)
}

// A hub passes it on, a restored centre gets it back, and the next one replaces it.
func TestWhatGoesToEverybodyOutlivesARestore(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	a.sync()
	old := w.backup()
	id := w.notice(record.ID{}, "first")
	h.sync()
	a.syncHub(h)
	a.shows(id, phone, "first")
	w.restore(old)
	a.sync()
	a.syncAndShow(id, "first")
	w.notice(id, "second")
	h.sync()
	a.syncHub(h)
	a.shows(id, phone, "second")
	w.tablet("wu", villageB).syncAndShow(id, "second")
}

// What only the centre may say nobody else brings onto a screen but his own: what a
// colleague saves in such a record is held at the centre, and no hub lends it.
func TestNobodyElseSaysWhatOnlyTheCentreMay(t *testing.T) {
	for _, kind := range []record.Kind{kindNotice, kindDecree} {
		w := newWorld(t)
		a, b, h := w.tablet("li", villageA), w.tablet("zhao", villageA), w.hub(county)
		for _, d := range []*device{h, a, b} {
			d.sync()
		}
		forged := must(a.Save(t.Context(), replica.SaveRequest{
			Kind: kind, Author: "li", Scope: villageA, Changes: []record.Change{{Path: phone, Value: record.Of([]byte("forged"))}},
		}))(w)
		a.syncHub(h)
		b.syncHub(h)
		if s, err := b.View(t.Context(), forged.Record); !errors.Is(err, replica.ErrUnknownRecord) && len(texts(s, phone)) > 0 {
			t.Errorf("kind %d at the clinic: %q", kind, texts(s, phone))
		}
		a.sync()
		b.sync()
		if s, err := b.View(t.Context(), forged.Record); !errors.Is(err, replica.ErrUnknownRecord) && len(texts(s, phone)) > 0 {
			t.Errorf("kind %d at the centre: %q", kind, texts(s, phone))
		}
	}
}
