// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Hashed returns the form of a leaf that the tree hashes: the leaf itself, or with
// ByRoot the same with the root of its changed verdicts instead of them. Bytes
// that are no leaf are their own form.
func Hashed(leaf []byte) []byte {
	at, entries := cutChanged(leaf)
	if len(entries) == 0 {
		return leaf
	}
	t := newChangedTree(entries)
	root, err := tlog.TreeHash(int64(len(entries)), t)
	if err != nil { // only for hashes that are not there
		return leaf
	}
	b := appendBytes(append([]byte(nil), leaf[:at]...), fieldChangedRoot, root[:])
	return appendNumber(b, fieldChangedCount, uint64(len(entries)))
}

// cutChanged returns where field 6 of a leaf begins, and its entries. It finds none
// where anything else follows them.
func cutChanged(leaf []byte) (at int, entries [][]byte) {
	for rest := leaf; len(rest) > 0; {
		f, n := cutField(rest)
		if n < 0 || len(entries) > 0 && f.num != fieldByRoot {
			return len(leaf), nil
		}
		if f.num == fieldByRoot {
			if f.bytes == nil {
				return len(leaf), nil
			}
			if len(entries) == 0 {
				at = len(leaf) - len(rest)
			}
			entries = append(entries, f.bytes)
		}
		rest = rest[n:]
	}
	return at, entries
}

// changedTree has the hashes of the tree over the entries of a leaf.
type changedTree []tlog.Hash

func newChangedTree(entries [][]byte) changedTree {
	var t changedTree
	for i, e := range entries {
		hashes, err := tlog.StoredHashes(int64(i), e, t)
		if err != nil { // only for hashes that are not there
			return nil
		}
		t = append(t, hashes...)
	}
	return t
}

// ReadHashes returns hashes in the order of tlog.StoredHashIndex.
func (t changedTree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for k, i := range indexes {
		if i < 0 || i >= int64(len(t)) {
			return nil, fmt.Errorf("hash %d of %d: %w", i, len(t), ErrProof)
		}
		out[k] = t[i]
	}
	return out, nil
}

// ProveChanged returns the proofs that the changed verdicts with the given places
// are in the hashed form of a leaf; nil where the leaf is its own form, which shows
// them all. It returns an error for a place that the leaf does not have.
func ProveChanged(leaf []byte, places ...int) ([]tlog.RecordProof, error) {
	_, entries := cutChanged(leaf)
	if len(entries) == 0 {
		return nil, nil
	}
	t := newChangedTree(entries)
	out := make([]tlog.RecordProof, len(places))
	for i, p := range places {
		proof, err := tlog.ProveRecord(int64(len(entries)), int64(p), t)
		if err != nil {
			return nil, fmt.Errorf("changed verdict %d: %w", p, err)
		}
		out[i] = proof
	}
	return out, nil
}

// Shown is a leaf as its hashed form shows it.
type Shown struct {
	Leaf             // without Changed when they stand there by their root
	root   tlog.Hash // of changed verdicts that are not shown
	Hidden int       // how many stand there by their root
	hash   tlog.Hash
}

// OpenHashed reads what Hashed returns for some leaf. Its error wraps ErrUnreadable.
func OpenHashed(form []byte) (Shown, error) {
	front, root, count, err := cutRoot(form)
	if err != nil {
		return Shown{}, fmt.Errorf("hashed leaf: %w", err)
	}
	l, err := DecodeLeaf(front)
	if err != nil || l.ByRoot || count > 0 && len(l.Changed) > 0 {
		return Shown{}, fmt.Errorf("hashed leaf: %w", ErrUnreadable)
	}
	return Shown{Leaf: l, root: root, Hidden: count, hash: tlog.RecordHash(form)}, nil
}

// cutRoot takes fields 7 and 8 off the end of a form.
func cutRoot(form []byte) (front []byte, root tlog.Hash, count int, err error) {
	for rest := form; len(rest) > 0; {
		f, n := cutField(rest)
		if n < 0 {
			return nil, root, 0, ErrUnreadable
		}
		if f.num != fieldChangedRoot {
			rest = rest[n:]
			continue
		}
		c, m := cutField(rest[n:])
		if len(f.bytes) != len(root) || m != len(rest)-n || c.num != fieldChangedCount || c.number == 0 || c.number > maxChanged {
			return nil, root, 0, ErrUnreadable
		}
		if m != protowire.SizeTag(fieldChangedCount)+protowire.SizeVarint(c.number) {
			return nil, root, 0, ErrUnreadable
		}
		return form[:len(form)-len(rest)], tlog.Hash(f.bytes), int(c.number), nil
	}
	return form, root, 0, nil
}

// maxChanged is above the number of verdicts that any leaf changes.
const maxChanged = 1 << 31

// Hash returns the hash under which the leaf stands in the tree.
func (s Shown) Hash() tlog.Hash { return s.hash }

// CheckChanged returns an error that wraps ErrProof unless proof shows that c is
// number i of the changed verdicts that the form does not show.
func (s Shown) CheckChanged(c Changed, i int, proof tlog.RecordProof) error {
	if i < 0 || i >= s.Hidden {
		return fmt.Errorf("changed verdict %d of %d: %w", i, s.Hidden, ErrProof)
	}
	if err := tlog.CheckRecord(proof, int64(s.Hidden), s.root, int64(i), tlog.RecordHash(c.encode())); err != nil {
		return fmt.Errorf("changed verdict %d of %d: %v: %w", i, s.Hidden, err, ErrProof)
	}
	return nil
}

// Names reports whether the leaf is that of a segment.
func (s Shown) Names(h segment.Hash) bool { return s.Gap == nil && s.Segment == h }
