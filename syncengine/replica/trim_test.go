// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// village is a doctor who made six records and a colleague who pulled them.
func (w *world) village() (maker, reader *device, all []record.ID) {
	w.Helper()
	maker, reader = w.tablet("li", villageA), w.tablet("wang", villageA)
	for i := range 6 {
		all = append(all, maker.create(villageA, phone, fmt.Sprint("13", i)).Record)
	}
	maker.sync()
	reader.sync()
	slices.SortFunc(all, func(a, b record.ID) int { return slices.Compare(a[:], b[:]) })
	return maker, reader, all
}

func (d *device) trims(want int, ids ...record.ID) {
	d.w.Helper()
	if got := must(d.Trim(d.w.Context(), ids))(d.w); got != want {
		d.w.Errorf("%d states let go, want %d", got, want)
	}
}

func (d *device) stock(live uint64, trimmed int) {
	d.w.Helper()
	if got := must(d.Stock(d.w.Context()))(d.w); got.Records != live || got.Trimmed != trimmed || live > 0 && got.StateBytes == 0 {
		d.w.Errorf("stock %+v, want %d live and %d let go", got, live, trimmed)
	}
}

func TestWhatIsTrimmedIsNotShownAndStillAddsUp(t *testing.T) {
	w := newWorld(t)
	_, b, all := w.village()
	b.trims(4, all[:4]...)
	b.trims(0, all[:4]...) // once is enough
	b.stock(2, 4)
	b.listed(2)
	s := b.view(all[0])
	if !s.Trimmed || s.Opens || len(s.Registers) > 0 || s.Damaged || s.Departed {
		t.Errorf("screen of what was let go: %+v", s)
	}
	if l := must(b.List(t.Context(), replica.Query{Trimmed: true}))(w); len(l) != 6 {
		t.Errorf("%d listed with those let go, want 6", len(l))
	}
	for range 2 {
		if rep := b.sync(); !rep.Complete || rep.Repulled || rep.Bases > 0 {
			t.Errorf("sync after trimming: %+v", rep)
		}
	}
	b.open() // and after a restart
	b.stock(2, 4)
}

func TestWhatWasSavedHereIsNeverTrimmed(t *testing.T) {
	w := newWorld(t)
	a, b, all := w.village()
	a.trims(0, all...)
	b.edit(all[0], phone, "200") // not sent
	b.trims(5, all...)
	b.shows(all[0], phone, "200")
	if err := b.Spare(t.Context(), func(id record.ID, _ int) error { return fmt.Errorf("%s may be let go", id) }); err != nil {
		t.Error(err)
	}
	if rep := b.sync(); rep.Pushed != 1 || !rep.Complete {
		t.Errorf("report %+v", rep)
	}
}

func TestWhatWasTrimmedComesBackWhenItChangesAndWhenFetched(t *testing.T) {
	w := newWorld(t)
	a, b, all := w.village()
	b.trims(6, all...)
	a.edit(all[1], phone, "201")
	a.sync()
	if rep := b.sync(); rep.Bases != 1 || !rep.Complete {
		t.Errorf("report %+v", rep)
	}
	b.shows(all[1], phone, "201")
	b.stock(1, 5)
	w.ok(b.FetchTrimmed(t.Context()))
	if rep := b.sync(); !rep.Complete || rep.Repulled {
		t.Errorf("report %+v", rep)
	}
	b.stock(6, 0)
	w.ok(b.FetchTrimmed(t.Context()))
	if rep := b.sync(); rep.Bases != 0 {
		t.Errorf("pulled %d again though nothing was let go", rep.Bases)
	}
}

func TestWhatWasTrimmedDepartsAndIsRestoredAsTheRest(t *testing.T) {
	w := newWorld(t)
	a, b, all := w.village()
	b.trims(3, all[:3]...)
	a.certify(villageA, villageB)
	a.move(all[0], villageB)
	a.sync()
	if rep := b.sync(); rep.Departures != 1 || !rep.Complete {
		t.Errorf("report %+v", rep)
	}
	b.stock(3, 2)
	copied := w.backup()
	w.clock.now = w.clock.now.Add(time.Hour)
	w.restore(copied)
	a.sync()
	if rep := b.sync(); !rep.NewEpoch || !rep.Complete {
		t.Errorf("report %+v", rep)
	}
	b.stock(5, 0) // a new epoch is pulled from nothing
	b.trims(2, all[1], all[2])
	b.certify(villageB)
	b.sync()
	b.stock(1, 0)
}

func TestAHubSaysHowMuchIsInACallersScope(t *testing.T) {
	w := newWorld(t)
	a, _, all := w.village()
	h := w.hub(county)
	h.sync()
	stranger := w.tablet("zhao", villageB)
	for _, c := range []struct {
		who  *device
		want uint64
	}{{a, uint64(len(all))}, {stranger, 0}} {
		cert := must(c.who.Certificate(t.Context()))(w)
		at := must(h.HubScope(t.Context(), cert))(w)
		centre := must(w.engine.Scope(t.Context(), cert))(w)
		if at != centre || at.Records != c.want || at.Sampled || (at == session.Extent{}) != (c.want == 0) {
			t.Errorf("hub says %+v, the centre %+v, want %d records", at, centre, c.want)
		}
	}
}
