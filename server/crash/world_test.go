// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// world is a data folder with three tablets and one device made by hand.
type world struct {
	t       *testing.T
	data    string
	tablets []*tab
	device  *handmade
}

func newWorld(t *testing.T, wrap func(syncengine.Store) syncengine.Store) (*world, *centre) {
	t.Helper()
	w := &world{t: t, data: filepath.Join(t.TempDir(), "data")}
	c := openCentre(t, w.data, wrap)
	w.enrol(c)
	return w, c
}

func (w *world) enrol(c *centre) {
	w.t.Helper()
	home := w.t.TempDir()
	w.tablets = []*tab{
		newTablet(w.t, c, filepath.Join(home, "1"), "zhang", village),
		newTablet(w.t, c, filepath.Join(home, "2"), "li", village),
		newTablet(w.t, c, filepath.Join(home, "3"), "wu", township),
	}
	w.device = newHandmade(w.t, c)
}

// work is what people do between two syncs: new residents, edits of the same ones
// from forms that are open everywhere, and somebody moves away or back.
func (w *world) work() {
	w.t.Helper()
	for _, x := range w.tablets {
		x.add(2)
	}
	w.move(w.tablets[2])
	for _, x := range w.tablets {
		x.edit()
	}
	for range 3 {
		w.device.seal(3)
	}
}

// move moves the last resident whose form is open to the other village.
func (w *world) move(x *tab) {
	w.t.Helper()
	if len(x.forms) == 0 {
		return
	}
	r := x.forms[len(x.forms)-1]
	x.forms = x.forms[:len(x.forms)-1]
	to := village
	if r.Division == village {
		to = village2
	}
	x.remember(x.Move(r.Form, to, ""))
}

// sync has everybody sync at the same time with a server that may die, and returns
// when all have ended. Errors other than a line cut off fail the test.
func (w *world) sync(address string) {
	w.t.Helper()
	var writers sync.WaitGroup
	for _, x := range w.tablets {
		writers.Go(func() {
			_, err := x.sync(address)
			w.cutOff(err)
		})
	}
	writers.Go(func() { w.cutOff(w.device.push(address)) })
	written := make(chan struct{})
	go func() {
		writers.Wait()
		close(written)
	}()
	reader := *w.device // it changes nothing that a push changes, nor the other way round
	w.cutOff(reader.pull(address, written))
	<-written
	w.device.cursor, w.device.bases, w.device.position = reader.cursor, reader.bases, reader.position
}

// cutOff accepts that the line broke off or nobody answered, and nothing else.
func (w *world) cutOff(err error) {
	if err != nil && tablet.ReasonOf(err) != remote.ReasonUnreachable && remote.ReasonOf(err) != remote.ReasonUnreachable {
		w.t.Errorf("beside a server that dies: %v", err)
	}
}

// quiet has everybody sync until nothing changes any more.
func (w *world) quiet(c *centre) {
	w.t.Helper()
	address := c.server.Address()
	do(w.t, w.device.push(address))
	for range 8 {
		moved := 0
		for _, x := range w.tablets {
			r, err := x.sync(address)
			if must(w.t, r, err); !r.Complete {
				w.t.Fatalf("tablet %s: sync came not to its end: %+v", x.dir, r)
			}
			moved += r.Pushed + r.Acks + r.Received + r.Departures
		}
		do(w.t, w.device.pull(address, closed()))
		if moved == 0 {
			return
		}
	}
	w.t.Fatal("it does not come to rest")
}

// wantNothingLost looks at everything that anybody was told is saved: the centre has
// admitted it, its values are accounted for, and every tablet says so.
func (w *world) wantNothingLost(c *centre) {
	w.t.Helper()
	w.wantSavesThere(c)
	w.device.wantAcked(c)
}

// wantSavesThere looks at everything that a person was told is saved.
func (w *world) wantSavesThere(c *centre) {
	w.t.Helper()
	for _, x := range w.tablets {
		if n := x.claims(c); n != len(x.saves) {
			w.t.Fatalf("tablet %s: %d of %d saves are at the centre", x.dir, n, len(x.saves))
		}
		s, err := x.Status()
		if must(w.t, s, err); s.Unsent != 0 || s.Held != 0 {
			w.t.Fatalf("tablet %s: status %+v", x.dir, s)
		}
		for _, one := range x.saves {
			v, err := c.county.Engine.Get(w.t.Context(), one.id)
			history := c.history(one.id)
			for _, p := range one.paths {
				if !accounted(must(w.t, v, err).State, history, one.dot, p) {
					w.t.Fatalf("tablet %s: save %s: what it wrote at %s is lost", x.dir, one.dot, p)
				}
			}
		}
	}
}

// wantAgreement compares what the device and every tablet have with the centre.
func (w *world) wantAgreement(c *centre) {
	w.t.Helper()
	records := c.records()
	if len(records) != len(w.device.bases) {
		w.t.Fatalf("the centre has %d records, the device %d", len(records), len(w.device.bases))
	}
	for id, row := range records {
		if b := w.device.bases[id]; string(b.State) != string(row.State) || b.Position != row.Position {
			w.t.Fatalf("record %s: the device has position %d, the centre %d", id, b.Position, row.Position)
		}
		screens, unseen := map[string]bool{}, []string{}
		for _, x := range w.tablets {
			switch r, err := x.Get(id.String()); {
			case err != nil:
				unseen = append(unseen, err.Error())
			case r.Departed:
				unseen = append(unseen, "departed")
			default:
				screens[r.JSON+r.Division] = true
			}
		}
		if len(screens) != 1 {
			w.t.Fatalf("record %s of %s is shown as %q and not shown: %q",
				id, row.Divisions, slices.Collect(maps.Keys(screens)), unseen)
		}
	}
}

// openForms opens, on every tablet, the forms of some records that all will edit.
func (w *world) openForms() {
	w.t.Helper()
	var ids []string
	for _, x := range w.tablets {
		for _, s := range x.saves[max(0, len(x.saves)-2):] {
			ids = append(ids, s.id.String())
		}
	}
	slices.Sort(ids)
	for _, x := range w.tablets {
		x.open(slices.Compact(slices.Clone(ids))...)
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
