// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Prove returns a proof file about a record, or about its one revision named only when
// that is not zero.
func (o *Office) Prove(ctx context.Context, id record.ID, only causal.Dot) ([]byte, error) {
	q := &syncv1.ProveRequest{Shard: o.Shard(), Record: id[:]}
	if !only.IsZero() {
		q.Only = only.Append(nil)
	}
	reply, err := o.evidence.Prove(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("prove record %s: %w", id, err)
	}
	return reply.GetProof(), nil
}

// ShardKey returns the public key that proofs are checked with.
func (o *Office) ShardKey(ctx context.Context) ([]byte, error) {
	reply, err := o.evidence.GetShardKey(ctx, &syncv1.GetShardKeyRequest{Shard: o.Shard()})
	if err != nil {
		return nil, fmt.Errorf("shard key: %w", err)
	}
	return reply.GetShardKey(), nil
}

// AsOf returns a record as it stood, and the revisions that made it so, in the order of
// the ledger: what was captured by one time and received by another; a zero time does
// not select.
func (o *Office) AsOf(ctx context.Context, id record.ID, captured, received time.Time) ([]*syncv1.RecordRegister, []*syncv1.Revision, error) {
	m := &syncv1.Moment{CapturedByMs: millis(captured), ReceivedByMs: millis(received)}
	reply, err := o.evidence.GetAsOf(ctx, &syncv1.GetAsOfRequest{Shard: o.Shard(), Record: id[:], Moment: m})
	if err != nil {
		return nil, nil, fmt.Errorf("record %s: %w", id, err)
	}
	var all []*syncv1.Revision
	for token := ""; ; {
		page, err := o.evidence.ListAsOf(ctx, &syncv1.ListAsOfRequest{Shard: o.Shard(), Record: id[:], Moment: m, PageSize: historyPage, PageToken: token})
		if err != nil {
			return nil, nil, fmt.Errorf("history of %s: %w", id, err)
		}
		all = append(all, page.GetRevisions()...)
		if token = page.GetNextPageToken(); token == "" {
			return reply.GetRegisters(), all, nil
		}
	}
}

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// Erase takes the body of a revision away by legal order; reason names the order.
func (o *Office) Erase(ctx context.Context, id record.ID, dot causal.Dot, author, reason string) error {
	_, err := o.records.Erase(ctx, &syncv1.EraseRequest{
		Shard: o.Shard(), Record: id[:], Dot: dot.Append(nil), Author: author, Reason: reason,
	})
	if err != nil {
		return fmt.Errorf("erase %s: %w", dot, err)
	}
	return nil
}
