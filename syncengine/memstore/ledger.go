// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

func (w *world) Size() (ledger.Size, error) { return w.size, nil }

func (w *world) Leaf(i ledger.Index) ([]byte, bool, error) {
	leaf, ok := w.leaves.get(byLeaf(i))
	return leaf, ok, nil
}

// ReadHashes returns the stored tree hashes with these numbers, or an error if
// one is not stored.
func (w *world) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		h, ok := w.nodes.get(byNode(n))
		if !ok {
			return nil, fmt.Errorf("tree hash %d: not stored", n)
		}
		out[i] = h
	}
	return out, nil
}

func (w *world) AppendLeaf(leaf []byte, hashes []tlog.Hash) error {
	size := int64(w.size)
	first := tlog.StoredHashCount(size)
	if owed := tlog.StoredHashCount(size+1) - first; int64(len(hashes)) != owed {
		return fmt.Errorf("leaf %d: came with %d tree hashes instead of %d", size, len(hashes), owed)
	}
	for i, h := range hashes {
		w.nodes = w.nodes.put(byNode(first+int64(i)), h)
	}
	w.leaves = w.leaves.put(byLeaf(size), leaf)
	w.size++
	return nil
}
