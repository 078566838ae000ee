// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func TestASaveIsAtTheClinicUntilTheCentresAckComesBack(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	at := func(want replica.Place) {
		t.Helper()
		if got := a.where(x.Record, x.Dot).Place; got != want {
			t.Errorf("save is at %v, want %v", got, want)
		}
	}
	at(replica.PlaceTablet)
	a.syncHub(h)
	at(replica.PlaceClinic)
	h.shows(x.Record, phone, "139") // the clinic sees it before the centre does
	if got := must(a.Status(t.Context()))(w); got.Unsent != 1 {
		t.Errorf("%d unsent at the clinic, want 1", got.Unsent)
	}
	h.sync()
	at(replica.PlaceClinic)
	a.syncHub(h)
	at(replica.PlaceCentre)
	w.backup()
	w.backup()
	h.sync()
	a.syncHub(h)
	at(replica.PlaceBackedUp)
	a.shows(x.Record, phone, "139")
}

// A hub that pushed in many calls has many signed acks and gives back all of them.
func TestAHubGivesBackAcksFromManyPushes(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	for i := range 5 {
		a.create(villageA, phone, fmt.Sprint(i))
		must(a.Seal(t.Context()))(w)
		a.syncHub(h)
		h.sync()
		a.forgetAcks()
	}
	a.syncHub(h)
	if got := must(a.Status(t.Context()))(w); got.Unsent != 0 {
		t.Errorf("%d unsent, want all acknowledged", got.Unsent)
	}
}

// What is acknowledged and not settled yet is offered again. Its acks, which are no
// news, must not hide those of later segments.
func TestAHubGivesBackAcksBesideThoseThatAreKnown(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	for i := range 3 {
		a.create(villageA, phone, fmt.Sprint(i))
		must(a.Seal(t.Context()))(w)
	}
	a.syncHub(h) // in one push, so under one list
	h.sync()
	a.syncHub(h)
	x := a.create(villageA, phone, "late")
	a.syncHub(h)
	h.sync()
	a.syncHub(h)
	if got := a.where(x.Record, x.Dot).Place; got != replica.PlaceCentre {
		t.Errorf("save is at %v, want the centre", got)
	}
}

// forgetAcks makes the device as if no ack had come back to it yet.
func (d *device) forgetAcks() {
	d.w.Helper()
	d.w.ok(d.store.Update(d.w.Context(), func(tx replica.Tx) error {
		chains, err := tx.Scan(replica.Chains, nil, nil, 1000)
		for _, row := range chains {
			err = errors.Join(err, tx.Delete(replica.Acked, row.Key[24:]), tx.PutHead(replica.Unsettled, row.Key, nil))
		}
		return err
	}))
}

func TestAHubGivesOnlyTheCallersScope(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	b := w.tablet("wang", villageB)
	mine := a.create(villageA, phone, "139")
	theirs := b.create(villageB, phone, "138")
	secret := must(a.Save(t.Context(), replica.SaveRequest{
		Kind: kindSecret, Author: a.staff, Scope: villageA,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("secret"))}},
	}))(w)
	a.sync()
	b.sync()
	h.sync()
	c := w.tablet("zhao", villageA)
	pub := must(c.PublicKey(t.Context()))(w)
	r := rights("zhao", segment.RoleTablet, villageA)
	r.Classes = []record.Class{record.ClassGeneral}
	cert := must(w.engine.Certify(t.Context(), r, pub))(w)
	w.ok(c.Enrol(t.Context(), w.engine.ShardKey(), cert.Raw))

	var seen []session.Page
	l := spy{h.Hub(cert), func(p session.Page) { seen = append(seen, p) }}
	must(c.Sync(t.Context(), l, replica.Options{Hub: must(h.ID(t.Context()))(w)}))(w)
	c.shows(mine.Record, phone, "139")
	for _, p := range seen {
		for _, b := range p.Bases {
			if b.ID == theirs.Record || b.ID == secret.Record {
				t.Errorf("content of %v was handed out", b.ID)
			}
		}
		for _, d := range p.Departures {
			if d.ID == secret.Record {
				t.Error("the existence of a record of a class not granted was told")
			}
		}
	}
	for _, id := range []record.ID{theirs.Record, secret.Record} {
		if _, err := c.View(t.Context(), id); !errors.Is(err, replica.ErrUnknownRecord) {
			t.Errorf("view: %v, want %v", err, replica.ErrUnknownRecord)
		}
	}
}

type spy struct {
	session.Centre
	look func(session.Page)
}

func (s spy) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	return s.Centre.Pull(ctx, q, func(p session.Page) error {
		s.look(p)
		return page(p)
	})
}

func TestAPullFromAHubIsResumedAndThenEmpty(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	b.sync() // so that the epoch is known
	for i := range 7 {
		a.create(villageA, phone, fmt.Sprint(i))
	}
	a.sync()
	h.sync()
	caller := must(b.Certificate(t.Context()))(w)
	o := replica.Options{Hub: must(h.ID(t.Context()))(w), PageRecords: 2}
	pages := 0
	cut := cutter{h.Hub(caller), func() error {
		if pages++; pages == 3 {
			return errCut
		}
		return nil
	}}
	rep, err := b.Sync(t.Context(), cut, o)
	if !errors.Is(err, errCut) || rep.Bases != 4 {
		t.Fatalf("%d states, then %v", rep.Bases, err)
	}
	if rep := must(b.Sync(t.Context(), h.Hub(caller), o))(w); rep.Bases != 3 {
		t.Errorf("%d states after the cut, want the other 3", rep.Bases)
	}
	if rep := must(b.Sync(t.Context(), h.Hub(caller), o))(w); rep.Bases != 0 {
		t.Errorf("%d states, want none", rep.Bases)
	}
	b.listed(7)
	// What the hub gave is told apart from what the centre was asked for.
	if rep := b.sync(); !rep.Complete {
		t.Error("states do not add up to the centre's")
	}
	b.listed(7)
}

type cutter struct {
	session.Centre
	cut func() error
}

func (c cutter) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	return c.Centre.Pull(ctx, q, func(p session.Page) error {
		if err := c.cut(); err != nil {
			return err
		}
		return page(p)
	})
}

// A hub set back to an older disk cannot make a tablet miss what it had not given.
func TestAHubThatWasSetBack(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := a.create(villageA, phone, "1")
	a.sync()
	h.sync()
	old := h.store.Clone()
	a.edit(x.Record, phone, "2")
	a.sync()
	h.sync()
	b.syncHub(h)
	h.store = old
	h.cfg.Store = old
	h.open()
	b.syncHub(h)
	b.shows(x.Record, phone, "2")
	y := a.create(villageA, phone, "3")
	a.edit(x.Record, phone, "4")
	a.sync()
	h.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "4")
	b.shows(y.Record, phone, "3")
}

func TestAHubOfAnotherEpoch(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	ahead := w.tablet("wang", villageA) // meets the restored centre first
	only := w.tablet("zhao", villageA)  // meets hubs only
	x := a.create(villageA, phone, "139")
	a.sync()
	old := w.backup()
	for _, d := range []*device{h, ahead} {
		d.sync()
	}
	only.syncHub(h)
	only.shows(x.Record, phone, "139")
	w.restore(old)
	ahead.sync()
	y := ahead.create(villageA, phone, "138")

	// The hub is behind: it takes what it is given, and nothing is taken from it.
	rep := ahead.syncHub(h)
	if !rep.HubEpoch || rep.Pushed == 0 || rep.Bases != 0 {
		t.Errorf("hub of an older epoch: %+v", rep)
	}
	if at := ahead.where(y.Record, y.Dot); at.Place != replica.PlaceClinic {
		t.Errorf("save is at %v, want the clinic", at.Place)
	}
	// The hub is ahead: it can show the shard's signature.
	h.sync()
	z := only.create(villageA, phone, "137")
	rep = only.syncHub(h)
	if !rep.NewEpoch || rep.HubEpoch || rep.Bases != 2 {
		t.Errorf("hub of a newer epoch: %+v", rep)
	}
	h.sync()
	only.syncHub(h)
	if at := only.where(z.Record, z.Dot); at.Place != replica.PlaceCentre {
		t.Errorf("save is at %v, want the centre", at.Place)
	}
	// A hub that claims an epoch and cannot show it is not believed.
	liar := claims{h.Hub(must(only.Certificate(t.Context()))(w)), ledger.Epoch{Number: 99}}
	rep = must(only.Sync(t.Context(), liar, replica.Options{Hub: must(h.ID(t.Context()))(w)}))(w)
	if rep.NewEpoch || !rep.HubEpoch {
		t.Errorf("a liar's epoch: %+v", rep)
	}
}

type claims struct {
	session.Centre
	epoch ledger.Epoch
}

func (c claims) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	r, err := c.Centre.Hello(ctx, q)
	r.Epoch, r.Acks, r.Marks = c.epoch, nil, nil
	return r, err
}

func TestAHubThatNeverMetTheCentre(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	rep := a.syncHub(h)
	if rep.Pushed != 1 || rep.NewEpoch {
		t.Errorf("report %+v", rep)
	}
	a.sync()
	if rep := a.syncHub(h); rep.Bases != 0 {
		t.Errorf("report %+v", rep)
	}
	a.shows(x.Record, phone, "139")
}

func TestAForkSeenAtAHubWaitsForTheCentre(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	a.sync()
	c := a.clone()
	c.edit(x.Record, phone, "clone")
	c.syncHub(h)
	a.edit(x.Record, phone, "li")
	if rep := a.syncHub(h); !rep.Forked || !rep.Successor.IsZero() {
		t.Errorf("at the hub: forked %v, successor %v", rep.Forked, rep.Successor)
	}
	if !must(a.Status(t.Context()))(w).Forked {
		t.Error("the status does not say so")
	}
	if rep := a.sync(); rep.Successor.IsZero() {
		t.Error("the centre was not asked for a new key")
	}
	h.sync()
	a.sync()
	a.shows(x.Record, phone, "clone", "li")
}

func TestAHubGivesNothingToTheRevoked(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	b.sync()
	a.sync()
	w.ok(w.engine.Fence(t.Context(), "chief", must(b.ID(t.Context()))(w), "stolen"))
	h.sync()
	y := b.create(villageA, phone, "late")
	if rep := b.syncHub(h); !rep.Revoked || rep.Bases != 0 || rep.Pushed != 1 {
		t.Errorf("report %+v", rep)
	}
	if _, err := b.View(t.Context(), x.Record); !errors.Is(err, replica.ErrUnknownRecord) {
		t.Errorf("view: %v", err)
	}
	if err := h.Hub(must(b.Certificate(t.Context()))(w)).Pull(t.Context(), session.PullRequest{}, func(session.Page) error { return nil }); err == nil {
		t.Error("the hub lets a revoked replica pull")
	}
	h.sync() // hands the late save on: it is held
	held, _ := must2(w.engine.Held(t.Context(), syncengine.HeldPlace{}, 10))(w)
	if len(held) != 1 || held[0].Record != y.Record {
		t.Errorf("held at the centre: %+v", held)
	}
	w.ok(w.engine.LiftFence(t.Context(), "chief", must(b.ID(t.Context()))(w), "found again"))
	h.sync()
	if rep := b.syncHub(h); rep.Revoked {
		t.Error("still revoked after the fence was lifted")
	}
	b.shows(x.Record, phone, "139")
}

func must2[A, B any](a A, b B, err error) func(*world) (A, B) {
	return func(w *world) (A, B) {
		w.Helper()
		w.ok(err)
		return a, b
	}
}

// B7, the device's side: what the restore lost of the centre's own saves comes
// back, also from a tablet that has them from a hub.
func TestB7OfficeSavesComeBackAfterARestore(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	a.sync()
	old := w.backup()
	parent := a.view(x.Record).Parents(phone)
	must(w.engine.Save(t.Context(), "chief", syncengine.OfficeSave{
		Record: x.Record, Changes: []record.Change{{Path: phone, Value: record.Of([]byte("office")), Parents: parent}},
	}))(w)
	h.sync()
	only := w.tablet("zhao", villageA)
	only.syncHub(h)
	only.shows(x.Record, phone, "office")
	w.restore(old)
	if rep := only.sync(); rep.Pushed == 0 {
		t.Error("nothing was given back")
	}
	a.sync()
	a.shows(x.Record, phone, "office")
}

// A former centre's segment comes back to the restored centre between a tablet's
// Hello and its pull: the tablet asks for the certificate it lacks.
func TestB7AFormerCentresCertificateComesBackDuringASync(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.create(villageA, phone, "139")
	a.sync()
	old := w.backup()
	w.restore(old) // a second centre's replica, known to a alone
	a.sync()
	w.restore(old)
	l := b.line()
	hellos := 0
	l.onHello = func(*session.HelloRequest, *session.HelloReply) error {
		if hellos++; hellos == 2 { // the first one tells of the epoch
			a.sync()
		}
		return nil
	}
	if rep := must(b.Sync(t.Context(), l, replica.Options{}))(w); !rep.Complete {
		t.Errorf("report %+v", rep)
	}
}

func TestABundleCarriesEverythingThere(t *testing.T) {
	w := newWorld(t)
	a, h, b := w.tablet("li", villageA), w.hub(county), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	for i := range 30 {
		a.create(villageA, phone, fmt.Sprint(i))
	}
	carry := func(from, to *device, o replica.ExportOptions) (sum replica.Carried) {
		t.Helper()
		w.ok(from.Export(t.Context(), o, func(p replica.Parcel) error {
			c, err := to.Carry(t.Context(), p)
			sum.Stored += c.Stored
			sum.Already += c.Already
			sum.Acks += c.Acks
			sum.Bases += c.Bases
			sum.Refused = append(sum.Refused, c.Refused...)
			return err
		}))
		return sum
	}
	must(a.Seal(t.Context()))(w)
	if c := carry(a, h, replica.ExportOptions{Unacked: true}); c.Stored != 1 || len(c.Refused) > 0 {
		t.Errorf("first bundle: %+v", c)
	}
	if c := carry(a, h, replica.ExportOptions{}); c.Stored != 0 || c.Already != 1 {
		t.Errorf("the same again: %+v", c)
	}
	h.sync()
	b.sync()
	if c := carry(h, a, replica.ExportOptions{Bases: true}); c.Acks != 1 || c.Bases != 31 {
		t.Errorf("back: %+v", c)
	}
	if at := a.where(x.Record, x.Dot); at.Place != replica.PlaceCentre {
		t.Errorf("save is at %v, want the centre", at.Place)
	}
	a.shows(x.Record, phone, "139")
	a.sync()
	a.listed(31)
}

func TestCarryRefusesWhatNobodySigned(t *testing.T) {
	w := newWorld(t)
	a, h := w.tablet("li", villageA), w.hub(county)
	a.create(villageA, phone, "139")
	must(a.Seal(t.Context()))(w)
	var parcels []replica.Parcel
	w.ok(a.Export(t.Context(), replica.ExportOptions{}, func(p replica.Parcel) error {
		parcels = append(parcels, p)
		return nil
	}))
	wire := parcels[1].Segments[0]
	broken := bytes.Clone(wire)
	broken[len(broken)-1] ^= 1
	forged := bytes.Clone(wire)
	sig := bytes.Index(forged, must(segment.Open(wire))(w).Bytes()[:4]) + 180
	forged[sig] ^= 1
	got := must(h.Carry(t.Context(), replica.Parcel{Segments: [][]byte{wire}}))(w)
	if len(got.Refused) != 1 || got.Refused[0].Reason != "certificate" {
		t.Errorf("without its certificate: %+v", got)
	}
	got = must(h.Carry(t.Context(), replica.Parcel{
		Certificates: parcels[0].Certificates,
		Segments:     [][]byte{broken, forged, []byte("no segment"), wire},
		Gaps:         [][]byte{[]byte("no gap")}, Acks: [][]byte{[]byte("no acks")}, Marks: [][]byte{[]byte("no mark")},
	}))(w)
	if got.Stored != 1 || len(got.Refused) != 3 || got.Gaps != 0 || got.Acks != 0 {
		t.Errorf("carried %+v", got)
	}
	if n := h.store.Rows(replica.Segments); n != 1 {
		t.Errorf("%d segments kept, want 1", n)
	}
}

func TestALockedTabletSendsWhatItSealed(t *testing.T) {
	w := newWorld(t)
	private, public, err := segment.NewRecipientKey(w.fresh())
	w.ok(err)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.cfg.Recipient = public
	a.open()
	x := a.create(villageA, phone, "139")
	a.sync()
	a.edit(x.Record, phone, "138")
	must(a.Seal(t.Context()))(w)
	late := a.edit(x.Record, phone, "137") // not sealed: it waits for the key

	a.cfg.Store = locked{a.store}
	a.open()
	l := a.line()
	l.open = private
	rep := must(a.Sync(t.Context(), l, replica.Options{Locked: true}))(w)
	if rep.Pushed != 1 || rep.Acks != 1 || rep.Sealed != 0 {
		t.Errorf("report %+v", rep)
	}
	if n := a.store.Rows(replica.Envelopes); n != 0 {
		t.Errorf("%d envelopes kept after their ack", n)
	}
	if _, err := a.Save(t.Context(), replica.SaveRequest{Kind: kindPerson, Author: "li", Scope: villageA}); !errors.Is(err, replica.ErrLocked) {
		t.Errorf("save while locked: %v, want %v", err, replica.ErrLocked)
	}
	b.sync()
	b.shows(x.Record, phone, "138")
	a.cfg.Store = a.store
	a.open()
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "137")
	if at := a.where(x.Record, late.Dot); at.Place != replica.PlaceCentre {
		t.Errorf("the unsealed save is at %v", at.Place)
	}
}

// locked is a store whose bodies can be neither opened nor sealed.
type locked struct{ replica.Store }

func (s locked) View(ctx context.Context, f func(replica.Reader) error) error {
	return s.Store.View(ctx, func(r replica.Reader) error { return f(lockedReader{r}) })
}

func (s locked) Update(ctx context.Context, f func(replica.Tx) error) error {
	return s.Store.Update(ctx, func(tx replica.Tx) error { return f(lockedTx{tx}) })
}

type lockedReader struct{ replica.Reader }

func (r lockedReader) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	row, ok, err := r.Reader.Get(b, key)
	if len(row.Body) > 0 {
		err = replica.ErrLocked
	}
	return row, ok, err
}

type lockedTx struct{ replica.Tx }

func (t lockedTx) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	return lockedReader{t.Tx}.Get(b, key)
}

func (t lockedTx) Put(b replica.Bucket, row replica.Row) error {
	if len(row.Body) > 0 {
		return replica.ErrLocked
	}
	return t.Tx.Put(b, row)
}

func TestAHubOpensEnvelopesMadeForIt(t *testing.T) {
	w := newWorld(t)
	private, public, err := segment.NewRecipientKey(w.fresh())
	w.ok(err)
	a, h := w.tablet("li", villageA), w.hub(county)
	a.cfg.Recipient = public
	a.open()
	a.create(villageA, phone, "139")
	must(a.Seal(t.Context()))(w)
	o := replica.Options{Locked: true, Hub: must(h.ID(t.Context()))(w)}
	caller := must(a.Certificate(t.Context()))(w)
	if rep := must(a.Sync(t.Context(), h.Hub(caller), o))(w); len(rep.Refused) != 1 {
		t.Errorf("without the key: %+v", rep)
	}
	h.cfg.OpenEnvelopes = private
	h.open()
	if rep := must(a.Sync(t.Context(), h.Hub(caller), o))(w); rep.Pushed != 1 {
		t.Errorf("with the key: %+v", rep)
	}
	h.sync()
	if rep := a.sync(); rep.Pushed != 0 {
		t.Errorf("sent again: %+v", rep)
	}
}

func TestHeldSavesStandBesideAndAreListed(t *testing.T) {
	w := newWorld(t)
	a, k := w.tablet("li", villageA), w.tablet("chen", county)
	x := a.create(villageA, phone, "139")
	a.sync()
	k.sync()
	s := a.view(x.Record)
	bad := must(a.Save(t.Context(), replica.SaveRequest{
		Shown: s.Shown, Author: "nobody", // not on the staff list
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("138")), Parents: s.Parents(phone)}},
	}))(w)
	a.shows(x.Record, phone, "138")
	a.sync()
	a.shows(x.Record, phone, "(138)", "139")
	if at := a.where(x.Record, bad.Dot); !at.Held || at.Verdict != ledger.HeldAuthor || at.Place != replica.PlaceCentre {
		t.Errorf("held save is %+v", at)
	}
	isHeld := func(want ...causal.Dot) {
		t.Helper()
		l := must(a.Held(t.Context()))(w)
		if len(l) != len(want) {
			t.Errorf("%d held saves listed, want %d", len(l), len(want))
		}
		for i := range min(len(l), len(want)) {
			if l[i].Dot != want[i] || l[i].Record != x.Record {
				t.Errorf("held %+v, want %v", l[i], want[i])
			}
		}
	}
	isHeld(bad.Dot)
	// The next form shows both and replaces both.
	good := a.edit(x.Record, phone, "137")
	a.shows(x.Record, phone, "137")
	a.sync()
	a.shows(x.Record, phone, "137")
	// It departs: the held save is still listed.
	k.sync()
	k.move(x.Record, villageB)
	k.sync()
	a.sync()
	isHeld(bad.Dot)
	k.move(x.Record, villageA)
	k.sync()
	w.ok(w.engine.Release(t.Context(), syncengine.Ruling{Record: x.Record, Dot: bad.Dot, Author: "chief", Reason: "known"}))
	a.sync()
	isHeld()
	a.shows(x.Record, phone, "137")
	// An admitted one is withdrawn later.
	w.ok(w.engine.Withdraw(t.Context(), syncengine.Ruling{Record: x.Record, Dot: good.Dot, Author: "chief", Reason: "wrong person"}))
	a.sync()
	isHeld(good.Dot)
	a.shows(x.Record, phone, "(137)", "138")
}
