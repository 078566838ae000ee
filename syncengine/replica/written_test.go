// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// paper is something written, with who it is from or for.
type paper struct {
	of   causal.ReplicaID
	said []session.Said
}

// write is what a device would say to the centre now.
func (d *device) write() paper {
	d.w.Helper()
	return d.writeWith(replica.Options{})
}

func (d *device) writeWith(o replica.Options) paper {
	d.w.Helper()
	p := paper{of: must(d.ID(d.w.Context()))(d.w)}
	must(d.Write(d.w.Context(), o, func(s session.Said) error {
		p.said = append(p.said, s)
		return nil
	}))(d.w)
	return p
}

// reader returns one thing said after the other.
func (p paper) reader() func() (session.Said, error) {
	rest := p.said
	return func() (session.Said, error) {
		if len(rest) == 0 {
			return session.Said{}, io.EOF
		}
		s := rest[0]
		rest = rest[1:]
		return s, nil
	}
}

// cut is what is left of a paper.
func (p paper) cut(n int) paper { return paper{p.of, p.said[:n]} }

// correspondence writes an answer into p.
func (w *world) correspondence(of causal.ReplicaID, p *paper) syncengine.Correspondence {
	p.of = of
	return syncengine.Correspondence{Replica: of, PageRecords: 2, Yield: func(s session.Said) error {
		p.said = append(p.said, s)
		return nil
	}}
}

// answer is what the centre answers to a paper.
func (w *world) answer(to paper) paper {
	w.Helper()
	p, _ := w.answered(to)
	return p
}

func (w *world) answered(to paper) (paper, syncengine.Corresponded) {
	w.Helper()
	var p paper
	c := w.correspondence(to.of, &p)
	c.Next = to.reader()
	return p, must(w.engine.Answer(w.Context(), c))(w)
}

// unasked is what the centre writes by itself.
func (w *world) unasked(d *device) paper {
	w.Helper()
	var p paper
	must(w.engine.Write(w.Context(), w.correspondence(must(d.ID(w.Context()))(w), &p)))(w)
	return p
}

func (d *device) take(p paper) replica.Answered {
	d.w.Helper()
	return must(d.TakeAnswer(d.w.Context(), p.reader()))(d.w)
}

// round is a stick to the centre and back.
func (d *device) round() replica.Answered {
	d.w.Helper()
	a := d.take(d.w.answer(d.write()))
	if a.Fit != replica.FitsHere || !a.Complete && !a.Revoked {
		d.w.Fatalf("%s: a round gave %+v", d.staff, a)
	}
	return a
}

func (d *device) wantPlace(s replica.Saved, want replica.Place) {
	d.w.Helper()
	if got := d.where(s.Record, s.Dot).Place; got != want {
		d.w.Errorf("%s: a save is at %v, want %v", d.staff, got, want)
	}
}

func TestATabletWithoutANetworkWorksByWritingOnly(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	for day := range 5 {
		a.create(villageA, address, fmt.Sprint(day))
	}
	a.wantPlace(x, replica.PlaceTablet)
	first := a.write()
	a.wantPlace(x, replica.PlaceTablet) // writing is not arriving
	if r := a.take(w.answer(first)); r.Acks != 1 || r.Fit != replica.FitsHere || !r.Complete {
		t.Fatalf("first answer %+v", r)
	}
	a.wantPlace(x, replica.PlaceCentre)
	b.sync()
	b.edit(x.Record, phone, "138")
	edited := a.edit(x.Record, phone, "137")
	b.sync()
	a.round()
	a.shows(x.Record, phone, "137", "138")
	a.wantPlace(edited, replica.PlaceCentre)

	// What leaves the scope departs; what a backup covers is said to be covered.
	must(w.engine.Save(t.Context(), "chief", syncengine.OfficeSave{Record: x.Record, Changes: []record.Change{{
		Path: record.PathScope, Value: record.Of([]byte(villageB)), Parents: b.view(x.Record).Parents(record.PathScope),
	}}}))(w)
	for range 2 {
		w.backup()
	}
	if r := a.round(); r.Departures != 1 || r.Marks != 2 {
		t.Fatalf("%+v", r)
	}
	a.wantPlace(edited, replica.PlaceBackedUp)
	if s := a.status(); s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
	if p := a.write(); len(p.said) != 1 || len(p.said[0].Hello.Offers) != 0 {
		t.Errorf("with nothing to say %d things are said", len(p.said))
	}
	w.sound()
}

// admitted is what everybody sees: who saved sees own held values, too.
func admitted(s replica.Screen) []string {
	return slices.DeleteFunc(texts(s, phone), func(v string) bool { return strings.HasPrefix(v, "(") })
}

// Papers of two tablets come in any order, some twice, some never, and so do the
// answers; one round more and everybody has everything.
func TestPapersInAnyOrder(t *testing.T) {
	for seed := range uint64(25) {
		w := newWorld(t)
		rnd := rand.New(rand.NewPCG(seed, 3))
		tablets := []*device{w.tablet("li", villageA), w.tablet("wang", villageA), w.tablet("chen", villageA)}
		var records []record.ID
		up, down := map[*device][]paper{}, map[*device][]paper{}
		backup := w.backup()
		for range 60 {
			d := tablets[rnd.IntN(2)]
			switch rnd.IntN(9) {
			case 0:
				records = append(records, d.create(villageA, phone, fmt.Sprint(rnd.Uint32())).Record)
			case 1, 2:
				for _, id := range records {
					if s, err := d.View(t.Context(), id); err == nil && s.Opens && rnd.IntN(3) == 0 {
						_, err := d.Save(t.Context(), replica.SaveRequest{
							Shown: s.Shown, Author: d.staff, Scope: villageA,
							Changes: []record.Change{{Path: phone, Value: record.Of([]byte(fmt.Sprint(rnd.Uint32()))), Parents: s.Parents(phone)}},
						})
						w.ok(err)
					}
				}
			case 3, 4:
				up[d] = append(up[d], d.write())
			case 5, 6:
				if n := len(up[d]); n > 0 {
					p := up[d][rnd.IntN(n)]
					down[d] = append(down[d], w.answer(p.cut(1+rnd.IntN(len(p.said)))))
				}
			case 7:
				if n := len(down[d]); n > 0 {
					p := down[d][rnd.IntN(n)]
					d.take(p.cut(1 + rnd.IntN(len(p.said))))
				}
			case 8:
				switch rnd.IntN(8) {
				case 0:
					tablets[2].sync()
					d.take(w.unasked(d))
				case 1:
					d.sync()
				case 2:
					backup = w.backup()
				case 3:
					w.restore(backup)
				}
			}
		}
		for range 4 {
			for _, d := range tablets[:2] {
				d.take(w.answer(d.write()))
			}
			tablets[2].sync()
		}
		for _, d := range tablets[:2] {
			d.round()
			if s := d.status(); s.Unsent != 0 || s.Lost != 0 {
				t.Fatalf("seed %d: %s: %+v", seed, d.staff, s)
			}
			if r := d.sync(); r.Pushed != 0 || r.Bases != 0 || r.Repulled {
				t.Fatalf("seed %d: a sync brings what papers did not: %+v", seed, r)
			}
		}
		tablets[2].sync()
		for _, id := range records {
			want := admitted(tablets[2].view(id))
			for _, d := range tablets[:2] {
				if got := admitted(d.view(id)); !slices.Equal(got, want) {
					t.Errorf("%s shows %q, want %q", d.staff, got, want)
				}
			}
		}
		w.sound()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func TestAnAnswerThatBrokeOffGoesOnWithTheWholeOne(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.round()
	for i := range 9 {
		b.create(villageA, phone, fmt.Sprint(i))
	}
	b.sync()
	whole := w.answer(a.write())
	half := a.take(whole.cut(len(whole.said) - 3))
	if half.Fit != replica.FitsHere || half.Complete || half.Bases == 0 {
		t.Fatalf("half %+v", half)
	}
	rest := a.take(whole)
	if rest.Fit != replica.FitsHere || !rest.Complete || half.Bases+rest.Bases != 9 {
		t.Fatalf("after %+v the rest is %+v", half, rest)
	}
	again := a.take(whole)
	if again.Fit != replica.FitsPartly || again.Bases != 0 || again.Acks != 0 {
		t.Fatalf("again %+v", again)
	}
}

// An answer to what was written earlier brings what is newer in it, and the next one
// brings the rest.
func TestAnAnswerToAnEarlierPaperIsTakenAsFarAsItIsNew(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := b.create(villageA, phone, "1")
	b.sync()
	one, two := a.write(), a.write()
	first := w.answer(one)
	y := b.create(villageA, phone, "2")
	b.edit(x.Record, phone, "3")
	b.sync()
	second := w.answer(two)
	a.take(first)
	a.shows(x.Record, phone, "1")
	if r := a.take(second); r.Fit != replica.FitsPartly || r.Bases != 2 {
		t.Fatalf("second %+v", r)
	}
	a.shows(x.Record, phone, "3")
	a.shows(y.Record, phone, "2")
	if r := a.take(first); r.Bases != 0 {
		t.Fatalf("the first once more %+v", r)
	}
	a.shows(x.Record, phone, "3")
	a.round()
}

// A hub can be ahead of an answer that was long on its way.
func TestAnAnswerOlderThanWhatAHubGaveTakesNothingAway(t *testing.T) {
	w := newWorld(t)
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := b.create(villageA, phone, "1")
	b.sync()
	slow := w.answer(a.write()) // from nothing: what it does not name departs
	y := b.create(villageA, phone, "2")
	b.edit(x.Record, phone, "3")
	b.sync()
	h.sync()
	a.syncHub(h)
	for range 2 {
		r := a.take(slow)
		if r.Complete || r.Fit == replica.FitsHere && !r.Ahead {
			t.Fatalf("%+v", r)
		}
		a.shows(x.Record, phone, "3")
		a.shows(y.Record, phone, "2")
	}
	a.round()
	a.shows(y.Record, phone, "2")
}

func TestWhatNobodyAskedForIsTaken(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := b.create(villageA, phone, "1")
	b.sync()
	if r := a.take(w.unasked(a)); r.Fit != replica.FitsHere || !r.Complete {
		t.Fatalf("to a new tablet %+v", r)
	}
	a.shows(x.Record, phone, "1")
	mine := a.create(villageA, phone, "9")
	lost := w.answer(a.write())
	b.sync()
	b.edit(x.Record, phone, "2")
	b.sync()
	if r := a.take(w.unasked(a)); r.Fit != replica.FitsPartly || r.Acks != 1 || r.Complete {
		t.Fatalf("to one that knows something %+v", r)
	}
	a.shows(x.Record, phone, "2")
	a.wantPlace(mine, replica.PlaceCentre)
	if r := a.take(lost); r.Fit != replica.FitsHere {
		t.Fatalf("the answer that was late %+v", r)
	}
	a.shows(x.Record, phone, "2")
	a.round()
}

func TestARestoredCentreIsFollowedInWriting(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	a.round()
	backup := w.backup()
	y := a.create(villageA, phone, "2")
	before := w.answer(a.write())
	a.take(before)
	a.wantPlace(y, replica.PlaceCentre)
	late := a.write()
	w.restore(backup)
	r := a.take(w.answer(late))
	if !r.NewEpoch || r.Fit != replica.FitsHere {
		t.Fatalf("the first answer of the new epoch %+v", r)
	}
	a.wantPlace(y, replica.PlaceTablet)
	if r := a.take(before); r.Fit != replica.FitsNot || r.Acks != 0 || r.Bases != 0 || r.NewEpoch {
		t.Fatalf("an answer from before %+v", r)
	}
	a.wantPlace(y, replica.PlaceTablet)
	a.round()
	for _, s := range []replica.Saved{x, y} {
		a.wantPlace(s, replica.PlaceCentre)
	}
	w.sound()
}

// A centre on an older file without a restore is found out by what is written, too.
func TestACentreThatWasSetBackTakesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	backup := w.backup()
	a.create(villageA, phone, "1")
	a.round()
	a.create(villageA, phone, "2")
	p := a.write()
	w.reopen(backup)
	var out paper
	c := w.correspondence(p.of, &out)
	c.Next = p.reader()
	if _, err := w.engine.Answer(t.Context(), c); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack || len(out.said) > 0 {
		t.Fatalf("%v, and %d things said", err, len(out.said))
	}
}

func TestALockedTabletWritesWhatItSealed(t *testing.T) {
	w := newWorld(t)
	private, public, err := segment.NewRecipientKey(w.fresh())
	w.ok(err)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.cfg.Recipient = public
	a.open()
	x := a.create(villageA, phone, "139")
	must(a.Seal(t.Context()))(w)
	late := a.edit(x.Record, phone, "137")
	open := a.cfg.Store
	a.cfg.Store = locked{a.store}
	a.open()
	p := a.writeWith(replica.Options{Locked: true})
	var out paper
	c := w.correspondence(p.of, &out)
	l := a.line()
	l.open = private
	c.Next, c.Push = p.reader(), l.Push
	if done := must(w.engine.Answer(t.Context(), c))(w); done.Stored != 1 {
		t.Fatalf("%+v", done)
	}
	b.sync()
	b.shows(x.Record, phone, "139")
	a.cfg.Store = open
	a.open()
	a.take(out)
	a.wantPlace(x, replica.PlaceCentre)
	a.wantPlace(late, replica.PlaceTablet)
	a.round()
	a.wantPlace(late, replica.PlaceCentre)
}

func TestALostSegmentIsStatedGoneInWriting(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	a.round()
	gone := a.create(villageA, phone, "1")
	must(a.Seal(t.Context()))(w)
	a.damage(a.lastSegment())
	kept := a.create(villageA, phone, "2")
	if r := a.take(w.answer(a.write())); r.Blocked != 1 || r.Gaps != 1 {
		t.Fatalf("%+v", r)
	}
	a.round()
	a.wantPlace(kept, replica.PlaceCentre)
	a.wantPlace(gone, replica.PlaceTablet)
	if s := a.status(); s.Unsent != 0 || s.Lost != 1 {
		t.Errorf("%+v", s)
	}
	w.sound()
}

func TestWhatIsHeldIsToldInWriting(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := must(a.Save(t.Context(), replica.SaveRequest{
		Kind: kindPerson, Author: "nobody", Scope: villageA,
		Changes: []record.Change{{Path: phone, Value: record.Of([]byte("1"))}},
	}))(w)
	a.round()
	if at := a.where(x.Record, x.Dot); !at.Held || at.Place != replica.PlaceCentre {
		t.Errorf("%+v", at)
	}
}

func TestAnExpiredCertificateIsRenewedInWriting(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.round()
	w.clock.now = w.clock.now.Add(401 * 24 * time.Hour)
	x := a.create(villageA, phone, "1")
	before := must(a.Certificate(t.Context()))(w)
	lost := w.answer(a.write()) // and with it the new certificate
	w.clock.now = w.clock.now.Add(time.Hour)
	r := a.take(w.answer(a.write()))
	if after := must(a.Certificate(t.Context()))(w); !r.Renewed || !r.Complete || !after.ExpiresAt.After(before.ExpiresAt) {
		t.Fatalf("%+v", r)
	}
	a.wantPlace(x, replica.PlaceCentre)
	if r := a.take(lost); r.Renewed {
		t.Fatalf("an older certificate was taken: %+v", r)
	}
	_ = b
	a.round()
}

func TestARevokedReplicaWritesAndGetsAcksOnly(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.round()
	w.ok(w.engine.Fence(t.Context(), "chief", must(a.ID(t.Context()))(w), "lost"))
	b.create(villageA, phone, "1")
	b.sync()
	x := a.create(villageA, phone, "2")
	r := a.round()
	if !r.Revoked || r.Bases != 0 {
		t.Fatalf("%+v", r)
	}
	if at := a.where(x.Record, x.Dot); !at.Held || at.Place != replica.PlaceCentre {
		t.Errorf("%+v", at)
	}
}

func TestACloneIsNoticedInWriting(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	a.round()
	c := a.clone()
	a.create(villageA, phone, "1")
	x := c.create(villageA, phone, "2")
	a.round()
	if r := c.take(w.answer(c.write())); !r.Forked {
		t.Fatalf("%+v", r)
	}
	c.wantPlace(x, replica.PlaceCentre) // as another history of the same key
	if r := c.sync(); r.Successor.IsZero() {
		t.Fatalf("%+v", r)
	}
}

// What no centre would write is refused, and changes nothing.
func TestAnswersThatMakeNoSense(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.round()
	x := b.create(villageA, phone, "1")
	b.sync()
	good := w.answer(a.write())
	for name, bad := range map[string][]session.Said{
		"no beginning":         good.said[1:],
		"two beginnings":       {good.said[0], good.said[0]},
		"a page after the end": append(good.said[:len(good.said):len(good.said)], good.said[len(good.said)-1]),
		"no certificate":       {good.said[0], {Certificate: []byte("x")}},
	} {
		_, err := a.clone().TakeAnswer(t.Context(), paper{said: bad}.reader())
		if !errors.Is(err, replica.ErrPage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("stick pulled out")
	next := good.cut(1).reader()
	_, err := a.TakeAnswer(t.Context(), func() (session.Said, error) {
		s, err := next()
		if err == io.EOF {
			err = broken
		}
		return s, err
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	a.take(good)
	a.shows(x.Record, phone, "1")
}

func TestTheCentreReadsOnlyWhatItsReplicaWrote(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.create(villageA, phone, "1")
	good := a.write()
	stranger := good
	stranger.of = must(b.ID(t.Context()))(w)
	var many []session.Said
	for range 70 {
		many = append(many, good.said[0])
	}
	for name, c := range map[string]struct {
		p    paper
		want syncengine.Reason
	}{
		"nothing":              {good.cut(0), syncengine.ReasonInvalid},
		"a push first":         {paper{good.of, good.said[1:]}, syncengine.ReasonInvalid},
		"of another":           {stranger, syncengine.ReasonInvalid},
		"an answer":            {paper{good.of, []session.Said{{HelloReply: &session.HelloReply{}}}}, syncengine.ReasonInvalid},
		"hellos without end":   {paper{good.of, many}, syncengine.ReasonTooMuch},
		"without certificates": {paper{good.of, []session.Said{{Hello: &session.HelloRequest{}}}}, syncengine.ReasonInvalid},
	} {
		var out paper
		q := w.correspondence(c.p.of, &out)
		q.Next = c.p.reader()
		if _, err := w.engine.Answer(t.Context(), q); syncengine.ReasonOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	var out paper
	if _, err := w.engine.Write(t.Context(), w.correspondence(causal.ReplicaID{9}, &out)); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("to nobody: %v", err)
	}
}

func TestTwoThingsAtOnceAreNotTaken(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	good := w.answer(a.write())
	next := good.reader()
	var inner error
	must(a.TakeAnswer(t.Context(), func() (session.Said, error) {
		if inner == nil {
			_, inner = a.Sync(context.Background(), a.line(), replica.Options{})
		}
		return next()
	}))(w)
	if !errors.Is(inner, replica.ErrBusy) {
		t.Errorf("%v", inner)
	}
}
