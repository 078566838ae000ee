// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// How much of a ledger is rebuilt in one transaction.
const (
	rebuildLeaves = 512
	rebuildBytes  = 2 << 20 // of compressed segments
)

// What Rebuild may fail with, beside the store's errors.
var (
	// ErrBackup is wrapped when a backup is not what its checkpoint says.
	ErrBackup = errors.New("the backup is not what it says")
	// ErrOccupied is wrapped when the store holds something else already.
	ErrOccupied = errors.New("the store holds something else")
)

// Rebuilding is what a store is rebuilt from. All but Progress must be given.
type Rebuilding struct {
	Snapshot
	// Leaves returns the leaves from one on, in order, up to the checkpoint's size.
	Leaves func(from ledger.Index) iter.Seq2[StoredLeaf, error]
	// After is the highest epoch known of the shard: the next one comes after it.
	After ledger.Epoch
	// Progress is called after each transaction.
	Progress func(done, total ledger.Size)
}

// Rebuild fills an empty store from a backup: the leaves in their order, their
// verdicts as they stand in them, nothing judged again. What an earlier call left
// unfinished it finishes. A store that is not finished cannot be opened; one that is
// takes nothing until [Engine.Restore] has begun a new epoch.
// Errors: ErrBackup, ErrOccupied, or the store's.
func Rebuild(ctx context.Context, cfg Config, from Rebuilding) error {
	r := &rebuilder{Engine: newEngine(cfg), from: from}
	r.alone = true // the store has no head that could be read
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	return nil
}

type rebuilder struct {
	*Engine
	from       Rebuilding
	checkpoint ledger.Checkpoint
}

func (r *rebuilder) run(ctx context.Context) error {
	var err error
	if r.checkpoint, err = ledger.OpenCheckpoint(r.from.Checkpoint, r.cfg.ShardKey.Public()); err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	done, err := r.begin(ctx)
	if err != nil || done {
		return err
	}
	if err := r.enter(ctx); err != nil {
		return err
	}
	if err := r.leaves(ctx); err != nil {
		return err
	}
	return r.finish(ctx)
}

// begin finds out how far an earlier call came, and writes all that is no leaf if
// there was none.
func (r *rebuilder) begin(ctx context.Context) (done bool, err error) {
	err = r.cfg.Store.Update(ctx, func(tx Tx) error {
		if _, opened, err := tx.Value(valueEpoch); err != nil || opened {
			done = opened
			return errors.Join(err, r.check(tx))
		}
		begun, _, err := tx.Value(valueRebuilding)
		if err != nil || len(begun) > 0 {
			if string(begun) != r.checkpoint.Text() {
				err = errors.Join(err, ErrOccupied)
			}
			return err
		}
		return r.writeRest(tx)
	})
	return done, err
}

func (r *rebuilder) writeRest(tx Tx) error {
	if size, err := tx.Size(); err != nil || size > 0 {
		return errors.Join(err, ErrOccupied)
	}
	for _, a := range r.from.Acts {
		if err := tx.PutAct(a); err != nil {
			return err
		}
	}
	for _, v := range r.from.Values {
		if err := tx.PutValue(v.Name, v.Value); err != nil {
			return err
		}
	}
	return tx.PutValue(valueRebuilding, []byte(r.checkpoint.Text()))
}

// enter reads where the store stands.
func (r *rebuilder) enter(ctx context.Context) error {
	h := head{epoch: r.checkpoint.Epoch, edge: map[int64]tlog.Hash{}}
	if err := r.cfg.Store.View(ctx, func(s Reader) error { return h.read(s) }); err != nil {
		return err
	}
	h.centre.clockMs = r.from.ClockMs
	r.head = h
	return nil
}

// leaves rebuilds what is missing, some leaves a transaction.
func (r *rebuilder) leaves(ctx context.Context) error {
	var part []StoredLeaf
	size := 0
	commit := func() error {
		err := r.commitPart(ctx, part)
		part, size = part[:0], 0
		return err
	}
	left := r.checkpoint.Size - r.head.size
	for l, err := range r.from.Leaves(ledger.Index(r.head.size)) {
		if err != nil || left == 0 {
			return err
		}
		left--
		part, size = append(part, l), size+len(l.Segment)+len(l.Leaf)
		if len(part) == rebuildLeaves || size >= rebuildBytes {
			if err := commit(); err != nil {
				return err
			}
		}
	}
	return commit()
}

func (r *rebuilder) commitPart(ctx context.Context, part []StoredLeaf) error {
	err := r.commitLeaves(ctx, part, true)
	if errors.Is(err, ErrRecordStored) {
		err = r.commitLeaves(ctx, part, false)
	}
	if err == nil && r.from.Progress != nil {
		r.from.Progress(r.head.size, r.checkpoint.Size)
	}
	return err
}

func (r *rebuilder) commitLeaves(ctx context.Context, part []StoredLeaf, trusting bool) error {
	return r.update(ctx, func(b *batch) error {
		b.trusting = trusting
		for _, l := range part {
			if err := b.rebuild(l); err != nil {
				return fmt.Errorf("leaf %d: %w", b.leaf, err)
			}
		}
		return nil
	})
}

// finish makes the store one that can be opened.
func (r *rebuilder) finish(ctx context.Context) error {
	return r.cfg.Store.Update(ctx, func(tx Tx) error {
		if err := r.check(tx); err != nil {
			return err
		}
		after := r.checkpoint.Epoch
		if r.from.After.Number > after.Number {
			after = r.from.After
		}
		return errors.Join(
			tx.PutValue(valueStopped, []byte(after.String())),
			tx.PutValue(valueRebuilding, nil),
			tx.PutValue(valueEpoch, []byte(r.checkpoint.Epoch.String())))
	})
}

// check compares the store's ledger with the checkpoint.
func (r *rebuilder) check(s LedgerReader) error {
	size, err := s.Size()
	if err != nil {
		return err
	}
	if size < r.checkpoint.Size {
		return fmt.Errorf("%w: %d of %d leaves", ErrBackup, size, r.checkpoint.Size)
	}
	root, err := ledger.Root(s, r.checkpoint.Size)
	if err == nil && root != r.checkpoint.Root {
		err = fmt.Errorf("%w: another root of %d leaves", ErrBackup, r.checkpoint.Size)
	}
	return err
}

// rebuild takes the next leaf as it was.
func (b *batch) rebuild(l StoredLeaf) error {
	leaf, err := ledger.DecodeLeaf(l.Leaf)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if leaf.Gap == nil {
		if err := b.rebuildSegment(leaf, l.Segment); err != nil {
			return err
		}
	}
	for _, c := range leaf.Changed {
		if err := b.rebuildChange(c); err != nil {
			return fmt.Errorf("changed verdict of %s: %w", c.Dot, err)
		}
	}
	return b.appendRaw(l.Leaf)
}

func (b *batch) rebuildSegment(leaf ledger.Leaf, stored []byte) error {
	in, err := b.reopen(leaf, stored)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBackup, err)
	}
	if _, twice, err := b.segment(leaf.Segment); err != nil {
		return err
	} else if twice {
		return fmt.Errorf("%w: its segment stands in an earlier one", ErrBackup)
	}
	head := b.headOf(in)
	seg, err := b.erased(in.seg)
	if err != nil {
		return err
	}
	b.pending = append(b.pending, pendingSegment{head, seg})
	for i, verdict := range leaf.Verdicts {
		if err := b.rebuildRevision(seg, i, verdict); err != nil {
			return fmt.Errorf("revision %s: %w", seg.Dot(i), err)
		}
	}
	return nil
}

// reopen reads the segment of a leaf and checks all that it says of itself.
func (b *batch) reopen(leaf ledger.Leaf, stored []byte) (incoming, error) {
	wire, err := b.e.zstd.Decompress(stored)
	if err != nil {
		return incoming{}, err
	}
	in, err := b.e.examine(wire, b.certificate)
	switch {
	case err != nil:
		return in, err
	case in.refuse:
		return in, refuse(in.reason, "segment", nil)
	case in.seg.Hash() != leaf.Segment || in.seg.Len() != len(leaf.Verdicts):
		return in, errors.New("another segment than the leaf's")
	}
	return in, nil
}

func (b *batch) rebuildRevision(seg *segment.Segment, i int, v ledger.Verdict) error {
	w, err := b.recordOf(seg, i)
	if err != nil {
		return err
	}
	p := place{dot: seg.Dot(i), leaf: b.leaf, at: i, verdict: v}
	if _, ok := w.places.find(p.dot); ok { // sealed twice; the verdict is with the first
		return nil
	}
	w.places, w.stale = w.places.with(p), true
	if v.Waiting() {
		return nil
	}
	rev, err := seg.Revision(i)
	if err != nil && !unreadable(err) {
		return err
	}
	rev.Dot = p.dot
	w.state = w.state.Apply(rev, v.Admitted())
	return nil
}

// rebuildChange gives an earlier revision the verdict that a leaf says.
func (b *batch) rebuildChange(c ledger.Changed) error {
	w, err := b.record(c.Record)
	if err != nil {
		return err
	}
	i, ok := w.places.find(c.Dot)
	if !ok || c.Verdict.Waiting() {
		return fmt.Errorf("%w: it is not stored, or was received", ErrBackup)
	}
	p := &w.places[i]
	was := p.verdict
	p.verdict, w.stale = c.Verdict, true
	if was.Admitted() && !c.Verdict.Admitted() {
		return b.recompute(w)
	}
	return b.rework(w, *p, was)
}

// rework applies or releases a revision whose verdict changed.
func (b *batch) rework(w *work, p place, was ledger.Verdict) error {
	rev, err := b.revision(p)
	if err != nil && !unreadable(err) {
		return err
	}
	switch {
	case was.Waiting():
		w.state = w.state.Apply(rev, p.verdict.Admitted())
	case !was.Admitted() && p.verdict.Admitted():
		w.state = w.state.Release(rev)
	}
	return nil
}
