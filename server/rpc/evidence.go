// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"math"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// evidenceService tells what happened, to the office and through it to others.
type evidenceService struct {
	syncv1grpc.UnimplementedEvidenceServiceServer
}

// Prove returns a proof about a record, or about one revision of it.
func (s *evidenceService) Prove(ctx context.Context, m *syncv1.ProveRequest) (*syncv1.ProveResponse, error) {
	id, err := recordFromWire(m.GetRecord())
	if err != nil {
		return nil, err
	}
	var only causal.Dot
	if len(m.GetOnly()) > 0 {
		if only, err = dotFromWire(m.GetOnly()); err != nil {
			return nil, err
		}
	}
	raw, err := callOf(ctx).county.Engine.Prove(ctx, id, only)
	return &syncv1.ProveResponse{Proof: raw}, err
}

// GetShardKey returns the key that proofs are checked with.
func (s *evidenceService) GetShardKey(ctx context.Context, _ *syncv1.GetShardKeyRequest) (*syncv1.GetShardKeyResponse, error) {
	return &syncv1.GetShardKeyResponse{ShardKey: callOf(ctx).county.Engine.ShardKey()}, nil
}

// GetAsOf returns a record as it stood.
func (s *evidenceService) GetAsOf(ctx context.Context, m *syncv1.GetAsOfRequest) (*syncv1.GetAsOfResponse, error) {
	id, err := recordFromWire(m.GetRecord())
	if err != nil {
		return nil, err
	}
	state, n, err := callOf(ctx).county.Engine.StateAsOf(ctx, id, momentFromWire(m.GetMoment()))
	if err != nil {
		return nil, err
	}
	if size := len(state.Append(nil)); size > session.MaxState {
		return nil, tooMuch("a state of %d bytes", size)
	}
	return &syncv1.GetAsOfResponse{Registers: registersToWire(state, everyRegister), Revisions: uint64(n)}, nil
}

// ListAsOf returns the revisions that made a record what it was.
func (s *evidenceService) ListAsOf(ctx context.Context, m *syncv1.ListAsOfRequest) (*syncv1.ListAsOfResponse, error) {
	id, err := recordFromWire(m.GetRecord())
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	at := syncengine.HistoryPlace{Leaf: ledger.Index(from.after), At: int(min(from.skip, math.MaxInt32))}
	part, next, err := callOf(ctx).county.Engine.HistoryAsOf(ctx, id, momentFromWire(m.GetMoment()), at, pageSize(m.GetPageSize(), usualPage, mostHistory))
	if err != nil {
		return nil, err
	}
	out, size := &syncv1.ListAsOfResponse{}, 0
	for _, v := range part {
		if size >= pageBytes {
			next = v.Place
			break
		}
		r := revisionToWire(v)
		out.Revisions, size = append(out.Revisions, r), size+proto.Size(r)
	}
	if next != (syncengine.HistoryPlace{}) {
		out.NextPageToken = place{after: uint64(next.Leaf), skip: uint64(next.At)}.token(m)
	}
	return out, nil
}

func momentFromWire(m *syncv1.Moment) (out syncengine.Moment) {
	if m != nil && m.CapturedByMs != nil {
		out.CapturedBy = time.UnixMilli(m.GetCapturedByMs())
	}
	if m != nil && m.ReceivedByMs != nil {
		out.ReceivedBy = time.UnixMilli(m.GetReceivedByMs())
	}
	return out
}
