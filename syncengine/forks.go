// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Stored is a segment as the ledger has it.
type Stored struct {
	Hash        segment.Hash
	First, Last uint64
	Index       ledger.Index
	ReceivedAt  time.Time
}

// ForkedReplica is a replica of which two histories are known. Neither is presumed
// the honest one.
type ForkedReplica struct {
	Replica   causal.ReplicaID
	Pairs     [][2]Stored // segments that cannot both be of one history, as stored
	Histories []History   // the longest first
}

// History is one run of segments that follow each other by hash.
type History struct {
	End   Stored
	First uint64 // counter that leads to End without a gap
	Saves int
	Held  int // of Saves, held or waiting
}

// Forks returns the replicas of which two histories are known, in order of id.
func (e *Engine) Forks(ctx context.Context) ([]ForkedReplica, error) {
	var out []ForkedReplica
	err := e.view(ctx, func(r Reader) error {
		acts, err := r.Acts(ActFork, nil)
		if err != nil {
			return err
		}
		for _, a := range acts {
			id := causal.ReplicaID(a.Key)
			if n := len(out); n == 0 || out[n-1].Replica != id {
				out = append(out, ForkedReplica{Replica: id})
			}
			if err := out[len(out)-1].addPair(r, a); err != nil {
				return err
			}
		}
		for i := range out {
			if out[i].Histories, err = e.histories(r, out[i].Replica); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (f *ForkedReplica) addPair(r Reader, a Act) error {
	if len(a.Body) != 2*len(segment.Hash{}) {
		return nil
	}
	var pair [2]Stored
	for i := range pair {
		head, ok, err := r.Segment(segment.Hash(a.Body[i*len(segment.Hash{}):]))
		if err == nil && ok {
			pair[i], err = storedAs(r, head)
		}
		if err != nil || !ok {
			return err
		}
	}
	f.Pairs = append(f.Pairs, pair)
	return nil
}

func storedAs(r LedgerReader, h SegmentHead) (Stored, error) {
	at, err := receivedAt(r, h.Index)
	return Stored{h.Hash, h.First, h.Last, h.Index, at}, err
}

// histories returns the runs of a replica's segments, the longest first.
func (e *Engine) histories(r Reader, id causal.ReplicaID) ([]History, error) {
	heads, err := allSegments(r, id, 1)
	if err != nil {
		return nil, err
	}
	byHash := map[segment.Hash]SegmentHead{}
	for _, h := range heads {
		byHash[h.Hash] = h
	}
	verdicts := verdictReader{e, r, map[ledger.Index]int{}}
	var out []History
	for _, end := range endsOf(heads) {
		one := History{First: end.First}
		if one.End, err = storedAs(r, end); err != nil {
			return nil, err
		}
		for good := range lineBack(end, byHash) {
			held, err := verdicts.notAdmitted(good)
			if err != nil {
				return nil, err
			}
			one.First, one.Held = good.First, one.Held+held
			one.Saves += int(good.Last - good.First + 1)
		}
		out = append(out, one)
	}
	slices.SortStableFunc(out, func(a, b History) int { return b.Saves - a.Saves })
	return out, nil
}

// verdictReader counts what of a segment is not part of its records, each segment once.
type verdictReader struct {
	e    *Engine
	r    Reader
	seen map[ledger.Index]int
}

func (v verdictReader) notAdmitted(h SegmentHead) (int, error) {
	if n, ok := v.seen[h.Index]; ok {
		return n, nil
	}
	seg, _, err := v.e.openStored(v.r, h.Index)
	if err != nil {
		return 0, err
	}
	n := 0
	for i := range seg.Len() {
		ps, err := storedPlaces(v.r, seg.RecordID(i))
		if err != nil {
			return 0, err
		}
		if at, ok := ps.find(seg.Dot(i)); ok && !ps[at].verdict.Admitted() {
			n++
		}
	}
	v.seen[h.Index] = n
	return n, nil
}
