// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"math"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// Sizes of pages: the usual one, and the most that may be asked for.
const (
	usualPage    = 100
	mostRecords  = 500
	mostHistory  = 200
	mostHeld     = 200
	mostReplicas = 500
	mostSums     = 1000
)

// recordService is for the office. What it shows is in this file, what it does in
// office.go.
type recordService struct {
	syncv1grpc.UnimplementedRecordServiceServer
	cfg Config
}

// Get returns a record with its siblings and a part of its history.
func (s *recordService) Get(ctx context.Context, m *syncv1.GetRequest) (*syncv1.GetResponse, error) {
	id, err := recordFromWire(m.GetRecord())
	if err != nil {
		return nil, err
	}
	from, err := parsePlace(m, m.GetHistoryToken())
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	v, err := c.county.Engine.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !c.principal.MaySee(v.Row) {
		return nil, notFound("record")
	}
	out := &syncv1.GetResponse{Record: viewToWire(v)}
	if m.GetHistorySize() > 0 {
		out.History, out.NextHistoryToken, err = s.history(ctx, m, id, from)
	}
	if c.principal.Who == auth.Desk {
		leaveOutPersonal(id.Kind(), out)
	}
	return out, err
}

func viewToWire(v syncengine.RecordView) *syncv1.Record {
	m := rowToWire(v.Row)
	if len(v.Row.State) <= session.MaxState { // else its history is read, in parts
		m.Registers = registersToWire(v.State, everyRegister)
	}
	return m
}

// history returns revisions from a place on, and where the next ones begin: after
// is a leaf, skip a place in its segment.
func (s *recordService) history(ctx context.Context, m *syncv1.GetRequest, id record.ID, from place) ([]*syncv1.Revision, string, error) {
	most := pageSize(m.GetHistorySize(), mostHistory, mostHistory)
	at := syncengine.HistoryPlace{Leaf: ledger.Index(from.after), At: int(min(from.skip, math.MaxInt32))}
	part, next, err := callOf(ctx).county.Engine.History(ctx, id, at, most)
	if err != nil {
		return nil, "", err
	}
	var out []*syncv1.Revision
	size := 0
	for _, v := range part {
		if size >= pageBytes {
			next = v.Place
			break
		}
		r := revisionToWire(v)
		out, size = append(out, r), size+proto.Size(r)
	}
	if next == (syncengine.HistoryPlace{}) {
		return out, "", nil
	}
	return out, place{after: uint64(next.Leaf), skip: uint64(next.At)}.token(m), nil
}

// List returns records in feed order.
func (s *recordService) List(ctx context.Context, m *syncv1.ListRequest) (*syncv1.ListResponse, error) {
	q, err := filterFromWire(m.GetFilter())
	if err != nil {
		return nil, err
	}
	if q.Flags, err = flagsFromWire(m.GetFlags()); err != nil {
		return nil, err
	}
	wanted := everyRegister
	if m.GetView() != syncv1.RecordView_RECORD_VIEW_FULL {
		wanted = nil
	}
	l := listing{request: m, query: q, size: pageSize(m.GetPageSize(), usualPage, mostRecords), wanted: wanted}
	records, next, err := l.page(ctx, m.GetPageToken())
	return &syncv1.ListResponse{Records: records, NextPageToken: next}, err
}

// ListConflicts returns records with the registers about which a person must decide.
func (s *recordService) ListConflicts(ctx context.Context, m *syncv1.ListConflictsRequest) (*syncv1.ListConflictsResponse, error) {
	q, err := filterFromWire(m.GetFilter())
	if err != nil {
		return nil, err
	}
	q.Flags = syncengine.FlagConflict
	l := listing{request: m, query: q, size: pageSize(m.GetPageSize(), usualPage, mostRecords), wanted: record.Register.Conflict}
	records, next, err := l.page(ctx, m.GetPageToken())
	return &syncv1.ListConflictsResponse{Records: records, NextPageToken: next}, err
}

// listing is a list of records.
type listing struct {
	request proto.Message
	query   syncengine.FeedQuery
	size    int
	wanted  func(record.Register) bool // nil: no registers
}

func (l listing) page(ctx context.Context, token string) (out []*syncv1.Record, next string, err error) {
	from, err := parsePlace(l.request, token)
	if err != nil {
		return nil, "", err
	}
	l.query.After = syncengine.Position(from.after)
	for size := 0; ; {
		l.query.Limit, l.query.Bytes = l.size-len(out), pageBytes
		rows, err := callOf(ctx).county.Engine.List(ctx, l.query)
		if err != nil {
			return nil, "", err
		}
		for _, row := range rows {
			m, err := l.record(row)
			if err != nil {
				return nil, "", err
			}
			out, size, l.query.After = append(out, m), size+proto.Size(m), row.Position
			if len(out) == l.size || size >= pageBytes {
				return out, place{after: uint64(row.Position)}.token(l.request), nil
			}
		}
		if !l.query.Full(rows) {
			return out, "", nil
		}
	}
}

func (l listing) record(row syncengine.RecordRow) (*syncv1.Record, error) {
	m := rowToWire(row)
	if l.wanted == nil {
		return m, nil
	}
	state, err := record.DecodeState(row.State)
	m.Registers = registersToWire(state, l.wanted)
	return m, err
}

// ListHeld returns what is stored but not part of its record.
func (s *recordService) ListHeld(ctx context.Context, m *syncv1.ListHeldRequest) (*syncv1.ListHeldResponse, error) {
	at, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	from, err := at.held()
	if err != nil {
		return nil, err
	}
	part, next, err := callOf(ctx).county.Engine.Held(ctx, from, pageSize(m.GetPageSize(), usualPage, mostHeld))
	if err != nil {
		return nil, err
	}
	out, size := &syncv1.ListHeldResponse{}, 0
	for _, v := range part {
		if size >= pageBytes {
			next = v.Place
			break
		}
		h := &syncv1.HeldRevision{Record: v.Record[:], Revision: revisionToWire(v.RevisionView)}
		out.Held, size = append(out.Held, h), size+proto.Size(h)
	}
	if next != (syncengine.HeldPlace{}) {
		out.NextPageToken = place{after: uint64(next.Position), key: next.Dot.Append(nil)}.token(m)
	}
	return out, nil
}

// held reads a place in the list of held revisions: the position of a record, and
// as key the dot of the revision.
func (p place) held() (syncengine.HeldPlace, error) {
	at := syncengine.HeldPlace{Position: syncengine.Position(p.after)}
	if p.key == nil {
		return at, nil
	}
	d, rest, err := causal.DecodeDot(p.key)
	if err != nil || len(rest) > 0 {
		return at, errToken
	}
	at.Dot = d
	return at, nil
}

// ListReplicas returns the installations of the shard.
func (s *recordService) ListReplicas(ctx context.Context, m *syncv1.ListReplicasRequest) (*syncv1.ListReplicasResponse, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	engine := callOf(ctx).county.Engine
	all, err := engine.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	missing := map[causal.ReplicaID]causal.Range{}
	blocked, err := engine.Blocked(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range blocked {
		missing[b.Replica] = b.Missing
	}
	out, most := &syncv1.ListReplicasResponse{}, pageSize(m.GetPageSize(), usualPage, mostReplicas)
	for _, i := range all {
		id := i.Certificate.Replica()
		if bytes.Compare(id[:], from.key) <= 0 && from.key != nil {
			continue
		}
		if len(out.Replicas) == most {
			out.NextPageToken = place{key: out.Replicas[most-1].GetReplica()}.token(m)
			return out, nil
		}
		r, err := replicaToWire(i)
		if err != nil {
			return nil, err
		}
		if g, ok := missing[id]; ok {
			r.Missing = sessionwire.RunToWire(g)
		}
		out.Replicas = append(out.Replicas, r)
	}
	return out, nil
}

// GetCheckpoint says where the ledger stands.
func (s *recordService) GetCheckpoint(ctx context.Context, _ *syncv1.GetCheckpointRequest) (*syncv1.GetCheckpointResponse, error) {
	engine := callOf(ctx).county.Engine
	signed, err := engine.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	return &syncv1.GetCheckpointResponse{
		Checkpoint: signed,
		Epoch:      sessionwire.EpochToWire(engine.Epoch()),
		LedgerSize: uint64(engine.Size()),
		Position:   uint64(engine.Position()),
		Stopped:    engine.Stopped(),
	}, nil
}

// ListSums returns what the records of each division and class add up to.
func (s *recordService) ListSums(ctx context.Context, m *syncv1.ListSumsRequest) (*syncv1.ListSumsResponse, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	sums, err := callOf(ctx).county.Engine.Sums(ctx)
	if err != nil {
		return nil, err
	}
	keys := slices.SortedFunc(maps.Keys(sums), func(a, b syncengine.SumKey) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Division, b.Division))
	})
	out, most := &syncv1.ListSumsResponse{}, pageSize(m.GetPageSize(), usualPage, mostSums)
	for _, k := range keys {
		key := append([]byte{byte(k.Class)}, k.Division...)
		if from.key != nil && bytes.Compare(key, from.key) <= 0 {
			continue
		}
		if len(out.Sums) == most {
			last := out.Sums[most-1]
			out.NextPageToken = place{key: append([]byte{byte(last.GetPrivacyClass())}, last.GetDivision()...)}.token(m)
			return out, nil
		}
		out.Sums = append(out.Sums, sessionwire.SumToWire(session.Sum{
			Division: k.Division, Class: k.Class, Count: sums[k].Count, Total: sums[k].Total,
		}))
	}
	return out, nil
}

// Verify walks the store and sends how far it has come, at last the report.
func (s *recordService) Verify(m *syncv1.VerifyRequest, stream grpc.ServerStreamingServer[syncv1.VerifyResponse]) error {
	ctx, cancel := context.WithCancelCause(stream.Context())
	defer cancel(nil)
	report, err := callOf(ctx).county.Engine.Verify(ctx, syncengine.VerifyOptions{
		Replay: m.GetReplay(),
		Progress: func(done, total int64) {
			if err := stream.Send(&syncv1.VerifyResponse{Done: uint64(done), Total: uint64(total)}); err != nil {
				cancel(err)
			}
		},
	})
	if err != nil {
		return err
	}
	return stream.Send(&syncv1.VerifyResponse{Report: reportToWire(report)})
}

func reportToWire(r syncengine.VerifyReport) *syncv1.VerifyReport {
	m := &syncv1.VerifyReport{
		Leaves:    uint64(r.Leaves),
		Segments:  uint64(r.Segments),
		Revisions: uint64(r.Revisions),
		Records:   uint64(r.Records),
		Held:      uint64(r.Held),
		Waiting:   uint64(r.Waiting),
		Replayed:  r.Replayed,
	}
	for _, v := range r.Violations {
		m.Violations = append(m.Violations, &syncv1.Violation{Invariant: v.Invariant, What: v.What})
	}
	return m
}
