// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Index is the place of a leaf in a ledger, from 0.
type Index int64

// Size is a number of leaves.
type Size int64

// ErrProof is wrapped when a proof does not show what it should.
var ErrProof = errors.New("proof fails")

// Append returns the hashes to store when leaf becomes entry number size. Their
// places in storage follow one another from StoredCount(size) on. It reads about
// log₂ size earlier hashes from hashes, whose error it returns.
func Append(hashes tlog.HashReader, size Size, leaf []byte) ([]tlog.Hash, error) {
	if size < 0 {
		return nil, fmt.Errorf("append to a ledger of %d leaves", size)
	}
	stored, err := tlog.StoredHashesForRecordHash(int64(size), LeafHash(leaf), hashes)
	if err != nil {
		return nil, fmt.Errorf("append to ledger: %w", err)
	}
	return stored, nil
}

// LeafHash returns the hash under which leaf stands in the tree: that of its
// hashed form.
func LeafHash(leaf []byte) tlog.Hash { return tlog.RecordHash(Hashed(leaf)) }

// StoredCount returns how many hashes are stored for a ledger of a size.
func StoredCount(size Size) int64 { return tlog.StoredHashCount(int64(size)) }

// Root returns the root of the first size leaves; of none, SHA-256 of nothing.
func Root(hashes tlog.HashReader, size Size) (tlog.Hash, error) {
	if size < 0 {
		return tlog.Hash{}, fmt.Errorf("root of %d leaves", size)
	}
	return tlog.TreeHash(int64(size), hashes)
}

// ProveRecord returns the proof that leaf i is in the ledger of a size.
func ProveRecord(hashes tlog.HashReader, size Size, i Index) (tlog.RecordProof, error) {
	return tlog.ProveRecord(int64(size), int64(i), hashes)
}

// ProveTree returns the proof that the ledger of a size begins with the older one.
func ProveTree(hashes tlog.HashReader, size, older Size) (tlog.TreeProof, error) {
	if older == 0 && size >= 0 {
		return tlog.TreeProof{}, nil
	}
	return tlog.ProveTree(int64(size), int64(older), hashes)
}

// CheckRecord returns an error that wraps ErrProof unless proof shows that the
// leaf with the given hash is number i of the ledger of a size with a root.
func CheckRecord(proof tlog.RecordProof, size Size, root tlog.Hash, i Index, leaf tlog.Hash) error {
	if err := tlog.CheckRecord(proof, int64(size), root, int64(i), leaf); err != nil {
		return fmt.Errorf("leaf %d of %d: %v: %w", i, size, err, ErrProof)
	}
	return nil
}

// CheckTree returns an error that wraps ErrProof unless proof shows that the
// ledger of a size with a root begins with the older one. Every ledger begins
// with the empty one.
func CheckTree(proof tlog.TreeProof, size Size, root tlog.Hash, older Size, olderRoot tlog.Hash) error {
	if older == 0 {
		return checkEmpty(proof, size, root, olderRoot)
	}
	if err := tlog.CheckTree(proof, int64(size), root, int64(older), olderRoot); err != nil {
		return fmt.Errorf("ledger of %d on that of %d: %v: %w", size, older, err, ErrProof)
	}
	return nil
}

func checkEmpty(proof tlog.TreeProof, size Size, root, olderRoot tlog.Hash) error {
	empty, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	if len(proof) > 0 || size < 0 || olderRoot != empty || size == 0 && root != empty {
		return fmt.Errorf("ledger of %d on the empty one: %w", size, ErrProof)
	}
	return nil
}

// Batch appends leaves to a ledger whose hashes are written later, all at once.
// It is not safe for concurrent use.
type Batch struct {
	written tlog.HashReader
	first   int64
	size    Size
	stored  []tlog.Hash
}

// NewBatch returns an empty batch on the ledger of a size whose hashes are in written.
func NewBatch(written tlog.HashReader, size Size) *Batch {
	return &Batch{written: written, size: size, first: StoredCount(size)}
}

// Add appends a leaf and returns its place. After an error the batch is as before.
func (b *Batch) Add(leaf []byte) (Index, error) {
	stored, err := Append(b, b.size, leaf)
	if err != nil {
		return 0, err
	}
	b.stored = append(b.stored, stored...)
	b.size++
	return Index(b.size - 1), nil
}

// Size returns the number of leaves with those added.
func (b *Batch) Size() Size { return b.size }

// Root returns the root of all leaves with those added.
func (b *Batch) Root() (tlog.Hash, error) { return Root(b, b.size) }

// Stored returns the hashes to write and the place in storage of the first. They
// belong to the batch.
func (b *Batch) Stored() (hashes []tlog.Hash, first int64) { return b.stored, b.first }

// ReadHashes returns hashes written or added, so that a batch is a
// tlog.HashReader of its whole ledger.
func (b *Batch) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var old []int64
	var places []int
	for k, i := range indexes {
		switch {
		case i < b.first:
			old, places = append(old, i), append(places, k)
		case i-b.first < int64(len(b.stored)):
			out[k] = b.stored[i-b.first]
		default:
			return nil, fmt.Errorf("hash %d of a ledger of %d leaves", i, b.size)
		}
	}
	if len(old) == 0 {
		return out, nil
	}
	read, err := b.written.ReadHashes(old)
	if err != nil {
		return nil, err
	}
	if len(read) != len(old) {
		return nil, fmt.Errorf("asked for %d hashes, given %d", len(old), len(read))
	}
	for k, h := range read {
		out[places[k]] = h
	}
	return out, nil
}
