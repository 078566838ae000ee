// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Sealable is a revision with the salt it was hashed with when it was saved.
type Sealable struct {
	Revision record.Revision
	Salt     [16]byte
}

// Raw is a revision as columns hold it, whether it can be read or not. All but
// its changes and its hash are those of Head.
type Raw struct {
	Head  record.Revision
	Shape []byte
	Body  []byte
	Salt  [16]byte
}

// Raw returns s as columns hold it.
func (s Sealable) Raw() Raw {
	return Raw{s.Revision, record.AppendShape(nil, s.Revision.Changes), record.AppendBody(nil, s.Revision.Changes), s.Salt}
}

// Plan returns how many of revs, from the front, fit in one segment: 0 when there
// are none or the first is too large for any. One of at most record.MaxRevision
// bytes always fits.
func Plan(revs []Sealable) int {
	var b builder
	for i, r := range revs {
		if i == MaxCount {
			return i
		}
		if b.addSealable(r); b.wireSize() > MaxSize || b.expanded > MaxExpanded {
			return i
		}
	}
	return len(revs)
}

// Seal signs revs as one segment. Of h it takes Shard, Certificate, First and
// Previous and sets the rest. The revisions must be of the signer's replica, with
// counters from First on, and must be such that Revision can read them; a hash
// in a dot must be the one under the salt. It returns an error that wraps ErrFull
// when they do not fit (see Plan), else one of record.
func Seal(signer Signer, h Header, revs []Sealable) (*Segment, error) {
	h.Replica, h.Count = causal.ReplicaOf(signer.Public()), len(revs)
	var b builder
	for i, r := range revs {
		if err := h.numbers(r.Revision.Dot, i); err != nil {
			return nil, err
		}
		b.addSealable(r)
	}
	s, err := b.seal(signer, h)
	if err != nil {
		return nil, err
	}
	var buf []record.Change
	for i, r := range revs {
		read, err := s.RevisionIn(i, buf)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		buf = read.Changes
		if stated := r.Revision.Dot.Hash; stated != (causal.Hash8{}) && stated != s.Dot(i).Hash {
			return nil, fmt.Errorf("seal: revision %d was saved under another hash or salt", s.Dot(i).Counter)
		}
	}
	return s, nil
}

// SealRaw is Seal for revisions that nobody needs to be able to read: what an
// author's own build refuses to save, another's might send.
func SealRaw(signer Signer, h Header, revs []Raw) (*Segment, error) {
	h.Replica, h.Count = causal.ReplicaOf(signer.Public()), len(revs)
	var b builder
	for i, r := range revs {
		if err := h.numbers(r.Head.Dot, i); err != nil {
			return nil, err
		}
		b.add(r)
	}
	return b.seal(signer, h)
}

// numbers returns an error unless d is the dot of revision i under h.
func (h Header) numbers(d causal.Dot, i int) error {
	if d.Replica != h.Replica || d.Counter != h.First+uint64(i) {
		return fmt.Errorf("seal: revision %s is not number %d of %s", d, h.First+uint64(i), h.Replica)
	}
	return nil
}

// seal signs what was added. It needs shard, replica, certificate, first counter,
// count and previous segment in h.
func (b *builder) seal(signer Signer, h Header) (*Segment, error) {
	if h.Count == 0 || h.Count > MaxCount || b.columnsSize() > MaxSize || b.expanded > MaxExpanded {
		return nil, fmt.Errorf("seal: %d revisions of %d bytes: %w", h.Count, b.columnsSize(), ErrFull)
	}
	if h.First == 0 || h.First > MaxCounter-uint64(h.Count) {
		return nil, fmt.Errorf("seal: first counter %d", h.First)
	}
	h.Root, h.ColumnsSize = Hash{}, b.columnsSize()
	unsigned := head{Header: h, bytes: h.encode()}
	wire := b.appendColumns(make([]byte, unsigned.size(), unsigned.size()+h.ColumnsSize))
	if len(wire) > MaxSize {
		return nil, fmt.Errorf("seal: %d bytes, at most %d: %w", len(wire), MaxSize, ErrFull)
	}
	s := &Segment{wire: wire, head: unsigned}
	root, err := s.read(wire[unsigned.size():])
	if err != nil {
		return nil, err
	}
	h.Root = root
	s.sign(signer, h)
	return s, nil
}

// sign writes suite, header and signature in front of the columns. It requires
// that h is as long as the header for which room was left.
func (s *Segment) sign(signer Signer, h Header) {
	s.head = head{Header: h, bytes: h.encode()}
	s.head.signature = signer.Sign(s.head.message())
	front := protowire.AppendBytes(append(s.wire[:0], suite), s.head.bytes)
	front = append(front, s.head.signature[:ed25519.SignatureSize]...)
	s.hash = hashOf(front)
}
