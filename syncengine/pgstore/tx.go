// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// tx is a reader that writes. Writes are gathered; what a lookup by key asks for is looked for
// among them first, and before a list is asked for they are sent.
type tx struct {
	reader
	batch   pgx.Batch
	size    int64
	lastRef int64
	commits int64 // before this one

	records map[record.ID]syncengine.RecordRow // written here
	refs    map[record.ID]int64                // read or written here; 0: it was not there
	values  map[string][]byte
	sums    map[syncengine.SumKey]syncengine.Sum
	heads   map[segment.Hash]syncengine.SegmentHead
	at      map[ledger.Index]segment.Hash
	hashes  map[int64]tlog.Hash
	leaves  map[ledger.Index][]byte
}

var (
	_ syncengine.Tx     = (*tx)(nil)
	_ syncengine.Marked = (*tx)(nil)
)

// Mark counts the commits before this one.
func (t *tx) Mark() (uint64, error) { return uint64(t.commits), nil }

func newTx(ctx context.Context, t pgx.Tx, shard []byte) *tx {
	return &tx{
		reader: reader{ctx: ctx, q: t, shard: shard}, records: map[record.ID]syncengine.RecordRow{}, refs: map[record.ID]int64{},
		values: map[string][]byte{}, sums: map[syncengine.SumKey]syncengine.Sum{}, heads: map[segment.Hash]syncengine.SegmentHead{},
		at: map[ledger.Index]segment.Hash{}, hashes: map[int64]tlog.Hash{}, leaves: map[ledger.Index][]byte{},
	}
}

// flush sends what was gathered.
func (t *tx) flush() error {
	if t.batch.Len() == 0 {
		return nil
	}
	err := t.q.SendBatch(t.ctx, &t.batch).Close()
	t.batch = pgx.Batch{}
	return err
}

// put gathers a statement about the shard.
func (t *tx) put(text string, args ...any) error {
	t.batch.Queue(text, append([]any{t.shard}, args...)...)
	if t.batch.Len() >= mostGathered {
		return t.flush()
	}
	return nil
}

// mostGathered bounds what waits in memory.
const mostGathered = 4096

// Record looks among what was written here first.
func (t *tx) Record(id record.ID) (syncengine.RecordRow, bool, error) {
	if row, ok := t.records[id]; ok {
		return row, true, nil
	}
	if ref, known := t.refs[id]; known && ref == 0 {
		return syncengine.RecordRow{}, false, nil
	}
	row, ok, err := t.reader.Record(id)
	if err == nil {
		t.refs[id] = row.Ref
	}
	return row, ok, err
}

// Feed, and the other lists, see what was written here.
func (t *tx) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Feed(q)
}

// Departures sees what was written here.
func (t *tx) Departures(after, upTo syncengine.Position, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.Departure, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Departures(after, upTo, prefixes, classes, limit)
}

// Sums sees what was written here.
func (t *tx) Sums() (map[syncengine.SumKey]syncengine.Sum, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Sums()
}

// Segment looks among what was written here first.
func (t *tx) Segment(h segment.Hash) (syncengine.SegmentHead, bool, error) {
	if head, ok := t.heads[h]; ok {
		return head, true, nil
	}
	return t.reader.Segment(h)
}

// SegmentAt looks among what was written here first.
func (t *tx) SegmentAt(i ledger.Index) (syncengine.SegmentHead, bool, error) {
	if h, ok := t.at[i]; ok {
		return t.heads[h], true, nil
	}
	return t.reader.SegmentAt(i)
}

// SegmentBytes sees what was written here.
func (t *tx) SegmentBytes(i ledger.Index) ([]byte, bool, error) {
	if err := t.flush(); err != nil {
		return nil, false, err
	}
	return t.reader.SegmentBytes(i)
}

// Segments sees what was written here.
func (t *tx) Segments(of causal.ReplicaID, from uint64, limit int) ([]syncengine.SegmentHead, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Segments(of, from, limit)
}

// Newest sees what was written here.
func (t *tx) Newest(of causal.ReplicaID) (syncengine.SegmentHead, bool, error) {
	if err := t.flush(); err != nil {
		return syncengine.SegmentHead{}, false, err
	}
	return t.reader.Newest(of)
}

// Replicas sees what was written here.
func (t *tx) Replicas() ([]causal.ReplicaID, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Replicas()
}

// OfficeSegments sees what was written here.
func (t *tx) OfficeSegments(from ledger.Index, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.SegmentHead, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.OfficeSegments(from, prefixes, classes, limit)
}

// Acts sees what was written here.
func (t *tx) Acts(f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	return t.reader.Acts(f, key)
}

// Value looks among what was written here first.
func (t *tx) Value(name string) ([]byte, bool, error) {
	if value, ok := t.values[name]; ok {
		return value, true, nil
	}
	return t.reader.Value(name)
}

// Size counts what was appended here.
func (t *tx) Size() (ledger.Size, error) { return ledger.Size(t.size), nil }

// Leaf looks among what was appended here first.
func (t *tx) Leaf(i ledger.Index) ([]byte, bool, error) {
	if leaf, ok := t.leaves[i]; ok {
		return leaf, true, nil
	}
	return t.reader.Leaf(i)
}

// ReadHashes looks among what was appended here first.
func (t *tx) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	var missing []int64
	for i, n := range indexes {
		h, ok := t.hashes[n]
		if out[i] = h; !ok {
			missing = append(missing, n)
		}
	}
	stored, err := t.reader.ReadHashes(missing)
	if err != nil {
		return nil, err
	}
	for i, n := range indexes {
		if _, ok := t.hashes[n]; !ok {
			out[i], stored = stored[0], stored[1:]
		}
	}
	return out, nil
}

const (
	sqlNewRecord = `
	INSERT INTO xz_records (shard, id, ref, position, kind, class, flags, divisions, subject, places, state)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	sqlPutRecord = `
	UPDATE xz_records SET ref = $3, position = $4, kind = $5, class = $6, flags = $7, divisions = $8, subject = $9, places = $10, state = $11
	WHERE shard = $1 AND id = $2`
)

// PutRecord stores a row: a new one when Ref is 0, else in place of the one it was read from.
func (t *tx) PutRecord(row syncengine.RecordRow) error {
	ref, known := t.refs[row.ID]
	if !known {
		before, _, err := t.Record(row.ID)
		if err != nil {
			return err
		}
		ref = before.Ref
	}
	text := sqlPutRecord
	switch {
	case row.Ref == 0 && ref != 0:
		return fmt.Errorf("record %s: %w", row.ID, syncengine.ErrRecordStored)
	case row.Ref == 0:
		t.lastRef++
		row.Ref, text = t.lastRef, sqlNewRecord
	case row.Ref != ref:
		return fmt.Errorf("record %s: it was not read from this store", row.ID)
	}
	subject := []byte{}
	if !row.Subject.IsZero() {
		subject = row.Subject[:]
	}
	t.records[row.ID], t.refs[row.ID] = row, row.Ref
	return t.put(
		text, row.ID[:], row.Ref, signed(row.Position), int32(row.ID.Kind()), int16(row.Class), int16(row.Flags), divisionsText(row.Divisions),
		subject, full(row.Places), full(row.State),
	)
}

// full returns b, or no bytes in place of nil, which would be null.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

const (
	sqlDropDeparture = `DELETE FROM xz_departures WHERE shard = $1 AND record = $2 AND division = $3`
	sqlNewDeparture  = `INSERT INTO xz_departures (shard, record, division, class, position) VALUES ($1, $2, $3, $4, $5)`
	sqlDropSum       = `DELETE FROM xz_sums WHERE shard = $1 AND division = $2 AND class = $3`
	sqlNewSum        = `INSERT INTO xz_sums (shard, division, class, count, total) VALUES ($1, $2, $3, $4, $5)`
	sqlDropValue     = `DELETE FROM xz_named_values WHERE shard = $1 AND name = $2`
	sqlNewValue      = `INSERT INTO xz_named_values (shard, name, value) VALUES ($1, $2, $3)`
	sqlNewAct        = `
	INSERT INTO xz_acts (shard, family, key, dot, digest, body) SELECT $1, $2, $3, $4, $5, $6
	WHERE NOT EXISTS (SELECT 1 FROM xz_acts WHERE shard = $1 AND family = $2 AND key = $3 AND dot = $4 AND digest = $5)`
)

// PutDeparture stores d in place of an earlier one.
func (t *tx) PutDeparture(d syncengine.Departure) error {
	if err := t.DeleteDeparture(d.Record, d.Division); err != nil {
		return err
	}
	return t.put(sqlNewDeparture, d.Record[:], []byte(d.Division), int16(d.Class), signed(d.Position))
}

// DeleteDeparture removes a departure, if there is one.
func (t *tx) DeleteDeparture(id record.ID, division record.Division) error {
	return t.put(sqlDropDeparture, id[:], []byte(division))
}

// PutSum stores a pile; an empty one is removed.
func (t *tx) PutSum(k syncengine.SumKey, sum syncengine.Sum) error {
	if err := t.put(sqlDropSum, []byte(k.Division), int16(k.Class)); err != nil || sum.Count == 0 {
		return err
	}
	return t.put(sqlNewSum, []byte(k.Division), int16(k.Class), int64(sum.Count), sum.Total[:])
}

// PutValue stores a value in place of an earlier one.
func (t *tx) PutValue(name string, value []byte) error {
	t.values[name] = value
	if err := t.put(sqlDropValue, []byte(name)); err != nil {
		return err
	}
	return t.put(sqlNewValue, []byte(name), full(value))
}

// PutAct stores an act; the same one twice is once.
func (t *tx) PutAct(a syncengine.Act) error {
	digest := sha256.Sum256(a.Body)
	return t.put(sqlNewAct, int16(a.Family), full(a.Key), a.Dot.Append(nil), digest[:], full(a.Body))
}

const (
	sqlNewSegment = `
	INSERT INTO xz_segments (shard, leaf, hash, replica, first_counter, last_counter, previous, certificate, position, office, class, division)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	sqlDropSegment = `DELETE FROM xz_segments WHERE shard = $1 AND leaf = $2`
	sqlDropBytes   = `DELETE FROM xz_segment_bytes WHERE shard = $1 AND leaf = $2`
	sqlNewBytes    = `INSERT INTO xz_segment_bytes (shard, leaf, stored) VALUES ($1, $2, $3)`
)

// PutSegment stores a segment, and again when a body was erased.
func (t *tx) PutSegment(h syncengine.SegmentHead, stored []byte) error {
	before, ok, err := t.Segment(h.Hash)
	switch {
	case err != nil:
		return err
	case ok && before.Index != h.Index:
		return fmt.Errorf("segment %x: stored at leaf %d, put at leaf %d", h.Hash[:8], before.Index, h.Index)
	case !ok:
		other, taken, err := t.SegmentAt(h.Index)
		if err != nil {
			return err
		}
		if taken {
			return fmt.Errorf("segment %x: leaf %d is of segment %x", h.Hash[:8], h.Index, other.Hash[:8])
		}
	default:
		if err := t.put(sqlDropSegment, int64(h.Index)); err != nil {
			return err
		}
		if err := t.put(sqlDropBytes, int64(h.Index)); err != nil {
			return err
		}
	}
	t.heads[h.Hash], t.at[h.Index] = h, h.Hash
	office := int16(0)
	if h.Office {
		office = 1
	}
	if err := t.put(
		sqlNewSegment, int64(h.Index), h.Hash[:], h.Replica[:], counter(h.First), counter(h.Last), h.Previous[:], h.Certificate[:],
		signed(h.Position), office, int16(h.Class), []byte(h.Division),
	); err != nil {
		return err
	}
	return t.put(sqlNewBytes, int64(h.Index), full(stored))
}

const (
	sqlNewLeaf = `INSERT INTO xz_leaves (shard, leaf, bytes) VALUES ($1, $2, $3)`
	sqlNewHash = `INSERT INTO xz_tree_hashes (shard, number, hash) VALUES ($1, $2, $3)`
)

// AppendLeaf stores the next leaf and the tree hashes it completes.
func (t *tx) AppendLeaf(leaf []byte, hashes []tlog.Hash) error {
	first := tlog.StoredHashCount(t.size)
	if owed := tlog.StoredHashCount(t.size+1) - first; int64(len(hashes)) != owed {
		return fmt.Errorf("leaf %d: came with %d tree hashes instead of %d", t.size, len(hashes), owed)
	}
	added := map[int64]tlog.Hash{}
	for i, h := range hashes {
		added[first+int64(i)] = h
		if err := t.put(sqlNewHash, first+int64(i), h[:]); err != nil {
			return err
		}
	}
	maps.Copy(t.hashes, added)
	t.leaves[ledger.Index(t.size)] = leaf
	if err := t.put(sqlNewLeaf, t.size, full(leaf)); err != nil {
		return err
	}
	t.size++
	return nil
}
