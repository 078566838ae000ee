// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// key returns a signer that is the same in every run.
func key(name string) segment.Signer {
	seed := sha256.Sum256([]byte(name))
	return segment.KeySigner(ed25519.NewKeyFromSeed(seed[:]))
}

func county() segment.ShardID { return segment.ShardOf(key("county").Public()) }

func epoch() Epoch { return Epoch{3, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}} }

func gap(t testing.TB) []byte {
	t.Helper()
	lost := causal.Range{Replica: causal.ReplicaOf(key("tablet").Public()), From: 4, To: 9}
	g, err := segment.NewGap(key("tablet"), county(), segment.Hash{7}, lost)
	if err != nil {
		t.Fatal(err)
	}
	return g.Raw
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func changed(n byte, v Verdict) Changed {
	return Changed{
		Record:  record.DerivedID(17, []byte{n}),
		Dot:     causal.Dot{Replica: causal.ReplicaID{n}, Counter: uint64(n) + 1, Hash: causal.Hash8{n}},
		Verdict: v,
	}
}

// leaves are one of each sort.
func leaves(t testing.TB) map[string]Leaf {
	return map[string]Leaf{
		"a segment of one save": {Segment: segment.Hash{1}, ReceivedAt: at(1_790_000_000_000), Verdicts: []Verdict{Admitted}},
		"all verdicts": {Segment: segment.Hash{2}, ReceivedAt: at(1_790_000_000_001), Verdicts: []Verdict{
			Admitted, Admitted, Waiting, HeldMalformed, HeldTooLarge, HeldUnknownKind, HeldAuthor, HeldScope, HeldScope, HeldScope,
			HeldClass, HeldFence, HeldScopeUnknown, HeldScopeMismatch, HeldWithdrawn, HeldNotCentre, HeldBoundary, Admitted,
		}},
		"a release": {
			Segment: segment.Hash{3}, ReceivedAt: at(1_790_000_000_002), Verdicts: []Verdict{Admitted},
			Changed: []Changed{changed(2, Admitted), changed(1, HeldWithdrawn), changed(2, Waiting)},
		},
		"a release told by its root": {
			Segment: segment.Hash{6}, ReceivedAt: at(1_790_000_000_005), Verdicts: []Verdict{Admitted},
			Changed: []Changed{changed(2, Admitted), changed(1, HeldWithdrawn), changed(3, HeldFence)}, ByRoot: true,
		},
		"a gap":                          {Gap: gap(t), ReceivedAt: at(1_790_000_000_003)},
		"a gap that lets others through": {Gap: gap(t), ReceivedAt: at(1_790_000_000_004), Changed: []Changed{changed(5, Admitted)}},
		"a clock at zero":                {Segment: segment.Hash{4}, ReceivedAt: at(0), Verdicts: []Verdict{Admitted}},
		"a clock before 1970":            {Segment: segment.Hash{5}, ReceivedAt: at(-1), Verdicts: []Verdict{Admitted}},
	}
}

// store keeps the hashes of a tree in memory.
type store []tlog.Hash

func (s *store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		if i < 0 || i >= int64(len(*s)) {
			return nil, errors.New("no such hash")
		}
		out[k] = (*s)[i]
	}
	return out, nil
}

// grown returns the hashes of a ledger of n leaves.
func grown(t testing.TB, n int) *store {
	t.Helper()
	var s store
	for i := range n {
		stored, err := Append(&s, Size(i), leafBytes(i))
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(s)) != StoredCount(Size(i)) {
			t.Fatalf("%d hashes stored for %d leaves", len(s), i)
		}
		s = append(s, stored...)
	}
	return &s
}

func leafBytes(i int) []byte {
	return Leaf{Segment: sha256.Sum256([]byte{byte(i), byte(i >> 8)}), ReceivedAt: at(int64(i)), Verdicts: []Verdict{Admitted}}.Encode()
}
