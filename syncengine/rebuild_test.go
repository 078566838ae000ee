// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"bytes"
	"errors"
	"iter"
	"maps"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/simtest"
)

// rebuilding returns what a backup of an engine would hold.
func rebuilding(t *testing.T, e *syncengine.Engine) syncengine.Rebuilding {
	t.Helper()
	s, err := e.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := ledger.Index(e.Size())
	return syncengine.Rebuilding{Snapshot: s, Leaves: func(from ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
		return func(yield func(syncengine.StoredLeaf, error) bool) {
			for from < before {
				part, err := e.Leaves(t.Context(), from, before, 4096)
				for _, l := range part {
					if !yield(l, err) {
						return
					}
				}
				from += ledger.Index(len(part))
			}
		}
	}}
}

// rebuilt returns the engine over a store that was rebuilt, stopped as it then is.
func rebuilt(t *testing.T, e *syncengine.Engine, from syncengine.Rebuilding) *syncengine.Engine {
	t.Helper()
	cfg := syncengine.ConfigOf(e)
	cfg.Store = memstore.New()
	if err := syncengine.Rebuild(t.Context(), cfg, from); err != nil {
		t.Fatal(err)
	}
	out, err := syncengine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func states(t *testing.T, e *syncengine.Engine) map[record.ID]string {
	t.Helper()
	rows, err := e.List(t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}, Limit: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	out := map[record.ID]string{}
	for _, r := range rows {
		out[r.ID] = string(r.State) + "|" + string(r.Places)
	}
	return out
}

func wantSame(t *testing.T, got, want *syncengine.Engine) {
	t.Helper()
	if !maps.Equal(states(t, got), states(t, want)) {
		t.Error("records differ in state or in where their saves are")
	}
	a, errA := got.Sums(t.Context())
	b, errB := want.Sums(t.Context())
	if err := errors.Join(errA, errB); err != nil || !maps.Equal(a, b) {
		t.Errorf("fingerprints differ: %v", err)
	}
	v, err := got.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !v.OK() {
		t.Errorf("verify: %v %v", err, v.Violations)
	}
}

// What forks, gaps, fences, releases, erasures and restores did to a simulated county
// is there again, though nothing is judged.
func TestARebuiltCountyIsTheSame(t *testing.T) {
	var held, changed int64
	for seed := range uint64(25) {
		var e *syncengine.Engine
		simtest.Run(simtest.Options{Seed: seed + 1, Engine: func(one *syncengine.Engine) { e = one }}) // what it finds is for its own tests
		from := rebuilding(t, e)
		again := rebuilt(t, e, from)
		wantSame(t, again, e)
		if !again.Stopped() {
			t.Error("it takes saves under the key of the lost centre")
		}
		if err := again.Restore(t.Context(), "zhao"); err != nil {
			t.Fatal(err)
		}
		v, err := again.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
		if err != nil || !v.OK() || again.Stopped() || again.Epoch().Number != e.Epoch().Number+1 {
			t.Fatalf("seed %d: after the restore: %v %v, epoch %s", seed+1, err, v.Violations, again.Epoch())
		}
		held, changed = held+v.Held, changed+int64(len(from.Erased))
		if t.Failed() {
			t.Fatalf("seed %d", seed+1)
		}
	}
	if held == 0 || changed == 0 {
		t.Errorf("%d held, %d erased: the counties were too tame", held, changed)
	}
}

var errCut = errors.New("the share is gone")

// cut ends leaves after n of them.
func cut(leaves func(ledger.Index) iter.Seq2[syncengine.StoredLeaf, error], n int) func(ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
	return func(from ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
		return func(yield func(syncengine.StoredLeaf, error) bool) {
			left := n
			for l, err := range leaves(from) {
				if left--; left < 0 {
					yield(syncengine.StoredLeaf{}, errCut)
					return
				}
				if !yield(l, err) {
					return
				}
			}
		}
	}
}

// longLedger is a centre with more leaves than a rebuild takes at a time.
func longLedger(t *testing.T) *centre {
	t.Helper()
	c := newCentre(t)
	d := c.enrol(1, doctor("wang", villageA))
	for range 800 {
		d.create(kindNote, villageA, "138")
		c.push(d.seal())
	}
	return c
}

func TestARebuildThatWasCutOffGoesOn(t *testing.T) {
	c := longLedger(t)
	from := rebuilding(t, c.Engine)
	cfg := c.cfg
	cfg.Store = memstore.New()
	whole := from.Leaves
	from.Leaves = cut(whole, 700)
	if err := syncengine.Rebuild(t.Context(), cfg, from); !errors.Is(err, errCut) {
		t.Fatalf("err = %v", err)
	}
	if _, err := syncengine.Open(t.Context(), cfg); !errors.Is(err, syncengine.ErrNotCreated) {
		t.Errorf("half a county can be opened: %v", err)
	}
	begun := ledger.Index(-1)
	from.Leaves = func(i ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] { begun = i; return whole(i) }
	if err := syncengine.Rebuild(t.Context(), cfg, from); err != nil {
		t.Fatal(err)
	}
	if begun != 512 {
		t.Errorf("went on at leaf %d", begun)
	}
	again, err := syncengine.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, again, c.Engine)
	if err := syncengine.Rebuild(t.Context(), cfg, from); err != nil {
		t.Errorf("once more: %v", err)
	}
}

func TestRebuildTakesNothingThatIsNotOfItsCheckpoint(t *testing.T) {
	c := longLedger(t)
	from := rebuilding(t, c.Engine)
	change := func(f func(i int, l *syncengine.StoredLeaf)) syncengine.Rebuilding {
		out := from
		out.Leaves = func(at ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
			return func(yield func(syncengine.StoredLeaf, error) bool) {
				i := 0
				for l, err := range from.Leaves(at) {
					f(i, &l)
					if i++; !yield(l, err) {
						return
					}
				}
			}
		}
		return out
	}
	var before syncengine.StoredLeaf
	short := from
	short.Leaves = func(at ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
		return func(yield func(syncengine.StoredLeaf, error) bool) {
			for l, err := range from.Leaves(at) {
				if at++; at == 750 || !yield(l, err) {
					return
				}
			}
		}
	}
	forged := from
	forged.Checkpoint = bytes.Replace(from.Checkpoint, []byte("epoch 1-"), []byte("epoch 2-"), 1)
	for name, r := range map[string]syncengine.Rebuilding{
		"a leaf's segment is that of another": change(func(i int, l *syncengine.StoredLeaf) {
			if i == 600 {
				l.Segment = before.Segment
			}
			before = *l
		}),
		"a leaf stands twice": change(func(i int, l *syncengine.StoredLeaf) {
			if i == 600 {
				*l = before
			}
			before = *l
		}),
		"a segment's bytes are changed": change(func(i int, l *syncengine.StoredLeaf) {
			if i == 600 {
				l.Segment = bytes.Clone(l.Segment)
				l.Segment[len(l.Segment)/2] ^= 1
			}
		}),
		"leaves are missing":           short,
		"the checkpoint is not signed": forged,
	} {
		cfg := c.cfg
		cfg.Store = memstore.New()
		if err := syncengine.Rebuild(t.Context(), cfg, r); !errors.Is(err, syncengine.ErrBackup) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := syncengine.Open(t.Context(), cfg); !errors.Is(err, syncengine.ErrNotCreated) {
			t.Errorf("%s: the county can be opened: %v", name, err)
		}
	}
	if err := syncengine.Rebuild(t.Context(), c.cfg, from); err != nil {
		t.Errorf("over the county itself: %v", err)
	}
	other := newCentre(t)
	if err := syncengine.Rebuild(t.Context(), other.cfg, from); !errors.Is(err, syncengine.ErrBackup) {
		t.Errorf("over another county: %v", err)
	}
}
