// SPDX-License-Identifier: Apache-2.0

package followers

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Divisions knows the changes of division codes: it follows the records of that kind, which
// only the centre saves. Its methods may be called from many goroutines.
type Divisions struct {
	shard Shard
	log   *slog.Logger
	table atomic.Pointer[care.Recoding]

	turn    chan struct{} // has room for the one who reads
	epoch   ledger.Epoch
	changes stream
	said    map[record.ID]care.DivisionChange
}

// NewDivisions returns a follower that has read nothing yet.
func NewDivisions(shard Shard, log *slog.Logger) *Divisions {
	d := &Divisions{shard: shard, log: log, turn: make(chan struct{}, 1)}
	d.reset()
	return d
}

func (d *Divisions) reset() {
	d.epoch, d.changes, d.said = d.shard.Epoch(), stream{kind: care.KindDivisionChange}, map[record.ID]care.DivisionChange{}
	d.table.Store(&care.Recoding{})
}

// Table returns what is known as of the last CatchUp.
func (d *Divisions) Table() care.Recoding { return *d.table.Load() }

// CatchUp reads the feed as far as it goes now.
func (d *Divisions) CatchUp(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.turn }()
	if d.shard.Epoch() != d.epoch {
		d.reset()
	}
	learnt := false
	for end := d.shard.Position(); ; {
		done, err := d.changes.page(ctx, d.shard, end, func(row syncengine.RecordRow) error {
			learnt = true
			return alone(d.log, row.ID, func() error { return d.take(row) })
		})
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	if learnt {
		table := care.NewRecoding(slices.Collect(maps.Values(d.said)))
		d.table.Store(&table)
	}
	return nil
}

func (d *Divisions) take(row syncengine.RecordRow) error {
	delete(d.said, row.ID)
	state, err := record.DecodeState(row.State)
	if err != nil {
		return err
	}
	if change, ok := care.DivisionChangeOf(state.Registers()); ok {
		d.said[row.ID] = change
	}
	return nil
}
