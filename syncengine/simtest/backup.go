// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"errors"
	"iter"
	"maps"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
)

const (
	// FaultRebuilt: a backup is not put back as the file it was, but rebuilt from its
	// leaves and segments.
	FaultRebuilt Fault = "centre rebuilt from leaves and segments"
	// FaultRebuildCut: the process dies over that and begins again.
	FaultRebuildCut Fault = "rebuilding cut off"
)

// backup is a verified copy of the centre's file, and the same as leaves and segments.
type backup struct {
	store    *memstore.Store
	had      dots
	epoch    ledger.Epoch
	snapshot syncengine.Snapshot
	leaves   []syncengine.StoredLeaf
}

// copy returns the centre's file as it is.
func (c *centre) copy() *backup {
	w := c.w
	b := &backup{store: c.disk.Clone(), had: maps.Clone(c.had), epoch: c.Epoch()}
	var err error
	b.snapshot, err = c.Snapshot(w.ctx)
	w.must(err, "snapshot")
	b.leaves, err = c.Leaves(w.ctx, 0, ledger.Index(c.Size()), 1<<30)
	w.must(err, "leaves")
	return b
}

// rebuild makes a file anew of what a backup has, and puts it in place of the
// centre's. The operator knows the epochs of all his backups.
func (c *centre) rebuild(b *backup) {
	w := c.w
	w.happens(FaultRebuilt)
	store, from := memstore.New(), syncengine.Rebuilding{Snapshot: b.snapshot, Leaves: b.from}
	for _, o := range c.backups {
		if o.epoch.Number > from.After.Number {
			from.After = o.epoch
		}
	}
	for again := true; again; {
		disk := &centreDisk{Store: store, commits: new(int)}
		if w.chance(0.3) {
			disk.next, disk.skip = pick(w, []crash{crashBefore, crashAfter}), w.rnd.IntN(3)
		}
		err := syncengine.Rebuild(w.ctx, c.config(disk), from)
		if again = errors.Is(err, errCrash); again {
			w.happens(FaultRebuildCut)
			continue
		}
		w.must(err, "rebuild")
	}
	c.replace(store)
	c.behind = max(c.Epoch().Number, from.After.Number) < c.last
}

// from returns a backup's leaves from one on.
func (b *backup) from(first ledger.Index) iter.Seq2[syncengine.StoredLeaf, error] {
	return func(yield func(syncengine.StoredLeaf, error) bool) {
		for _, l := range b.leaves[first:] {
			if !yield(l, nil) {
				return
			}
		}
	}
}
