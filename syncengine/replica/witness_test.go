// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	centrestore "github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// ignorant is a schema that knows no kind: with it, the centre holds what it admitted.
type ignorant struct{}

func (ignorant) Lookup(record.Kind) (record.KindInfo, bool) { return record.KindInfo{}, false }

// witnesses is a world in which a tablet and a hub have seen the whole ledger, and what
// a centre that would rewrite it has to work with: its file from before the last save.
type witnesses struct {
	*world
	tablet, hub, other *device
	before, whole      *centrestore.Store
	last               []byte // the segment of the last save
}

func newWitnesses(t *testing.T) *witnesses {
	t.Helper()
	w := &witnesses{world: newWorld(t)}
	w.tablet, w.hub, w.other = w.world.tablet("li", villageA), w.world.hub(county), w.world.tablet("wang", villageA)
	w.other.create(villageA, phone, "1")
	w.other.sync()
	w.before = w.store.Clone()
	w.tablet.create(villageA, phone, "2")
	l := w.tablet.line()
	l.onPush = func(q *session.PushRequest, _ *session.PushReply) error {
		w.last = q.Segments[0]
		return nil
	}
	must(w.tablet.Sync(t.Context(), l, replica.Options{}))(w.world)
	w.hub.sync()
	w.tablet.sync()
	w.whole = w.store.Clone()
	return w
}

// rewritings are what a dishonest centre may do with its ledger, under its own key and
// in the same epoch.
func rewritings() map[string]func(w *witnesses) {
	return map[string]func(w *witnesses){
		"drops a segment": func(w *witnesses) {
			w.reopen(w.before)
			for w.engine.Size() < sizeOf(w, w.whole) { // until nobody can tell by the size
				w.other.create(villageA, phone, "3")
				w.pushAll(w.other)
			}
		},
		"changes a verdict": func(w *witnesses) {
			w.cfg.Schema = ignorant{}
			w.reopen(w.before)
			reply := must(w.engine.Push(w.Context(), session.PushRequest{Segments: [][]byte{w.last}}))(w.world)
			if v := reply.Results[0].Verdicts[0]; v != ledger.HeldUnknownKind {
				w.Fatalf("the verdict is still %s", v)
			}
		},
		"goes on from a shorter ledger": func(w *witnesses) { w.reopen(w.before) },
	}
}

func sizeOf(w *witnesses, s *centrestore.Store) (size ledger.Size) {
	w.ok(s.View(w.Context(), func(r syncengine.Reader) (err error) {
		size, err = r.Size()
		return err
	}))
	return size
}

// pushAll pushes what a device sealed without letting it pull: it would notice.
func (w *witnesses) pushAll(d *device) {
	w.Helper()
	l := d.line()
	l.blind = true
	l.onPage = func(*session.Page) error { return errors.New("cut") }
	if _, err := d.Sync(w.Context(), l, replica.Options{}); err == nil {
		w.Fatal("it pulled")
	}
}

// grow lets the rewritten ledger become longer than the true one.
func (w *witnesses) grow() {
	for range 3 {
		w.other.create(villageA, phone, "4")
		w.pushAll(w.other)
	}
}

// blindSync is a sync with a centre that does not want to know what was seen before.
func (w *witnesses) blindSync(d *device) error {
	l := d.line()
	l.blind = true
	_, err := d.Sync(w.Context(), l, replica.Options{})
	return err
}

func TestARewrittenHistoryIsCaughtByTheNextSyncOfAnyWitness(t *testing.T) {
	for name, rewrite := range rewritings() {
		t.Run(name, func(t *testing.T) {
			w := newWitnesses(t)
			rewrite(w)
			for who, d := range map[string]*device{"tablet": w.tablet, "hub": w.hub} {
				if err := w.blindSync(d); !errors.Is(err, replica.ErrHistoryRewritten) {
					t.Errorf("%s: %v", who, err)
				}
				found := must(d.Contradictions(t.Context()))(w.world)
				if len(found) != 1 {
					t.Fatalf("%s keeps %d contradictions", who, len(found))
				}
				for _, raw := range [][]byte{found[0].Before, found[0].After} {
					if _, err := ledger.OpenCheckpoint(raw, w.engine.ShardKey()); err != nil {
						t.Errorf("%s: evidence that the centre did not sign: %v", who, err)
					}
				}
			}
			w.grow()
			for who, d := range map[string]*device{"tablet": w.tablet, "hub": w.hub} {
				if err := w.blindSync(d); !errors.Is(err, replica.ErrHistoryRewritten) {
					t.Errorf("%s, when the ledger went on: %v", who, err)
				}
			}
		})
	}
}

// A centre that runs this program does not even get that far: it is shown what was seen.
func TestACentreThatLooksStopsOnAnOlderOrOtherLedger(t *testing.T) {
	for name, rewrite := range rewritings() {
		t.Run(name, func(t *testing.T) {
			w := newWitnesses(t)
			rewrite(w)
			for range 2 {
				if _, err := w.hub.Sync(t.Context(), w.hub.line(), replica.Options{}); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack {
					t.Errorf("%v", err)
				}
			}
			if _, err := w.engine.Push(t.Context(), session.PushRequest{}); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack {
				t.Errorf("it takes pushes: %v", err)
			}
		})
	}
}

func TestWhatWasSeenOfARewritingStaysWhenTheTrueLedgerComesBack(t *testing.T) {
	w := newWitnesses(t)
	rewritings()["drops a segment"](w)
	if err := w.blindSync(w.tablet); !errors.Is(err, replica.ErrHistoryRewritten) {
		t.Fatal(err)
	}
	w.reopen(w.whole)
	w.tablet.sync()
	if found := must(w.tablet.Contradictions(t.Context()))(w.world); len(found) != 1 {
		t.Errorf("%d contradictions", len(found))
	}
}

func TestTheLastCheckpointOfEachEpochIsKept(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("li", villageA)
	if seen := must(a.Witnessed(t.Context()))(w); len(seen) != 0 {
		t.Errorf("%d checkpoints before any sync", len(seen))
	}
	for n := range 3 {
		a.create(villageA, phone, "1")
		a.sync()
		a.sync()
		seen := must(a.Witnessed(t.Context()))(w)
		if len(seen) != n+1 {
			t.Fatalf("%d checkpoints in epoch %d", len(seen), n+1)
		}
		for i, raw := range seen {
			if c := must(ledger.OpenCheckpoint(raw, w.engine.ShardKey()))(w); c.Epoch.Number != uint64(i+1) {
				t.Errorf("number %d is of epoch %s", i, c.Epoch)
			}
		}
		w.restore(w.backup())
	}
}
