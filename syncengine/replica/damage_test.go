// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// spoil damages the body at a place among those of a bucket.
func (d *device) spoil(b replica.Bucket, at int) {
	d.w.Helper()
	var keys [][]byte
	d.w.ok(d.store.View(d.w.Context(), func(r replica.Reader) error {
		rows, err := r.Scan(b, nil, nil, 1000)
		for _, row := range rows {
			if full, _, _ := r.Get(b, row.Key); len(full.Body) > 0 {
				keys = append(keys, row.Key)
			}
		}
		return err
	}))
	if len(keys) <= at || !d.store.Damage(b, keys[at]) {
		d.w.Fatalf("nothing to damage at %d in bucket %d", at, b)
	}
}

func (d *device) list() []replica.Screen {
	d.w.Helper()
	return must(d.List(d.w.Context(), replica.Query{Kind: kindPerson}))(d.w)
}

func (d *device) status() replica.Status {
	d.w.Helper()
	return must(d.Status(d.w.Context()))(d.w)
}

func marked(list []replica.Screen) (out []record.ID) {
	for _, s := range list {
		if s.Damaged || len(s.Unreadable) > 0 {
			out = append(out, s.Record)
		}
	}
	return out
}

// One save that cannot be read any more is a gap: the others are sealed around it.
func TestADamagedUnsealedSaveIsSealedAround(t *testing.T) {
	for at, name := range []string{"the first save", "one in between", "the last save"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			a := w.tablet("li", villageA)
			var saves []replica.Saved
			for i := range 3 {
				saves = append(saves, a.create(villageA, phone, fmt.Sprint(i)))
			}
			a.spoil(replica.Revisions, at)
			if s := a.status(); s.Unsent != 3 || s.Lost != 0 {
				t.Errorf("before the sync %+v", s)
			}
			a.sync()
			later := a.create(villageA, phone, "later")
			if rep := a.sync(); rep.Blocked != 0 {
				t.Errorf("report %+v", rep)
			}
			for i, s := range append(saves, later) {
				want := replica.PlaceCentre
				if i == at {
					want = replica.PlaceTablet
				}
				if got := a.where(s.Record, s.Dot).Place; got != want {
					t.Errorf("save %d is at %v, want %v", i, got, want)
				}
			}
			if s := a.status(); s.Unsent != 0 || s.Lost != 1 {
				t.Errorf("after the sync %+v", s)
			}
			if list := a.list(); len(list) != 4 || !slices.Equal(marked(list), []record.ID{saves[at].Record}) {
				t.Errorf("%d records listed, %v marked", len(list), marked(list))
			}
			if r := a.sync(); r.Gaps != 0 || r.Sealed != 0 {
				t.Errorf("once more: %+v", r)
			}
			w.sound()
		})
	}
}

// What was edited in a record whose base is good is shown without the lost edit,
// which is named.
func TestALostEditIsNamedOnTheScreen(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	lost := a.edit(x.Record, phone, "138")
	a.spoil(replica.Revisions, 0)
	s := a.view(x.Record)
	if !slices.Equal(s.Unreadable, []causal.Dot{lost.Dot}) || s.Damaged || !s.Opens {
		t.Errorf("screen %+v", s)
	}
	a.shows(x.Record, phone, "139")
	a.edit(x.Record, phone, "137")
	a.sync()
	a.shows(x.Record, phone, "137")
}

func TestADamagedSegmentIsStatedAndTheRestGoesOn(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	lost := a.create(villageA, phone, "1")
	must(a.Seal(t.Context()))(w)
	a.spoil(replica.Segments, 0)
	good := a.create(villageA, phone, "2")
	if rep := a.sync(); rep.Gaps != 1 || rep.Blocked != 0 {
		t.Errorf("report %+v", rep)
	}
	if at := a.where(good.Record, good.Dot).Place; at != replica.PlaceCentre {
		t.Errorf("the good save is at %v", at)
	}
	if s := a.status(); s.Unsent != 0 || s.Lost != 1 {
		t.Errorf("status %+v", s)
	}
	if list := a.list(); len(list) != 2 || !slices.Equal(marked(list), []record.ID{lost.Record}) {
		t.Errorf("%d records listed, %v marked", len(list), marked(list))
	}
	w.sound()
}

// A base that cannot be read is marked in lists, and once somebody met it the next
// sync brings it anew, also after the app was started again.
func TestADamagedBaseIsMarkedAndFetchedAnew(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	for i := range 3 {
		a.create(villageA, phone, fmt.Sprint(i))
	}
	a.sync()
	a.spoil(replica.Bases, 1)
	list := a.list()
	if len(list) != 3 || len(marked(list)) != 1 || !list[1].Damaged || list[1].Opens {
		t.Fatalf("%d records listed, %v marked", len(list), marked(list))
	}
	a.open()
	a.sync()
	if list := a.list(); len(list) != 3 || marked(list) != nil {
		t.Errorf("%d records listed, %v marked after a sync", len(list), marked(list))
	}
	a.shows(list[1].Record, phone, "1")
	if rep := a.sync(); rep.Bases != 0 {
		t.Errorf("%d bases taken once more", rep.Bases)
	}
}

// A caller of a hub gets the record that was damaged there as soon as it is whole.
func TestAHubsDamagedBaseReachesItsCallersLater(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wu", villageA), w.hub(villageA)
	var ids []record.ID
	for i := range 3 {
		ids = append(ids, a.create(villageA, phone, fmt.Sprint(i)).Record)
	}
	a.sync()
	h.sync()
	h.spoil(replica.Bases, 0)
	b.syncHub(h)
	if n := len(b.list()); n != 2 {
		t.Errorf("%d records from the hub, want 2", n)
	}
	h.sync()
	b.syncHub(h)
	for i, id := range ids {
		b.shows(id, phone, fmt.Sprint(i))
	}
}

// sound has the centre check itself.
func (w *world) sound() {
	w.Helper()
	r := must(w.engine.Verify(w.Context(), syncengine.VerifyOptions{Replay: true}))(w)
	if !r.OK() {
		w.Errorf("the centre is broken: %v", r.Violations)
	}
}

// shutStore is a store whose bodies cannot be opened now.
type shutStore struct{ replica.Store }

func (s shutStore) View(ctx context.Context, f func(replica.Reader) error) error {
	return s.Store.View(ctx, func(r replica.Reader) error { return f(shutReader{r}) })
}

type shutReader struct{ replica.Reader }

func (r shutReader) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	row, ok, err := r.Reader.Get(b, key)
	if len(row.Body) > 0 {
		return replica.Row{}, false, fmt.Errorf("row: %w", replica.ErrLocked)
	}
	return row, ok, err
}

func TestStatusOfALockedTabletTellsOfForksAndHeldSaves(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	a.sync()
	a.staff = "ghost"
	a.edit(x.Record, phone, "2")
	a.sync()
	if s := a.status(); s.Held != 1 || s.HeldAtMost {
		t.Fatalf("unlocked: %+v", s)
	}
	a.w.ok(a.store.Update(t.Context(), func(tx replica.Tx) error {
		return tx.PutHead(replica.Values, []byte("forked"), []byte{1})
	}))
	a.cfg.Store = shutStore{a.store}
	a.open()
	if s := a.status(); s.Held != 1 || !s.HeldAtMost || !s.Forked {
		t.Errorf("locked: %+v", s)
	}
}

// countingStore counts how often the body of each segment is read.
type countingStore struct {
	replica.Store
	reads map[segment.Hash]int
}

func (s countingStore) View(ctx context.Context, f func(replica.Reader) error) error {
	return s.Store.View(ctx, func(r replica.Reader) error { return f(countingReader{r, s.reads}) })
}

type countingReader struct {
	replica.Reader
	reads map[segment.Hash]int
}

func (r countingReader) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	if b == replica.Segments {
		r.reads[segment.Hash(key)]++
	}
	return r.Reader.Get(b, key)
}

// However many segments wait behind a lost one, each is opened when it is sent, and
// sent twice: before the gap is stated and after.
func TestSegmentsBehindAGapAreOpenedOnlyToBeSent(t *testing.T) {
	for _, n := range []int{3, 40} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newWorld(t)
			a := w.tablet("li", villageA)
			for i := range n + 1 {
				a.create(villageA, phone, fmt.Sprint(i))
				must(a.Seal(t.Context()))(w)
				if i == 0 {
					a.damage(a.lastSegment())
				}
			}
			reads := map[segment.Hash]int{}
			a.cfg.Store = countingStore{a.store, reads}
			a.open()
			if rep := a.sync(); rep.Gaps != 1 || rep.Blocked != 0 || rep.Pushed != n {
				t.Errorf("report %+v", rep)
			}
			for h, times := range reads {
				if times > 2 {
					t.Errorf("segment %.4x was opened %d times", h, times)
				}
			}
			if len(reads) != n+1 {
				t.Errorf("%d segments opened, want %d", len(reads), n+1)
			}
		})
	}
}

// A save that a clone sealed again is read from the clone's segment once the own one
// is damaged, and is where that one is.
func TestACloneBringsADamagedSaveBack(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	c := a.clone()
	must(a.Seal(t.Context()))(w)
	a.damage(a.lastSegment())
	c.create(villageA, phone, "2")
	must(c.Seal(t.Context()))(w)
	w.ok(c.Export(t.Context(), replica.ExportOptions{}, func(p replica.Parcel) error {
		_, err := a.Carry(t.Context(), p)
		return err
	}))
	a.shows(x.Record, phone, "1")
	a.sync()
	if at := a.where(x.Record, x.Dot); at.Place != replica.PlaceCentre {
		t.Errorf("the save is at the %v, want centre", at.Place)
	}
}
