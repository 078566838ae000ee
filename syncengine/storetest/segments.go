// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"math"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func segmentPromises() []promise {
	return []promise{
		{"a segment is found by hash and by leaf, with its bytes", segmentFound},
		{"a segment put again stands in place of the earlier one", segmentAgain},
		{"a segment does not move, and a leaf holds one", segmentStays},
		{"a replica's segments come in order of first counter, then leaf", segmentsOrder},
		{"counters are ordered over their whole range", segmentsRange},
		{"a replica's newest segment is that of its highest leaf", segmentNewest},
		{"replicas with a segment are listed once, ascending", replicasListed},
		{"office segments are selected by leaf, division and class, in order of leaf", officeSelects},
		{"segment lists refuse a limit below 1", segmentLimits},
	}
}

func putSegments(t *testing.T, s syncengine.Store, heads ...syncengine.SegmentHead) {
	t.Helper()
	update(t, s, func(tx syncengine.Tx) {
		for _, head := range heads {
			must(t, tx.PutSegment(head, []byte("bytes of "+head.Hash.String())))
		}
	})
}

func segmentFound(t *testing.T, s syncengine.Store) {
	zero := syncengine.SegmentHead{Index: 0, Hash: sampleHash("bare"), Replica: sampleReplica(3), First: 1, Last: 1}
	heads := []syncengine.SegmentHead{sampleHead(7, 1, 1, 20), zero, officeHead(3, record.ClassSensitive, village)}
	putSegments(t, s, heads...)
	view(t, s, func(r syncengine.Reader) {
		for _, want := range heads {
			if d := diff(want, found[syncengine.SegmentHead](t)(r.Segment(want.Hash))); d != "" {
				t.Errorf("by hash (-put +read): %s", d)
			}
			if d := diff(want, found[syncengine.SegmentHead](t)(r.SegmentAt(want.Index))); d != "" {
				t.Errorf("by leaf (-put +read): %s", d)
			}
			if b := found[[]byte](t)(r.SegmentBytes(want.Index)); string(b) != "bytes of "+want.Hash.String() {
				t.Errorf("bytes at leaf %d: %q", want.Index, b)
			}
		}
		_, ok, err := r.Segment(segment.Hash{})
		missing[any](t, "the zero hash")(nil, ok, err)
		for _, i := range []ledger.Index{1, 8, -1, math.MaxInt64} {
			_, ok, err = r.SegmentAt(i)
			missing[any](t, "a leaf without a segment")(nil, ok, err)
			_, ok, err = r.SegmentBytes(i)
			missing[any](t, "bytes at a leaf without a segment")(nil, ok, err)
		}
	})
}

func segmentAgain(t *testing.T, s syncengine.Store) {
	plain, office := sampleHead(0, 1, 1, 5), officeHead(1, record.ClassGeneral, village)
	putSegments(t, s, plain, office)
	office.Division = neighbour
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutSegment(plain, []byte("erased")), tx.PutSegment(office, nil))
	})
	view(t, s, func(r syncengine.Reader) {
		if b := found[[]byte](t)(r.SegmentBytes(0)); string(b) != "erased" {
			t.Errorf("bytes are %q", b)
		}
		if b := found[[]byte](t)(r.SegmentBytes(1)); len(b) != 0 {
			t.Errorf("bytes are %q", b)
		}
		want := []syncengine.SegmentHead{plain}
		if d := diff(want, got[[]syncengine.SegmentHead](t)(r.Segments(plain.Replica, 0, 9))); d != "" {
			t.Errorf("(-want +read): %s", d)
		}
		want = []syncengine.SegmentHead{office}
		if d := diff(want, got[[]syncengine.SegmentHead](t)(r.OfficeSegments(0, anywhere(), classes(), 9))); d != "" {
			t.Errorf("(-want +read): %s", d)
		}
	})
}

func segmentStays(t *testing.T, s syncengine.Store) {
	putSegments(t, s, sampleHead(0, 1, 1, 5))
	moved, other := sampleHead(0, 1, 1, 5), sampleHead(1, 1, 6, 9)
	moved.Index, other.Index = 1, 0
	refused(t, s, func(tx syncengine.Tx) error { return tx.PutSegment(moved, []byte("moved")) })
	refused(t, s, func(tx syncengine.Tx) error { return tx.PutSegment(other, []byte("other")) })
}

// segmentsOrder has a fork (leaf 4 beside leaf 1) and segments of very unlike length.
func segmentsOrder(t *testing.T, s syncengine.Store) {
	putSegments(
		t, s,
		sampleHead(0, 1, 1, 10), sampleHead(2, 1, 21, 21), sampleHead(1, 1, 11, 20), sampleHead(4, 1, 11, 40),
		sampleHead(3, 2, 1, 500), sampleHead(5, 1, 22, 30), sampleHead(6, 1, 41, 300), sampleHead(7, 3, 15, 15),
	)
	for _, c := range []struct {
		replica byte
		from    uint64
		limit   int
		want    []ledger.Index
	}{
		{1, 0, 100, leafs(0, 1, 4, 2, 5, 6)},
		{1, 1, 100, leafs(0, 1, 4, 2, 5, 6)},
		{1, 10, 100, leafs(0, 1, 4, 2, 5, 6)},
		{1, 11, 100, leafs(1, 4, 2, 5, 6)},
		{1, 20, 2, leafs(1, 4)},
		{1, 21, 100, leafs(4, 2, 5, 6)},
		{1, 22, 100, leafs(4, 5, 6)},
		{1, 31, 100, leafs(4, 6)},
		{1, 40, 1, leafs(4)},
		{1, 41, 100, leafs(6)},
		{1, 299, 100, leafs(6)},
		{1, 301, 100, nil},
		{1, math.MaxUint64, 100, nil},
		{2, 400, 100, leafs(3)},
		{3, 0, 100, leafs(7)},
		{4, 0, 100, nil},
	} {
		view(t, s, func(r syncengine.Reader) {
			have := got[[]syncengine.SegmentHead](t)(r.Segments(sampleReplica(c.replica), c.from, c.limit))
			if d := diff(c.want, leafsOf(have)); d != "" {
				t.Errorf("replica %d from %d, at most %d (-want +read): %s", c.replica, c.from, c.limit, d)
			}
		})
	}
}

func segmentsRange(t *testing.T, s syncengine.Store) {
	putSegments(
		t, s,
		sampleHead(0, 1, math.MaxUint64, math.MaxUint64), sampleHead(1, 1, 1<<63, 1<<63+5),
		sampleHead(2, 1, 1, 2), sampleHead(3, 1, 1<<63-3, 1<<63-1),
	)
	view(t, s, func(r syncengine.Reader) {
		for from, want := range map[uint64][]ledger.Index{
			0: leafs(2, 3, 1, 0), 3: leafs(3, 1, 0), 1 << 63: leafs(1, 0), math.MaxUint64: leafs(0),
		} {
			have := got[[]syncengine.SegmentHead](t)(r.Segments(sampleReplica(1), from, 9))
			if d := diff(want, leafsOf(have)); d != "" {
				t.Errorf("from %d (-want +read): %s", from, d)
			}
		}
	})
}

func leafs(i ...ledger.Index) []ledger.Index { return i }

func leafsOf(heads []syncengine.SegmentHead) []ledger.Index {
	var out []ledger.Index
	for _, head := range heads {
		out = append(out, head.Index)
	}
	return out
}

func segmentNewest(t *testing.T, s syncengine.Store) {
	putSegments(t, s, sampleHead(4, 2, 7, 9), sampleHead(0, 1, 1, 5), sampleHead(2, 1, 1, 1), sampleHead(1, 1, 6, math.MaxUint64), sampleHead(3, 9, 1, 1))
	view(t, s, func(r syncengine.Reader) {
		for replica, want := range map[byte]ledger.Index{1: 2, 2: 4, 9: 3} {
			head := found[syncengine.SegmentHead](t)(r.Newest(sampleReplica(replica)))
			if d := diff(sampleHead(want, replica, head.First, head.Last), head); d != "" {
				t.Errorf("replica %d (-want +read): %s", replica, d)
			}
		}
		if _, ok, err := r.Newest(sampleReplica(3)); ok || err != nil {
			t.Errorf("of a replica without segments: %t, %v", ok, err)
		}
	})
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutSegment(sampleHead(5, 1, 2, 3), []byte("one more")))
		if head := found[syncengine.SegmentHead](t)(tx.Newest(sampleReplica(1))); head.Index != 5 {
			t.Errorf("an update reads leaf %d after it wrote leaf 5", head.Index)
		}
	})
}

func replicasListed(t *testing.T, s syncengine.Store) {
	putSegments(t, s, sampleHead(0, 9, 1, 1), sampleHead(1, 200, 1, 1), sampleHead(2, 9, 2, 2), sampleHead(3, 1, 1, 1))
	want := []causal.ReplicaID{sampleReplica(1), sampleReplica(9), sampleReplica(200)}
	view(t, s, func(r syncengine.Reader) {
		if d := diff(want, got[[]causal.ReplicaID](t)(r.Replicas())); d != "" {
			t.Errorf("(-want +read): %s", d)
		}
	})
}

func officeSelects(t *testing.T, s syncengine.Store) {
	notOffice := sampleHead(6, 1, 1, 1)
	notOffice.Class, notOffice.Division = 1, village
	putSegments(
		t, s,
		officeHead(5, record.ClassGeneral, elsewhere), officeHead(0, record.ClassEveryone, ""), notOffice,
		officeHead(1, record.ClassGeneral, village), officeHead(2, record.ClassSensitive, village),
		officeHead(3, record.ClassGeneral, neighbour), officeHead(9, record.ClassEveryone, ""),
	)
	all, one := []record.Class{0, 1, 2}, []record.Class{0, 1}
	for _, c := range []struct {
		name     string
		from     ledger.Index
		prefixes []record.Division
		classes  []record.Class
		limit    int
		want     []ledger.Index
	}{
		{"everything", 0, anywhere(), all, 100, leafs(0, 1, 2, 3, 5, 9)},
		{"from a leaf", 2, anywhere(), all, 100, leafs(2, 3, 5, 9)},
		{"from before the first leaf", -5, anywhere(), all, 100, leafs(0, 1, 2, 3, 5, 9)},
		{"limited", 1, anywhere(), all, 3, leafs(1, 2, 3)},
		{"a village", 0, []record.Division{village}, all, 100, leafs(0, 1, 2, 9)},
		{"a village without a class", 0, []record.Division{village}, one, 100, leafs(0, 1, 9)},
		{"a township, limited to what is selected", 0, []record.Division{"360122"}, all, 2, leafs(0, 5)},
		{"no prefix", 0, nil, all, 100, leafs(0, 9)},
		{"not what is for everyone", 0, anywhere(), []record.Class{1}, 100, leafs(1, 3, 5)},
		{"no class", 0, anywhere(), nil, 100, nil},
	} {
		view(t, s, func(r syncengine.Reader) {
			have := got[[]syncengine.SegmentHead](t)(r.OfficeSegments(c.from, c.prefixes, c.classes, c.limit))
			if d := diff(c.want, leafsOf(have)); d != "" {
				t.Errorf("%s (-want +read): %s", c.name, d)
			}
		})
	}
}

func segmentLimits(t *testing.T, s syncengine.Store) {
	view(t, s, func(r syncengine.Reader) {
		if _, err := r.Segments(sampleReplica(1), 0, 0); err == nil {
			t.Error("segments, limit 0: no error")
		}
		if _, err := r.OfficeSegments(0, anywhere(), classes(), 0); err == nil {
			t.Error("office segments, limit 0: no error")
		}
	})
}
