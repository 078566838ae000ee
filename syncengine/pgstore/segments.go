// SPDX-License-Identifier: Apache-2.0

package pgstore

import (
	"encoding/binary"
	"strconv"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const columnsSegment = `
	SELECT leaf, hash, replica, first_counter, last_counter, previous, certificate, position, office, class, division FROM xz_segments`

// segmentRow is a head as it is scanned.
type segmentRow struct {
	leaf, position                                              int64
	hash, replica, first, last, previous, certificate, division []byte
	office, class                                               int16
}

func (s *segmentRow) columns() []any {
	return []any{&s.leaf, &s.hash, &s.replica, &s.first, &s.last, &s.previous, &s.certificate, &s.position, &s.office, &s.class, &s.division}
}

func (s *segmentRow) head() syncengine.SegmentHead {
	return syncengine.SegmentHead{
		Index: ledger.Index(s.leaf), Hash: segment.Hash(s.hash), Replica: causal.ReplicaID(s.replica),
		First: binary.BigEndian.Uint64(s.first), Last: binary.BigEndian.Uint64(s.last), Previous: segment.Hash(s.previous),
		Certificate: segment.Hash(s.certificate), Position: syncengine.Position(s.position), Office: s.office != 0,
		Class: record.Class(s.class), Division: record.Division(s.division),
	}
}

// segment returns the one head, or the first, that where selects by its key $2.
func (r *reader) segment(where string, key any) (syncengine.SegmentHead, bool, error) {
	var s segmentRow
	ok, err := r.one(columnsSegment+` WHERE shard = $1 AND `+where, []any{r.shard, key}, s.columns()...)
	if err != nil || !ok {
		return syncengine.SegmentHead{}, false, err
	}
	return s.head(), true, nil
}

// Segment returns the head of the segment with this hash.
func (r *reader) Segment(h segment.Hash) (syncengine.SegmentHead, bool, error) {
	return r.segment(`hash = $2`, h[:])
}

// SegmentAt returns the head of the segment whose leaf has this index.
func (r *reader) SegmentAt(i ledger.Index) (syncengine.SegmentHead, bool, error) {
	return r.segment(`leaf = $2`, int64(i))
}

// SegmentBytes returns the stored bytes of the segment at a leaf.
func (r *reader) SegmentBytes(i ledger.Index) (stored []byte, ok bool, err error) {
	ok, err = r.one(`SELECT stored FROM xz_segment_bytes WHERE shard = $1 AND leaf = $2`, []any{r.shard, int64(i)}, &stored)
	return stored, ok, err
}

func (r *reader) heads(q *question) ([]syncengine.SegmentHead, error) {
	var out []syncengine.SegmentHead
	var s segmentRow
	err := r.each(q, s.columns(), func() error {
		out = append(out, s.head())
		return nil
	})
	return out, err
}

// Segments returns a replica's segments that hold a counter of at least from.
func (r *reader) Segments(of causal.ReplicaID, from uint64, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	q := ask(columnsSegment+` WHERE shard = $1 AND replica = $2 AND last_counter >= $3
		ORDER BY first_counter, leaf LIMIT `+strconv.Itoa(limit), r.shard, of[:], counter(from))
	return r.heads(q)
}

// Newest returns the head of a replica's segment with the highest leaf.
func (r *reader) Newest(of causal.ReplicaID) (syncengine.SegmentHead, bool, error) {
	return r.segment(`replica = $2 ORDER BY leaf DESC LIMIT 1`, of[:])
}

// Replicas returns every replica that has a segment, ascending.
func (r *reader) Replicas() ([]causal.ReplicaID, error) {
	var out []causal.ReplicaID
	var id []byte
	err := r.each(ask(`SELECT DISTINCT replica FROM xz_segments WHERE shard = $1 ORDER BY replica`, r.shard), []any{&id}, func() error {
		out = append(out, causal.ReplicaID(id))
		return nil
	})
	return out, err
}

// OfficeSegments returns office segments in order of leaf.
func (r *reader) OfficeSegments(from ledger.Index, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil || len(classes) == 0 {
		return nil, err
	}
	q := ask(columnsSegment+` WHERE shard = $1 AND office = 1 AND leaf >= $2`, r.shard, int64(from))
	q.among("class", classes)
	q.add(" AND (class = ?", int16(record.ClassEveryone))
	for _, p := range prefixes {
		q.add(" OR position(? in (' '::bytea || division)) = 1", []byte(" "+string(p)))
	}
	q.text.WriteString(") ORDER BY leaf LIMIT " + strconv.Itoa(limit))
	return r.heads(q)
}
