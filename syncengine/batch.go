// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// batch is one transaction of the engine: everything that several pushes change,
// kept in memory until flush writes it (I1). A batch whose Update fails is
// dropped, and the engine's head stays as it was.
type batch struct {
	e    *Engine
	tx   Tx
	now  time.Time
	head head // becomes the engine's when the commit succeeded

	trusting bool // records that their makers' saves create are taken for new

	works   map[record.ID]*work
	order   []*work // as first touched
	pending []pendingSegment

	erasedSegs []pendingSegment // stored before, rewritten here
	changed    bool             // something was written that is not in works or pending

	leaf         ledger.Index // of the leaf being made
	leafChanges  map[causal.Dot]int
	leafVerdicts []ledger.Changed

	buf  []record.Change // of the revision being received
	slab []byte          // encoded states lie here one after the other

	acts   actIndex              // new in this batch
	lines  map[segment.Hash]line // of the heads of fences
	obeyed int                   // how many acts and successions were new in this batch
	fenced bool                  // there is any fence at all
	known  map[record.Kind][]record.Path
	sums   map[SumKey]Sum // piles that this batch changes, as they become
	certs  map[segment.Hash]segment.Certificate
}

type pendingSegment struct {
	head SegmentHead
	seg  *segment.Segment
}

// work is one record inside a batch.
type work struct {
	row    RecordRow
	state  record.State
	places places
	stale  bool // must be written

	memo    *memo // nil: nothing of it is judged yet
	doubted bool  // its verdicts are being judged anew
	undone  bool  // state is not that of the verdicts until redefine
}

func (e *Engine) newBatch(tx Tx, h head) *batch {
	h.edge = maps.Clone(h.edge)
	e.room.Clear()
	return &batch{
		e: e, tx: tx, now: e.now(), head: h,
		works:       map[record.ID]*work{},
		leafChanges: map[causal.Dot]int{},
		acts:        actIndex{},
		lines:       map[segment.Hash]line{},
		fenced:      h.acts.fenced(),
		known:       map[record.Kind][]record.Path{},
		sums:        map[SumKey]Sum{},
		certs:       map[segment.Hash]segment.Certificate{},
	}
}

// record returns the batch's copy of a record, read on first use.
func (b *batch) record(id record.ID) (*work, error) {
	if w, ok := b.works[id]; ok {
		return w, nil
	}
	row, ok, err := b.tx.Record(id)
	if err != nil {
		return nil, err
	}
	w := &work{row: row}
	if !ok {
		w.row = RecordRow{ID: id}
	} else if w.state, w.places, err = row.decodeIn(&b.e.room); err != nil {
		return nil, fmt.Errorf("record %s: %w", id, err)
	}
	b.add(w)
	return w, nil
}

func (b *batch) add(w *work) {
	b.works[w.row.ID] = w
	b.order = append(b.order, w)
}

// recordOf returns the batch's copy of the record of a segment's revision. A save by
// which its maker creates a record comes before all others but for forks and for
// carriers out of order, so a trusting batch does not look whether the record is
// stored: flush finds out, and the batch is tried again without trust.
func (b *batch) recordOf(seg *segment.Segment, i int) (*work, error) {
	id := seg.RecordID(i)
	_, known := b.works[id]
	if known || !b.trusting || !seg.Creates(i) || id.Derived() {
		return b.record(id)
	}
	w := &work{row: RecordRow{ID: id}}
	b.add(w)
	return w, nil
}

func (r RecordRow) decode() (record.State, places, error) { return r.decodeIn(nil) }

// decodeIn is decode with the live values in the memory of room.
func (r RecordRow) decodeIn(room *record.Room) (record.State, places, error) {
	s, err := record.DecodeStateIn(room, r.State)
	if err != nil {
		return s, nil, err
	}
	p, err := decodePlaces(r.Places, s.VV)
	return s, p, err
}

// segmentAt returns the segment at a leaf, of this batch or the store.
func (b *batch) segmentAt(at ledger.Index) (*segment.Segment, SegmentHead, error) {
	for _, p := range b.pending {
		if p.head.Index == at {
			return p.seg, p.head, nil
		}
	}
	for _, p := range slices.Backward(b.erasedSegs) {
		if p.head.Index == at {
			return p.seg, p.head, nil
		}
	}
	return b.e.openStored(b.tx, at)
}

// revision returns a stored revision. Its error wraps record.ErrMalformed when it
// cannot be read though it is authentic; the dot is right even then.
func (b *batch) revision(p place) (record.Revision, error) {
	seg, _, err := b.segmentAt(p.leaf)
	if err != nil {
		return record.Revision{Dot: p.dot}, err
	}
	rev, err := seg.Revision(p.at)
	rev.Dot = p.dot
	return rev, err
}

// setVerdict records a new verdict of an earlier revision, for the row and, when
// the revision is not of the leaf being made, for the leaf (I11).
func (b *batch) setVerdict(w *work, i int, v ledger.Verdict) {
	p := &w.places[i]
	p.verdict, w.stale = v, true
	if p.leaf == b.leaf {
		return
	}
	if k, ok := b.leafChanges[p.dot]; ok {
		b.leafVerdicts[k].Verdict = v
		return
	}
	b.leafChanges[p.dot] = len(b.leafVerdicts)
	b.leafVerdicts = append(b.leafVerdicts, ledger.Changed{Record: w.row.ID, Dot: p.dot, Verdict: v})
}

// appendLeaf closes the leaf being made. Verdicts of a segment's revisions are
// read from the records, so that they are the ones after all its effects.
func (b *batch) appendLeaf(l ledger.Leaf) error {
	l.ReceivedAt, l.Changed, l.ByRoot = b.now, b.leafVerdicts, len(b.leafVerdicts) > 0
	return b.appendRaw(l.Encode())
}

// appendRaw appends the bytes of a leaf and begins the next one.
func (b *batch) appendRaw(raw []byte) error {
	hashes, err := ledger.Append(edgeReader{b.head.edge, b.tx}, b.head.size, raw)
	if err != nil {
		return fmt.Errorf("leaf %d: %w", b.head.size, err)
	}
	if err := b.tx.AppendLeaf(raw, hashes); err != nil {
		return err
	}
	first := tlog.StoredHashIndex(0, int64(b.head.size))
	for i, h := range hashes {
		b.head.edge[first+int64(i)] = h
	}
	b.head.size++
	b.head.trimEdge()
	b.leaf = ledger.Index(b.head.size)
	b.leafVerdicts, b.leafChanges = nil, map[causal.Dot]int{}
	return nil
}

// edgeReader answers for the tree's right edge from memory.
type edgeReader struct {
	edge map[int64]tlog.Hash
	tx   tlog.HashReader
}

func (r edgeReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		h, ok := r.edge[at]
		if !ok {
			return r.tx.ReadHashes(indexes)
		}
		out[i] = h
	}
	return out, nil
}

// maxEdge bounds the hashes kept in memory; the edge itself needs at most 63.
const maxEdge = 1024

func (h *head) trimEdge() {
	if len(h.edge) > maxEdge {
		clear(h.edge)
	}
}

// flush writes the records and segments that changed, each record at a position
// of its own, in the order they were first touched (I5).
func (b *batch) flush() error {
	if !b.dirty() {
		return nil
	}
	for _, w := range b.order {
		if w.stale {
			if err := b.flushRecord(w); err != nil {
				return fmt.Errorf("record %s: %w", w.row.ID, err)
			}
		}
	}
	for k, sum := range b.sums {
		if err := b.tx.PutSum(k, sum); err != nil {
			return err
		}
	}
	for i := range b.pending {
		p := &b.pending[i]
		p.head.Position = b.head.position
		if err := b.tx.PutSegment(p.head, b.e.zstd.Compress(p.seg.Bytes())); err != nil {
			return fmt.Errorf("segment: %w", err)
		}
	}
	if err := b.tx.PutValue(valuePosition, binary.BigEndian.AppendUint64(nil, uint64(b.head.position))); err != nil {
		return err
	}
	return b.tx.PutValue(valueCentre, b.head.centre.encode())
}

// dirty reports whether there is anything to write.
func (b *batch) dirty() bool {
	return b.changed || len(b.pending) > 0 || slices.ContainsFunc(b.order, func(w *work) bool { return w.stale })
}

func readPosition(r Reader) (Position, error) {
	raw, ok, err := r.Value(valuePosition)
	if err != nil || !ok {
		return 0, err
	}
	if len(raw) != 8 {
		return 0, fmt.Errorf("feed position: %w", record.ErrMalformed)
	}
	return Position(binary.BigEndian.Uint64(raw)), nil
}

func (b *batch) flushRecord(w *work) error {
	old := w.row
	divisions, err := b.divisions(w)
	if err != nil {
		return err
	}
	b.head.position++
	w.row.Position = b.head.position
	w.row.Class = b.e.class(w.row.ID.Kind())
	w.row.Divisions = divisions
	w.row.Subject, _ = w.state.Subject()
	w.row.Flags = flagsOf(w)
	w.row.State = b.encode(w.state)
	w.row.Places = w.places.encode()
	b.addSums(old, -1)
	b.addSums(w.row, +1)
	if err := b.depart(old, w.row); err != nil {
		return err
	}
	return b.tx.PutRecord(w.row)
}

// slabSize is how much memory for encoded states is taken at a time.
const slabSize = 64 << 10

// encode returns the canonical bytes of a state. They share their memory with
// those of other states of the batch, and have no room to grow into.
func (b *batch) encode(s record.State) []byte {
	if cap(b.slab)-len(b.slab) < slabSize/16 {
		b.slab = make([]byte, 0, slabSize)
	}
	before := len(b.slab)
	b.slab = s.Append(b.slab)
	return b.slab[before:len(b.slab):len(b.slab)]
}

func flagsOf(w *work) Flags {
	var f Flags
	if len(w.state.Held) > 0 {
		f |= FlagHeld
	}
	if slices.ContainsFunc(w.places, func(p place) bool { return p.verdict.Waiting() }) {
		f |= FlagWaiting
	}
	if w.row.Class != record.ClassEveryone && !w.state.Bears(record.PathScope) {
		f |= FlagNoScope
	}
	if w.state.Conflicts() > 0 {
		f |= FlagConflict
	}
	if w.state.Life() == record.LifeVoided {
		f |= FlagVoided
	}
	return f
}

// class returns the privacy class of a kind; of one this build does not know the
// sensitive one, so that it goes to the fewest.
func (e *Engine) class(k record.Kind) record.Class {
	if k <= maxActKind {
		return record.ClassEveryone
	}
	if info, ok := e.cfg.Schema.Lookup(k); ok {
		return info.Class
	}
	return record.ClassSensitive
}

// divisions returns where a record is sent: its present scopes, or, while none is
// live, the scopes that its revisions saw or set.
func (b *batch) divisions(w *work) ([]record.Division, error) {
	if live := w.state.Divisions(); len(live) > 0 {
		return live, nil
	}
	var out []record.Division
	for _, p := range w.places {
		rev, err := b.revision(p)
		if unreadable(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if !rev.ScopeSeen.Dot.IsZero() {
			out = append(out, rev.ScopeSeen.Division)
		}
		if c, ok := rev.Change(record.PathScope); ok && c.Value.Form == record.Present {
			out = append(out, record.Division(c.Value.Bytes))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// addSums takes a row into the piles of its divisions, or out of them.
func (b *batch) addSums(row RecordRow, sign int) {
	if !row.received() || row.huge() || len(row.Divisions) == 0 {
		return
	}
	print := record.Fingerprint(row.ID, row.State)
	for _, d := range row.Divisions {
		k := SumKey{d, row.Class}
		sum, ok := b.sums[k]
		if !ok {
			sum = b.head.sums[k]
		}
		b.sums[k] = sum.add(print, sign)
	}
}

// received reports whether the row's state has any revision: rows of records that
// only wait are kept but not sent.
func (r RecordRow) received() bool { return len(r.State) > emptyStateSize }

// huge reports whether the state is too large to be sent: then devices have no such
// record, and it counts in no pile.
func (r RecordRow) huge() bool { return len(r.State) > session.MaxState }

var emptyStateSize = len(record.State{}.Append(nil))

// add returns s with one record's fingerprint added (sign +1) or taken away (-1).
func (s Sum) add(print [32]byte, sign int) Sum {
	if sign < 0 {
		s.Count--
		s.Total = subtract(s.Total, print)
		return s
	}
	s.Count++
	s.Total = add(s.Total, print)
	return s
}

func add(a, b [32]byte) (out [32]byte) {
	carry := uint16(0)
	for i := 31; i >= 0; i-- {
		carry += uint16(a[i]) + uint16(b[i])
		out[i] = byte(carry)
		carry >>= 8
	}
	return out
}

func subtract(a, b [32]byte) [32]byte {
	for i := range b {
		b[i] = ^b[i]
	}
	one := [32]byte{31: 1}
	return add(add(a, b), one)
}

// depart keeps a departure for every division the record left, and none for
// those it is in.
func (b *batch) depart(old, row RecordRow) error {
	if slices.Equal(old.Divisions, row.Divisions) {
		return nil
	}
	for _, d := range old.Divisions {
		if slices.Contains(row.Divisions, d) {
			continue
		}
		if err := b.tx.PutDeparture(Departure{Record: row.ID, Division: d, Class: row.Class, Position: row.Position}); err != nil {
			return err
		}
	}
	if old.Ref == 0 {
		return nil
	}
	for _, d := range row.Divisions {
		if err := b.tx.DeleteDeparture(row.ID, d); err != nil {
			return err
		}
	}
	return nil
}
