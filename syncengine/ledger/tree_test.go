// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// root computes RFC 6962 by its own words.
func root(leaves []tlog.Hash) tlog.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		return tlog.NodeHash(root(leaves[:k]), root(leaves[k:]))
	}
}

func TestEveryLeafAndEveryOlderLedgerIsProved(t *testing.T) {
	const most = 18
	s := grown(t, most)
	var hashes, roots []tlog.Hash
	for size := Size(0); size <= most; size++ {
		r, err := Root(s, size)
		if err != nil || r != root(hashes) {
			t.Fatalf("root of %d: %v, %v", size, r, err)
		}
		hashes, roots = append(hashes, LeafHash(leafBytes(int(size)))), append(roots, r)
	}
	for size := Size(1); size <= most; size++ {
		for i := range Index(size) {
			proof, err := ProveRecord(s, size, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := CheckRecord(proof, size, roots[size], i, hashes[i]); err != nil {
				t.Error(err)
			}
			if err := CheckRecord(proof, size, roots[size-1], i, hashes[i]); !errors.Is(err, ErrProof) {
				t.Errorf("leaf %d of %d under another root: %v", i, size, err)
			}
			if err := CheckRecord(proof, size, roots[size], i, hashes[size]); !errors.Is(err, ErrProof) {
				t.Errorf("another leaf as %d of %d: %v", i, size, err)
			}
		}
	}
	for size := Size(0); size <= most; size++ {
		for older := Size(0); older <= size; older++ {
			checkConsistency(t, s, roots, size, older)
		}
	}
}

func checkConsistency(t *testing.T, s tlog.HashReader, roots []tlog.Hash, size, older Size) {
	t.Helper()
	proof, err := ProveTree(s, size, older)
	if err != nil {
		t.Fatalf("%d on %d: %v", size, older, err)
	}
	if err := CheckTree(proof, size, roots[size], older, roots[older]); err != nil {
		t.Error(err)
	}
	if err := CheckTree(proof, size, roots[size], older, tlog.Hash{1}); !errors.Is(err, ErrProof) {
		t.Errorf("%d on another ledger of %d: %v", size, older, err)
	}
	if err := CheckTree(append(slices.Clone(proof), tlog.Hash{}), size, roots[size], older, roots[older]); !errors.Is(err, ErrProof) {
		t.Errorf("%d on %d with a longer proof: %v", size, older, err)
	}
}

func TestProofsOfWhatIsNotThere(t *testing.T) {
	s := grown(t, 5)
	for _, i := range []Index{-1, 5} {
		if _, err := ProveRecord(s, 5, i); err == nil {
			t.Errorf("leaf %d of 5", i)
		}
		if err := CheckRecord(nil, 5, tlog.Hash{}, i, tlog.Hash{}); !errors.Is(err, ErrProof) {
			t.Errorf("leaf %d of 5: %v", i, err)
		}
	}
	for _, older := range []Size{-1, 6} {
		if _, err := ProveTree(s, 5, older); err == nil {
			t.Errorf("5 on %d", older)
		}
		if err := CheckTree(nil, 5, tlog.Hash{}, older, tlog.Hash{}); !errors.Is(err, ErrProof) {
			t.Errorf("5 on %d: %v", older, err)
		}
	}
	if _, err := Root(s, -1); err == nil {
		t.Error("root of -1")
	}
	if _, err := Append(s, -1, nil); err == nil {
		t.Error("appended to -1")
	}
	if _, err := Root(s, 6); err == nil {
		t.Error("root of more leaves than are stored")
	}
	if err := CheckTree(nil, -1, tlog.Hash{}, 0, tlog.Hash{}); !errors.Is(err, ErrProof) {
		t.Errorf("-1 on 0: %v", err)
	}
	empty := root(nil)
	if err := CheckTree(nil, 0, tlog.Hash{1}, 0, empty); !errors.Is(err, ErrProof) {
		t.Errorf("an empty ledger with leaves: %v", err)
	}
}

func TestBatchesGiveTheSameTreeAsSingleLeaves(t *testing.T) {
	const most = 33
	want := grown(t, most)
	for _, sizes := range [][]int{{most}, {1, 2, 3, 4, 5, 6, 7, 5}, {16, 17}, {0, 31, 0, 2}} {
		var have store
		done := 0
		for _, n := range sizes {
			b := NewBatch(&have, Size(done))
			for range n {
				if i, err := b.Add(leafBytes(done)); err != nil || i != Index(done) {
					t.Fatalf("leaf %d at %d: %v", done, i, err)
				}
				done++
			}
			r, err := b.Root()
			if wanted, _ := Root(want, Size(done)); err != nil || r != wanted || b.Size() != Size(done) {
				t.Fatalf("root of %d leaves: %v", b.Size(), err)
			}
			stored, first := b.Stored()
			if first != int64(len(have)) {
				t.Fatalf("hashes go to %d, %d are there", first, len(have))
			}
			have = append(have, stored...)
		}
		if !slices.Equal(have, *want) {
			t.Errorf("batches of %v: other hashes", sizes)
		}
	}
}

func TestBatchAfterAnErrorIsAsBefore(t *testing.T) {
	s := grown(t, 7)
	broken := true
	b := NewBatch(tlog.HashReaderFunc(func(i []int64) ([]tlog.Hash, error) {
		if broken {
			return nil, errors.New("disk")
		}
		return s.ReadHashes(i)
	}), 7)
	if _, err := b.Add(leafBytes(7)); err == nil {
		t.Fatal("added without the hashes it needs")
	}
	if stored, _ := b.Stored(); len(stored) != 0 || b.Size() != 7 {
		t.Errorf("%d leaves, %d hashes", b.Size(), len(stored))
	}
	broken = false
	if i, err := b.Add(leafBytes(7)); err != nil || i != 7 {
		t.Errorf("leaf %d: %v", i, err)
	}
	if _, err := b.ReadHashes([]int64{99}); err == nil {
		t.Error("read a hash that is not there")
	}
	short := NewBatch(tlog.HashReaderFunc(func([]int64) ([]tlog.Hash, error) { return nil, nil }), 7)
	if _, err := short.Add(leafBytes(7)); err == nil {
		t.Error("added with fewer hashes than asked for")
	}
}
