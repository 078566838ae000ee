// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// scanLimit is how many segment heads are asked for at a time.
const scanLimit = 512

// segmentsOf returns a replica's segments with a counter of at least from, of the
// store and of this batch.
func (b *batch) segmentsOf(r causal.ReplicaID, from uint64) ([]SegmentHead, error) {
	out, err := allSegments(b.tx, r, from)
	if err != nil {
		return nil, err
	}
	for _, p := range b.pending {
		if p.head.Replica == r && p.head.Last >= from {
			out = append(out, p.head)
		}
	}
	return out, nil
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

// noteFork reports whether a new segment shows a second history of its replica.
// Both sides are kept as they are; the fork is listed.
func (b *batch) noteFork(head SegmentHead, seg *segment.Segment) (bool, error) {
	others, err := b.segmentsOf(head.Replica, head.First)
	if err != nil {
		return false, err
	}
	fork := false
	for _, o := range others {
		if o.Hash == head.Hash || !b.e.rules.forks(b, o, head, seg) {
			continue
		}
		fork = true
		body := slices.Concat(o.Hash[:], head.Hash[:])
		if err := b.put(Act{Family: ActFork, Key: head.Replica[:], Body: body}); err != nil {
			return true, err
		}
	}
	return fork, nil
}

// forks reports whether two segments of one replica are of two histories: they
// have a counter in common, be it of the same save, or follow the same segment.
func (b *batch) forks(o, head SegmentHead, _ *segment.Segment) bool {
	return overlap(o, head) || o.Previous == head.Previous && !head.Previous.IsZero()
}

func overlap(a, b SegmentHead) bool { return a.First <= b.Last && b.First <= a.Last }

// lineage returns a replica and those whose rights it continues, newest first, by
// any certificate that says so: a later one without a predecessor lifts no fence.
func (h head) lineage(r causal.ReplicaID) []causal.ReplicaID {
	out := []causal.ReplicaID{r}
	for p, ok := h.before[r]; ok && !slices.Contains(out, p); p, ok = h.before[p] {
		out = append(out, p)
	}
	return out
}

// predecessors reads what head.before holds.
func (e *Engine) predecessors(r ActReader) (map[causal.ReplicaID]causal.ReplicaID, error) {
	certs, err := e.certificates(r)
	out := map[causal.ReplicaID]causal.ReplicaID{}
	for _, c := range certs {
		if !c.Predecessor.IsZero() {
			out[c.Replica()] = c.Predecessor
		}
	}
	return out, err
}

// noteSuccession keeps whose rights a newly known certificate continues, and looks
// again at what a fence may now reach. Where that changes verdicts and no act said
// it (the caller of a restored centre did), the centre says it itself: changed
// verdicts need a leaf.
func (b *batch) noteSuccession(c segment.Certificate, by causal.Dot) error {
	if c.Predecessor.IsZero() || b.head.before[c.Replica()] == c.Predecessor {
		return nil
	}
	before := maps.Clone(b.head.before)
	if before == nil {
		before = map[causal.ReplicaID]causal.ReplicaID{}
	}
	before[c.Replica()] = c.Predecessor
	b.head.before = before
	b.obeyed++
	if err := b.reviewAllFenced(); err != nil || !by.IsZero() || len(b.leafVerdicts) == 0 {
		return err
	}
	_, err := b.actCertificate("system", c)
	return err
}

// withinFence reports whether no fence cuts this revision off: every fence in
// force on its replica, or on one whose rights it continues, must name a head at
// or after it in its own history.
func (b *batch) withinFence(head SegmentHead, d causal.Dot) (bool, error) {
	if !b.fenced {
		return true, nil
	}
	for _, r := range b.head.lineage(head.Replica) {
		fences, err := b.fences(r)
		if err != nil {
			return false, err
		}
		for _, f := range fences {
			if good, err := b.withinHeads(f.GetHeads(), head, d); err != nil || !good {
				return false, err
			}
		}
	}
	return true, nil
}

// fenced reports whether there is any fence at all.
func (x actIndex) fenced() bool {
	for k := range x {
		if k.family == ActFence {
			return true
		}
	}
	return false
}

// fences returns the fences in force on a replica: those that no later one has
// seen, less the lifted.
func (b *batch) fences(r causal.ReplicaID) ([]*syncv1.Fence, error) {
	acts, err := b.lookup(ActFence, r[:])
	if err != nil {
		return nil, err
	}
	return fencesInForce(acts), nil
}

func fencesInForce(acts []Act) []*syncv1.Fence {
	seen := map[string]bool{}
	parsed := make([]*syncv1.Fence, len(acts))
	for i, a := range acts {
		parsed[i] = &syncv1.Fence{}
		if proto.Unmarshal(a.Body, parsed[i]) != nil {
			parsed[i] = nil
			continue
		}
		for _, d := range parsed[i].GetSeen() {
			seen[string(d)] = true
		}
	}
	var out []*syncv1.Fence
	for i, f := range parsed {
		if f != nil && !f.GetLifted() && !seen[string(acts[i].Dot.Append(nil))] {
			out = append(out, f)
		}
	}
	return out
}

// withinHeads reports whether the revision d of the segment at head lies in a
// history that ends in one of the named heads.
func (b *batch) withinHeads(heads [][]byte, at SegmentHead, d causal.Dot) (bool, error) {
	for _, raw := range heads {
		h, rest, err := causal.DecodeDot(raw)
		if err != nil || len(rest) > 0 || h.Replica != d.Replica || d.Counter > h.Counter {
			continue
		}
		if !b.e.rules.fenceByHash {
			return true, nil
		}
		if good, err := b.ancestor(at, h); err != nil || good {
			return good, err
		}
	}
	return false, nil
}

// ancestor reports whether the segment at lies in the history that ends in the
// revision end: walking back from it by the previous hashes, and over stated gaps
// into every history that ends where the gap begins.
func (b *batch) ancestor(at SegmentHead, end causal.Dot) (bool, error) {
	heads, err := b.segmentsOf(end.Replica, at.First)
	if err != nil {
		return false, err
	}
	byHash := map[segment.Hash]SegmentHead{}
	for _, h := range heads {
		byHash[h.Hash] = h
	}
	gaps, err := b.gaps(end.Replica)
	if err != nil {
		return false, err
	}
	good := map[segment.Hash]bool{}
	var todo []SegmentHead
	for _, h := range heads {
		if ends, err := b.bears(h, end); err != nil {
			return false, err
		} else if ends {
			todo = append(todo, h)
		}
	}
	for len(todo) > 0 {
		h := todo[0]
		todo = todo[1:]
		if good[h.Hash] {
			continue
		}
		good[h.Hash] = true
		for _, o := range heads {
			if o.Hash == h.Previous || overGap(gaps, o, h) {
				todo = append(todo, o)
			}
		}
	}
	return good[at.Hash], nil
}

// overGap reports whether nothing but a stated gap lies between two segments.
func overGap(gaps causal.Ranges, before, after SegmentHead) bool {
	return before.Last < after.First-1 && gaps.Covers(after.Replica, before.Last+1, after.First-1)
}

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

func (b *batch) obeyFence(by causal.Dot, f *syncv1.Fence) error {
	if len(f.GetReplica()) != 16 {
		return nil
	}
	if err := b.put(Act{Family: ActFence, Key: f.GetReplica(), Dot: by, Body: marshal(f)}); err != nil {
		return err
	}
	return b.reviewAllFenced()
}

// reviewAllFenced judges all revisions again that some fence may reach.
func (b *batch) reviewAllFenced() error {
	if !b.fenced {
		return nil
	}
	replicas, err := b.tx.Replicas()
	if err != nil {
		return err
	}
	for _, p := range b.pending {
		replicas = append(replicas, p.head.Replica)
	}
	for _, r := range replicas {
		if err := b.reviewFenced(r); err != nil {
			return err
		}
	}
	return nil
}

// reviewFenced judges all revisions of a replica again if a fence was ever put on
// it or on one it continues: a fence acts whenever it arrives, and which
// histories it spares can become clearer with each segment and gap.
func (b *batch) reviewFenced(r causal.ReplicaID) error {
	if !b.fenced {
		return nil
	}
	everFenced, err := b.everFenced(r)
	if err != nil || !everFenced {
		return err
	}
	heads, err := b.segmentsOf(r, 1)
	if err != nil {
		return err
	}
	seen := map[record.ID]bool{}
	for _, h := range heads {
		seg, _, err := b.segmentAt(h.Index)
		if err != nil {
			return err
		}
		for i := range seg.Len() {
			id := seg.RecordID(i)
			if seen[id] {
				continue
			}
			seen[id] = true
			w, err := b.record(id)
			if err == nil {
				err = b.reassess(w)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) everFenced(r causal.ReplicaID) (bool, error) {
	for _, o := range b.head.lineage(r) {
		acts, err := b.lookup(ActFence, o[:])
		if err != nil || len(acts) > 0 {
			return err == nil, err
		}
	}
	return false, nil
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
