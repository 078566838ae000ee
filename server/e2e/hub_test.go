// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	spare "github.com/xunzhen/xunzhen/server/clinic"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet"
)

// records returns what a tablet lists.
func records(t *testing.T, x *tab) iter.Seq[*tablet.Record] {
	t.Helper()
	l, err := x.List(&tablet.Query{})
	must(t, l, err)
	return func(yield func(*tablet.Record) bool) {
		for i := range l.Len() {
			if !yield(l.At(i)) {
				return
			}
		}
	}
}

func TestAClinicWorksForDaysWithoutTheCentre(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village).knows(l, c)
	known := a.add("resident", "", "", `{"name": "王建国", "phone": "139"}`)
	if with := a.anyhow(); with != tablet.CentreName {
		t.Fatalf("with %s while the centre answers", with)
	}
	c.up()
	if r, err := b.Sync(t.Context(), b.sync); must(t, r, err).With != tablet.CentreName {
		t.Fatal("the hub was asked although the centre answers")
	}
	w.tablet("wang", village) // an act of the centre's that goes down to everybody
	c.up()

	l.cut(w.listen, true)
	c.line.cut(w.listen, true)
	var saved []*tablet.Saved
	for day := range 5 {
		for i, x := range []*tab{a, b} {
			saved = append(saved, x.add("resident", "", "", fmt.Sprintf(`{"name": "居民%d-%d"}`, day, i)))
			if with := x.anyhow(); with != c.listen {
				t.Fatalf("day %d: synced with %q", day, with)
			}
		}
		w.clock.forward(24 * time.Hour)
	}
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("the centre was reached")
	}
	a.wantState(saved[0].ID, tablet.StateClinic, "")
	if s := a.status(); s.Unsent != 5 || s.Clinic != 5 || s.LastHubMs == 0 || s.LastReason != "" {
		t.Fatalf("status %+v", s)
	}
	if s := c.wantWaiting(10); s.Reason != "unreachable" || s.LastSyncMs == 0 {
		t.Fatalf("the hub's status %+v", s)
	}
	b.wantState(known.ID, tablet.StateReceived, "") // as the hub had it from the centre
	for r := range records(t, a) {
		if r.Kind != "resident" {
			t.Errorf("a record of kind %q is listed", r.Kind)
		}
	}

	c.line.cut(w.listen, false)
	if r := c.up(); r.Pushed < 2 || r.Acks < 2 {
		t.Fatalf("the hub's sync %+v", r)
	}
	c.wantWaiting(0)
	for i, x := range []*tab{a, b} {
		x.by(c)
		x.wantState(saved[i].ID, tablet.StateCentre, "")
		x.wantState(saved[1-i].ID, tablet.StateReceived, "")
	}
	for range 2 {
		m, err := w.county.Engine.MarkBackup(t.Context(), w.county.Engine.Size(), w.clock.read())
		must(t, m, err)
	}
	c.up()
	a.by(c)
	a.wantState(saved[0].ID, tablet.StateBackedUp, "")
	l.cut(w.listen, false)
	a.run()
	b.run()
	w.wantSound()
	wantNowhere(t, c.dir(), "王建国", "居民0-0")
}

// A tablet sees of a hub what its certificate covers, and what is sensitive only with
// that class.
func TestAHubGivesEachTabletItsOwn(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village2).knows(l, c)
	mine, theirs := a.add("resident", "", "", `{"name": "张三"}`), b.add("resident", "", "", `{"name": "李四"}`)
	a.by(c)
	b.by(c)
	c.up()
	a.by(c)
	a.wantState(mine.ID, tablet.StateCentre, "")
	if _, err := a.Get(theirs.ID); tablet.ReasonOf(err) != "unknown_record" {
		t.Fatalf("a record of another village came down: %v", err)
	}
}

// Whatever the way and the order, and however often: nothing is lost, and all agree.
func TestAnyMixOfWaysComesToTheSame(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	one, two := w.clinic(township), w.clinic(township)
	tabs := []*tab{w.tablet("zhang", village), w.tablet("li", village), w.tablet("wu", township)}
	ways := func(x *tab, n int) {
		switch n % 4 {
		case 0:
			x.run()
		case 1:
			x.by(one)
		case 2:
			x.by(two)
		default: // the same segments by two couriers
			x.by(one)
			x.by(two)
		}
	}
	for _, x := range tabs {
		x.knows(l, one, two)
	}
	shared := tabs[0].add("resident", "", "", `{"name": "王建国", "phone": "0"}`)
	for _, x := range tabs {
		x.run()
	}
	var all []string
	for round := range 8 {
		for i, x := range tabs {
			all = append(all, x.add("resident", "", village, fmt.Sprintf(`{"name": "居民%d-%d"}`, round, i)).ID)
			open := x.show(shared.ID)
			x.save(open.Form, fmt.Sprintf(`{"name": "王建国", "phone": "%d"}`, 100+10*round+i))
			ways(x, round+3*i+round*i)
		}
		switch round % 3 {
		case 0:
			one.up()
		case 1:
			two.up()
			two.up()
		}
	}
	two.up()
	one.up()
	w.wantAgreed(tabs, all)
	one.wantWaiting(0)
	two.wantWaiting(0)
}

// wantAgreed lets all tablets sync with the centre, whose sums of fingerprints each
// must come to, and looks for every record.
func (w *world) wantAgreed(tabs []*tab, ids []string) {
	w.t.Helper()
	for range 2 {
		for _, x := range tabs {
			x.sync.With = tablet.CentreName
			x.run()
		}
	}
	for _, x := range tabs {
		if s := x.status(); s.Unsent != 0 || s.Held != 0 {
			w.t.Fatalf("status %+v", s)
		}
		for _, id := range ids {
			if state := x.show(id).State; state != tablet.StateCentre && state != tablet.StateReceived && state != tablet.StateBackedUp {
				w.t.Fatalf("%s is %q", id, state)
			}
		}
	}
	w.wantSound()
}

func TestAHubIsLostForGood(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a := w.tablet("zhang", village).knows(l, c)
	a.run()
	l.cut(w.listen, true)
	var ids []string
	for i := range 3 {
		ids = append(ids, a.add("resident", "", "", fmt.Sprintf(`{"name": "居民%d"}`, i)).ID)
		a.anyhow()
	}
	a.wantState(ids[0], tablet.StateClinic, "")
	c.stop() // before it met the centre again
	_, err := a.Sync(t.Context(), a.sync)
	wantReason(t, err, "unreachable")
	l.cut(w.listen, false)
	if with := a.anyhow(); with != tablet.CentreName {
		t.Fatalf("synced with %q", with)
	}
	a.wantState(ids[0], tablet.StateCentre, "")
	do(t, a.RemoveHub(c.listen))
	w.wantAgreed([]*tab{a}, ids)
}

// A hub's folder is put back from an older copy: what it took since is still on the
// tablets, and what it gave since is not taken back.
func TestAHubIsPutBack(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village).knows(l, c)
	x := a.add("resident", "", "", `{"name": "王建国", "phone": "1"}`)
	a.by(c)
	c.up()
	c.stop()
	older := t.TempDir()
	c.copyTo(older)
	c.start()
	a.by(c)
	a.save(a.show(x.ID).Form, `{"name": "王建国", "phone": "2"}`)
	a.by(c)
	c.up()
	b.by(c)
	if phone := value(t, b.show(x.ID).JSON, "phone"); phone != "2" {
		t.Fatalf("phone %v", phone)
	}
	late := a.add("resident", "", "", `{"name": "李四"}`)
	a.by(c)
	a.wantState(late.ID, tablet.StateClinic, "")
	c.stop() // and what it took last is gone with the folder
	c.putBack(older)
	c.start()
	b.by(c)
	if phone := value(t, b.show(x.ID).JSON, "phone"); phone != "2" {
		t.Fatalf("phone %v: the older hub took it back", phone)
	}
	a.by(c)
	c.up()
	b.by(c)
	b.wantState(late.ID, tablet.StateReceived, "")
	w.wantAgreed([]*tab{a, b}, []string{x.ID, late.ID})
}

// The centre is restored from a backup that lacks the last days; the hub meets it first
// and brings them back, the office's own acts too.
func TestAHubBringsARestoredCentreWhatItLost(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village).knows(l, c)
	early := a.add("resident", "", "", `{"name": "王建国"}`)
	a.by(c)
	c.up()
	a.by(c)
	old := w.stores["shard.db"].Clone()
	late := a.add("resident", "", "", `{"name": "李四"}`)
	a.by(c)
	c.up()
	a.by(c)
	a.wantState(late.ID, tablet.StateCentre, "")

	w.end()
	w.stores["shard.db"] = old
	w.start()
	if _, err := c.Sync(t.Context()); err == nil {
		t.Fatal("an older file was taken for the centre")
	}
	if s := must1(c.Status(t.Context()))(t); s.Reason != "rolled_back" {
		t.Fatalf("the hub's status %+v", s)
	}
	do(t, w.county.Engine.Restore(t.Context(), "office"))
	if r := c.up(); !r.NewEpoch || r.Pushed == 0 {
		t.Fatalf("the hub's sync %+v", r)
	}
	c.wantWaiting(0)
	a.by(c) // learns of the restore from the hub
	a.wantState(late.ID, tablet.StateCentre, "")
	b.by(c)
	b.wantState(late.ID, tablet.StateReceived, "")
	w.wantAgreed([]*tab{a, b}, []string{early.ID, late.ID})
}

// A hub syncs by itself soon after somebody pushed.
func TestAHubHandsOnByItself(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a := w.tablet("zhang", village).knows(l, c)
	c.up()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	defer running.Wait()
	defer cancel()
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	for {
		brought := c.Changed()
		if a.by(c); a.show(s.ID).State == tablet.StateCentre {
			break
		}
		<-brought // what was pushed, then an ack
	}
}

func must1[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		return must(t, v, err)
	}
}

// A spare tablet is a hub too.
func TestAnAppOnASpareTabletIsAHub(t *testing.T) {
	w := newWorld(t)
	o := &spare.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0"}
	c, err := spare.Open(o)
	must(t, c, err)
	defer func() { do(t, c.Close()) }()
	if _, err := c.Invitation(); err == nil || c.Joined() {
		t.Fatal("nobody is served yet")
	}
	do(t, c.Join(w.hubInvitation(segment.RoleHub, township)))
	do(t, c.Start())
	if err := c.Start(); err == nil || !c.Joined() {
		t.Fatal("started twice")
	}
	text, err := c.Invitation()
	a := w.tablet("zhang", village)
	h, err2 := a.AddHub(must(t, text, err), "spare")
	must(t, h, err2)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.sync.With = "spare"
	if r, err := a.Sync(t.Context(), a.sync); !must(t, r, err).AtHub {
		t.Fatalf("report %+v", r)
	}
	a.wantState(s.ID, tablet.StateClinic, "")
	c.Stop()
	_, err = a.Sync(t.Context(), a.sync)
	wantReason(t, err, "unreachable")
	do(t, c.Start())
	text, err = c.Invitation()
	h, err2 = a.AddHub(must(t, text, err), "spare") // at another port
	must(t, h, err2)
	if r, err := a.Sync(t.Context(), a.sync); !must(t, r, err).AtHub {
		t.Fatalf("report %+v", r)
	}
}
