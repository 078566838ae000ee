// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// laws are what a device owes, each with a story in which breaking it shows.
var laws = []struct {
	name string
	tell func(*world)
}{
	{"a base of a new epoch replaces any older one, whatever they contain", tellRestoredCentre},
	{"what a lagging hub offers does not replace a newer base", tellLaggingHub},
	{"a departed record does not come back from its pieces", tellDepartedPieces},
	{"a base that a new epoch does not name departs and is remembered", tellUnnamedBase},
	{"an own save is shown until its very dot was received", tellForeignHead},
	{"nothing is dropped before the cursor passed its ack", tellEarlyDrop},
	{"nothing is dropped after one backup", tellOneBackup},
	{"counters are dense and no dot is used twice", tellDenseCounters},
	{"others' clocks do not move the own one", tellClocks},
	{"a fork is seen and answered with a new key", tellFork},
	{"what a hub lends is shown until the base has received it", tellLentSave},
	{"and until the cursor has passed the ack of its segment", tellLentAckPassed},
	{"a save is lent within the divisions of who borrows", tellLentScope},
	{"and within the classes", tellLentClass},
	{"a lent save is shown only when its author was entitled to it", tellLentEntitled},
}

func TestLaws(t *testing.T) {
	for _, law := range laws {
		t.Run(law.name, func(t *testing.T) {
			t.Parallel()
			law.tell(newWorld(t))
		})
	}
}

// probe is a test that may fail without failing the one it runs in.
type probe struct{ testing.TB }

type caught struct{ why string }

func (probe) Error(args ...any)            { panic(caught{fmt.Sprint(args...)}) }
func (probe) Errorf(f string, args ...any) { panic(caught{fmt.Sprintf(f, args...)}) }
func (probe) Fatal(args ...any)            { panic(caught{fmt.Sprint(args...)}) }
func (probe) Fatalf(f string, a ...any)    { panic(caught{fmt.Sprintf(f, a...)}) }

// catches runs a law against a mutant and returns why it fell; "" when it did not.
func catches(t *testing.T, m replica.Mutant, tell func(*world)) (why string) {
	defer func() {
		if r := recover(); r != nil {
			c, ok := r.(caught)
			if !ok {
				panic(r)
			}
			why = c.why
		}
	}()
	w := newWorld(probe{t})
	w.mutant = &m
	tell(w)
	return ""
}

func TestEveryMutantFalls(t *testing.T) {
	for _, m := range replica.Mutants {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			for _, law := range laws {
				if why := catches(t, m, law.tell); why != "" {
					t.Logf("%s: %s", law.name, why)
					return
				}
			}
			if why := replica.CheckRules(m); why != "" {
				t.Logf("table: %s", why)
				return
			}
			t.Error("no law noticed")
		})
	}
}

func tellRestoredCentre(w *world) {
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	old := w.backup()
	a.edit(x.Record, phone, "138")
	a.sync()
	b.sync()
	b.shows(x.Record, phone, "138")

	w.restore(old) // and tablet a is never seen again
	if rep := b.sync(); !rep.NewEpoch {
		w.Error("the new epoch was not noticed")
	}
	b.shows(x.Record, phone, "139")
}

func tellLaggingHub(w *world) {
	a, b, h := w.tablet("li", villageA), w.tablet("wang", villageA), w.hub(county)
	x := a.create(villageA, phone, "139")
	a.sync()
	h.sync()
	a.edit(x.Record, phone, "138")
	a.sync()
	b.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
	h.sync()
	b.syncHub(h)
	b.shows(x.Record, phone, "138")
}

// move changes a record's scope, by somebody who may.
func (d *device) move(id record.ID, to record.Division) {
	d.w.Helper()
	s := d.view(id)
	must(d.Save(d.w.Context(), replica.SaveRequest{
		Shown: s.Shown, Author: d.staff,
		Changes: []record.Change{{Path: record.PathScope, Value: record.Of([]byte(to)), Parents: s.Parents(record.PathScope)}},
	}))(d.w)
}

func tellDepartedPieces(w *world) {
	a, k := w.tablet("li", villageA), w.tablet("chen", county)
	x := a.create(villageA, phone, "139")
	a.sync()
	k.sync()
	k.move(x.Record, villageB)
	k.sync()
	if rep := a.sync(); rep.Departures != 1 {
		w.Errorf("%d departures, want 1", rep.Departures)
	}
	s := a.view(x.Record)
	if !s.Departed || s.Opens || len(s.Registers) > 0 {
		w.Errorf("departed record: departed %v, opens %v, %d registers", s.Departed, s.Opens, len(s.Registers))
	}
	if l := must(a.List(w.Context(), replica.Query{}))(w); len(l) > 0 {
		w.Errorf("%d records listed, want none", len(l))
	}
	k.move(x.Record, villageA)
	k.sync()
	a.sync()
	a.shows(x.Record, phone, "139")
}

func tellUnnamedBase(w *world) {
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	a.create(villageA, phone, "1")
	a.sync()
	old := w.backup()
	x := a.create(villageA, phone, "139")
	a.sync()
	b.sync()
	w.restore(old)
	b.sync()
	s, err := b.View(w.Context(), x.Record)
	if err != nil || !s.Departed || s.Opens {
		w.Errorf("record the new epoch does not name: departed %v, opens %v, %v", s.Departed, s.Opens, err)
	}
	a.sync() // gives it back
	b.sync()
	b.shows(x.Record, phone, "139")
}

// tellForeignHead: a clone's saves carry the same replica and higher counters.
func tellForeignHead(w *world) {
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	c := a.clone()
	c.edit(x.Record, address, "no 1")
	c.edit(x.Record, address, "no 2")
	c.sync()

	l := a.line()
	var mine replica.Saved
	l.onHello = func(*session.HelloRequest, *session.HelloReply) error {
		if mine.Record.IsZero() {
			mine = a.edit(x.Record, phone, "138") // after the sync has sealed
		}
		return nil
	}
	if _, err := a.Sync(w.Context(), l, replica.Options{}); err != nil {
		w.Fatal(err)
	}
	a.shows(x.Record, address, "no 2")
	a.shows(x.Record, phone, "138")
	if at := a.where(x.Record, mine.Dot); at.Place != replica.PlaceTablet {
		w.Errorf("a save made during the sync is at %v", at.Place)
	}
	a.sync()
	a.shows(x.Record, phone, "138")
}

func tellEarlyDrop(w *world) {
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	must(a.Seal(w.Context()))(w)
	a.create(villageA, phone, "2")
	cut := a.line()
	cut.onPage = func(*session.Page) error { return errCut }
	if _, err := a.Sync(w.Context(), cut, replica.Options{}); !errors.Is(err, errCut) {
		w.Fatalf("sync: %v, want a cut", err)
	}
	w.backup()
	w.backup()
	if _, err := a.Sync(w.Context(), cut, replica.Options{}); !errors.Is(err, errCut) {
		w.Fatalf("sync: %v, want a cut", err)
	}
	if at := a.where(x.Record, x.Dot); at.Place != replica.PlaceBackedUp {
		w.Errorf("twice backed up, shown as %v", at.Place)
	}
	w.clock.now = w.clock.now.Add(replica.OwnKeep + time.Hour)
	w.dropped(a, 0)
	a.sync()
	w.dropped(a, 1)
	a.shows(x.Record, phone, "1")
}

func tellOneBackup(w *world) {
	a := w.tablet("li", villageA)
	a.create(villageA, phone, "1")
	must(a.Seal(w.Context()))(w)
	a.create(villageA, phone, "2")
	a.sync()
	w.backup()
	a.sync()
	w.clock.now = w.clock.now.Add(replica.OwnKeep + time.Hour)
	w.dropped(a, 0)
	w.backup()
	a.sync()
	w.dropped(a, 1)
}

// dropped sweeps and compares the number of segments.
func (w *world) dropped(d *device, want int) {
	w.Helper()
	may := must(d.Droppable(w.Context()))(w)
	did := must(d.Sweep(w.Context()))(w)
	if did.Segments != want || may != did {
		w.Errorf("dropped %d segments (announced %d), want %d", did.Segments, may.Segments, want)
	}
}

func tellDenseCounters(w *world) {
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "1")
	for i := range uint64(5) {
		if s := a.edit(x.Record, phone, fmt.Sprint(i)); s.Dot.Counter != i+2 {
			w.Errorf("save %d has counter %d", i+2, s.Dot.Counter)
		}
	}
	a.sync()
	if got := texts(a.view(x.Record), phone); !slices.Equal(got, []string{"4"}) {
		w.Errorf("shown %q", got)
	}
}

func tellClocks(w *world) {
	a, b := w.tablet("li", villageA), w.tablet("wang", villageA)
	b.cfg.Clock = func() time.Time { return time.Date(2106, 2, 7, 0, 0, 0, 0, time.UTC) }
	b.open()
	x := b.create(villageA, phone, "139")
	b.sync()
	a.sync()
	a.edit(x.Record, phone, "138")
	g, _ := a.view(x.Record).Register(phone)
	if at := time.UnixMilli(g.Siblings[0].ClockMs); at.Year() != 2026 {
		w.Errorf("a save of 2026 is dated %v after one of 2106 was seen", at)
	}
}

func tellFork(w *world) {
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	c := a.clone()
	a.edit(x.Record, phone, "138")
	c.edit(x.Record, phone, "137")
	before := must(a.ID(w.Context()))(w)
	a.sync()
	c.sync()
	a.sync()
	mine, others := must(a.ID(w.Context()))(w), must(c.ID(w.Context()))(w)
	if mine == before || others == before || mine == others {
		w.Errorf("keys after a fork: %v and %v, before it %v", mine, others, before)
	}
	s := a.edit(x.Record, address, "no 1")
	if s.Dot.Replica != mine || s.Dot.Counter != 1 {
		w.Errorf("first save under a new key is %v", s.Dot)
	}
	a.sync()
	c.sync()
	for _, d := range []*device{a, c} {
		d.shows(x.Record, phone, "137", "138")
		d.shows(x.Record, address, "no 1")
	}
}

var errCut = errors.New("cut")

func TestSuccessionIsAskedForOnceMoreWithTheSameKey(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	x := a.create(villageA, phone, "139")
	a.sync()
	c := a.clone()
	c.edit(x.Record, phone, "137")
	c.sync()
	// The answer to the first request is lost, with everything after it.
	lost := &lostSuccession{line: a.line()}
	if _, err := a.Sync(t.Context(), lost, replica.Options{}); !errors.Is(err, replica.ErrSuccession) {
		t.Fatalf("sync: %v, want %v", err, replica.ErrSuccession)
	}
	a.open()
	rep := a.sync()
	cert := must(a.Certificate(t.Context()))(w)
	if rep.Successor != cert.Replica() || cert.Successions != 1 || lost.asked != rep.Successor {
		t.Errorf("successor %v (first asked for %v), %d successions", rep.Successor, lost.asked, cert.Successions)
	}
	if ids := must(a.IDs(t.Context()))(w); len(ids) != 2 || ids[1] != rep.Successor {
		t.Errorf("own ids %v", ids)
	}
}

type lostSuccession struct {
	*line
	asked [16]byte
}

func (l *lostSuccession) Succeed(ctx context.Context, paper []byte) ([]byte, error) {
	raw, err := l.line.Succeed(ctx, paper)
	if err != nil {
		return nil, err
	}
	c, err := segment.ParseCertificate(raw, l.engine.ShardKey())
	l.asked = c.Replica()
	return nil, errors.Join(err, errCut)
}
