// SPDX-License-Identifier: Apache-2.0

package office

import (
	"context"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// Ruling is who decided, and why.
type Ruling struct {
	Author string
	Reason string // never about a resident
}

// Devices returns the installations of the shard, in order of replica id.
func (o *Office) Devices(ctx context.Context) ([]*syncv1.Device, error) {
	var all []*syncv1.Device
	for token := ""; ; {
		page, err := o.devices.ListDevices(ctx, &syncv1.ListDevicesRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list devices: %w", err)
		}
		all = append(all, page.GetDevices()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Forks returns the replicas of which two histories are known.
func (o *Office) Forks(ctx context.Context) ([]*syncv1.ForkedReplica, error) {
	var all []*syncv1.ForkedReplica
	for token := ""; ; {
		page, err := o.devices.ListForks(ctx, &syncv1.ListForksRequest{Shard: o.Shard(), PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list forks: %w", err)
		}
		all = append(all, page.GetForked()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// PlanRevocation says what a Revoke would do; since zero means now.
func (o *Office) PlanRevocation(ctx context.Context, r causal.ReplicaID, since time.Time) (*syncv1.PlanRevocationResponse, error) {
	plan, err := o.devices.PlanRevocation(ctx, &syncv1.PlanRevocationRequest{Shard: o.Shard(), Replica: r[:], SinceMs: utcMs(since)})
	if err != nil {
		return nil, fmt.Errorf("plan the revocation of %s: %w", r, err)
	}
	return plan, nil
}

// Revoke cuts a replica off: what the centre received before since stays good; zero
// means all that it has.
func (o *Office) Revoke(ctx context.Context, r causal.ReplicaID, since time.Time, by Ruling) error {
	_, err := o.devices.Revoke(ctx, &syncv1.RevokeRequest{
		Shard: o.Shard(), Replica: r[:], SinceMs: utcMs(since), Author: by.Author, Reason: by.Reason,
	})
	if err != nil {
		return fmt.Errorf("revoke %s: %w", r, err)
	}
	return nil
}

func utcMs(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Lift makes every history of a replica good again.
func (o *Office) Lift(ctx context.Context, r causal.ReplicaID, by Ruling) error {
	_, err := o.devices.LiftRevocation(ctx, &syncv1.LiftRevocationRequest{Shard: o.Shard(), Replica: r[:], Author: by.Author, Reason: by.Reason})
	if err != nil {
		return fmt.Errorf("lift the revocation of %s: %w", r, err)
	}
	return nil
}

// Exempt makes the history that ends in a segment good; the zero hash means all of
// the replica's that the centre has.
func (o *Office) Exempt(ctx context.Context, r causal.ReplicaID, end segment.Hash, by Ruling) error {
	q := &syncv1.ExemptRequest{Shard: o.Shard(), Replica: r[:], Author: by.Author, Reason: by.Reason}
	if end != (segment.Hash{}) {
		q.SegmentHash = end[:]
	}
	if _, err := o.devices.Exempt(ctx, q); err != nil {
		return fmt.Errorf("exempt %s: %w", r, err)
	}
	return nil
}

// RuleGap states runs of a replica's counters as gone, and what its waiting saves wait
// for.
func (o *Office) RuleGap(ctx context.Context, r causal.ReplicaID, runs []causal.Range, by Ruling) error {
	q := &syncv1.RuleGapRequest{Shard: o.Shard(), Replica: r[:], Author: by.Author, Reason: by.Reason}
	for _, g := range runs {
		q.Runs = append(q.Runs, sessionwire.RunToWire(g))
	}
	if _, err := o.records.RuleGap(ctx, q); err != nil {
		return fmt.Errorf("rule a gap of %s: %w", r, err)
	}
	return nil
}

// Withdraw holds a revision, and marks a held one as decided.
func (o *Office) Withdraw(ctx context.Context, id record.ID, dot causal.Dot, by Ruling) error {
	_, err := o.records.Withdraw(ctx, &syncv1.WithdrawRequest{
		Shard: o.Shard(), Record: id[:], Dot: dot.Append(nil), Author: by.Author, Reason: by.Reason,
	})
	if err != nil {
		return fmt.Errorf("withdraw %s: %w", dot, err)
	}
	return nil
}
