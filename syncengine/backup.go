// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Snapshot is what a backup needs beside the ledger's leaves and segments: what was
// said of the shard at one size, and all that does not follow from the leaves. The
// centre's own key is not in it: a restored centre takes a new one. Nor are enrolment
// codes: they are good until a restore.
type Snapshot struct {
	Checkpoint []byte // signed; says epoch, size and root
	ClockMs    int64  // of the centre's own replica, which never goes back
	Acts       []Act  // all families, in order of family, key, dot, body
	Values     []NamedValue
	// Erased are the places of bodies that are gone by order, in order of leaf, then dot.
	Erased []ErasedBody
}

// NamedValue is a single value of the store.
type NamedValue struct {
	Name  string
	Value []byte
}

// ErasedBody is a revision without a body, and a leaf whose segment holds it.
type ErasedBody struct {
	Leaf ledger.Index
	Dot  causal.Dot
}

// StoredLeaf is a leaf, and the stored (compressed) bytes of its segment; nil for a gap.
type StoredLeaf struct {
	Leaf    []byte
	Segment []byte
}

// Snapshot reads all but leaves and segments, in one short view.
func (e *Engine) Snapshot(ctx context.Context) (Snapshot, error) {
	var s Snapshot
	err := e.view(ctx, func(r Reader) (err error) {
		h, err := e.headOf(r)
		if err != nil {
			return err
		}
		if s.Checkpoint, err = e.signCheckpoint(r, h); err != nil {
			return err
		}
		if h.centre, err = readCentre(r); err != nil {
			return err
		}
		s.ClockMs = h.centre.clockMs
		for f := ActCertificate; f < actFamilies; f++ {
			acts, err := r.Acts(f, nil)
			if err != nil {
				return err
			}
			s.Acts = append(s.Acts, acts...)
		}
		return s.readRest(r, e.readCertificate)
	})
	if err != nil {
		return s, fmt.Errorf("snapshot: %w", err)
	}
	return s, nil
}

// readRest reads the values that do not follow from the ledger, and where bodies are
// gone, once the acts are there.
func (s *Snapshot) readRest(r Reader, read func([]byte) (segment.Certificate, error)) error {
	var names []string
	for _, a := range s.Acts {
		switch a.Family {
		case ActCertificate:
			if c, err := read(a.Body); err == nil {
				names = append(names, valueSuccessors+string(idBytes(c.Replica())))
			}
		case ActErasure:
			if err := s.locate(r, a.Key); err != nil {
				return err
			}
		}
	}
	slices.SortFunc(s.Erased, ErasedBody.compare)
	s.Erased = slices.Compact(s.Erased)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		v, ok, err := r.Value(name)
		if err != nil {
			return err
		}
		if ok {
			s.Values = append(s.Values, NamedValue{name, v})
		}
	}
	return nil
}

// locate notes every segment that has held the body of a dot.
func (s *Snapshot) locate(r SegmentReader, key []byte) error {
	d, _, err := causal.DecodeDot(key)
	if err != nil {
		return err
	}
	heads, err := segmentsAt(r, d)
	for _, h := range heads {
		s.Erased = append(s.Erased, ErasedBody{h.Index, d})
	}
	return err
}

// segmentsAt returns the segments of a replica, of every history, that have a dot's
// counter. Those come first of all that have it or a later one.
func segmentsAt(r SegmentReader, d causal.Dot) (heads []SegmentHead, err error) {
	for limit := 8; ; limit *= 4 {
		heads, err = r.Segments(d.Replica, d.Counter, limit)
		if n := len(heads); err != nil || n < limit || heads[n-1].First > d.Counter {
			break
		}
	}
	return slices.DeleteFunc(heads, func(h SegmentHead) bool { return h.First > d.Counter }), err
}

func (x ErasedBody) compare(y ErasedBody) int {
	if x.Leaf != y.Leaf {
		return int(x.Leaf - y.Leaf)
	}
	return x.Dot.Compare(y.Dot)
}

// Leaves returns leaves in order from one on, with their segments, in one short view:
// up to before, and no more after the one that brings their sizes to limit bytes.
// Before may not be over the ledger's size.
func (e *Engine) Leaves(ctx context.Context, from, before ledger.Index, limit int) ([]StoredLeaf, error) {
	var out []StoredLeaf
	err := e.view(ctx, func(r Reader) error {
		for size := 0; from < before && size < limit; from++ {
			l, err := storedLeaf(r, from)
			if err != nil {
				return fmt.Errorf("leaf %d: %w", from, err)
			}
			out = append(out, l)
			size += len(l.Leaf) + len(l.Segment)
		}
		return nil
	})
	return out, err
}

func storedLeaf(r Reader, i ledger.Index) (l StoredLeaf, err error) {
	var ok bool
	if l.Leaf, ok, err = r.Leaf(i); err != nil || !ok {
		return l, orMissing(err)
	}
	decoded, err := ledger.DecodeLeaf(l.Leaf)
	if err != nil || decoded.Gap != nil {
		return l, err
	}
	if l.Segment, ok, err = r.SegmentBytes(i); err == nil && !ok {
		err = orMissing(nil)
	}
	return l, err
}

func orMissing(err error) error {
	if err != nil {
		return err
	}
	return refuse(ReasonNotFound, "stored leaf", nil)
}

// Hashes returns the ledger's stored hashes, each question in a view of its own.
func (e *Engine) Hashes(ctx context.Context) tlog.HashReader { return hashes{ctx, e} }

type hashes struct {
	ctx context.Context
	e   *Engine
}

// ReadHashes returns stored hashes.
func (h hashes) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	err = h.e.view(h.ctx, func(r Reader) error {
		out, err = r.ReadHashes(indexes)
		return err
	})
	return out, err
}

// SignBackup signs a statement about a backup of this shard.
func (e *Engine) SignBackup(d segment.Domain, body []byte) segment.Signed {
	return segment.SignBody(e.cfg.ShardKey, d, body)
}

// Marks returns the last two backup marks ever made, oldest first, whatever their epoch.
func (e *Engine) Marks(ctx context.Context) ([]ledger.BackupMark, error) {
	var out []ledger.BackupMark
	err := e.view(ctx, func(r Reader) error {
		raws, err := readMarks(r)
		for _, raw := range raws {
			out = append(out, e.openMark(raw))
		}
		return err
	})
	return out, err
}

// MarkBackup records that a verified backup covers the ledger's first size leaves
// and returns the signed mark. Callers must have verified the backup.
func (e *Engine) MarkBackup(ctx context.Context, size ledger.Size, at time.Time) (ledger.BackupMark, error) {
	return e.MarkBackupAs(ctx, 0, size, at)
}

// MarkBackupAs is MarkBackup for a backup that has a number of its own: the mark's,
// unless one as high was used. An older file that was put back does not know how many
// were made since.
func (e *Engine) MarkBackupAs(ctx context.Context, number uint64, size ledger.Size, at time.Time) (ledger.BackupMark, error) {
	var mark ledger.BackupMark
	err := e.update(ctx, func(b *batch) error {
		if size > b.head.size {
			return refuse(ReasonInvalid, "backup mark", fmt.Errorf("ledger has %d leaves, not %d", b.head.size, size))
		}
		marks, err := readMarks(b.tx)
		if err != nil {
			return err
		}
		mark = ledger.BackupMark{
			Shard: b.e.shard, Epoch: b.head.epoch, Number: max(1, number), LedgerSize: size, VerifiedAt: at.UTC(),
		}
		if n := len(marks); n > 0 {
			mark.Number = max(number, b.e.openMark(marks[n-1]).Number+1)
		}
		raw, err := ledger.SignBackupMark(mark, b.e.cfg.ShardKey)
		if err != nil {
			return err
		}
		b.changed = true
		return b.tx.PutValue(valueMarks, encodeList(lastTwo(append(marks, raw))))
	})
	return mark, err
}
