// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// clinic is two tablets of one village and a hub, all of which were at the centre
// once, and a record that all have.
func (w *world) clinic() (a, b, h *device, x replica.Saved) {
	w.Helper()
	a, b, h = w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x = a.create(villageA, phone, "139")
	for _, d := range []*device{a, h, b} {
		d.sync()
	}
	return a, b, h, x
}

// borrows demands how many saves a device has of a hub's.
func (d *device) borrows(saves int) {
	d.w.Helper()
	loans, lent := d.rows(replica.Loans), d.rows(replica.Lent)
	if lent != saves || saves == 0 && loans > 0 {
		d.w.Errorf("%s has %d lent saves in %d loans, want %d", d.staff, lent, loans, saves)
	}
}

func (d *device) rows(b replica.Bucket) (n int) {
	d.w.Helper()
	d.w.ok(d.store.View(d.w.Context(), func(tx replica.Reader) error {
		rows, err := tx.Scan(b, nil, nil, 1<<20)
		n = len(rows)
		return err
	}))
	return n
}

func tellLentSave(w *world) {
	a, b, h, x := w.clinic()
	s := a.edit(x.Record, phone, "138")
	a.syncHub(h)
	if rep := b.syncHub(h); rep.Lent != 1 {
		w.Errorf("%d saves lent, want 1", rep.Lent)
	}
	b.shows(x.Record, phone, "138")
	screen := b.view(x.Record)
	if !screen.Opens || !slices.Equal(screen.Lent, []causal.Dot{s.Dot}) || screen.FromClinic() != 2 { // phone and life
		w.Errorf("opens %v, lent %v, %d registers from the clinic", screen.Opens, screen.Lent, screen.FromClinic())
	}
	if p := screen.Parents(phone); !slices.Equal(p, []causal.Dot{s.Dot}) {
		w.Errorf("a form replaces %v, want %v", p, s.Dot)
	}
	h.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
	if got := b.view(x.Record); len(got.Lent) > 0 {
		w.Errorf("the base has received %v, still shown as lent", got.Lent)
	}
	b.borrows(0)
	b.sync()
}

func tellLentAckPassed(w *world) {
	a, b, h, _ := w.clinic()
	k := w.tablet("chen", county)
	k.sync()
	y := k.create(villageA, phone, "1")
	k.syncHub(h)
	b.syncHub(h)
	b.shows(y.Record, phone, "1")
	k.move(y.Record, villageB) // both go to the centre in one commit
	k.sync()
	b.sync()
	if _, err := b.View(w.Context(), y.Record); !errors.Is(err, replica.ErrUnknownRecord) {
		w.Errorf("view: %v, want %v", err, replica.ErrUnknownRecord)
	}
	b.borrows(0)
	a.sync()
}

func tellLentScope(w *world) {
	_, b, h, _ := w.clinic()
	k, other := w.tablet("chen", county), w.tablet("zhao", villageB)
	k.sync()
	other.sync()
	near, far := k.create(villageA, phone, "near"), k.create(villageB, phone, "far-away") // in one segment
	k.syncHub(h)
	b.syncHub(h)
	b.shows(near.Record, phone, "near")
	if _, err := b.View(w.Context(), far.Record); !errors.Is(err, replica.ErrUnknownRecord) {
		w.Errorf("view of another village: %v", err)
	}
	b.wantIn(0, []byte("far-away"))
	b.wantIn(0, far.Record[:])
	other.syncHub(h)
	other.shows(far.Record, phone, "far-away")
	other.wantIn(0, near.Record[:])
}

func tellLentClass(w *world) {
	a, _, h, _ := w.clinic()
	c := w.tablet("zhao", villageA)
	r := rights("zhao", segment.RoleTablet, villageA)
	r.Classes = []record.Class{record.ClassGeneral}
	cert := must(w.engine.Certify(w.Context(), r, must(c.PublicKey(w.Context()))(w)))(w)
	w.ok(c.Enrol(w.Context(), w.engine.ShardKey(), cert.Raw))
	c.sync()
	open := a.create(villageA, phone, "open")
	secret := must(a.Save(w.Context(), replica.SaveRequest{
		Kind: kindSecret, Author: a.staff, Scope: villageA,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("secret-value"))}},
	}))(w)
	a.syncHub(h)
	var seen bytes.Buffer
	l := spy{h.Hub(cert), func(p session.Page) {
		for _, l := range p.Loans {
			seen.Write(l.Part)
		}
	}}
	must(c.Sync(w.Context(), l, replica.Options{Hub: must(h.ID(w.Context()))(w)}))(w)
	c.shows(open.Record, phone, "open")
	for _, hidden := range [][]byte{[]byte("secret-value"), secret.Record[:]} {
		if bytes.Contains(seen.Bytes(), hidden) {
			w.Errorf("%q left the hub", hidden)
		}
	}
}

func TestASaveOverALentOneMergesInAnyOrder(t *testing.T) {
	for _, first := range []string{"its author", "who replaced it"} {
		t.Run("at the centre first: "+first, func(t *testing.T) {
			w := newWorld(t)
			a, b, h, x := w.clinic()
			a.edit(x.Record, phone, "138")
			y := a.create(villageA, phone, "new")
			a.syncHub(h)
			b.syncHub(h)
			b.edit(x.Record, phone, "137")
			b.edit(y.Record, phone, "newer")
			b.shows(x.Record, phone, "137")
			b.shows(y.Record, phone, "newer")
			b.syncHub(h)
			a.syncHub(h)
			a.shows(x.Record, phone, "137")
			a.shows(y.Record, phone, "newer")
			order := []*device{a, b, h, a, b}
			if first != "its author" {
				order = []*device{b, a, h, b, a}
			}
			for _, d := range order {
				d.sync()
			}
			for _, d := range []*device{a, b, h} {
				d.shows(x.Record, phone, "137")
				d.shows(y.Record, phone, "newer")
				d.borrows(0)
			}
			if l := must(b.List(t.Context(), replica.Query{Conflicts: true}))(w); len(l) > 0 {
				t.Errorf("%d false conflicts", len(l))
			}
		})
	}
}

// What was lent once is not sent again, and what the hub no longer names goes back.
func TestLoansAreSentOnce(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	a.edit(x.Record, phone, "138")
	a.syncHub(h)
	caller := must(b.Certificate(t.Context()))(w)
	o := replica.Options{Hub: must(h.ID(t.Context()))(w)}
	sent := 0
	l := spy{h.Hub(caller), func(p session.Page) { sent += len(p.Loans) }}
	for range 3 {
		must(b.Sync(t.Context(), l, o))(w)
	}
	if sent != 1 {
		t.Errorf("the loan was sent %d times", sent)
	}
	// Who does not ask is lent nothing, and a hub that does not lend takes nothing back.
	mute := deaf{h.Hub(caller)}
	must(b.Sync(t.Context(), mute, o))(w)
	b.borrows(1)
	c := w.tablet("zhao", villageA)
	c.sync()
	rep := must(c.Sync(t.Context(), deaf{h.Hub(must(c.Certificate(t.Context()))(w))}, o))(w)
	if rep.Lent > 0 {
		t.Errorf("%d saves lent to a tablet that does not ask", rep.Lent)
	}
	c.borrows(0)
}

// deaf is a hub of before, or a caller of before at a hub of today.
type deaf struct{ session.Centre }

func (d deaf) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	q.Borrows, q.Borrowed = false, nil
	return d.Centre.Pull(ctx, q, page)
}

// What is lent is for the screen: nobody hands it on, and nobody owes it to anybody.
func TestWhatIsLentIsNotHandedOn(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	s := a.edit(x.Record, phone, "138")
	a.syncHub(h)
	b.syncHub(h)
	if n := must(b.Waiting(t.Context()))(w); n.Saves != 0 {
		t.Errorf("%d saves wait at the tablet", n.Saves)
	}
	if n := must(b.Status(t.Context()))(w); n.Unsent != 0 {
		t.Errorf("%d unsent", n.Unsent)
	}
	if at := must(b.Where(t.Context(), x.Record))(w); at.Place != 0 {
		t.Errorf("nothing was saved here, and it is at %v", at.Place)
	}
	l := b.line()
	l.onHello = func(q *session.HelloRequest, r *session.HelloReply) error {
		if len(q.Offers) > 0 || len(r.Wants) > 0 || len(q.Asks) != 1 {
			t.Errorf("%d offers, %d wants, %d asks", len(q.Offers), len(r.Wants), len(q.Asks))
		}
		return nil
	}
	must(b.Sync(t.Context(), l, replica.Options{}))(w)
	w.ok(b.Export(t.Context(), replica.ExportOptions{Bases: true}, func(p replica.Parcel) error {
		for _, wire := range p.Segments {
			if seg, err := segment.Open(wire); err == nil && seg.Header().Replica == s.Dot.Replica && seg.Last() >= s.Dot.Counter {
				t.Error("what was lent is exported")
			}
		}
		return nil
	}))
	c := w.tablet("zhao", villageA)
	c.sync()
	c.syncHub(b) // a tablet that serves others
	c.shows(x.Record, phone, "139")
	b.shows(x.Record, phone, "138") // the centre does not have it: it is still at the clinic
}

func tellLentEntitled(w *world) {
	a, b, h, x := w.clinic()
	a.staff = "nobody"
	a.edit(x.Record, phone, "138")
	a.syncHub(h)
	b.syncHub(h)
	b.shows(x.Record, phone, "139")
}

func TestALentSaveThatTheCentreWouldHoldIsNotShown(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	a.staff = "nobody"
	a.edit(x.Record, phone, "138")
	a.staff = "li"
	s := a.edit(x.Record, address, "no 1") // its author's previous save is not shown
	a.syncHub(h)
	b.syncHub(h)
	b.shows(x.Record, address)
	y := a.create(villageA, phone, "good")
	a.syncHub(h)
	b.syncHub(h)
	b.shows(y.Record, phone, "good")

	// Cut off: what the hub lends no more is gone, and who hears of it first shows it no more.
	w.ok(w.engine.Fence(t.Context(), "office", s.Dot.Replica, "stolen"))
	b.sync()
	if l := must(b.List(t.Context(), replica.Query{Kind: kindPerson}))(w); len(l) != 1 {
		t.Errorf("%d records, want the one of before", len(l))
	}
	c := w.tablet("zhao", villageA)
	c.sync()
	h.sync()
	if rep := c.syncHub(h); rep.Lent > 0 {
		t.Errorf("%d saves of a replica that was cut off are lent", rep.Lent)
	}
}

func TestALentSaveGoesWithItsRecord(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	k := w.tablet("chen", county)
	k.sync()
	a.edit(x.Record, phone, "138")
	a.syncHub(h)
	b.syncHub(h)
	b.borrows(1)
	k.move(x.Record, villageB)
	k.sync()
	b.sync()
	s := b.view(x.Record)
	if !s.Departed || len(s.Registers) > 0 || len(s.Lent) > 0 {
		t.Errorf("departed %v, %d registers, lent %v", s.Departed, len(s.Registers), s.Lent)
	}
	b.borrowsNothingShown()
	b.syncHub(h) // which has not heard of the move
	b.borrowsNothingShown()
	k.move(x.Record, villageA)
	k.sync()
	b.sync()
	b.syncHub(h)
	b.borrows(1)                    // back, and lent anew
	b.shows(x.Record, phone, "139") // but the scope that its author saw stands here no more
	h.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
	b.borrows(0)
}

func (d *device) borrowsNothingShown() {
	d.w.Helper()
	if n := d.rows(replica.Lent); n > 0 {
		d.w.Errorf("%s keeps %d saves of a departed record", d.staff, n)
	}
}

func TestOtherRightsGiveBackWhatWasLent(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	a.edit(x.Record, phone, "138")
	a.create(villageA, phone, "new")
	a.syncHub(h)
	b.syncHub(h)
	b.borrows(2)
	cert := must(w.engine.Certify(t.Context(), rights("wang", segment.RoleTablet, villageB), must(b.PublicKey(t.Context()))(w)))(w)
	w.ok(b.Enrol(t.Context(), w.engine.ShardKey(), cert.Raw))
	b.borrows(0)
	b.wantIn(0, []byte("138"))
	if l := must(b.List(t.Context(), replica.Query{Kind: kindPerson}))(w); len(l) > 0 {
		t.Errorf("%d records of a village that is no longer its own", len(l))
	}
	b.syncHub(h)
	b.borrows(0)
}

// The hub burns down with what only it and its colleague's tablet had. What was lent
// stays until the centre has it, or for LoanKeep.
func TestAHubThatIsLostTakesNothingBack(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	s := a.edit(x.Record, phone, "138")
	y := a.create(villageA, phone, "new")
	a.syncHub(h)
	b.syncHub(h)
	h = nil // and never comes back
	b.sync()
	b.shows(x.Record, phone, "138")
	b.shows(y.Record, phone, "new")
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "138")
	b.shows(y.Record, phone, "new")
	if got := b.view(x.Record).Lent; len(got) > 0 {
		t.Errorf("%v is at the centre, shown as lent: %v", s.Dot, got)
	}
	b.borrows(0)

	h = w.hub(county)
	h.sync()
	z := a.create(villageA, phone, "lost")
	a.syncHub(h)
	b.syncHub(h)
	w.clock.now = w.clock.now.Add(replica.LoanKeep - time.Hour)
	b.sync()
	b.shows(z.Record, phone, "lost")
	w.clock.now = w.clock.now.Add(2 * time.Hour)
	b.sync()
	b.borrows(0)
}

func TestWhatIsOrderedGoneIsNotLentAndNotKept(t *testing.T) {
	w := newWorld(t)
	a, b, h, _ := w.clinic()
	x := a.create(villageA, phone, erasedText)
	y := a.create(villageA, phone, "stays")
	a.syncHub(h)
	b.syncHub(h)
	b.shows(x.Record, phone, erasedText)
	a.sync()
	w.erase(x)
	b.sync()
	b.wantGone()
	c := w.tablet("zhao", villageA)
	c.sync()
	c.syncHub(h) // which has not heard of the order; the caller has
	c.wantGone()
	b.syncHub(h)
	b.wantGone()
	b.shows(y.Record, phone, "stays")
	h.sync()
	h.sync()
	h.wantGone()
}

// A centre that was set back to an older backup lacks what a base had: the hub lends
// it again once it is in the new epoch.
func TestARestoredCentresLossIsLentAgain(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	old := w.backup()
	a.edit(x.Record, phone, "138")
	y := a.create(villageA, phone, "new")
	a.syncHub(h)
	b.syncHub(h)
	h.sync()
	b.syncHub(h)
	b.borrows(0)
	w.restore(old)
	b.sync()
	b.shows(x.Record, phone, "139") // nobody has given it back
	held := h.line()
	held.onPush = func(*session.PushRequest, *session.PushReply) error { return errCut }
	_, err := h.Sync(t.Context(), held, replica.Options{})
	if !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	h.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
	b.shows(y.Record, phone, "new")
	b.borrows(0)
	b.sync()
}

// Bytes that are not what somebody signed are passed over, whatever a hub says.
func TestALoanThatIsNotWhatItShouldBeIsPassedOver(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	a.edit(x.Record, phone, "138")
	a.syncHub(h)
	caller := must(b.Certificate(t.Context()))(w)
	o := replica.Options{Hub: must(h.ID(t.Context()))(w)}
	for name, spoil := range map[string]func(*session.Loan){
		"a value exchanged": func(l *session.Loan) { l.Part = bytes.Replace(l.Part, []byte("138"), []byte("666"), 1) },
		"signature":         func(l *session.Loan) { l.Part = bytes.Clone(l.Part); l.Part[len(l.Part)/8] ^= 1 },
		"cut off":           func(l *session.Loan) { l.Part = l.Part[:len(l.Part)-1] },
		"empty":             func(l *session.Loan) { *l = session.Loan{} },
		"no certificate":    func(l *session.Loan) { l.Certificate = []byte("no") },
	} {
		c := b.clone()
		c.w.ok(c.store.Update(t.Context(), func(tx replica.Tx) error { // as if the saver was never heard of
			rows, err := tx.Scan(replica.Certificates, nil, nil, 100)
			for _, r := range rows {
				if name == "no certificate" && !bytes.Equal(r.Key, caller.Hash[:]) {
					err = errors.Join(err, tx.Delete(replica.Certificates, r.Key))
				}
			}
			return err
		}))
		l := spoiler{h.Hub(caller), spoil}
		if rep := must(c.Sync(t.Context(), l, o))(w); rep.Lent > 0 {
			t.Errorf("%s: taken", name)
		}
		c.shows(x.Record, phone, "139")
	}
}

type spoiler struct {
	session.Centre
	spoil func(*session.Loan)
}

func (s spoiler) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	return s.Centre.Pull(ctx, q, func(p session.Page) error {
		for i := range p.Loans {
			s.spoil(&p.Loans[i])
		}
		return page(p)
	})
}

// A tablet has no more of a hub's than MaxLoanBytes: the newest.
func TestOnlyTheNewestIsLentWhenThereIsTooMuch(t *testing.T) {
	w := newWorld(t)
	a, b, h, _ := w.clinic()
	var all []replica.Saved
	for i := range 110 {
		all = append(all, a.create(villageA, phone, fmt.Sprint(i, strings.Repeat("x", 40<<10))))
		must(a.Seal(t.Context()))(w)
	}
	a.syncHub(h)
	b.syncHub(h)
	if n := b.rows(replica.Lent); n < 95 || n > 105 {
		t.Errorf("%d saves of 40 KiB are lent", n)
	}
	late := a.create(villageA, phone, "late")
	a.syncHub(h)
	b.syncHub(h)
	b.shows(late.Record, phone, "late")
	h.sync()
	b.syncHub(h)
	b.borrows(0)
	b.shows(all[0].Record, phone, fmt.Sprint(0, strings.Repeat("x", 40<<10)))
}

// A save that cannot be read on this disk any more is named, and lent again.
func TestADamagedLentSaveIsLentAgain(t *testing.T) {
	w := newWorld(t)
	a, b, h, x := w.clinic()
	s := a.edit(x.Record, phone, "138")
	a.syncHub(h)
	b.syncHub(h)
	w.ok(b.store.Update(t.Context(), func(tx replica.Tx) error {
		rows, err := tx.Scan(replica.Lent, nil, nil, 10)
		rows[0].Body = []byte("damaged")
		return errors.Join(err, tx.Put(replica.Lent, rows[0]))
	}))
	if got := b.view(x.Record); !slices.Equal(got.Unreadable, []causal.Dot{s.Dot}) {
		t.Errorf("unreadable %v, want %v", got.Unreadable, s.Dot)
	}
	b.shows(x.Record, phone, "139")
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
}
