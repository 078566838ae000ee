// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"encoding/binary"
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

// Raw is a revision as columns hold it, whether it can be read or not. Dot,
// record, prev, clock, author and scope are those of Head; its changes are not
// looked at.
type Raw struct {
	Head  record.Revision
	Shape []byte
	Body  []byte
	Salt  [16]byte
}

// Raw returns s as columns hold it.
func (s Sealable) Raw() Raw {
	return Raw{
		Head:  s.Revision,
		Shape: record.AppendShape(nil, s.Revision.Changes),
		Body:  record.AppendBody(nil, s.Revision.Changes),
		Salt:  s.Salt,
	}
}

// Plan returns how many of revs, from the front, fit in one segment: 0 when there
// are none or the first is too large for any.
func Plan(revs []Sealable) int {
	var b builder
	for i, r := range revs {
		if i == MaxCount {
			return i
		}
		if b.add(r.Raw()); b.wireSize() > MaxSize || b.expanded > MaxExpanded {
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
	raws := make([]Raw, len(revs))
	for i, r := range revs {
		raws[i] = r.Raw()
	}
	s, err := SealRaw(signer, h, raws)
	if err != nil {
		return nil, err
	}
	for i, r := range revs {
		if _, err := s.Revision(i); err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
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
	if h.Count == 0 || h.Count > MaxCount {
		return nil, fmt.Errorf("seal: %d revisions, at most %d: %w", h.Count, MaxCount, ErrFull)
	}
	if h.First == 0 || h.First > MaxCounter-uint64(h.Count) {
		return nil, fmt.Errorf("seal: first counter %d", h.First)
	}
	var b builder
	var t treeRoot
	for i, r := range revs {
		if d := r.Head.Dot; d.Replica != h.Replica || d.Counter != h.First+uint64(i) {
			return nil, fmt.Errorf("seal: revision %s is not number %d of %s", d, h.First+uint64(i), h.Replica)
		}
		b.add(r)
		t.add(r.leaf())
	}
	columns := b.columns()
	h.Root, h.ColumnsSize = t.root(), len(columns)
	wire := append(sealHead(signer, h), columns...)
	if len(wire) > MaxSize || b.expanded > MaxExpanded {
		return nil, fmt.Errorf("seal: %d bytes, at most %d: %w", len(wire), MaxSize, ErrFull)
	}
	return Open(wire)
}

func (r Raw) leaf() [32]byte {
	skeleton := append(r.Head.AppendHead(nil), r.Shape...)
	return record.LeafHash(skeleton, record.BodyHash(r.Salt[:], r.Body))
}

// sealHead returns everything before the columns.
func sealHead(signer Signer, h Header) []byte {
	signed := head{Header: h, bytes: h.encode()}
	b := protowire.AppendBytes([]byte{suite}, signed.bytes)
	return append(b, signer.Sign(signed.message())...)
}

// builder collects revisions column by column; each table entry once.
type builder struct {
	records, prevCounters, prevHashes, clocks, authorRefs, scopeRefs []byte
	shapeRefs, salts, bodySizes, bodies, erased, erasedHashes        []byte
	authors, scopes, shapes                                          table
	clock                                                            int64
	count, expanded                                                  int
}

func (b *builder) add(r Raw) {
	b.addErasable(r, nil)
}

// addErasable adds r; a body hash that is not nil stands in for body and salt.
func (b *builder) addErasable(r Raw, bodyHash []byte) {
	if bodyHash != nil {
		r.Body, r.Salt = nil, [16]byte{}
		b.erased = binary.AppendUvarint(b.erased, uint64(b.count))
		b.erasedHashes = append(b.erasedHashes, bodyHash...)
	}
	b.records = append(b.records, r.Head.Record[:]...)
	b.prevCounters = binary.AppendUvarint(b.prevCounters, r.Head.Prev.Counter)
	if r.Head.Prev.Counter > 0 {
		b.prevHashes = append(b.prevHashes, r.Head.Prev.Hash[:]...)
	}
	b.clocks = binary.AppendUvarint(b.clocks, protowire.EncodeZigZag(r.Head.ClockMs-b.clock))
	b.authorRefs = binary.AppendUvarint(b.authorRefs, b.authors.place(r.Head.Author))
	b.scopeRefs = binary.AppendUvarint(b.scopeRefs, b.scopePlace(r.Head.ScopeSeen))
	b.shapeRefs = binary.AppendUvarint(b.shapeRefs, b.shapes.place(string(r.Shape)))
	b.salts = append(b.salts, r.Salt[:]...)
	b.bodySizes = binary.AppendUvarint(b.bodySizes, uint64(len(r.Body)))
	b.bodies = append(b.bodies, r.Body...)
	b.expanded += headSize(r.Head) + len(r.Shape) + len(r.Body)
	b.clock = r.Head.ClockMs
	b.count++
}

func headSize(r record.Revision) int {
	var room [512]byte
	return len(r.AppendHead(room[:0]))
}

// scopePlace returns 0 for a revision that sets its scope itself, else the place
// of what it saw plus 1.
func (b *builder) scopePlace(seen record.ScopeSeen) uint64 {
	if seen.Dot.IsZero() {
		return 0
	}
	entry := appendBytes(nil, 1, seen.Dot.Append(nil))
	if seen.Division != "" {
		entry = appendBytes(entry, 2, []byte(seen.Division))
	}
	return b.scopes.place(string(entry)) + 1
}

// columns returns the bytes of the SegmentColumns message.
func (b *builder) columns() []byte {
	out := make([]byte, 0, b.columnsSize())
	for num := colRecords; num <= colErasedHashes; num++ {
		if t := b.table(num); t != nil {
			for _, e := range t.entries {
				out = appendBytes(out, num, []byte(e))
			}
		} else if v := b.column(num); len(v) > 0 {
			out = appendBytes(out, num, v)
		}
	}
	return out
}

func (b *builder) columnsSize() int {
	n := b.authors.size + b.scopes.size + b.shapes.size
	for num := colRecords; num <= colErasedHashes; num++ {
		if v := b.column(num); len(v) > 0 {
			n += 1 + protowire.SizeBytes(len(v))
		}
	}
	return n
}

// wireSize returns a size that the sealed segment does not exceed.
func (b *builder) wireSize() int {
	return 1 + protowire.SizeBytes(maxHeader) + ed25519.SignatureSize + b.columnsSize()
}

func (b *builder) table(num protowire.Number) *table {
	switch num {
	case colAuthors:
		return &b.authors
	case colScopes:
		return &b.scopes
	case colShapes:
		return &b.shapes
	}
	return nil
}

func (b *builder) column(num protowire.Number) []byte {
	switch num {
	case colRecords:
		return b.records
	case colPrevCounters:
		return b.prevCounters
	case colPrevHashes:
		return b.prevHashes
	case colClockDeltas:
		return b.clocks
	case colAuthorRefs:
		return b.authorRefs
	case colScopeRefs:
		return b.scopeRefs
	case colShapeRefs:
		return b.shapeRefs
	case colSalts:
		return b.salts
	case colBodySizes:
		return b.bodySizes
	case colBodies:
		return b.bodies
	case colErased:
		return b.erased
	case colErasedHashes:
		return b.erasedHashes
	}
	return nil
}

// table is a list of distinct byte strings, in order of first use.
type table struct {
	entries []string
	places  map[string]uint64
	size    int // bytes on the wire
}

func (t *table) place(e string) uint64 {
	if i, ok := t.places[e]; ok {
		return i
	}
	if t.places == nil {
		t.places = map[string]uint64{}
	}
	i := uint64(len(t.entries))
	t.places[e], t.entries = i, append(t.entries, e)
	t.size += 1 + protowire.SizeBytes(len(e))
	return i
}
