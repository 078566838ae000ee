// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"iter"
	"slices"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Revocation is a fence that the office wants to put on a replica and those that
// continue its rights.
type Revocation struct {
	Replica causal.ReplicaID
	// Since: what the centre received before stays good; zero: all that it has.
	Since  time.Time
	Author string
	Reason string // never about a resident
}

// RevocationPlan is what a revocation would do as of now.
type RevocationPlan struct {
	Replicas      []causal.ReplicaID // cut off together, the named one first
	Before, After int                // saves at the centre that lie before and beyond the fence
	Cut           int                // of those beyond it, admitted now
	Records       int                // that those are saves of
}

// Revoke puts the fence. Errors: ReasonNotFound for a replica that is not known or
// is the centre's own.
func (e *Engine) Revoke(ctx context.Context, v Revocation) error {
	return e.office(ctx, func(b *batch) error {
		if err := e.revocable(b.tx, v.Replica); err != nil {
			return err
		}
		heads, err := b.fenceHeads(v.Replica, v.Since)
		if err != nil {
			return err
		}
		return b.actFence(v.Author, &syncv1.Fence{Replica: v.Replica[:], Reason: v.Reason, Heads: wireHashes(heads)})
	})
}

func (b *batch) actFence(author string, f *syncv1.Fence) error {
	_, err := b.act(author, KindFence, &syncv1.FenceAct{Fence: f})
	return err
}

// revocable wants to know a replica, and not as the centre's own.
func (e *Engine) revocable(r ActReader, replica causal.ReplicaID) error {
	cert, ok, err := e.certificateOf(r, replica)
	if err == nil && (!ok || cert.Role == segment.RoleCentre) {
		err = refuse(ReasonNotFound, "replica", nil)
	}
	return err
}

// PlanRevocation says what Revoke would do, with the same errors.
func (e *Engine) PlanRevocation(ctx context.Context, v Revocation) (RevocationPlan, error) {
	var p RevocationPlan
	err := e.view(ctx, func(r Reader) error {
		if err := e.revocable(r, v.Replica); err != nil {
			return err
		}
		line, err := e.successors(r, v.Replica)
		if err != nil {
			return err
		}
		p.Replicas = line
		records := map[record.ID]bool{}
		for _, one := range line {
			if err := p.count(e, r, one, v.Since, records); err != nil {
				return err
			}
		}
		p.Records = len(records)
		return nil
	})
	return p, err
}

// count adds the saves of one replica.
func (p *RevocationPlan) count(e *Engine, r Reader, one causal.ReplicaID, since time.Time, records map[record.ID]bool) error {
	heads, err := allSegments(r, one, 1)
	if err != nil {
		return err
	}
	ends, err := endsBefore(r, heads, since)
	if err != nil {
		return err
	}
	byHash, good := map[segment.Hash]SegmentHead{}, map[segment.Hash]bool{}
	for _, h := range heads {
		byHash[h.Hash] = h
	}
	for _, end := range ends {
		for h := range lineBack(end, byHash) {
			good[h.Hash] = true
		}
	}
	for _, h := range heads {
		saves := int(h.Last - h.First + 1)
		if good[h.Hash] {
			p.Before += saves
			continue
		}
		p.After += saves
		if err := p.cut(e, r, h, records); err != nil {
			return err
		}
	}
	return nil
}

// cut counts what of a segment is admitted.
func (p *RevocationPlan) cut(e *Engine, r Reader, h SegmentHead, records map[record.ID]bool) error {
	seg, _, err := e.openStored(r, h.Index)
	if err != nil {
		return err
	}
	for i := range seg.Len() {
		ps, err := storedPlaces(r, seg.RecordID(i))
		if err != nil {
			return err
		}
		if at, ok := ps.find(seg.Dot(i)); ok && ps[at].verdict.Admitted() {
			p.Cut++
			records[seg.RecordID(i)] = true
		}
	}
	return nil
}

// fenceHeads returns the last segments, received before a time, of all histories of a
// replica and its successors; of all that is stored for the zero time.
func (b *batch) fenceHeads(replica causal.ReplicaID, before time.Time) ([]segment.Hash, error) {
	line, err := b.e.successors(b.tx, replica)
	if err != nil {
		return nil, err
	}
	var out []segment.Hash
	for _, r := range line {
		heads, err := b.segmentsOf(r, 1)
		if err != nil {
			return nil, err
		}
		ends, err := endsBefore(b.tx, heads, before)
		if err != nil {
			return nil, err
		}
		for _, h := range ends {
			out = append(out, h.Hash)
		}
	}
	return out, nil
}

// endsBefore returns the ends of what was received before a time; zero: of everything.
func endsBefore(r LedgerReader, heads []SegmentHead, before time.Time) ([]SegmentHead, error) {
	if before.IsZero() {
		return endsOf(heads), nil
	}
	var early []SegmentHead
	for _, h := range heads {
		at, err := receivedAt(r, h.Index)
		if err != nil {
			return nil, err
		}
		if at.Before(before) {
			early = append(early, h)
		}
	}
	return endsOf(early), nil
}

// endsOf returns the segments that no other one follows.
func endsOf(heads []SegmentHead) []SegmentHead {
	followed := map[segment.Hash]bool{}
	for _, h := range heads {
		followed[h.Previous] = true
	}
	return slices.DeleteFunc(slices.Clone(heads), func(h SegmentHead) bool { return followed[h.Hash] })
}

// lineBack gives a segment and those that lead to it by hash, latest first, as far as
// they are stored: a history does not go over a gap.
func lineBack(end SegmentHead, stored map[segment.Hash]SegmentHead) iter.Seq[SegmentHead] {
	return func(yield func(SegmentHead) bool) {
		for h := end; yield(h); {
			before, ok := stored[h.Previous]
			if !ok || before.Last+1 != h.First {
				return
			}
			h = before
		}
	}
}

func wireHashes(hashes []segment.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i, h := range hashes {
		out[i] = h[:]
	}
	return out
}

// successors returns a replica and all that continue it, by certificates.
func (e *Engine) successors(r ActReader, of causal.ReplicaID) ([]causal.ReplicaID, error) {
	all, err := e.certificates(r)
	if err != nil {
		return nil, err
	}
	out := []causal.ReplicaID{of}
	for i := 0; i < len(out); i++ {
		for _, c := range all {
			if c.Predecessor == out[i] && !slices.Contains(out, c.Replica()) {
				out = append(out, c.Replica())
			}
		}
	}
	return out, nil
}

// Fenced reports whether a fence on this very replica is in force.
func (e *Engine) Fenced(replica causal.ReplicaID) bool {
	return len(inForce(e.snapshot().acts[actKey{ActFence, string(replica[:])}])) > 0
}
