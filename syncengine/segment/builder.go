// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// builder collects revisions column by column; each table entry once.
type builder struct {
	plain                    [colEnd][]byte // the columns that are no tables, by field number
	authors, scopes, shapes  table
	clockMs                  int64
	count, expanded          int
	shape, body, entry, head []byte // scratch
}

func (b *builder) addSealable(s Sealable) {
	b.shape = record.AppendShape(b.shape[:0], s.Revision.Changes)
	b.body = record.AppendBody(b.body[:0], s.Revision.Changes)
	b.add(Raw{s.Revision, b.shape, b.body, s.Salt})
}

func (b *builder) add(r Raw) {
	b.addHead(r.Head)
	b.number(colShapeRefs, b.shapes.place(r.Shape))
	b.bytes(colSalts, r.Salt[:])
	b.number(colBodySizes, uint64(len(r.Body)))
	b.bytes(colBodies, r.Body)
	b.head = r.Head.AppendHead(b.head[:0])
	b.expanded += len(b.head) + len(r.Shape) + len(r.Body)
	b.count++
}

// addErased adds r with a hash in the place of body and salt.
func (b *builder) addErased(r Raw, bodyHash [32]byte) {
	b.number(colErased, uint64(b.count))
	b.bytes(colErasedHashes, bodyHash[:])
	r.Body, r.Salt = nil, [16]byte{}
	b.add(r)
}

func (b *builder) addHead(r record.Revision) {
	b.bytes(colRecords, r.Record[:])
	b.number(colPrevCounters, r.Prev.Counter)
	if r.Prev.Counter > 0 {
		b.bytes(colPrevHashes, r.Prev.Hash[:])
	}
	b.number(colClockDeltas, protowire.EncodeZigZag(r.ClockMs-b.clockMs))
	b.clockMs = r.ClockMs
	b.entry = append(b.entry[:0], r.Author...)
	b.number(colAuthorRefs, b.authors.place(b.entry))
	b.number(colScopeRefs, b.scopePlace(r.ScopeSeen))
}

// scopePlace returns 0 for a revision that sets its scope itself, else the place
// of what it saw plus 1.
func (b *builder) scopePlace(seen record.ScopeSeen) uint64 {
	if seen.Dot.IsZero() {
		return 0
	}
	b.head = seen.Dot.Append(b.head[:0])
	b.entry = appendBytes(b.entry[:0], 1, b.head)
	if seen.Division != "" {
		b.entry = appendBytes(b.entry, 2, []byte(seen.Division))
	}
	return b.scopes.place(b.entry) + 1
}

func (b *builder) bytes(num protowire.Number, v []byte) { b.plain[num] = append(b.plain[num], v...) }

func (b *builder) number(num protowire.Number, v uint64) {
	b.plain[num] = binary.AppendUvarint(b.plain[num], v)
}

// appendColumns adds the SegmentColumns message to out.
func (b *builder) appendColumns(out []byte) []byte {
	for num := colRecords; num < colEnd; num++ {
		if t := b.table(num); t != nil {
			for _, e := range t.entries {
				out = protowire.AppendString(protowire.AppendTag(out, num, protowire.BytesType), e)
			}
		} else if v := b.plain[num]; len(v) > 0 {
			out = appendBytes(out, num, v)
		}
	}
	return out
}

// columnsSize returns how many bytes appendColumns adds.
func (b *builder) columnsSize() int {
	n := b.authors.size + b.scopes.size + b.shapes.size
	for _, v := range b.plain {
		if len(v) > 0 {
			n += 1 + protowire.SizeBytes(len(v))
		}
	}
	return n
}

// wireSize returns a size that the sealed segment does not exceed.
func (b *builder) wireSize() int {
	return 1 + protowire.SizeBytes(maxHeader) + ed25519.SignatureSize + b.columnsSize()
}

// table returns the table with a field number, nil when that field is none.
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

// table is a list of distinct byte strings, in order of first use.
type table struct {
	entries []string
	places  map[string]uint64
	size    int // bytes on the wire
}

// place returns the place of e, which it adds when it is new.
func (t *table) place(e []byte) uint64 {
	if i, ok := t.places[string(e)]; ok {
		return i
	}
	if t.places == nil {
		t.places = map[string]uint64{}
	}
	i, entry := uint64(len(t.entries)), string(e)
	t.places[entry], t.entries = i, append(t.entries, entry)
	t.size += 1 + protowire.SizeBytes(len(entry))
	return i
}
