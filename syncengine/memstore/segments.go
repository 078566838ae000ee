// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func (w *world) Segment(h segment.Hash) (syncengine.SegmentHead, bool, error) {
	head, ok := w.heads.get(byHash(h))
	return head, ok, nil
}

func (w *world) SegmentAt(i ledger.Index) (syncengine.SegmentHead, bool, error) {
	head, ok := w.leafs.get(byLeaf(i))
	return head, ok, nil
}

func (w *world) SegmentBytes(i ledger.Index) ([]byte, bool, error) {
	stored, ok := w.bytes.get(byLeaf(i))
	return stored, ok, nil
}

func (w *world) Segments(r causal.ReplicaID, from uint64, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	var out []syncengine.SegmentHead
	for k, head := range w.chains.from(byCounter{replica: r}) {
		if k.replica != r || len(out) == limit {
			break
		}
		if head.Last >= from {
			out = append(out, head)
		}
	}
	return out, nil
}

func (w *world) Newest(r causal.ReplicaID) (newest syncengine.SegmentHead, found bool, err error) {
	for k, head := range w.chains.from(byCounter{replica: r}) {
		if k.replica != r {
			break
		}
		if !found || head.Index > newest.Index {
			newest, found = head, true
		}
	}
	return newest, found, nil
}

func (w *world) Replicas() ([]causal.ReplicaID, error) {
	var out []causal.ReplicaID
	for k := range w.chains.all() {
		out = append(out, k.replica)
	}
	return slices.Compact(out), nil
}

func (w *world) OfficeSegments(from ledger.Index, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	var out []syncengine.SegmentHead
	for _, head := range w.office.from(byLeaf(from)) {
		if len(out) == limit {
			break
		}
		reaches := head.Class == record.ClassEveryone || head.Division.WithinAny(prefixes)
		if reaches && slices.Contains(classes, head.Class) {
			out = append(out, head)
		}
	}
	return out, nil
}

func (w *world) PutSegment(head syncengine.SegmentHead, stored []byte) error {
	if before, ok := w.heads.get(byHash(head.Hash)); ok {
		if before.Index != head.Index {
			return fmt.Errorf("segment %x: stored at leaf %d, put at leaf %d", head.Hash[:8], before.Index, head.Index)
		}
		w.chains = w.chains.without(byCounter{before.Replica, before.First, before.Index})
		w.office = w.office.without(byLeaf(before.Index))
	} else if other, ok := w.leafs.get(byLeaf(head.Index)); ok {
		return fmt.Errorf("segment %x: leaf %d is of segment %x", head.Hash[:8], head.Index, other.Hash[:8])
	}
	w.heads = w.heads.put(byHash(head.Hash), head)
	w.leafs = w.leafs.put(byLeaf(head.Index), head)
	w.chains = w.chains.put(byCounter{head.Replica, head.First, head.Index}, head)
	w.bytes = w.bytes.put(byLeaf(head.Index), stored)
	if head.Office {
		w.office = w.office.put(byLeaf(head.Index), head)
	}
	return nil
}
