// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"bytes"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// A state bears things that stand elsewhere too: its first replica, the record's
// subject and its division. cuts say which of them are left out of the stored state,
// and where they were in the whole one: the low byte is one more than the place of the
// subject, the next one more than that of the division, the rest the number of the
// replica; 0: not left out. They come in the order replica, subject, division.
type cuts int64

func (c cuts) subject() int   { return int(c&0xff) - 1 }
func (c cuts) division() int  { return int(c>>8&0xff) - 1 }
func (c cuts) replica() int64 { return int64(c >> 16) }

const (
	// replicaAt is where states have their first replica.
	replicaAt   = 2
	replicaSize = len(causal.ReplicaID{})

	// maxCut is how far from its beginning a state is searched. Subject and division
	// are among the first values, and so further back in records of many authors only.
	maxCut = 0xff
)

// cut returns the state of a row without what stands elsewhere, in memory of its own.
func (n *names) cut(row syncengine.RecordRow) ([]byte, cuts) {
	var c cuts
	out, from := make([]byte, 0, len(row.State)), 0
	without := func(at, size int) { out, from = append(out, row.State[from:at]...), at+size }
	if len(row.State) >= replicaAt+replicaSize {
		if number := n.numbers[causal.ReplicaID(row.State[replicaAt:])]; number != 0 {
			without(replicaAt, replicaSize)
			c |= cuts(number << 16)
		}
	}
	if at := find(row.State, row.Subject[:], from); at >= 0 && !row.Subject.IsZero() {
		without(at, len(row.Subject))
		c |= cuts(at + 1)
	}
	if _, ok := number(row.Divisions); ok {
		if at := find(row.State, []byte(row.Divisions[0]), from); at >= 0 {
			without(at, digits)
			c |= cuts(at+1) << 8
		}
	}
	return append(out, row.State[from:]...), c
}

// find returns where in b what begins, from a place on and before maxCut, else -1.
func find(b, what []byte, from int) int {
	end := min(len(b), maxCut+len(what)-1)
	if at := bytes.Index(b[min(from, end):end], what); at >= 0 {
		return from + at
	}
	return -1
}

// columnState returns the whole state of a row whose other columns are read, nil when
// the row is damaged: it names a replica that is not listed, or pieces have no room.
func (n *names) columnState(s *sqlite.Stmt, column int, c cuts, row *syncengine.RecordRow) []byte {
	if c == 0 {
		return sqlitefile.Bytes(s, column)
	}
	var pieces [3]piece
	replica, ok := n.replica(c.replica())
	if !ok {
		return nil
	}
	if c.replica() != 0 {
		pieces[0] = piece{replicaAt, replica[:]}
	}
	if at := c.subject(); at >= 0 {
		pieces[1] = piece{at, row.Subject[:]}
	}
	if at := c.division(); at >= 0 {
		if len(row.Divisions) == 0 {
			return nil
		}
		pieces[2] = piece{at, []byte(row.Divisions[0])}
	}
	return joinColumn(s, column, pieces[:])
}

// piece is something that was cut out of a state, and where.
type piece struct {
	at    int
	bytes []byte
}

// joinColumn returns the bytes of a column with pieces, in order, put back; nil when
// they have no room there, because the row is damaged.
func joinColumn(s *sqlite.Stmt, column int, pieces []piece) []byte {
	missing := 0
	for _, p := range pieces {
		missing += len(p.bytes)
	}
	out := make([]byte, missing+s.ColumnLen(column))
	s.ColumnBytes(column, out[missing:])
	whole := 0 // so much of the beginning is as it was
	for _, p := range pieces {
		if len(p.bytes) > 0 {
			if p.at < whole || p.at+len(p.bytes) > len(out) {
				return nil
			}
			copy(out[whole:p.at], out[whole+missing:])
			whole = p.at + copy(out[p.at:], p.bytes)
			missing -= len(p.bytes)
		}
	}
	return out
}
