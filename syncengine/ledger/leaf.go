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
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
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
	for _, c := range l.Changed {
		entry := appendBytes(nil, 1, c.Record[:])
		entry = appendBytes(entry, 2, c.Dot.Append(nil))
		b = appendBytes(b, 5, appendNumber(entry, 3, uint64(c.Verdict)))
	}
	return b
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
// Its error wraps ErrUnreadable.
func DecodeLeaf(b []byte) (Leaf, error) {
	var m syncv1.Leaf
	if err := proto.Unmarshal(b, &m); err != nil {
		return Leaf{}, fmt.Errorf("leaf: %v: %w", err, ErrUnreadable)
	}
	l := Leaf{ReceivedAt: time.UnixMilli(m.ReceivedAtMs).UTC()}
	var err error
	if l.Gap, err = decodeGap(m.Gap); err != nil {
		return Leaf{}, err
	}
	if len(m.SegmentHash) == len(l.Segment) {
		l.Segment = segment.Hash(m.SegmentHash)
	}
	if l.Segment.IsZero() == (l.Gap == nil) {
		return Leaf{}, fmt.Errorf("leaf: neither segment nor gap, or both: %w", ErrUnreadable)
	}
	if l.Verdicts, err = decodeRuns(m.Verdicts); err != nil {
		return Leaf{}, err
	}
	if (l.Gap == nil) == (len(l.Verdicts) == 0) {
		return Leaf{}, fmt.Errorf("leaf: %d verdicts: %w", len(l.Verdicts), ErrUnreadable)
	}
	if l.Changed, err = decodeChanged(m.Changed); err != nil {
		return Leaf{}, err
	}
	if !bytes.Equal(l.Encode(), b) {
		return Leaf{}, fmt.Errorf("leaf: not canonical: %w", ErrUnreadable)
	}
	return l, nil
}

func decodeGap(m *syncv1.GapStatement) ([]byte, error) {
	if m == nil {
		return nil, nil
	}
	raw := segment.Signed{Body: m.Body, Signature: m.Signature}.Encode()
	if _, err := segment.ParseGap(raw); err != nil {
		return nil, fmt.Errorf("leaf: %w", err)
	}
	return raw, nil
}

func decodeRuns(runs []*syncv1.VerdictRun) ([]Verdict, error) {
	var out []Verdict
	for _, r := range runs {
		if r.Count == 0 || r.Count > segment.MaxCount || len(out)+int(r.Count) > segment.MaxCount {
			return nil, fmt.Errorf("leaf: a run of %d verdicts: %w", r.Count, ErrUnreadable)
		}
		v, err := verdictFromWire(r.Verdict)
		if err != nil {
			return nil, err
		}
		for range r.Count {
			out = append(out, v)
		}
	}
	return out, nil
}

func decodeChanged(changed []*syncv1.ChangedVerdict) ([]Changed, error) {
	var out []Changed
	for _, m := range changed {
		v, err := verdictFromWire(m.Verdict)
		if err != nil {
			return nil, err
		}
		d, rest, err := causal.DecodeDot(m.Dot)
		if err != nil || len(rest) > 0 || d.IsZero() || len(m.Record) != len(record.ID{}) {
			return nil, fmt.Errorf("leaf: changed verdict: %w", ErrUnreadable)
		}
		out = append(out, Changed{record.ID(m.Record), d, v})
	}
	return out, nil
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
