// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bytes"
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

const (
	mostForked = 100 // replicas in a page
	// mostRelated bounds each list of relatives, fences and histories of one replica.
	mostRelated = 64
)

// deviceService is for the office: which installations there are, and which are cut
// off.
type deviceService struct {
	syncv1grpc.UnimplementedDeviceServiceServer
	cfg Config
}

// ListDevices returns the installations of the shard.
func (s *deviceService) ListDevices(ctx context.Context, m *syncv1.ListDevicesRequest) (*syncv1.ListDevicesResponse, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	all, err := c.county.Engine.Devices(ctx)
	if err != nil {
		return nil, err
	}
	out, most := &syncv1.ListDevicesResponse{}, pageSize(m.GetPageSize(), usualPage, mostReplicas)
	for size, i := 0, 0; i < len(all); i++ {
		id := all[i].Certificate.Replica()
		if from.key != nil && bytes.Compare(id[:], from.key) <= 0 {
			continue
		}
		if n := len(out.Devices); n > 0 && (n == most || size >= pageBytes) {
			out.NextPageToken = place{key: out.Devices[n-1].GetReplica()}.token(m)
			return out, nil
		}
		who := auth.Certified(all[i].Certificate)
		d, err := deviceToWire(all[i], s.cfg.Sessions.LastOpened(who))
		if err != nil {
			return nil, err
		}
		out.Devices, size = append(out.Devices, d), size+proto.Size(d)
	}
	return out, nil
}

func deviceToWire(d syncengine.Device, heard time.Time) (*syncv1.Device, error) {
	info, err := replicaToWire(d.ReplicaInfo)
	if err != nil {
		return nil, err
	}
	m := &syncv1.Device{
		Replica: info.GetReplica(), Certificate: info.GetCertificate(), LastCounter: d.Last,
		Predecessors: replicasToWire(d.Predecessors), Successors: replicasToWire(d.Successors),
		LastReceivedMs: millis(d.LastReceived), Held: uint32(d.Held), Waiting: uint32(d.Waiting), Forks: uint32(len(d.Forks)),
	}
	m.LastHeardMs = max(millis(heard), m.GetLastReceivedMs())
	for _, f := range d.Fences[:min(len(d.Fences), mostRelated)] {
		m.Fences = append(m.Fences, &syncv1.DeviceFence{
			Replica: f.Replica[:], DecidedAtMs: millis(f.At), Author: f.Author, Reason: f.Reason,
		})
	}
	if d.Missing != (causal.Range{}) {
		m.Missing = sessionwire.RunToWire(d.Missing)
	}
	return m, nil
}

// millis returns UTC milliseconds; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func replicasToWire(ids []causal.ReplicaID) [][]byte {
	var out [][]byte
	for _, id := range ids[:min(len(ids), mostRelated)] {
		out = append(out, id[:])
	}
	return out
}

// PlanRevocation says what a Revoke would do.
func (s *deviceService) PlanRevocation(ctx context.Context, m *syncv1.PlanRevocationRequest) (*syncv1.PlanRevocationResponse, error) {
	v, err := revocationFromWire(m.GetReplica(), m.GetSinceMs())
	if err != nil {
		return nil, err
	}
	p, err := callOf(ctx).county.Engine.PlanRevocation(ctx, v)
	if err != nil {
		return nil, err
	}
	return &syncv1.PlanRevocationResponse{
		Replicas: replicasToWire(p.Replicas), SavesBefore: uint64(p.Before), SavesAfter: uint64(p.After),
		SavesCut: uint64(p.Cut), RecordsCut: uint32(p.Records),
	}, nil
}

func revocationFromWire(replica []byte, sinceMs int64) (v syncengine.Revocation, err error) {
	if v.Replica, err = sessionwire.ReplicaFromWire(replica); err != nil {
		return v, err
	}
	if sinceMs < 0 {
		return v, invalid("time %d", sinceMs)
	}
	if sinceMs > 0 {
		v.Since = time.UnixMilli(sinceMs).UTC()
	}
	return v, nil
}

// Revoke cuts a replica off.
func (s *deviceService) Revoke(ctx context.Context, m *syncv1.RevokeRequest) (*syncv1.RevokeResponse, error) {
	v, err := revocationFromWire(m.GetReplica(), m.GetSinceMs())
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	v.Author, v.Reason = m.GetAuthor(), m.GetReason()
	return &syncv1.RevokeResponse{}, callOf(ctx).county.Engine.Revoke(ctx, v)
}

// LiftRevocation makes every history of a replica good again.
func (s *deviceService) LiftRevocation(ctx context.Context, m *syncv1.LiftRevocationRequest) (*syncv1.LiftRevocationResponse, error) {
	replica, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	engine := callOf(ctx).county.Engine
	if !engine.Fenced(replica) {
		return nil, &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "fence"}
	}
	return &syncv1.LiftRevocationResponse{}, engine.LiftFence(ctx, m.GetAuthor(), replica, m.GetReason())
}

// Exempt moves the fence on a replica that stays cut off.
func (s *deviceService) Exempt(ctx context.Context, m *syncv1.ExemptRequest) (*syncv1.ExemptResponse, error) {
	replica, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return nil, err
	}
	if err := checkAuthor(m.GetAuthor()); err != nil {
		return nil, err
	}
	var end segment.Hash
	if n := copy(end[:], m.GetSegmentHash()); n != len(m.GetSegmentHash()) || n != 0 && n != len(end) {
		return nil, invalid("segment hash of %d bytes", len(m.GetSegmentHash()))
	}
	err = callOf(ctx).county.Engine.Exempt(ctx, m.GetAuthor(), replica, end, m.GetReason())
	return &syncv1.ExemptResponse{}, err
}

// ListForks returns the replicas of which two histories are known.
func (s *deviceService) ListForks(ctx context.Context, m *syncv1.ListForksRequest) (*syncv1.ListForksResponse, error) {
	from, err := parsePlace(m, m.GetPageToken())
	if err != nil {
		return nil, err
	}
	all, err := callOf(ctx).county.Engine.Forks(ctx)
	if err != nil {
		return nil, err
	}
	out, most := &syncv1.ListForksResponse{}, pageSize(m.GetPageSize(), usualPage, mostForked)
	for _, f := range all {
		if from.key != nil && bytes.Compare(f.Replica[:], from.key) <= 0 {
			continue
		}
		if len(out.Forked) == most {
			out.NextPageToken = place{key: out.Forked[most-1].GetReplica()}.token(m)
			return out, nil
		}
		out.Forked = append(out.Forked, forkedToWire(f))
	}
	return out, nil
}

func forkedToWire(f syncengine.ForkedReplica) *syncv1.ForkedReplica {
	m := &syncv1.ForkedReplica{Replica: f.Replica[:]}
	for _, p := range f.Pairs[:min(len(f.Pairs), maxForks)] {
		m.Pairs = append(m.Pairs, &syncv1.ForkPair{First: storedToWire(p[0]), Second: storedToWire(p[1])})
	}
	for _, h := range f.Histories[:min(len(f.Histories), mostRelated)] {
		m.Histories = append(m.Histories, &syncv1.DeviceHistory{
			End: storedToWire(h.End), FirstCounter: h.First, Saves: uint64(h.Saves), Held: uint64(h.Held),
		})
	}
	return m
}

func storedToWire(s syncengine.Stored) *syncv1.DeviceSegment {
	return &syncv1.DeviceSegment{
		SegmentHash: s.Hash[:], FirstCounter: s.First, LastCounter: s.Last, LedgerIndex: uint64(s.Index), ReceivedAtMs: millis(s.ReceivedAt),
	}
}
