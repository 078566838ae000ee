// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// lineage returns a replica and all whose rights it continues, nearest first, by
// any certificate that says so: a later one without a predecessor, or with another,
// lifts no fence.
func (h head) lineage(r causal.ReplicaID) []causal.ReplicaID {
	out := []causal.ReplicaID{r}
	for i := 0; i < len(out); i++ {
		for _, p := range h.before[out[i]] {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// predecessors reads what head.before holds.
func (e *Engine) predecessors(r ActReader) (map[causal.ReplicaID][]causal.ReplicaID, error) {
	certs, err := e.certificates(r)
	out := map[causal.ReplicaID][]causal.ReplicaID{}
	for _, c := range certs {
		if known := out[c.Replica()]; !c.Predecessor.IsZero() && !slices.Contains(known, c.Predecessor) {
			out[c.Replica()] = append(known, c.Predecessor)
		}
	}
	return out, err
}

// noteSuccession keeps whose rights a newly known certificate continues, and looks
// again at what a fence may now reach. Where that changes verdicts and no act said
// it (the caller of a restored centre did), the centre says it itself: changed
// verdicts need a leaf.
func (b *batch) noteSuccession(c segment.Certificate, by causal.Dot) error {
	known := b.head.before[c.Replica()]
	if c.Predecessor.IsZero() || slices.Contains(known, c.Predecessor) {
		return nil
	}
	before := map[causal.ReplicaID][]causal.ReplicaID{}
	maps.Copy(before, b.head.before)
	before[c.Replica()] = append(slices.Clip(known), c.Predecessor)
	b.head.before = before
	b.obeyed++
	if err := b.reviewSuccessors(c.Replica(), everySegment); err != nil || !by.IsZero() || len(b.leafVerdicts) == 0 {
		return err
	}
	_, err := b.actCertificate("system", c)
	return err
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

// withinFence reports whether no fence cuts this segment off: every fence in force
// on its replica, or on one whose rights it continues, must name the end of a history
// in which it lies.
func (b *batch) withinFence(head SegmentHead) (bool, error) {
	if !b.fenced {
		return true, nil
	}
	for _, r := range b.head.lineage(head.Replica) {
		fences, err := b.fences(r)
		if err != nil {
			return false, err
		}
		for _, f := range fences {
			if good, err := b.spares(f, head); err != nil || !good {
				return false, err
			}
		}
	}
	return true, nil
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
	var out []*syncv1.Fence
	for _, a := range inForce(acts) {
		var f syncv1.Fence
		if proto.Unmarshal(a.Body, &f) == nil {
			out = append(out, &f)
		}
	}
	return out
}

// inForce returns those acts of one replica's fences that cut it off.
func inForce(acts []Act) []Act {
	seen, lifted := map[string]bool{}, map[string]bool{}
	for _, a := range acts {
		var f syncv1.Fence
		if proto.Unmarshal(a.Body, &f) != nil || f.GetLifted() {
			lifted[string(a.Body)] = true // or says nothing
		}
		for _, d := range f.GetSeen() {
			seen[string(d)] = true
		}
	}
	var out []Act
	for _, a := range acts {
		if !lifted[string(a.Body)] && !seen[string(a.Dot.Append(nil))] {
			out = append(out, a)
		}
	}
	return out
}

// endsIn returns the last segments of histories that a fence names.
func endsIn(f *syncv1.Fence) []segment.Hash {
	var out []segment.Hash
	for _, raw := range f.GetHeads() {
		if len(raw) == len(segment.Hash{}) {
			out = append(out, segment.Hash(raw))
		}
	}
	return out
}

// spares reports whether the segment at lies in a history whose end a fence names.
func (b *batch) spares(f *syncv1.Fence, at SegmentHead) (bool, error) {
	for _, end := range endsIn(f) {
		if !b.e.rules.fenceByHash {
			last, ok, err := b.segment(end)
			if err != nil || ok && last.Replica == at.Replica && at.Last <= last.Last {
				return err == nil, err
			}
			continue
		}
		if l, err := b.lineTo(end); err != nil || l.good[at.Hash] {
			return err == nil, err
		}
	}
	return false, nil
}

// line is the history that ends in the head of a fence, as far as it is stored.
type line struct {
	good  map[segment.Hash]bool
	wants map[segment.Hash]bool // would be in it, were they here
}

// lineTo returns the history that ends in a segment: back from it by the previous
// hashes. It never goes over a gap, because nobody can say what lay before one:
// whoever holds the key can write that anew. Nor does it begin in other segments
// that bear the same last save: whoever holds the key can seal that again, with
// other saves before it.
func (b *batch) lineTo(end segment.Hash) (line, error) {
	if l, ok := b.lines[end]; ok {
		return l, nil
	}
	l := line{good: map[segment.Hash]bool{}, wants: map[segment.Hash]bool{}}
	last, ok, err := b.segment(end)
	if err != nil {
		return line{}, err
	}
	if !ok {
		l.wants[end] = true
		b.lines[end] = l
		return l, nil
	}
	heads, err := b.segmentsOf(last.Replica, 1)
	if err != nil {
		return line{}, err
	}
	byHash := map[segment.Hash]SegmentHead{}
	for _, h := range heads {
		byHash[h.Hash] = h
	}
	l.walk(last, byHash)
	b.lines[end] = l
	return l, nil
}

// walk takes a segment and those before it into the line.
func (l line) walk(h SegmentHead, stored map[segment.Hash]SegmentHead) {
	for !l.good[h.Hash] {
		l.good[h.Hash] = true
		before, ok := stored[h.Previous]
		if !ok {
			l.wants[h.Previous] = true
			return
		}
		if before.Last+1 != h.First {
			return
		}
		h = before
	}
}

// lengthen forgets the lines that a new segment belongs to.
func (b *batch) lengthen(head SegmentHead) {
	for end, l := range b.lines {
		if l.wants[head.Hash] {
			delete(b.lines, end)
		}
	}
}

// reviewBefore judges those segments again that a new one, which is in the line of a
// fence's head, brought into it: they came before, and nothing led to them.
func (b *batch) reviewBefore(head SegmentHead) error {
	if !b.fenced {
		return nil
	}
	if before, ok, err := b.segment(head.Previous); err != nil || !ok || before.Replica != head.Replica {
		return err
	}
	for _, r := range b.head.lineage(head.Replica) {
		fences, err := b.fences(r)
		if err != nil {
			return err
		}
		for _, f := range fences {
			if spared, err := b.spares(f, head); err != nil {
				return err
			} else if spared {
				return b.reviewSegments(head.Replica, func(h SegmentHead) (bool, error) { return h.Last < head.First, nil })
			}
		}
	}
	return nil
}

// obeyFence puts a fence in force or lifts those that it has seen. One that has seen
// none leaves alone whatever it spares.
func (b *batch) obeyFence(by causal.Dot, f *syncv1.Fence) error {
	if len(f.GetReplica()) != 16 {
		return nil
	}
	if err := b.put(Act{Family: ActFence, Key: f.GetReplica(), Dot: by, Body: marshal(f)}); err != nil {
		return err
	}
	if f.GetLifted() || len(f.GetSeen()) > 0 || !b.e.rules.fenceByHash {
		return b.reviewSuccessors(causal.ReplicaID(f.GetReplica()), everySegment)
	}
	return b.reviewSuccessors(causal.ReplicaID(f.GetReplica()), func(h SegmentHead) (bool, error) {
		spared, err := b.spares(f, h)
		return !spared, err
	})
}

func everySegment(SegmentHead) (bool, error) { return true, nil }

// reviewSuccessors judges again what a replica and those that continue it have in
// the segments that may have changed, if a fence was ever put on any before them.
func (b *batch) reviewSuccessors(of causal.ReplicaID, may func(SegmentHead) (bool, error)) error {
	if !b.fenced {
		return nil
	}
	replicas, err := b.tx.Replicas()
	if err != nil {
		return err
	}
	for _, p := range b.pending {
		if !slices.Contains(replicas, p.head.Replica) {
			replicas = append(replicas, p.head.Replica)
		}
	}
	for _, r := range replicas {
		if line := b.head.lineage(r); !slices.Contains(line, of) || !b.everFenced(line) {
			continue
		}
		if err := b.reviewSegments(r, may); err != nil {
			return err
		}
	}
	return nil
}

// everFenced reports whether a fence was ever put on one of a lineage.
func (b *batch) everFenced(line []causal.ReplicaID) bool {
	return slices.ContainsFunc(line, func(r causal.ReplicaID) bool {
		acts, err := b.lookup(ActFence, r[:])
		return err == nil && len(acts) > 0
	})
}

// reviewSegments judges all records again that those segments of a replica name
// which may have changed.
func (b *batch) reviewSegments(r causal.ReplicaID, may func(SegmentHead) (bool, error)) error {
	heads, err := b.segmentsOf(r, 1)
	if err != nil {
		return err
	}
	seen := map[record.ID]bool{}
	for _, h := range heads {
		changed, err := may(h)
		if err == nil && changed {
			err = b.reviewSegment(h, seen)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) reviewSegment(h SegmentHead, seen map[record.ID]bool) error {
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
	return nil
}
