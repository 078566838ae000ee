// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

const (
	skeletonFormat = 1
	minChange      = 2 // bytes of the smallest change in a shape: a path of one, no parents
)

// Seal computes the hash of r under salt (16 bytes), sets it in r's dot and returns
// r with its hash. It requires changes as Normalise returns them, none erased, in
// a revision that Check passes: anything else others would hold as malformed. It
// returns ErrTooLarge when r does not fit.
func (r Revision) Seal(salt []byte) (Revision, [32]byte, error) {
	skeleton, body := r.AppendSkeleton(nil), AppendBody(nil, r.Changes)
	if len(skeleton)+len(body) > MaxRevision {
		return r, [32]byte{}, fmt.Errorf("%d bytes, at most %d: %w", len(skeleton)+len(body), MaxRevision, ErrTooLarge)
	}
	hash := LeafHash(skeleton, BodyHash(salt, body))
	r.Dot.Hash = causal.Short(hash)
	return r, hash, nil
}

// BodyHash returns SHA-256(salt ‖ body). With it instead of the body a skeleton
// still proves its leaf after the body was erased.
func BodyHash(salt, body []byte) [32]byte {
	h := sha256.New()
	h.Write(salt)
	h.Write(body)
	return [32]byte(h.Sum(nil))
}

// LeafHash returns the revision's hash, which is its RFC 6962 leaf:
// SHA-256(0x00 ‖ skeleton ‖ body hash).
func LeafHash(skeleton []byte, body [32]byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(skeleton)
	h.Write(body[:])
	return [32]byte(h.Sum(nil))
}

// AppendSkeleton adds the skeleton of r to b: all of it but values and hash.
func (r Revision) AppendSkeleton(b []byte) []byte {
	return AppendShape(r.AppendHead(b), r.Changes)
}

// AppendHead adds the part of the skeleton that comes before the shape.
func (r Revision) AppendHead(b []byte) []byte {
	b = append(b, skeletonFormat)
	b = append(b, r.Dot.Replica[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Dot.Counter)
	b = append(b, r.Record[:]...)
	b = binary.AppendUvarint(b, r.Prev.Counter)
	if r.Prev.Counter > 0 {
		b = append(b, r.Prev.Hash[:]...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(r.ClockMs))
	b = binary.AppendUvarint(b, uint64(len(r.Author)))
	b = append(b, r.Author...)
	if r.ScopeSeen.Dot.IsZero() {
		return append(b, 0)
	}
	b = r.ScopeSeen.Dot.Append(append(b, 1))
	b = binary.AppendUvarint(b, uint64(len(r.ScopeSeen.Division)))
	return append(b, r.ScopeSeen.Division...)
}

// AppendShape adds the shape of changes to b: the distinct parents, then each
// path with the places of its parents among them. Saves of one form by one hand
// share their shape, so a segment stores it once.
func AppendShape(b []byte, changes []Change) []byte {
	var all causal.Vector
	for _, c := range changes {
		all = append(all, c.Parents...)
	}
	all = causal.NewVector(all...)
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, d := range all {
		b = d.Append(b)
	}
	b = binary.AppendUvarint(b, uint64(len(changes)))
	for _, c := range changes {
		b = append(b, c.Path...)
		b = binary.AppendUvarint(b, uint64(len(c.Parents)))
		for _, d := range c.Parents {
			i, _ := all.Index(d)
			b = binary.AppendUvarint(b, uint64(i))
		}
	}
	return b
}

// DecodeShape reads a whole shape: changes without values. It takes only the
// bytes AppendShape gives for changes that Normalise would leave alone;
// everything else wraps ErrMalformed, or ErrTooLarge. The paths share memory with
// a copy of b.
func DecodeShape(b []byte) ([]Change, error) { return DecodeShapeIn(nil, b) }

// DecodeShapeIn is DecodeShape with the changes in the memory of buf, as far as that
// reaches. They are good until buf is used again.
func DecodeShapeIn(buf []Change, b []byte) ([]Change, error) {
	r := reader{rest: b, text: string(b)}
	parents := r.parentTable()
	changes := r.changes(buf, parents)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the shape")
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := checkChanges(changes); err != nil {
		return nil, err
	}
	return changes, nil
}

func (r *reader) parentTable() []causal.Dot {
	parents := make([]causal.Dot, r.count(maxParents, causal.DotSize))
	for i := range parents {
		parents[i] = r.dot()
		if i > 0 && r.err == nil && parents[i-1].Compare(parents[i]) >= 0 {
			r.fail("parents not ascending")
		}
	}
	return parents
}

// changes reads the paths with their parents, each of which must be used. The
// parent lists share memory, each capped at its own end.
func (r *reader) changes(buf []Change, parents []causal.Dot) []Change {
	n := r.count(maxChanges, minChange)
	changes := slices.Grow(buf[:0], n)[:n]
	clear(changes)
	refs := make([]causal.Dot, 0, max(len(parents), min(len(changes), len(r.rest)-len(changes))))
	used, unused := make([]bool, len(parents)), len(parents)
	for i := range changes {
		changes[i].Path = r.path()
		first, last := len(refs), -1
		for n := r.count(len(parents), 1); n > 0; n-- {
			if last = r.index(len(parents), last); r.err != nil {
				return nil
			}
			if !used[last] {
				used[last], unused = true, unused-1
			}
			refs = append(refs, parents[last])
		}
		if first < len(refs) {
			changes[i].Parents = refs[first:len(refs):len(refs)]
		}
	}
	if unused > 0 {
		r.fail("a parent that no path names")
	}
	return changes
}

// AppendBody adds the body of changes to b: the token of each value in order of
// the changes, then the values. An erased value has no body any more; DecodeBody
// refuses one that says so.
func AppendBody(b []byte, changes []Change) []byte {
	for _, c := range changes {
		b = binary.AppendUvarint(b, c.Value.token())
	}
	for _, c := range changes {
		b = c.Value.appendBytes(b)
	}
	return b
}

// DecodeBody returns a copy of changes with the values that body holds, which
// share its memory. It takes only what AppendBody gives for such changes;
// everything else wraps ErrMalformed.
func DecodeBody(changes []Change, body []byte) ([]Change, error) {
	out := slices.Clone(changes)
	tokens := reader{rest: body}
	values := tokens
	for range out {
		values.uvarint()
	}
	for i := range out {
		out[i].Value = values.sized(tokens.uvarint())
		if out[i].Value.Form == Erased {
			values.fail("erased value in a body")
		}
	}
	if values.err == nil && len(values.rest) > 0 {
		values.fail("bytes after the body")
	}
	if values.err != nil {
		return nil, values.err
	}
	return out, nil
}

// DecodeSkeleton reads a whole skeleton into a revision without values and
// without hash. AppendSkeleton of the result gives b again.
func DecodeSkeleton(b []byte) (Revision, error) {
	rd := reader{rest: b}
	var r Revision
	if rd.byte() != skeletonFormat {
		rd.fail("skeleton format")
	}
	r.Dot.Replica = causal.ReplicaID(rd.array16())
	r.Dot.Counter = rd.uint64()
	r.Record = ID(rd.array16())
	if r.Prev.Counter = rd.uvarint(); r.Prev.Counter > 0 {
		r.Prev.Hash = causal.Hash8(rd.array8())
	}
	r.ClockMs = int64(rd.uint64())
	r.Author = string(rd.take(rd.count(maxAuthorBytes, 1)))
	switch rd.byte() {
	case 0:
	case 1:
		r.ScopeSeen.Dot = rd.dot()
		r.ScopeSeen.Division = Division(rd.take(rd.count(divisionDigits, 1)))
	default:
		rd.fail("scope seen")
	}
	if rd.err == nil {
		r.Changes, rd.err = DecodeShape(rd.rest)
	}
	if rd.err == nil {
		rd.err = r.checkHead()
	}
	if rd.err != nil {
		return Revision{}, rd.err
	}
	return r, nil
}
