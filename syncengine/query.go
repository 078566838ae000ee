// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// RecordView is one record as it stands: its row and its decoded state.
type RecordView struct {
	Row   RecordRow
	State record.State
}

// Get returns a record, or ReasonNotFound.
func (e *Engine) Get(ctx context.Context, id record.ID) (RecordView, error) {
	var v RecordView
	err := e.view(ctx, func(r Reader) error {
		row, ok, err := r.Record(id)
		if err == nil && !ok {
			err = refuse(ReasonNotFound, "record", nil)
		}
		if err != nil {
			return err
		}
		v.Row = row
		v.State, err = record.DecodeState(row.State)
		return err
	})
	return v, err
}

// List returns rows in feed order; see FeedQuery.
func (e *Engine) List(ctx context.Context, q FeedQuery) ([]RecordRow, error) {
	var out []RecordRow
	err := e.view(ctx, func(r Reader) (err error) {
		out, err = r.Feed(q)
		return err
	})
	return out, err
}

// Checkpoint returns the signed statement of the ledger as it stands.
func (e *Engine) Checkpoint(ctx context.Context) ([]byte, error) {
	var out []byte
	err := e.view(ctx, func(r Reader) error {
		h, err := e.headOf(r)
		if err != nil {
			return err
		}
		out, err = e.signCheckpoint(r, h)
		return err
	})
	return out, err
}

func (e *Engine) signCheckpoint(r LedgerReader, h head) ([]byte, error) {
	root, err := ledger.Root(r, h.size)
	if err != nil {
		return nil, err
	}
	return ledger.Sign(ledger.Checkpoint{Shard: e.shard, Epoch: h.epoch, Size: h.size, Root: root}, e.cfg.ShardKey)
}

// Sums returns the number and fingerprint sum of every division and class.
func (e *Engine) Sums(ctx context.Context) (map[SumKey]Sum, error) {
	var out map[SumKey]Sum
	err := e.view(ctx, func(r Reader) (err error) {
		out, err = r.Sums()
		return err
	})
	return out, err
}

// Rows returns those of these records that are there, in the order of ids.
func (e *Engine) Rows(ctx context.Context, ids []record.ID) ([]RecordRow, error) {
	out := make([]RecordRow, 0, len(ids))
	err := e.view(ctx, func(r Reader) error {
		for _, id := range ids {
			row, ok, err := r.Record(id)
			if err != nil {
				return err
			}
			if ok {
				out = append(out, row)
			}
		}
		return nil
	})
	return out, err
}
