// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	"math"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// HelloRequestToWire writes q for a shard.
func HelloRequestToWire(shard segment.ShardID, q session.HelloRequest) *syncv1.HelloRequest {
	return &syncv1.HelloRequest{
		Shard:        shard[:],
		Epoch:        EpochToWire(q.Epoch),
		Checkpoint:   q.Checkpoint,
		Cursor:       q.Cursor,
		Offers:       offersToWire(q.Offers),
		Certificates: q.Certificates,
		Asks:         joinHashes(q.Asks),
	}
}

// HelloRequestFromWire reads what HelloRequestToWire writes, but the shard.
func HelloRequestFromWire(m *syncv1.HelloRequest) (q session.HelloRequest, err error) {
	q = session.HelloRequest{Checkpoint: m.GetCheckpoint(), Cursor: m.GetCursor(), Certificates: m.GetCertificates()}
	if q.Epoch, err = EpochFromWire(m.GetEpoch()); err != nil {
		return q, err
	}
	if q.Asks, err = splitHashes[segment.Hash](m.GetAsks()); err != nil {
		return q, err
	}
	q.Offers, err = offersFromWire(m.GetOffers())
	return q, err
}

// offersToWire writes offers in their order, those of one replica in a row together.
func offersToWire(offers []session.Offer) []*syncv1.OfferRun {
	var out []*syncv1.OfferRun
	for i, o := range offers {
		if i == 0 || offers[i-1].Replica != o.Replica {
			out = append(out, &syncv1.OfferRun{Replica: o.Replica[:]})
		}
		run := out[len(out)-1]
		run.SegmentHashes = append(run.SegmentHashes, o.Hash[:]...)
		run.FirstCounters = append(run.FirstCounters, o.First)
		run.Counts = append(run.Counts, o.Last-o.First+1)
	}
	return out
}

func offersFromWire(runs []*syncv1.OfferRun) ([]session.Offer, error) {
	var out []session.Offer
	for _, run := range runs {
		replica, err := ReplicaFromWire(run.GetReplica())
		if err != nil {
			return nil, err
		}
		hashes, err := splitHashes[segment.Hash](run.GetSegmentHashes())
		if err != nil {
			return nil, err
		}
		first, counts := run.GetFirstCounters(), run.GetCounts()
		if len(hashes) != len(first) || len(hashes) != len(counts) {
			return nil, malformed("offers of %d segments, %d counters, %d counts", len(hashes), len(first), len(counts))
		}
		for i, h := range hashes {
			if first[i] == 0 || counts[i] == 0 || first[i] > math.MaxUint64-counts[i] {
				return nil, malformed("offer of %d revisions from %d", counts[i], first[i])
			}
			out = append(out, session.Offer{Hash: h, Replica: replica, First: first[i], Last: first[i] + counts[i] - 1})
		}
	}
	return out, nil
}

// HelloReplyToWire writes r, with the limits of package session.
func HelloReplyToWire(r session.HelloReply) *syncv1.HelloResponse {
	m := &syncv1.HelloResponse{
		Epoch:        EpochToWire(r.Epoch),
		CursorHolds:  r.CursorHolds,
		Wants:        joinHashes(r.Wants),
		Acks:         r.Acks,
		Marks:        r.Marks,
		Certificates: r.Certificates,
		Revoked:      r.Revoked,
		Limits: &syncv1.Limits{
			Offers:       session.MaxOffers,
			Certificates: session.MaxCertificates,
			PushSegments: session.MaxPushSegments,
			PushBytes:    session.MaxPushBytes,
			PageRecords:  session.MaxPageRecords,
		},
	}
	for _, h := range r.OwnHeads {
		m.OwnHeads = append(m.OwnHeads, &syncv1.HistoryHead{LastCounter: h.Last, SegmentHash: h.Hash[:]})
	}
	for _, g := range r.Gaps {
		m.Gaps = append(m.Gaps, RunToWire(g))
	}
	return m
}

// HelloReplyFromWire reads what HelloReplyToWire writes, but the limits.
func HelloReplyFromWire(m *syncv1.HelloResponse) (r session.HelloReply, err error) {
	r = session.HelloReply{
		CursorHolds:  m.GetCursorHolds(),
		Acks:         m.GetAcks(),
		Marks:        m.GetMarks(),
		Certificates: m.GetCertificates(),
		Revoked:      m.GetRevoked(),
	}
	if r.Epoch, err = EpochFromWire(m.GetEpoch()); err != nil {
		return r, err
	}
	if r.Wants, err = splitHashes[segment.Hash](m.GetWants()); err != nil {
		return r, err
	}
	for _, h := range m.GetOwnHeads() {
		hash, err := hashFromWire(h.GetSegmentHash())
		if err != nil {
			return r, err
		}
		r.OwnHeads = append(r.OwnHeads, session.Head{Last: h.GetLastCounter(), Hash: hash})
	}
	for _, g := range m.GetGaps() {
		run, err := RunFromWire(g)
		if err != nil {
			return r, err
		}
		r.Gaps = r.Gaps.With(run)
	}
	return r, nil
}

// RunToWire writes a run of counters.
func RunToWire(g causal.Range) *syncv1.CounterRun {
	return &syncv1.CounterRun{Replica: g.Replica[:], FromCounter: g.From, ToCounter: g.To}
}

// RunFromWire reads a run of counters that is not empty.
func RunFromWire(m *syncv1.CounterRun) (causal.Range, error) {
	replica, err := ReplicaFromWire(m.GetReplica())
	if err != nil {
		return causal.Range{}, err
	}
	g := causal.Range{Replica: replica, From: m.GetFromCounter(), To: m.GetToCounter()}
	if g.From == 0 || g.To < g.From {
		return causal.Range{}, malformed("run of counters %d to %d", g.From, g.To)
	}
	return g, nil
}
