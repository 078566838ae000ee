// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

func ledgerPromises() []promise {
	return []promise{
		{"leaves come back as they were written, and size counts them", leavesComeBack},
		{"tree hashes follow one another and come back in the order asked for", hashesComeBack},
		{"a tree hash that is not stored is an error", hashesMissing},
		{"a leaf with too few or too many tree hashes is refused", leafRefused},
	}
}

func leavesComeBack(t *testing.T, s syncengine.Store) {
	leaf := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i*100) }
	for n := range 3 {
		update(t, s, func(tx syncengine.Tx) {
			for i := n * 5; i < n*5+5; i++ {
				appendLeaf(t, tx, leaf(i))
			}
		})
		view(t, s, func(r syncengine.Reader) {
			if size := got[ledger.Size](t)(r.Size()); size != ledger.Size(n*5+5) {
				t.Errorf("size %d, want %d", size, n*5+5)
			}
		})
	}
	view(t, s, func(r syncengine.Reader) {
		for i := range 15 {
			if have := found[[]byte](t)(r.Leaf(ledger.Index(i))); !bytes.Equal(have, leaf(i)) {
				t.Errorf("leaf %d is %d bytes, want %d", i, len(have), i*100)
			}
		}
		for _, i := range []ledger.Index{-1, 15} {
			_, ok, err := r.Leaf(i)
			missing[any](t, fmt.Sprint("leaf ", i))(nil, ok, err)
		}
	})
}

func hashesComeBack(t *testing.T, s syncengine.Store) {
	var want []tlog.Hash
	for i := range 9 {
		update(t, s, func(tx syncengine.Tx) { want = append(want, appendLeaf(t, tx, fmt.Append(nil, i))...) })
	}
	view(t, s, func(r syncengine.Reader) {
		for _, ask := range [][]int64{nil, {0}, {3, 1, 2}, {15, 0, 15, 0}, {7, 8, 9, 10, 11, 12, 13, 14}} {
			have := got[[]tlog.Hash](t)(r.ReadHashes(ask))
			if len(have) != len(ask) {
				t.Fatalf("asked for %v, got %d hashes", ask, len(have))
			}
			for i, n := range ask {
				if have[i] != want[n] {
					t.Errorf("asked for %v: hash %d is %s, want %s", ask, n, have[i], want[n])
				}
			}
		}
		root := got[tlog.Hash](t)(tlog.TreeHash(9, r))
		proof := got[tlog.RecordProof](t)(tlog.ProveRecord(9, 4, r))
		must(t, tlog.CheckRecord(proof, 9, root, 4, tlog.RecordHash([]byte("4"))))
	})
}

func hashesMissing(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { appendLeaf(t, tx, []byte("leaf")) })
	view(t, s, func(r syncengine.Reader) {
		for _, ask := range [][]int64{{1}, {0, 1}, {-1}} {
			if have, err := r.ReadHashes(ask); err == nil {
				t.Errorf("asked for %v: %v and no error", ask, have)
			}
		}
	})
}

func leafRefused(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { appendLeaf(t, tx, []byte("leaf")) })
	for _, n := range []int{0, 1, 3} {
		refused(t, s, func(tx syncengine.Tx) error { return tx.AppendLeaf([]byte("second"), make([]tlog.Hash, n)) })
	}
}
