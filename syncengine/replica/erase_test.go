// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const erasedText = "13987654321-to-be-erased"

// wantIn reads all rows of a device and demands that a value stands in so many of them.
func (d *device) wantIn(rows int, value []byte) {
	d.w.Helper()
	found := 0
	d.w.ok(d.store.View(d.w.Context(), func(tx replica.Reader) error {
		for _, b := range replica.Buckets() {
			all, err := tx.Scan(b, nil, nil, 1<<20)
			if err != nil {
				return err
			}
			for _, head := range all {
				row, _, err := tx.Get(b, head.Key)
				if err != nil {
					return err
				}
				if bytes.Contains(slices.Concat(row.Key, row.Head, row.Body), value) {
					found++
				}
			}
		}
		return nil
	}))
	if found != rows {
		d.w.Errorf("%s: the value stands in %d rows, want %d", d.staff, found, rows)
	}
}

func (d *device) wantGone() {
	d.w.Helper()
	d.wantIn(0, []byte(erasedText))
}

func (w *world) erase(s replica.Saved) {
	w.Helper()
	w.ok(w.engine.Erase(w.Context(), syncengine.Ruling{Record: s.Record, Dot: s.Dot, Author: "office", Reason: "court order 7"}))
}

// saves are some saves of which the middle one is to be erased.
func (d *device) saves() replica.Saved {
	d.w.Helper()
	d.create(villageA, phone, "before")
	x := d.create(villageA, phone, erasedText)
	d.create(villageA, phone, "after")
	return x
}

// After a sync that brings an order, nobody who was there has the value any more:
// neither who saved it, nor who pulled it, nor who carried it.
func TestWhatIsOrderedGoneLeavesEveryDevice(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := a.saves()
	a.syncHub(h)
	h.sync()
	b.sync()
	a.sync()
	b.edit(x.Record, address, "beside it")
	b.sync()
	for _, d := range []*device{a, b, h} {
		if d.sync(); d == b {
			d.wantIn(1, []byte(erasedText))
			continue
		}
		d.wantIn(2, []byte(erasedText)) // its base and the segment
	}
	w.erase(x)
	for _, d := range []*device{a, b, h} {
		if rep := d.sync(); (rep.Erased == 0) != (d == b) {
			t.Errorf("%s: %d bodies taken out", d.staff, rep.Erased)
		}
		d.wantGone()
		g, _ := d.view(x.Record).Register(phone)
		if len(g.Siblings) != 1 || g.Siblings[0].Value.Form != record.Erased {
			t.Errorf("%s shows %v", d.staff, g)
		}
		if rep := d.sync(); rep.Erased != 0 {
			t.Errorf("%s: %d more taken out", d.staff, rep.Erased)
		}
	}
	c := w.tablet("zhao", villageA)
	c.sync()
	c.wantGone()
}

// A segment that the centre is not known to have stays whole until it is.
func TestAnOrderWaitsForTheAck(t *testing.T) {
	w := newWorld(t)
	a, other, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := a.saves()
	a.syncHub(h)
	h.sync()
	w.erase(x)
	other.sync()
	w.ok(other.Export(t.Context(), replica.ExportOptions{}, func(p replica.Parcel) error {
		p.Acks = nil
		_, err := a.Carry(t.Context(), p)
		return err
	}))
	a.wantIn(1, []byte(erasedText))
	a.sync()
	a.wantGone()
	if s := must(a.Status(t.Context()))(w); s.Unsent != 0 || s.Held != 0 {
		t.Errorf("status %+v", s)
	}
}

// A save that was copied with the device before it was sealed is sealed twice, in
// segments of two histories, and goes from both.
func TestAnOrderCountsForEveryCopyOfASave(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	a.create(villageA, phone, "0")
	a.sync()
	x := a.saves()
	b := a.clone()
	b.sync()
	w.erase(x)
	a.create(villageA, phone, "another history")
	a.wantIn(1, []byte(erasedText))
	for range 2 {
		for _, d := range []*device{a, b} {
			d.sync()
			d.wantGone()
		}
	}
}

// What the office itself saved is kept on devices too, for a restored centre.
func TestTheOfficesOwnSavesAreErasedAsWell(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	a.sync()
	saved := must(w.engine.Save(t.Context(), "office", syncengine.OfficeSave{
		Record: x.Record, Changes: []record.Change{{Path: phone, Value: record.Of([]byte(erasedText)), Parents: []causal.Dot{x.Dot}}},
	}))(w)
	a.sync()
	a.wantIn(2, []byte(erasedText)) // its base and the office's segment
	w.erase(replica.Saved{Record: x.Record, Dot: saved[0].Dot})
	a.sync()
	a.wantGone()
}

// An erased subject is no longer found under the resident it named.
func TestAnErasedSubjectIsNotListed(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	person := w.tablet("zhao", villageB).create(villageB, phone, "1").Record // whom nobody here has
	visit := must(a.Save(t.Context(), replica.SaveRequest{
		Kind: kindPerson, Author: "li", Scope: villageA, Subject: person,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("2"))}},
	}))(w)
	a.sync()
	b.sync()
	b.edit(visit.Record, address, "beside it")
	for _, d := range []*device{b, a} {
		d.sync()
		if l := must(d.List(t.Context(), replica.Query{Subject: person}))(w); len(l) != 1 {
			t.Fatalf("%s: %d records about the person", d.staff, len(l))
		}
	}
	w.erase(visit)
	for _, d := range []*device{a, b} {
		d.sync()
		d.wantIn(0, person[:])
	}
}

// A centre that was set back to before a save and before the order to erase it gets
// both from a device, the order first, and loses nothing else of the segment.
func TestARestoredCentreLearnsTheOrderBeforeWhatItIsAbout(t *testing.T) {
	w := newWorld(t)
	first := w.tablet("li", villageA)
	first.create(villageA, phone, "0")
	first.sync()
	old := w.backup()
	var all []*device
	var gone []replica.Saved
	for range 3 {
		d := w.tablet("wang", villageA)
		x := d.saves()
		d.edit(x.Record, address, "beside it")
		d.sync()
		w.erase(x)
		d.sync()
		d.wantGone()
		all, gone = append(all, d), append(gone, x)
	}
	w.restore(old)
	for _, d := range all {
		wanting := d.line()
		wanting.onHello = func(_ *session.HelloRequest, r *session.HelloReply) error {
			slices.Reverse(r.Wants) // ids are drawn: which comes first is chance
			return nil
		}
		if rep := must(d.Sync(t.Context(), wanting, replica.Options{}))(w); rep.Gaps > 0 || len(rep.Refused) > 0 || rep.Blocked > 0 {
			t.Errorf("the centre took not all: %+v", rep)
		}
	}
	first.sync()
	if l := must(first.List(t.Context(), replica.Query{Kind: kindPerson}))(w); len(l) != 1+3*len(all) {
		t.Errorf("%d records of %d", len(l), 1+3*len(all))
	}
	for _, x := range gone {
		if g, _ := first.view(x.Record).Register(phone); len(g.Siblings) != 1 || g.Siblings[0].Value.Form != record.Erased {
			t.Errorf("it shows %v", g)
		}
	}
}

// A hub that has long obeyed an order is brought the whole segment by a tablet that
// has not heard of it: it keeps it until the centre says that it has it.
func TestAnOrderCountsForWhatComesLater(t *testing.T) {
	w := newWorld(t)
	a, first, second := w.tablet("li", villageA), w.hub(county), w.hub(county)
	x := a.saves()
	a.syncHub(first)
	first.sync()
	w.erase(x)
	second.sync()
	second.wantGone()
	a.syncHub(second)
	second.wantIn(1, []byte(erasedText))
	second.sync()
	second.wantGone()
}

// An order is not forgotten over a sync in which the centre did not say that it has
// the segment.
func TestAnOrderIsKeptUntilItIsObeyed(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.saves()
	a.syncHub(h)
	h.sync()
	w.erase(x)
	silent := a.line()
	silent.onHello = func(_ *session.HelloRequest, r *session.HelloReply) error {
		r.Acks, r.Wants = nil, nil
		return nil
	}
	must(a.Sync(t.Context(), silent, replica.Options{}))(w)
	a.wantIn(1, []byte(erasedText))
	a.sync()
	a.wantGone()
}

// alone is a centre that certifies no new key.
type alone struct{ session.Centre }

func (alone) Succeed(context.Context, []byte) ([]byte, error) { return nil, errors.New("not again") }

// A sync that must end with an error obeys all the same.
func TestAForkedReplicaWithoutANewKeyObeys(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.saves()
	a.sync()
	b := a.clone()
	b.create(villageA, phone, "another history")
	b.sync()
	w.erase(x)
	if _, err := a.Sync(t.Context(), alone{a.line()}, replica.Options{}); !errors.Is(err, replica.ErrSuccession) {
		t.Fatal(err)
	}
	a.wantGone()
}

// Whoever brings a segment without its bodies and without an order is refused:
// stripping one needs no key.
func TestASegmentStrippedByNobodysOrderIsNotTaken(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.saves()
	a.sync()
	w.erase(x)
	a.sync()
	var papers, bare, order [][]byte
	w.ok(a.Export(t.Context(), replica.ExportOptions{}, func(p replica.Parcel) error {
		papers = append(papers, p.Certificates...)
		for _, wire := range p.Segments {
			seg := must(segment.Open(wire))(w)
			switch {
			case seg.AnyErased():
				bare = append(bare, wire)
			case seg.RecordID(0).Kind() == syncengine.KindErasure:
				order = append(order, wire)
			}
		}
		return nil
	}))
	carry := func(segments ...[]byte) replica.Carried {
		t.Helper()
		return must(h.Carry(t.Context(), replica.Parcel{Certificates: papers, Segments: segments}))(w)
	}
	if c := carry(bare...); c.Stored != 0 || len(c.Refused) != 1 {
		t.Errorf("without the order: %+v", c)
	}
	if c := carry(append(bare, order...)...); c.Stored != 2 || len(c.Refused) != 0 {
		t.Errorf("with the order behind it: %+v", c)
	}
}

// cutAfter breaks the line off after so many pages.
type cutAfter struct {
	session.Centre
	pages int
}

func (c *cutAfter) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	return c.Centre.Pull(ctx, q, func(p session.Page) error {
		if c.pages--; c.pages < 0 {
			return context.DeadlineExceeded
		}
		return page(p)
	})
}

// A sync that is cut off anywhere erases what it can, and the next one the rest.
func TestAnOrderOutlivesACutSync(t *testing.T) {
	for pages := range 5 {
		w := newWorld(t)
		a := w.tablet("li", villageA)
		x := a.saves()
		a.sync()
		w.erase(x)
		_, _ = a.Sync(t.Context(), &cutAfter{a.line(), pages}, replica.Options{PageRecords: 1})
		a.sync()
		a.wantGone()
	}
}
