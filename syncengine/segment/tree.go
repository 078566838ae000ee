// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"errors"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// treeRoot computes the root of an RFC 6962 tree from its leaves' hashes, in order.
type treeRoot struct {
	n     uint
	peaks [maxPeaks]tlog.Hash // roots of the full subtrees so far, greatest first
	top   int                 // how many
}

// maxPeaks is how many full subtrees a tree of at most MaxCount leaves falls into.
const maxPeaks = 11

// add requires fewer than MaxCount leaves so far.
func (t *treeRoot) add(leaf [32]byte) {
	h := tlog.Hash(leaf)
	for k := bits.TrailingZeros(^t.n); k > 0; k-- {
		t.top--
		h = tlog.NodeHash(t.peaks[t.top], h)
	}
	t.peaks[t.top] = h
	t.top++
	t.n++
}

// root requires at least one leaf.
func (t *treeRoot) root() Hash {
	h := t.peaks[t.top-1]
	for i := t.top - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return Hash(h)
}

// Proof returns what shows, together with the header, that revision i is in the
// segment: its audit path, and its skeleton and body hash, from which
// record.LeafHash gives the leaf. tlog.CheckRecord(proof, Count, Root, i, leaf)
// accepts it.
func (s *Segment) Proof(i int) (proof tlog.RecordProof, skeleton []byte, bodyHash [32]byte, err error) {
	if i < 0 || i >= len(s.rows) {
		return nil, nil, [32]byte{}, errors.New("segment: no such revision to prove")
	}
	var scratch []byte
	return s.auditPath(0, len(s.rows), i), s.appendSkeleton(nil, i), s.bodyHash(i, &scratch), nil
}

// auditPath returns the path of leaf i within the subtree of leaves lo..hi-1,
// lowest first.
func (s *Segment) auditPath(lo, hi, i int) tlog.RecordProof {
	if hi-lo == 1 {
		return tlog.RecordProof{}
	}
	split := lo + 1<<(bits.Len(uint(hi-lo-1))-1)
	if i < split {
		return append(s.auditPath(lo, split, i), s.subtree(split, hi))
	}
	return append(s.auditPath(split, hi, i), s.subtree(lo, split))
}

func (s *Segment) subtree(lo, hi int) tlog.Hash {
	var t treeRoot
	for _, r := range s.rows[lo:hi] {
		t.add(r.leaf)
	}
	return tlog.Hash(t.root())
}
