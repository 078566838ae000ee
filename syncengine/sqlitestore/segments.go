// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const sqlHeadColumns = `
	SELECT leaf, hash, replica, first_counter, last_counter, previous, certificate, position, office, class, division`

// By the unique index of hash.
const sqlSegment = sqlHeadColumns + ` FROM segments WHERE hash = ?1`

// By the rowid.
const sqlSegmentAt = sqlHeadColumns + ` FROM segments WHERE leaf = ?1`

// By the rowid.
const sqlSegmentBytes = `SELECT stored FROM segment_bytes WHERE leaf = ?1`

// By segments_chain. No segment that holds counter ?3 starts before ?2.
const sqlSegments = sqlHeadColumns + ` FROM segments INDEXED BY segments_chain
	WHERE replica = ?1 AND first_counter >= ?2 AND last_counter >= ?3
	ORDER BY first_counter, leaf`

// By segments_newest.
const sqlNewest = sqlHeadColumns + ` FROM segments INDEXED BY segments_newest
	WHERE replica = ?1 ORDER BY leaf DESC LIMIT 1`

// By segments_office alone.
const sqlScanOffice = `
	SELECT leaf, class, division FROM segments INDEXED BY segments_office
	WHERE office = 1 AND leaf >= ?1
	ORDER BY leaf`

const sqlReplicas = `SELECT replica FROM replicas ORDER BY replica`

const sqlReplicaSpan = `SELECT span FROM replicas WHERE replica = ?1`

func (r reader) Segment(h segment.Hash) (syncengine.SegmentHead, bool, error) {
	return r.head(sqlSegment, func(s *sqlite.Stmt) { s.BindBytes(1, h[:]) })
}

func (r reader) SegmentAt(i ledger.Index) (syncengine.SegmentHead, bool, error) {
	return r.head(sqlSegmentAt, func(s *sqlite.Stmt) { s.BindInt64(1, int64(i)) })
}

func (r reader) head(question string, bind func(*sqlite.Stmt)) (head syncengine.SegmentHead, found bool, err error) {
	found, err = sqlitefile.One(r.conn, question, bind, func(s *sqlite.Stmt) { head = columnHead(s) })
	return head, found, err
}

// columnHead reads sqlHeadColumns.
func columnHead(s *sqlite.Stmt) syncengine.SegmentHead {
	head := syncengine.SegmentHead{
		Index:    ledger.Index(s.ColumnInt64(0)),
		First:    columnCounter(s, 3),
		Last:     columnCounter(s, 4),
		Position: syncengine.Position(s.ColumnInt64(7)),
		Office:   s.ColumnBool(8),
		Class:    record.Class(s.ColumnInt32(9)),
		Division: record.Division(s.ColumnText(10)),
	}
	s.ColumnBytes(1, head.Hash[:])
	s.ColumnBytes(2, head.Replica[:])
	s.ColumnBytes(5, head.Previous[:])
	s.ColumnBytes(6, head.Certificate[:])
	return head
}

func (r reader) SegmentBytes(i ledger.Index) (stored []byte, found bool, err error) {
	found, err = sqlitefile.One(
		r.conn, sqlSegmentBytes,
		func(s *sqlite.Stmt) { s.BindInt64(1, int64(i)) },
		func(s *sqlite.Stmt) { stored = sqlitefile.Bytes(s, 0) },
	)
	return stored, found, err
}

func (r reader) Segments(replica causal.ReplicaID, from uint64, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	span, _, err := r.span(replica)
	if err != nil {
		return nil, err
	}
	var out []syncengine.SegmentHead
	err = sqlitefile.Query(r.conn, sqlSegments, func(s *sqlite.Stmt) {
		s.BindBytes(1, replica[:])
		s.BindBytes(2, counter(from-min(from, span)))
		s.BindBytes(3, counter(from))
	}, func(s *sqlite.Stmt) bool {
		out = append(out, columnHead(s))
		return len(out) < limit
	})
	return out, err
}

// span returns how many counters beyond its first a segment of the replica has at
// most, and whether the replica has any.
func (r reader) span(replica causal.ReplicaID) (span uint64, found bool, err error) {
	found, err = sqlitefile.One(
		r.conn, sqlReplicaSpan,
		func(s *sqlite.Stmt) { s.BindBytes(1, replica[:]) },
		func(s *sqlite.Stmt) { span = columnCounter(s, 0) },
	)
	return span, found, err
}

func (r reader) Newest(replica causal.ReplicaID) (syncengine.SegmentHead, bool, error) {
	return r.head(sqlNewest, func(s *sqlite.Stmt) { s.BindBytes(1, replica[:]) })
}

func (r reader) Replicas() ([]causal.ReplicaID, error) {
	var out []causal.ReplicaID
	err := sqlitefile.Query(r.conn, sqlReplicas, nil, func(s *sqlite.Stmt) bool {
		var replica causal.ReplicaID
		s.ColumnBytes(0, replica[:])
		out = append(out, replica)
		return true
	})
	return out, err
}

func (r reader) OfficeSegments(from ledger.Index, prefixes []record.Division, classes []record.Class, limit int) ([]syncengine.SegmentHead, error) {
	if err := atLeastOne(limit); err != nil {
		return nil, err
	}
	var leaves []ledger.Index
	err := sqlitefile.Query(
		r.conn, sqlScanOffice,
		func(s *sqlite.Stmt) { s.BindInt64(1, int64(from)) },
		func(s *sqlite.Stmt) bool {
			class := record.Class(s.ColumnInt32(1))
			reaches := class == record.ClassEveryone || record.Division(s.ColumnText(2)).WithinAny(prefixes)
			if reaches && slices.Contains(classes, class) {
				leaves = append(leaves, ledger.Index(s.ColumnInt64(0)))
			}
			return len(leaves) < limit
		},
	)
	if err != nil {
		return nil, err
	}
	return r.headsAt(leaves)
}

func (r reader) headsAt(leaves []ledger.Index) ([]syncengine.SegmentHead, error) {
	var out []syncengine.SegmentHead
	for _, i := range leaves {
		head, _, err := r.SegmentAt(i)
		if err != nil {
			return nil, err
		}
		out = append(out, head)
	}
	return out, nil
}

const sqlInsertSegment = `
	INSERT INTO segments
		(leaf, hash, replica, first_counter, last_counter, previous, certificate, position, office, class, division, sum)
	VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)`

const sqlUpdateSegment = `
	UPDATE segments SET
		replica = ?3, first_counter = ?4, last_counter = ?5, previous = ?6, certificate = ?7,
		position = ?8, office = ?9, class = ?10, division = ?11, sum = ?12
	WHERE leaf = ?1 AND hash = ?2`

const sqlPutSegmentBytes = `
	INSERT INTO segment_bytes (leaf, stored) VALUES (?1, ?2)
	ON CONFLICT (leaf) DO UPDATE SET stored = excluded.stored`

const sqlPutReplica = `
	INSERT INTO replicas (replica, span) VALUES (?1, ?2)
	ON CONFLICT (replica) DO UPDATE SET span = max(span, excluded.span)`

func (t tx) PutSegment(head syncengine.SegmentHead, stored []byte) error {
	before, known, err := t.Segment(head.Hash)
	switch {
	case err != nil:
		return err
	case known && before.Index != head.Index:
		return fmt.Errorf("segment %x: stored at leaf %d, put at leaf %d", head.Hash[:8], before.Index, head.Index)
	}
	if err := t.putHead(head, known); err != nil {
		return err
	}
	err = t.write(afterBytes, sqlPutSegmentBytes, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(head.Index))
		s.BindBytes(2, stored)
	})
	if err != nil {
		return err
	}
	return t.putReplica(head)
}

func (t tx) putHead(head syncengine.SegmentHead, known bool) error {
	position, err := stored(head.Position)
	if err != nil {
		return err
	}
	statement := sqlInsertSegment
	if known {
		statement = sqlUpdateSegment
	}
	return t.write(afterHead, statement, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(head.Index))
		s.BindBytes(2, head.Hash[:])
		s.BindBytes(3, head.Replica[:])
		s.BindBytes(4, counter(head.First))
		s.BindBytes(5, counter(head.Last))
		s.BindBytes(6, head.Previous[:])
		s.BindBytes(7, head.Certificate[:])
		s.BindInt64(8, position)
		s.BindBool(9, head.Office)
		s.BindInt64(10, int64(head.Class))
		s.BindText(11, string(head.Division))
		s.BindInt64(12, headSum(head))
	})
}

// putReplica lists the replica and how far its segments span. Most segments
// change neither.
func (t tx) putReplica(head syncengine.SegmentHead) error {
	span, found, err := t.span(head.Replica)
	if err != nil || found && span >= head.Last-head.First {
		return err
	}
	err = t.write(afterReplica, sqlPutReplica, func(s *sqlite.Stmt) {
		s.BindBytes(1, head.Replica[:])
		s.BindBytes(2, binary.BigEndian.AppendUint64(nil, head.Last-head.First))
	})
	if err == nil && !found {
		t.named[t.conn.LastInsertRowID()] = head.Replica
	}
	return err
}
