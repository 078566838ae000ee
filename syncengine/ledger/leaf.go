// SPDX-License-Identifier: Apache-2.0

// Package ledger is what the centre says it has: the leaves of a shard's
// append-only list, their RFC 6962 tree, the signed checkpoints of that tree, and
// the acks and backup marks that refer to it.
//
// The one invariant: a leaf, once appended, is hashed as it was written, and its
// bytes determine its content and its content its bytes. Whoever replays the
// leaves reads every verdict from them and judges nothing again.
//
// The package is pure: hashes come from a tlog.HashReader and go back to the
// caller, who writes them in the transaction of the leaf. DESIGN.md beside this
// file has the byte tables.
package ledger

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// ErrUnreadable is segment.ErrUnreadable: every error about bytes or text that do
// not follow the formats of this package wraps it. Bad signatures wrap
// segment.ErrSignature.
var ErrUnreadable = segment.ErrUnreadable

// Leaf is one entry of a ledger: an accepted segment or an accepted gap
// statement, and what it changed.
type Leaf struct {
	Segment segment.Hash // zero when the leaf is a gap
	Gap     []byte       // a serialised syncv1.GapStatement; nil when it is a segment
	// ReceivedAt is by the centre's clock, in whole milliseconds, UTC.
	ReceivedAt time.Time
	// Verdicts has one for each revision of the segment, in order of their counters.
	Verdicts []Verdict
	// Changed are new verdicts of earlier revisions, in the order in which they
	// were worked in.
	Changed []Changed
	// ByRoot: the tree has the root of Changed, so that one of them can be shown
	// without the others. False without Changed, and in leaves of older builds.
	ByRoot bool
}

// Changed is a new verdict for a revision stored earlier.
type Changed struct {
	Record  record.ID
	Dot     causal.Dot
	Verdict Verdict
}

// Encode returns the bytes of l, a protobuf Leaf in canonical form: fields in
// order, nothing that says zero, equal verdicts in a row as one run.
// DecodeLeaf(l.Encode()) gives l, its time cut to milliseconds.
func (l Leaf) Encode() []byte {
	var b []byte
	if !l.Segment.IsZero() {
		b = appendBytes(b, 1, l.Segment[:])
	}
	if len(l.Gap) > 0 {
		b = appendBytes(b, 2, l.Gap)
	}
	b = appendNumber(b, 3, uint64(l.ReceivedAt.UnixMilli()))
	for rest := l.Verdicts; len(rest) > 0; {
		n := run(rest)
		b = appendBytes(b, 4, appendNumber(appendNumber(nil, 1, uint64(rest[0])), 2, uint64(n)))
		rest = rest[n:]
	}
	field := fieldChanged
	if l.ByRoot {
		field = fieldByRoot
	}
	for _, c := range l.Changed {
		b = appendBytes(b, field, c.encode())
	}
	return b
}

// Fields of a leaf that have changed verdicts, and what the tree has instead.
const (
	fieldChanged      protowire.Number = 5
	fieldByRoot       protowire.Number = 6
	fieldChangedRoot  protowire.Number = 7
	fieldChangedCount protowire.Number = 8
)

// encode returns the bytes of c as they stand in a leaf.
func (c Changed) encode() []byte {
	b := appendBytes(nil, 1, c.Record[:])
	b = appendBytes(b, 2, c.Dot.Append(nil))
	return appendNumber(b, 3, uint64(c.Verdict))
}

// run returns how many verdicts at the front are equal.
func run(v []Verdict) int {
	n := 1
	for n < len(v) && v[n] == v[0] {
		n++
	}
	return n
}

// DecodeLeaf reads what Encode writes for some leaf that can be: one of segment
// and gap, verdicts for segments only and at most segment.MaxCount, each known.
// Its error wraps ErrUnreadable. It needs no more memory than a few times b.
func DecodeLeaf(b []byte) (Leaf, error) {
	l := Leaf{ReceivedAt: time.UnixMilli(0).UTC()}
	for rest := b; len(rest) > 0; {
		f, n := cutField(rest)
		if n < 0 {
			return Leaf{}, fmt.Errorf("leaf: field: %w", ErrUnreadable)
		}
		if err := l.set(f); err != nil {
			return Leaf{}, fmt.Errorf("leaf: field %d: %w", f.num, err)
		}
		rest = rest[n:]
	}
	if l.Segment.IsZero() == (l.Gap == nil) || (l.Gap == nil) == (len(l.Verdicts) == 0) {
		return Leaf{}, fmt.Errorf("leaf: not one segment with verdicts, or one gap: %w", ErrUnreadable)
	}
	if !bytes.Equal(l.Encode(), b) {
		return Leaf{}, fmt.Errorf("leaf: not canonical: %w", ErrUnreadable)
	}
	return l, nil
}

// set takes one field of a leaf; whether fields stand in order is for the caller.
func (l *Leaf) set(f field) error {
	switch {
	case f.num == 1 && len(f.bytes) == len(l.Segment):
		l.Segment = segment.Hash(f.bytes)
	case f.num == 2:
		g, err := segment.ParseGap(f.bytes)
		l.Gap = g.Raw
		return err
	case f.num == 3 && f.bytes == nil:
		l.ReceivedAt = time.UnixMilli(int64(f.number)).UTC()
	case f.num == 4:
		return l.addRun(f.bytes)
	case f.num == fieldChanged || f.num == fieldByRoot:
		l.ByRoot = f.num == fieldByRoot
		return l.addChanged(f.bytes)
	default:
		return ErrUnreadable
	}
	return nil
}

func (l *Leaf) addRun(b []byte) error {
	verdict, n := cutField(b)
	if n < 0 || verdict.num != 1 || verdict.bytes != nil {
		return ErrUnreadable
	}
	count, m := cutField(b[n:])
	if m != len(b)-n || count.num != 2 || count.bytes != nil {
		return ErrUnreadable
	}
	v, err := verdictOf(verdict.number)
	if err != nil {
		return err
	}
	if count.number > uint64(segment.MaxCount-len(l.Verdicts)) {
		return fmt.Errorf("%d verdicts more: %w", count.number, ErrUnreadable)
	}
	l.Verdicts = append(l.Verdicts, slices.Repeat([]Verdict{v}, int(count.number))...)
	return nil
}

func (l *Leaf) addChanged(b []byte) error {
	var c Changed
	id, n := cutField(b)
	if n < 0 || id.num != 1 || len(id.bytes) != len(c.Record) {
		return ErrUnreadable
	}
	dot, m := cutField(b[n:])
	if m < 0 || dot.num != 2 || len(dot.bytes) != causal.DotSize {
		return ErrUnreadable
	}
	verdict, k := cutField(b[n+m:])
	if k != len(b)-n-m || verdict.num != 3 || verdict.bytes != nil {
		return ErrUnreadable
	}
	v, err := verdictOf(verdict.number)
	if err != nil {
		return err
	}
	d, _, err := causal.DecodeDot(dot.bytes)
	if err != nil || d.IsZero() {
		return fmt.Errorf("no dot: %w", ErrUnreadable)
	}
	l.Changed = append(l.Changed, Changed{record.ID(id.bytes), d, v})
	return nil
}

// field is one field of a protobuf message: a number, or bytes that are not nil.
type field struct {
	num    protowire.Number
	number uint64
	bytes  []byte
}

// cutField reads the field at the front of b and returns its length, below 0 when
// there is none.
func cutField(b []byte) (field, int) {
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 {
		return field{}, -1
	}
	switch typ {
	case protowire.VarintType:
		v, m := protowire.ConsumeVarint(b[n:])
		return field{num: num, number: v}, plus(n, m)
	case protowire.BytesType:
		v, m := protowire.ConsumeBytes(b[n:])
		return field{num: num, bytes: v}, plus(n, m)
	}
	return field{}, -1
}

// plus adds a length to another, which is below 0 when there is none.
func plus(n, m int) int {
	if m < 0 {
		return -1
	}
	return n + m
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}
