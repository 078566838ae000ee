// SPDX-License-Identifier: Apache-2.0

package office

import (
	"cmp"
	"context"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	listPage    = 200
	historyPage = 200
)

// Records calls yield for every record of a kind, in feed order, with registers and
// all siblings. A record that changes meanwhile can come twice.
func (o *Office) Records(ctx context.Context, kind record.Kind, yield func(*syncv1.Record) error) error {
	return o.list(ctx, &syncv1.RecordFilter{Kind: uint32(kind)}, yield)
}

// RecordsUnder is Records for those of a division, of all kinds.
func (o *Office) RecordsUnder(ctx context.Context, d record.Division, yield func(*syncv1.Record) error) error {
	return o.list(ctx, &syncv1.RecordFilter{Divisions: []string{string(d)}}, yield)
}

func (o *Office) list(ctx context.Context, filter *syncv1.RecordFilter, yield func(*syncv1.Record) error) error {
	for token := ""; ; {
		page, err := o.records.List(ctx, &syncv1.ListRequest{
			Shard: o.Shard(), Filter: filter,
			View: syncv1.RecordView_RECORD_VIEW_FULL, PageSize: listPage, PageToken: token,
		})
		if err != nil {
			return fmt.Errorf("list records: %w", err)
		}
		for _, r := range page.GetRecords() {
			if err := yield(r); err != nil {
				return err
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			return nil
		}
	}
}

// Conflicts returns the records in which a person must decide, each with those
// registers only.
func (o *Office) Conflicts(ctx context.Context) ([]*syncv1.Record, error) {
	var all []*syncv1.Record
	for token := ""; ; {
		page, err := o.records.ListConflicts(ctx, &syncv1.ListConflictsRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list conflicts: %w", err)
		}
		all = append(all, page.GetRecords()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Held returns what is stored but not part of its record.
func (o *Office) Held(ctx context.Context) ([]*syncv1.HeldRevision, error) {
	var all []*syncv1.HeldRevision
	for token := ""; ; {
		page, err := o.records.ListHeld(ctx, &syncv1.ListHeldRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list what is held: %w", err)
		}
		all = append(all, page.GetHeld()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Release admits a held revision. The server takes the dot of one that has not come yet
// as well; who must not do that looks it up in Held.
func (o *Office) Release(ctx context.Context, id record.ID, dot causal.Dot, author, reason string) error {
	_, err := o.records.Release(ctx, &syncv1.ReleaseRequest{
		Shard: o.Shard(), Record: id[:], Dot: dot.Append(nil), Author: author, Reason: reason,
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", dot, err)
	}
	return nil
}

// Get returns a record with all its siblings and its whole history.
func (o *Office) Get(ctx context.Context, id record.ID) (*syncv1.Record, []*syncv1.Revision, error) {
	var history []*syncv1.Revision
	for token := ""; ; {
		reply, err := o.records.Get(ctx, &syncv1.GetRequest{Shard: o.Shard(), Record: id[:], HistorySize: historyPage, HistoryToken: token})
		if err != nil {
			return nil, nil, fmt.Errorf("record %s: %w", id, err)
		}
		history = append(history, reply.GetHistory()...)
		if token = reply.GetNextHistoryToken(); token == "" {
			return reply.GetRecord(), history, nil
		}
	}
}

// Replicas returns the installations of the shard.
func (o *Office) Replicas(ctx context.Context) ([]*syncv1.ReplicaInfo, error) {
	var all []*syncv1.ReplicaInfo
	for token := ""; ; {
		page, err := o.records.ListReplicas(ctx, &syncv1.ListReplicasRequest{Shard: o.Shard(), PageSize: listPage, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list replicas: %w", err)
		}
		all = append(all, page.GetReplicas()...)
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Rights are what an enrolment code gives.
type Rights struct {
	Role      segment.Role // zero: a tablet's
	Staff     []string
	Divisions []record.Division // prefixes
	Classes   []record.Class
	Label     string
	Life      time.Duration // of the code; 0: the server's choice
}

// Invite makes an enrolment code, as a tablet takes it, and returns until when it is
// good.
func (o *Office) Invite(ctx context.Context, r Rights) (string, time.Time, error) {
	q := &syncv1.CreateInvitationRequest{
		Shard: o.Shard(), Role: syncv1.Role(cmp.Or(r.Role, segment.RoleTablet)), Staff: r.Staff, Label: r.Label, ValidForMs: uint64(r.Life.Milliseconds()),
	}
	for _, d := range r.Divisions {
		q.Divisions = append(q.Divisions, string(d))
	}
	for _, c := range r.Classes {
		q.PrivacyClasses = append(q.PrivacyClasses, uint32(c))
	}
	reply, err := o.records.CreateInvitation(ctx, q)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("make an enrolment code: %w", err)
	}
	return reply.GetInvitation(), time.UnixMilli(reply.GetExpiresAtMs()), nil
}

// Verify lets the server walk its store. Progress is told how far it is.
func (o *Office) Verify(ctx context.Context, replay bool, progress func(done, total uint64)) (*syncv1.VerifyReport, error) {
	stream, err := o.records.Verify(ctx, &syncv1.VerifyRequest{Shard: o.Shard(), Replay: replay})
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return reportOf(stream, "verify", progress)
}
