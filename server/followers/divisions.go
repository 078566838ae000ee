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

// RecodedShard is what Divisions needs of a shard; *syncengine.Engine is one.
type RecodedShard interface {
	Shard
	// LearnScopes releases what was held after a position for a code that its certificate
	// would name now, and returns how much, and how far it has looked.
	LearnScopes(ctx context.Context, after syncengine.Position) (int, syncengine.Position, error)
}

// Divisions knows the changes of division codes: it follows the records of that kind, which
// only the centre saves. Its methods may be called from many goroutines.
type Divisions struct {
	shard RecodedShard
	log   *slog.Logger
	table atomic.Pointer[care.Recoding]

	turn    chan struct{} // has room for the one who reads
	epoch   ledger.Epoch
	changes stream
	said    map[record.ID]care.DivisionChange

	learnt syncengine.Position // up to which what is held was looked at, since the table last changed
}

// NewDivisions returns a follower that has read nothing yet.
func NewDivisions(shard RecodedShard, log *slog.Logger) *Divisions {
	d := &Divisions{shard: shard, log: log, turn: make(chan struct{}, 1)}
	d.reset()
	return d
}

func (d *Divisions) reset() {
	d.epoch, d.changes, d.said = d.shard.Epoch(), stream{kind: care.KindDivisionChange}, map[record.ID]care.DivisionChange{}
	d.table.Store(&care.Recoding{})
	d.learnt = 0
}

// Run follows the feed until ctx ends. What fails is logged and tried again after the
// next commit.
func (d *Divisions) Run(ctx context.Context) {
	for ctx.Err() == nil {
		changed := d.shard.Changed()
		if n, err := d.Follow(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("divisions could not be followed", "err", err)
		} else if n > 0 {
			d.log.Info("saves under a new code released", "saves", n)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// Follow reads the feed to its end and releases what was held only because a division has
// another code than the certificate named: a hub can bring a tablet the move before the tablet
// has renewed. It returns how many saves it released.
func (d *Divisions) Follow(ctx context.Context) (released int, err error) {
	if err := d.CatchUp(ctx); err != nil || len(d.Table().Changes()) == 0 {
		return 0, err
	}
	err = d.inTurn(ctx, func() error {
		released, d.learnt, err = d.shard.LearnScopes(ctx, d.learnt)
		return err
	})
	return released, err
}

func (d *Divisions) inTurn(ctx context.Context, f func() error) error {
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.turn }()
	return f()
}

// Table returns what is known as of the last CatchUp.
func (d *Divisions) Table() care.Recoding { return *d.table.Load() }

// CatchUp reads the feed as far as it goes now.
func (d *Divisions) CatchUp(ctx context.Context) error {
	return d.inTurn(ctx, func() error { return d.catchUp(ctx) })
}

func (d *Divisions) catchUp(ctx context.Context) error {
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
		d.learnt = 0
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
