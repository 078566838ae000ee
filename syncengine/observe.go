// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// Commit is what one transaction wrote, for figures.
type Commit struct {
	Segments, Saves, Records int
	Took                     time.Duration // by Config.Clock, from its turn to write until it was on disk
	Err                      error         // not nil: nothing was written
}

// observed runs f as one transaction and tells Config.Observe of it. One that had
// nothing to write, or is tried again with every look, is not told of.
func (e *Engine) observed(ctx context.Context, f func(*batch) error) error {
	if e.cfg.Observe == nil {
		_, err := e.transact(ctx, f)
		return err
	}
	began := e.cfg.Clock()
	b, err := e.transact(ctx, f)
	switch {
	case err != nil && !errors.Is(err, ErrRecordStored):
		e.cfg.Observe(Commit{Took: e.cfg.Clock().Sub(began), Err: err})
	case err == nil && b.dirty():
		c := b.summary()
		c.Took = e.cfg.Clock().Sub(began)
		e.cfg.Observe(c)
	}
	return err
}

func (b *batch) summary() Commit {
	c := Commit{Segments: len(b.pending)}
	for _, p := range b.pending {
		c.Saves += p.seg.Len()
	}
	for _, w := range b.order {
		if w.stale {
			c.Records++
		}
	}
	return c
}

// CheckWritable writes something to the store that changes nothing, and returns nil
// when it is on disk. Errors: the store's.
func (e *Engine) CheckWritable(ctx context.Context) error {
	select {
	case e.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-e.writing }()
	var began uint64
	err := e.cfg.Store.Update(ctx, func(tx Tx) (err error) {
		if m, ok := tx.(Marked); ok {
			if began, err = m.Mark(); err != nil {
				return err
			}
		}
		same, ok, err := tx.Value(valueEpoch)
		if err == nil && !ok {
			err = ErrNotCreated
		}
		if err != nil {
			return err
		}
		return tx.PutValue(valueEpoch, same)
	})
	if err == nil {
		e.marked(began + 1)
	}
	return err
}

// BackupMarks returns the marks of the last verified backups of this epoch, at most
// two, the newest last.
func (e *Engine) BackupMarks(ctx context.Context) (out []ledger.BackupMark, err error) {
	err = e.view(ctx, func(r Reader) error {
		raws, err := e.epochMarks(r, e.Epoch())
		for _, raw := range raws {
			out = append(out, e.openMark(raw))
		}
		return err
	})
	return out, err
}

// LastReceived returns when the newest segment of a replica was received; zero when
// there is none.
func (e *Engine) LastReceived(ctx context.Context, replica causal.ReplicaID) (at time.Time, err error) {
	err = e.view(ctx, func(r Reader) error {
		newest, ok, err := r.Newest(replica)
		if err == nil && ok {
			at, err = receivedAt(r, newest.Index)
		}
		return err
	})
	return at, err
}
