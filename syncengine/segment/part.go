// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Part is some of a segment's revisions, each as sealed, under the segment's own
// signature. Of the others it shows that there are any, and nothing more: a leaf is
// a salted hash. It is no segment, and nobody takes it for one.
//
//	part     = front | revision or leaf, count times
//	revision = 1 | v length, skeleton | salt (16) | v length, body
//	leaf     = 0 | leaf (32)
type Part struct {
	Front
	revisions []PartRevision
}

// PartRevision is one revision of a Part, authentic under the part's header.
type PartRevision struct {
	Revision record.Revision // with its hash
	Salt     [16]byte
}

// MaxPart is the greatest part in bytes: what revisions may come to, and a leaf or
// lengths and a salt for each.
const MaxPart = MaxExpanded + 40*MaxCount

// Part returns the part of s with the revisions at the given places, in any order.
// Erased ones, and those that cannot be read, are never in it.
func (s *Segment) Part(places ...int) []byte {
	in := make([]bool, len(s.rows))
	for _, i := range places {
		in[i] = true
	}
	out := slices.Clone(s.Front())
	for i := range s.rows {
		r := &s.rows[i]
		if !in[i] || !s.readable(i) {
			out = append(append(out, 0), r.leaf[:]...)
			continue
		}
		skeleton := s.appendSkeleton(nil, i)
		out = binary.AppendUvarint(append(out, 1), uint64(len(skeleton)))
		out = append(append(out, skeleton...), r.salt...)
		out = binary.AppendUvarint(out, uint64(len(r.body)))
		out = append(out, r.body...)
	}
	return out
}

func (s *Segment) readable(i int) bool {
	_, err := s.Revision(i)
	return err == nil && !s.Erased(i)
}

// OpenPart reads a part and checks that its revisions are some of its header's. It
// does not check the signature: see Front.Verify. Every error wraps ErrUnreadable.
// The part keeps wire, which must not be changed afterwards.
func OpenPart(wire []byte) (*Part, error) {
	if len(wire) > MaxPart {
		return nil, unreadable("part of %d bytes, at most %d", len(wire), MaxPart)
	}
	n := min(len(wire), MaxWire)
	h, rest, err := cutHead(wire[:n])
	if err != nil {
		return nil, err
	}
	p := &Part{Front: Front{h, hashOf(wire[:h.size()])}}
	d := partReader{rest: wire[n-len(rest):]}
	var t treeRoot
	for i := range h.Count {
		leaf, err := p.take(&d, h.First+uint64(i))
		if err != nil {
			return nil, err
		}
		t.add(leaf)
	}
	if d.bad || len(d.rest) > 0 {
		return nil, unreadable("part: length")
	}
	if t.root() != h.Root {
		return nil, unreadable("part: revisions are not those of the header")
	}
	return p, nil
}

// take reads one revision or leaf and returns the leaf.
func (p *Part) take(d *partReader, counter uint64) (leaf [32]byte, err error) {
	switch form := d.take(1); {
	case d.bad:
		return leaf, unreadable("part: length")
	case form[0] == 0:
		copy(leaf[:], d.take(32))
		return leaf, nil
	case form[0] != 1:
		return leaf, unreadable("part: form %d", form[0])
	}
	skeleton, salt := d.blob(), d.take(16)
	body := d.blob()
	if d.bad {
		return leaf, unreadable("part: length")
	}
	leaf = record.LeafHash(skeleton, record.BodyHash(salt, body))
	rev, err := decodeRevision(skeleton, body)
	if err != nil {
		return leaf, unreadable("part: revision %d: %v", counter, err)
	}
	if rev.Dot.Replica != p.head.Replica || rev.Dot.Counter != counter {
		return leaf, unreadable("part: revision %d of %s is of another place", counter, p.head.Replica)
	}
	rev.Dot.Hash = causal.Short(leaf)
	p.revisions = append(p.revisions, PartRevision{rev, [16]byte(salt)})
	return leaf, nil
}

func decodeRevision(skeleton, body []byte) (record.Revision, error) {
	if len(skeleton)+len(body) > record.MaxRevision {
		return record.Revision{}, fmt.Errorf("%d bytes: %w", len(skeleton)+len(body), record.ErrTooLarge)
	}
	rev, err := record.DecodeSkeleton(skeleton)
	if err == nil {
		rev.Changes, err = record.DecodeBody(rev.Changes, body)
	}
	if err == nil {
		err = rev.Check()
	}
	return rev, err
}

// Revisions returns the revisions in the part, ascending. The caller must not change
// them.
func (p *Part) Revisions() []PartRevision { return p.revisions }

// partReader cuts bytes from the front; bad stays once there were too few.
type partReader struct {
	rest []byte
	bad  bool
}

func (d *partReader) take(n uint64) []byte {
	if d.bad = d.bad || n > uint64(len(d.rest)); d.bad {
		return make([]byte, min(n, 32))
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}

func (d *partReader) blob() []byte {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.bad = true
		return nil
	}
	d.rest = d.rest[size:]
	return d.take(n)
}
