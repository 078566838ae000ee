// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"math"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// scanLimit is how many segment heads are asked for at a time.
const scanLimit = 512

// segmentsOf returns a replica's segments with a counter of at least from, of the
// store and of this batch.
func (b *batch) segmentsOf(r causal.ReplicaID, from uint64) ([]SegmentHead, error) {
	stored, err := allSegments(b.tx, r, from)
	if err != nil {
		return nil, err
	}
	return b.withPending(stored, r, from), nil
}

// withPending adds those of this batch to a replica's stored heads.
func (b *batch) withPending(stored []SegmentHead, r causal.ReplicaID, from uint64) []SegmentHead {
	for _, p := range b.pending {
		if p.head.Replica == r && p.head.Last >= from {
			stored = append(stored, p.head)
		}
	}
	return stored
}

// allSegments reads all heads that Segments gives in parts.
func allSegments(r SegmentReader, replica causal.ReplicaID, from uint64) ([]SegmentHead, error) {
	heads, err := r.Segments(replica, from, scanLimit)
	for limit := scanLimit; err == nil && len(heads) == limit; {
		limit *= 4
		heads, err = r.Segments(replica, from, limit)
	}
	return heads, err
}

// lastCounter returns the highest counter in a replica's segments; 0: it has none. It is that of
// the newest one, but where there are two histories, or the centre's own came in another order.
func lastCounter(r SegmentReader, replica causal.ReplicaID) (uint64, error) {
	newest, _, err := r.Newest(replica)
	if err != nil || newest.Last == math.MaxUint64 {
		return newest.Last, err
	}
	beyond, err := allSegments(r, replica, newest.Last+1)
	last := newest.Last
	for _, h := range beyond {
		last = max(last, h.Last)
	}
	return last, err
}

// following says whether a segment may be stored after what there is.
type following struct {
	outcome session.Outcome
	expects uint64
	reason  string
}

var fits = following{outcome: session.OutcomeStored}

// follows checks the chain: a segment's previous one must be stored, unless what
// lies before it is a stated gap. The centre's own segments come in any order,
// because a holder has only those of its scope.
func (b *batch) follows(in incoming) (following, error) {
	h := in.seg.Header()
	if in.cert.Role == segment.RoleCentre || h.First == 1 && h.Previous.IsZero() {
		return fits, nil
	}
	if h.First == 1 {
		return following{outcome: session.OutcomeRefused, reason: ReasonChain.String()}, nil
	}
	head, ok, err := b.segment(h.Previous)
	if err != nil {
		return following{}, err
	}
	if ok {
		if head.Replica != h.Replica || head.Last+1 != h.First {
			return following{outcome: session.OutcomeRefused, reason: ReasonChain.String()}, nil
		}
		return fits, nil
	}
	return b.followsGap(h)
}

func (b *batch) followsGap(h segment.Header) (following, error) {
	gaps, err := b.gaps(h.Replica)
	if err != nil {
		return following{}, err
	}
	heads, err := b.segmentsOf(h.Replica, 1)
	if err != nil {
		return following{}, err
	}
	stored := gaps
	for _, o := range heads {
		if o.First < h.First {
			stored = stored.With(causal.Range{Replica: h.Replica, From: o.First, To: o.Last})
		}
	}
	if gaps.Has(h.Replica, h.First-1) && stored.Covers(h.Replica, 1, h.First-1) {
		return fits, nil
	}
	// Another history of a fork can have every counter before: what this one
	// lacks is then at least the one that adjoins it.
	return following{outcome: session.OutcomeGap, expects: min(firstMissing(stored, h.Replica), h.First-1)}, nil
}

// firstMissing returns the lowest counter of r that is not in s.
func firstMissing(s causal.Ranges, r causal.ReplicaID) uint64 {
	for _, g := range s {
		if g.Replica == r && g.From == 1 {
			return g.To + 1
		}
	}
	return 1
}

// maxForks is how many pairs of segments are kept for a replica: they only have to
// show that it forked.
const maxForks = 16

// noteFork reports whether a new segment shows a second history of its replica.
// Both sides are kept as they are; the first pair is listed.
func (b *batch) noteFork(head SegmentHead, seg *segment.Segment) (bool, error) {
	other, found, err := b.forkedFrom(head, seg)
	if err != nil || !found {
		return false, err
	}
	listed, err := b.lookup(ActFork, head.Replica[:])
	if err != nil || len(listed) >= maxForks {
		return true, err
	}
	return true, b.put(Act{Family: ActFork, Key: head.Replica[:], Body: slices.Concat(other.Hash[:], head.Hash[:])})
}

// forkedFrom returns a segment that is of another history than a new one. Where there
// are many, a few show it.
func (b *batch) forkedFrom(head SegmentHead, seg *segment.Segment) (SegmentHead, bool, error) {
	fork := func(o SegmentHead) bool { return o.Hash != head.Hash && b.e.rules.forks(b, o, head, seg) }
	few, err := b.tx.Segments(head.Replica, head.First, maxForks)
	if err != nil {
		return SegmentHead{}, false, err
	}
	if i := slices.IndexFunc(few, fork); i >= 0 {
		return few[i], true, nil
	}
	all := few
	if len(few) == maxForks {
		if all, err = allSegments(b.tx, head.Replica, head.First); err != nil {
			return SegmentHead{}, false, err
		}
	}
	all = b.withPending(all, head.Replica, head.First)
	if i := slices.IndexFunc(all, fork); i >= 0 {
		return all[i], true, nil
	}
	return SegmentHead{}, false, nil
}

// forks reports whether two segments of one replica are of two histories: they
// have a counter in common, be it of the same save, or follow the same segment.
func (b *batch) forks(o, head SegmentHead, _ *segment.Segment) bool {
	return overlap(o, head) || o.Previous == head.Previous && !head.Previous.IsZero()
}

func overlap(a, b SegmentHead) bool { return a.First <= b.Last && b.First <= a.Last }

// bears reports whether the segment holds the revision named d.
func (b *batch) bears(h SegmentHead, d causal.Dot) (bool, error) {
	if d.Counter < h.First || d.Counter > h.Last {
		return false, nil
	}
	seg, _, err := b.segmentAt(h.Index)
	if err != nil {
		return false, err
	}
	return seg.Dot(int(d.Counter-h.First)) == d, nil
}

// certificatesOf returns the known certificates of a replica, oldest first.
func (b *batch) certificatesOf(r causal.ReplicaID) ([]segment.Certificate, error) {
	all, err := b.e.certificates(b.tx)
	if err != nil {
		return nil, err
	}
	for _, c := range b.certs {
		if !slices.ContainsFunc(all, func(o segment.Certificate) bool { return o.Hash == c.Hash }) {
			all = append(all, c)
		}
	}
	all = slices.DeleteFunc(all, func(c segment.Certificate) bool { return c.Replica() != r })
	slices.SortFunc(all, func(a, b segment.Certificate) int {
		if c := a.IssuedAt.Compare(b.IssuedAt); c != 0 {
			return c
		}
		return bytes.Compare(a.Hash[:], b.Hash[:])
	})
	return all, nil
}

// certificates returns every certificate the store knows.
func (e *Engine) certificates(r ActReader) ([]segment.Certificate, error) {
	acts, err := r.Acts(ActCertificate, nil)
	if err != nil {
		return nil, err
	}
	var out []segment.Certificate
	for _, a := range acts {
		if c, err := e.readCertificate(a.Body); err == nil {
			out = append(out, c)
		}
	}
	return out, nil
}
