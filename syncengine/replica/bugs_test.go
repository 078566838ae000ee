// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// B2: what arrives between opening a form and saving it was not seen.
func TestB2FormOpenedBeforeABackgroundSync(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	b.sync()
	form := b.view(x.Record)
	void(a, x.Record, "by mistake")
	a.edit(x.Record, phone, "138")
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "138")
	b.editFrom(form, phone, "137")
	b.shows(x.Record, phone, "137", "138")
	b.sync()
	a.sync()
	for _, d := range []*device{a, b} {
		d.shows(x.Record, phone, "137", "138")
		if s := d.view(x.Record); s.Life != record.LifeActive {
			t.Errorf("%s: life %v beside an edit, want active", d.staff, s.Life)
		}
	}
}

// The same form saved twice: the second save replaces the first, not what came in
// between.
func TestB2FormStaysOpenAfterASave(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	b.sync()
	s := b.view(x.Record)
	first := b.editFrom(s, phone, "137")
	a.edit(x.Record, phone, "138")
	a.sync()
	b.sync()
	must(b.Save(t.Context(), replica.SaveRequest{
		Shown: first.Shown, Author: b.staff,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("136")), Parents: []causal.Dot{first.Dot}}},
	}))(w)
	b.sync()
	b.shows(x.Record, phone, "136", "138")
	g, _ := b.view(x.Record).Register(record.PathLife)
	if g.Conflict() {
		t.Error("equal life values are a conflict")
	}
}

func void(d *device, id record.ID, reason string) replica.Saved {
	d.w.Helper()
	return must(d.Void(d.w.Context(), replica.VoidRequest{Shown: d.view(id).Shown, Author: d.staff, Reason: reason}))(d.w)
}

// twice sends every message twice and hands every page out twice.
type twice struct{ session.Centre }

func (l twice) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	if _, err := l.Centre.Hello(ctx, q); err != nil {
		return session.HelloReply{}, err
	}
	return l.Centre.Hello(ctx, q)
}

func (l twice) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	if _, err := l.Centre.Push(ctx, q); err != nil {
		return session.PushReply{}, err
	}
	return l.Centre.Push(ctx, q)
}

func (l twice) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	return l.Centre.Pull(ctx, q, func(p session.Page) error {
		first := p
		first.Last = nil
		if err := page(first); err != nil {
			return err
		}
		return page(p)
	})
}

func (l twice) Succeed(ctx context.Context, s []byte) ([]byte, error) {
	if _, err := l.Centre.Succeed(ctx, s); err != nil {
		return nil, err
	}
	return l.Centre.Succeed(ctx, s)
}

// B11: every message twice changes nothing but the count of calls.
func TestB11EveryMessageTwice(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	syncTwice := func(d *device) {
		t.Helper()
		rep, err := d.Sync(t.Context(), twice{d.line()}, replica.Options{PageRecords: 2})
		w.ok(err)
		if !rep.Complete {
			t.Error("states do not add up")
		}
	}
	hubTwice := func(d *device) {
		t.Helper()
		_, err := d.Sync(t.Context(), twice{h.Hub(must(d.Certificate(t.Context()))(w))}, replica.Options{Hub: must(h.ID(t.Context()))(w), PageRecords: 2})
		w.ok(err)
	}
	var ids []record.ID
	for i := range 5 {
		ids = append(ids, a.create(villageA, phone, fmt.Sprint(i)).Record)
	}
	syncTwice(a)
	syncTwice(b)
	for _, id := range ids {
		b.edit(id, phone, "b")
		a.edit(id, phone, "a")
	}
	c := a.clone()
	c.edit(ids[0], address, "clone")
	hubTwice(b)
	syncTwice(a)
	syncTwice(c)
	syncTwice(h)
	syncTwice(a)
	syncTwice(b)
	hubTwice(b)
	for _, id := range ids {
		a.shows(id, phone, "a", "b")
		b.shows(id, phone, "a", "b")
	}
	a.shows(ids[0], address, "clone")
	if got := must(a.Status(t.Context()))(w); got.Unsent != 0 || got.Held != 0 {
		t.Errorf("status %+v", got)
	}
}

// B14, the device's side: a segment lost here and at the centre is stated gone, but
// only once the centre has shown that it lacks it; the rest arrives.
func TestB14LostSegmentIsStatedOnceTheCentreShowsThatItLacksIt(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	must(a.Seal(t.Context()))(w)
	a.edit(x.Record, phone, "2")
	a.create(villageA, phone, "other")
	must(a.Seal(t.Context()))(w)
	lost := a.lastSegment()
	a.edit(x.Record, address, "no 1")

	whole := a.clone() // an old copy that turns up later
	a.forget(lost)
	a.create(villageA, phone, "4")
	rep := a.sync()
	if rep.Gaps != 1 || rep.Blocked != 0 || rep.Pushed != 2 {
		t.Errorf("%d gaps stated, %d blocked, %d pushed; want 1, 0, 2", rep.Gaps, rep.Blocked, rep.Pushed)
	}
	a.shows(x.Record, phone, "1")
	a.shows(x.Record, address, "no 1")
	if rep := a.sync(); rep.Gaps != 0 || rep.Pushed != 0 {
		t.Errorf("stated again: %+v", rep)
	}

	// The lost one turns up, carried by somebody.
	h := w.hub(county)
	w.ok(whole.Export(t.Context(), replica.ExportOptions{}, func(p replica.Parcel) error {
		_, err := h.Carry(t.Context(), p)
		return err
	}))
	h.sync()
	a.sync()
	a.shows(x.Record, phone, "2")
	if ids := must(a.List(t.Context(), replica.Query{Kind: kindPerson}))(w); len(ids) != 3 {
		t.Errorf("%d records, want 3", len(ids))
	}
}

func TestB14NoGapIsStatedToAHubOrWhileTheCentreHasIt(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	a.create(villageA, phone, "1")
	a.sync()
	first := a.lastSegment()
	a.create(villageA, phone, "2")
	must(a.Seal(t.Context()))(w)
	a.forget(first) // the centre has it
	a.create(villageA, phone, "3")
	if rep := a.syncHub(h); rep.Gaps != 0 || rep.Blocked != 0 {
		t.Errorf("at the hub: %+v", rep)
	}
	if rep := a.sync(); rep.Gaps != 0 || rep.Blocked != 0 {
		t.Errorf("at the centre: %d gaps, %d blocked", rep.Gaps, rep.Blocked)
	}
}

// A segment that comes back refused for its bytes is as good as lost.
func TestB14RefusalIsAnsweredWithAGapStatement(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	a.create(villageA, phone, "1")
	must(a.Seal(t.Context()))(w)
	a.damage(a.lastSegment())
	a.create(villageA, phone, "2")
	must(a.Seal(t.Context()))(w)
	third := a.create(villageA, phone, "3")
	if rep := a.sync(); rep.Gaps != 1 || rep.Blocked != 0 || rep.Pushed != 2 {
		t.Errorf("report %+v", rep)
	}
	if at := a.where(third.Record, third.Dot); at.Place != replica.PlaceCentre {
		t.Errorf("save after the damage is at %v", at.Place)
	}
}

func TestB14AForkHidesTheGapFromTheCentresCount(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	a.sync()
	c := a.clone()
	c.edit(x.Record, phone, "clone")
	c.sync()
	a.edit(x.Record, phone, "2")
	must(a.Seal(t.Context()))(w)
	lost := a.lastSegment()
	a.create(villageA, phone, "3")
	must(a.Seal(t.Context()))(w)
	a.forget(lost)
	if rep := a.sync(); rep.Gaps != 1 || rep.Blocked != 0 {
		t.Errorf("%d gaps, %d blocked, want 1, 0", rep.Gaps, rep.Blocked)
	}
	a.shows(x.Record, phone, "clone")
}

func (d *device) lastSegment() (h segment.Hash) {
	d.w.Helper()
	d.w.ok(d.store.View(d.w.Context(), func(r replica.Reader) error {
		rows, err := r.Scan(replica.Made, nil, nil, 1000)
		var first uint64
		for _, row := range rows {
			got, ok, gerr := r.Get(replica.Segments, row.Key)
			err = errors.Join(err, gerr)
			if !ok {
				continue
			}
			if seg, serr := segment.Open(got.Body); serr == nil && seg.Header().First >= first {
				first, h = seg.Header().First, seg.Hash()
			}
		}
		return err
	}))
	return h
}

func (d *device) forget(h segment.Hash) {
	d.w.Helper()
	d.w.ok(d.store.Update(d.w.Context(), func(tx replica.Tx) error { return replica.ForgetSegment(tx, h) }))
}

// damage flips a bit in the middle of a stored segment.
func (d *device) damage(h segment.Hash) {
	d.w.Helper()
	d.w.ok(d.store.Update(d.w.Context(), func(tx replica.Tx) error {
		row, _, err := tx.Get(replica.Segments, h[:])
		row.Body = append([]byte(nil), row.Body...)
		row.Body[len(row.Body)/2] ^= 1
		return errors.Join(err, tx.Put(replica.Segments, row))
	}))
}

// B22, the device's side: a record that moves inside a wider scope stays.
func TestB22DepartureInsideAWiderScopeStays(t *testing.T) {
	w := newWorld(t)
	a, k := w.tablet("li", villageA), w.tablet("chen", county)
	two := w.tablet("zhao", villageA, villageB)
	h := w.hub(county)
	x := a.create(villageA, phone, "139")
	for _, d := range []*device{a, k, two, h} {
		d.sync()
	}
	k.move(x.Record, villageB)
	k.sync()
	for _, d := range []*device{a, k, two, h} {
		d.sync()
	}
	for _, d := range []*device{k, two, h} {
		if s := d.view(x.Record); s.Departed || !s.Opens {
			t.Errorf("%s: departed %v, opens %v", d.staff, s.Departed, s.Opens)
		}
	}
	if !a.view(x.Record).Departed {
		t.Error("the old village still has it")
	}
	// The same by way of a hub.
	k.move(x.Record, villageA)
	k.sync()
	h.sync()
	two.syncHub(h)
	a.syncHub(h)
	two.shows(x.Record, phone, "139")
	a.shows(x.Record, phone, "139")
	k.move(x.Record, villageB)
	k.sync()
	h.sync()
	two.syncHub(h)
	a.syncHub(h)
	two.shows(x.Record, phone, "139")
	if s := a.view(x.Record); !s.Departed || len(s.Registers) > 0 {
		t.Errorf("a hub's base elsewhere: departed %v, %d registers", s.Departed, len(s.Registers))
	}
}

// B24, the device's side: a newly granted village comes without the rest.
func TestB24NewVillageComesAlone(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageB)
	for i := range 20 {
		a.create(villageA, phone, fmt.Sprint(i))
	}
	for i := range 3 {
		b.create(villageB, phone, fmt.Sprint(i))
	}
	b.sync()
	a.sync()
	a.certify(villageA, villageB)
	if rep := a.sync(); rep.Bases != 3 {
		t.Errorf("%d states taken, want those of the new village, 3", rep.Bases)
	}
	a.listed(23)
	a.certify(villageB)
	a.listed(3)
	if rep := a.sync(); rep.Bases != 0 || rep.Repulled {
		t.Errorf("after a village was taken away: %d states, pulled again %v", rep.Bases, rep.Repulled)
	}
	a.certify(villageA, villageB)
	if rep := a.sync(); rep.Bases != 20 {
		t.Errorf("%d states taken when the village came back, want 20", rep.Bases)
	}
	a.listed(23)
}

// The same with nothing pulled in between: nothing may be missing.
func TestB24AVillageTakenAwayAndGivenBackAtOnce(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA, villageB), w.hub(county)
	for i := range 5 {
		a.create(villageA, phone, fmt.Sprint(i))
		a.create(villageB, phone, fmt.Sprint(i))
	}
	a.sync()
	h.sync()
	only := w.tablet("zhao", villageA, villageB)
	only.syncHub(h)
	for _, d := range []*device{a, only} {
		d.certify(villageA)
		d.listed(5)
		d.certify(villageA, villageB)
		d.listed(5)
	}
	if rep := a.sync(); rep.Repulled || !rep.Complete {
		t.Errorf("report %+v", rep)
	}
	a.listed(10)
	only.syncHub(h)
	only.listed(10)
}

func (d *device) certify(divisions ...record.Division) {
	d.w.Helper()
	pub := must(d.PublicKey(d.w.Context()))(d.w)
	cert := must(d.w.engine.Certify(d.w.Context(), rights(d.staff, segment.RoleTablet, divisions...), pub))(d.w)
	d.w.ok(d.Enrol(d.w.Context(), d.w.engine.ShardKey(), cert.Raw))
}

func (d *device) listed(want int) {
	d.w.Helper()
	if l := must(d.List(d.w.Context(), replica.Query{Kind: kindPerson}))(d.w); len(l) != want {
		d.w.Errorf("%s lists %d records, want %d", d.staff, len(l), want)
	}
}

// B25: a second sync on one tablet is told so at once; saving and looking go on.
func TestB25TwoSyncsAtOnce(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	l := a.line()
	inside := 0
	l.onPush = func(*session.PushRequest, *session.PushReply) error {
		inside++
		if _, err := a.Sync(t.Context(), a.line(), replica.Options{}); !errors.Is(err, replica.ErrBusy) {
			t.Errorf("second sync: %v, want %v", err, replica.ErrBusy)
		}
		a.edit(x.Record, phone, "138")
		return nil
	}
	must(a.Sync(t.Context(), l, replica.Options{}))(w)
	if inside == 0 {
		t.Fatal("nothing was pushed")
	}
	a.shows(x.Record, phone, "138")
	a.sync()
	a.shows(x.Record, phone, "138")
	if got := must(a.Status(t.Context()))(w); got.Unsent != 0 {
		t.Errorf("%d unsent", got.Unsent)
	}
}

// B27, the device's side, and a centre that is older than an epoch already seen.
func TestAnOlderCentreIsNoticed(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	a.create(villageA, phone, "1")
	a.sync()
	old := w.backup()
	a.sync()
	w.restore(old)
	a.sync()
	w.reopen(old)
	l := a.line()
	l.blind = true // the centre notices it too, if it looks
	if _, err := a.Sync(t.Context(), l, replica.Options{}); !errors.Is(err, replica.ErrEpochBehind) {
		t.Errorf("older epoch: %v, want %v", err, replica.ErrEpochBehind)
	}
}

func TestARewrittenLedgerIsReportedWithEvidence(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	b.create(villageA, phone, "b")
	old := w.store.Clone()
	a.create(villageA, phone, "1")
	a.sync()
	w.reopen(old) // the same epoch goes on from an older file
	for range 3 {
		b.create(villageA, phone, "c")
		b.sync()
	}
	b.sync()
	l := a.line()
	l.blind = true // the centre notices it too, if it looks
	_, err := a.Sync(t.Context(), l, replica.Options{})
	if !errors.Is(err, replica.ErrHistoryRewritten) {
		t.Fatalf("sync: %v, want %v", err, replica.ErrHistoryRewritten)
	}
	c := must(a.Contradictions(t.Context()))(w)
	if len(c) != 1 {
		t.Fatalf("%d contradictions kept", len(c))
	}
	before := must(ledger.OpenCheckpoint(c[0].Before, w.engine.ShardKey()))(w)
	after := must(ledger.OpenCheckpoint(c[0].After, w.engine.ShardKey()))(w)
	if before.Epoch != after.Epoch || before.Root == after.Root {
		t.Errorf("evidence: %v and %v", before, after)
	}
	if _, err := a.Sync(t.Context(), l, replica.Options{}); !errors.Is(err, replica.ErrHistoryRewritten) {
		t.Errorf("again: %v", err)
	}
}

func TestStatesThatDoNotAddUpArePulledAgainOnce(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	y := a.create(villageA, phone, "130")
	a.sync()
	l := b.line()
	l.onPage = func(p *session.Page) error {
		p.Bases = p.Bases[:min(1, len(p.Bases))] // a courier drops a record
		l.onPage = nil
		return nil
	}
	rep := must(b.Sync(t.Context(), l, replica.Options{}))(w)
	if !rep.Repulled || !rep.Complete {
		t.Errorf("pulled again %v, complete %v", rep.Repulled, rep.Complete)
	}
	b.shows(x.Record, phone, "139")
	b.shows(y.Record, phone, "130")

	l = a.line()
	l.onPage = func(p *session.Page) error {
		if p.Last != nil && len(p.Last.Sums) > 0 {
			p.Last.Sums[0].Total[0] ^= 1
		}
		return nil
	}
	if _, err := a.Sync(t.Context(), l, replica.Options{}); !errors.Is(err, replica.ErrFingerprint) {
		t.Errorf("wrong sums for good: %v, want %v", err, replica.ErrFingerprint)
	}
}
