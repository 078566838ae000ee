// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
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
		root, err := ledger.Root(r, h.size)
		if err != nil {
			return err
		}
		out, err = ledger.Sign(ledger.Checkpoint{Shard: e.shard, Epoch: h.epoch, Size: h.size, Root: root}, e.cfg.ShardKey)
		return err
	})
	return out, err
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

// LearnKinds releases, as the centre's own act, what was held only because an
// earlier build did not know its kind, and gives records their class where that
// build could not tell it. It returns how many revisions it released.
func (e *Engine) LearnKinds(ctx context.Context) (int, error) {
	n := 0
	err := e.office(ctx, func(b *batch) error {
		if err := b.classify(); err != nil {
			return err
		}
		ids, err := b.flagged(FlagHeld)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, known := e.cfg.Schema.Lookup(id.Kind()); !known {
				continue
			}
			m, err := b.learn(id)
			if err != nil {
				return err
			}
			n += m
		}
		return nil
	})
	return n, err
}

// scanBytes is about how much of records is read at a time.
const scanBytes = 1 << 20

// classify writes records again that went to the fewest because their kind was
// not known, and now have another class.
func (b *batch) classify() error {
	q := FeedQuery{Divisions: everywhere, Classes: []record.Class{record.ClassSensitive}, Limit: 1000, Bytes: scanBytes}
	for {
		rows, err := b.tx.Feed(q)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if q.After = r.Position; r.Class == b.e.class(r.ID.Kind()) {
				continue
			}
			w, err := b.record(r.ID)
			if err != nil {
				return err
			}
			w.stale = true
		}
		if !q.Full(rows) {
			return nil
		}
	}
}

func (b *batch) learn(id record.ID) (int, error) {
	w, err := b.record(id)
	if err != nil {
		return 0, err
	}
	var learnt []causal.Dot
	for _, p := range slices.Clone(w.places) {
		if p.verdict != ledger.HeldUnknownKind {
			continue
		}
		if _, v, err := b.judge(w, p); err != nil {
			return 0, err
		} else if v.Admitted() {
			learnt = append(learnt, p.dot)
		}
	}
	for _, d := range learnt {
		m, err := b.ruling(Ruling{Record: id, Dot: d, Reason: "kind is known now"})
		if err != nil {
			return 0, err
		}
		if _, err := b.act("system", KindRelease, releaseAct(m)); err != nil {
			return 0, err
		}
	}
	return len(learnt), nil
}
