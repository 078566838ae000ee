// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"slices"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Exempt makes one history of a replica that is cut off good, back by previous hashes
// from its last segment, beside what is good already; the zero hash means every
// history of it that is here. What the replica saves later is held as before. Errors:
// ReasonNotFound when nothing cuts the replica off, or the segment is not one of its.
func (e *Engine) Exempt(ctx context.Context, author string, replica causal.ReplicaID, end segment.Hash, reason string) error {
	return e.office(ctx, func(b *batch) error {
		ends, err := b.exempted(replica, end)
		if err != nil {
			return err
		}
		found := false
		for _, on := range b.head.lineage(replica) {
			moved, err := b.moveFence(author, on, ends, reason)
			if err != nil {
				return err
			}
			found = found || moved
		}
		if !found {
			return refuse(ReasonNotFound, "exempt", fmt.Errorf("no fence cuts %s off", replica))
		}
		return nil
	})
}

// exempted returns the ends of what is to become good.
func (b *batch) exempted(replica causal.ReplicaID, end segment.Hash) ([]segment.Hash, error) {
	if end == (segment.Hash{}) {
		heads, err := b.segmentsOf(replica, 1)
		var out []segment.Hash
		for _, h := range endsOf(heads) {
			out = append(out, h.Hash)
		}
		return out, err
	}
	head, ok, err := b.segment(end)
	if err == nil && (!ok || head.Replica != replica) {
		err = refuse(ReasonNotFound, "exempt", fmt.Errorf("no segment %s of %s", end, replica))
	}
	return []segment.Hash{end}, err
}

// moveFence puts one fence in place of those in force on a replica: it spares what all
// of them spare, and the histories that end in more. It reports whether there were any.
func (b *batch) moveFence(author string, on causal.ReplicaID, more []segment.Hash, reason string) (bool, error) {
	acts, err := b.lookup(ActFence, on[:])
	if err != nil || len(inForce(acts)) == 0 {
		return false, err
	}
	f := &syncv1.Fence{Replica: on[:], Reason: reason}
	for _, a := range acts {
		f.Seen = append(f.Seen, a.Dot.Append(nil))
	}
	good, err := b.sparedEnds(on, fencesInForce(acts))
	if err != nil {
		return false, err
	}
	for _, h := range more {
		if !slices.Contains(good, h) {
			good = append(good, h)
		}
	}
	f.Heads = wireHashes(good)
	return true, b.actFence(author, f)
}

// sparedEnds returns the ends of what every one of some fences on a replica spares, and
// those ends that all of them name and that are not here (any more).
func (b *batch) sparedEnds(on causal.ReplicaID, fences []*syncv1.Fence) ([]segment.Hash, error) {
	var out []segment.Hash
	for _, end := range endsIn(fences[0]) {
		_, here, err := b.segment(end)
		if err != nil {
			return nil, err
		}
		named := func(f *syncv1.Fence) bool { return slices.Contains(endsIn(f), end) }
		if !here && !slices.ContainsFunc(fences, func(f *syncv1.Fence) bool { return !named(f) }) {
			out = append(out, end)
		}
	}
	line, err := b.e.successors(b.tx, on)
	if err != nil {
		return nil, err
	}
	for _, r := range line {
		spared, err := b.sparedOf(r, fences)
		if err != nil {
			return nil, err
		}
		for _, h := range endsOf(spared) {
			out = append(out, h.Hash)
		}
	}
	return out, nil
}

// sparedOf returns the segments of a replica that none of some fences cuts off.
func (b *batch) sparedOf(r causal.ReplicaID, fences []*syncv1.Fence) ([]SegmentHead, error) {
	heads, err := b.segmentsOf(r, 1)
	if err != nil {
		return nil, err
	}
	var out []SegmentHead
	for _, h := range heads {
		good := true
		for _, f := range fences {
			spared, err := b.spares(f, h)
			if err != nil {
				return nil, err
			}
			good = good && spared
		}
		if good {
			out = append(out, h)
		}
	}
	return out, nil
}
