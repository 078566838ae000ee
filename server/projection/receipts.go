// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"encoding/binary"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// saver is who saved a revision, and on what.
type saver struct {
	replica causal.ReplicaID
	author  string
}

// The receipts of a record are, each number a varint,
//
//	receipts = [receipt [receipt]]
//	receipt  = received at (ms) | saved at minus received at (ms) | saver | counter
//
// the second one only where the latest revision is not the first. Savers have numbers from 1;
// a negative one is of a revision that cannot be read, of which only the replica is known.

const (
	sqlSaverNumber = `SELECT number FROM savers WHERE replica = ?1 AND author = ?2`
	sqlPutSaver    = `INSERT INTO savers (replica, author) VALUES (?1, ?2) RETURNING number`
	sqlSaver       = `SELECT replica, author FROM savers WHERE number = ?1`
)

// receipts returns the receipts of a record as they are stored.
func (t *taking) receipts(r syncengine.Receipts) ([]byte, error) {
	if r.First.Counter == 0 {
		return nil, nil
	}
	b, err := t.receipt(nil, r.First)
	if err == nil && r.Last != r.First {
		b, err = t.receipt(b, r.Last)
	}
	return b, err
}

func (t *taking) receipt(b []byte, r syncengine.Receipt) ([]byte, error) {
	number, err := t.number(saver{r.Replica, r.Author})
	if err != nil {
		return nil, err
	}
	received, ahead := r.ReceivedAt.UnixMilli(), int64(0)
	if r.SavedAt.IsZero() {
		number = -number
	} else {
		ahead = r.SavedAt.UnixMilli() - received
	}
	b = binary.AppendVarint(binary.AppendVarint(b, received), ahead)
	return binary.AppendUvarint(binary.AppendVarint(b, number), r.Counter), nil
}

// number returns the number of a saver, a new one if it has none.
func (t *taking) number(who saver) (n int64, err error) {
	if n, ok := t.numbers[who]; ok {
		return n, nil
	}
	bind := func(s *sqlite.Stmt) {
		s.BindBytes(1, who.replica[:])
		s.BindText(2, who.author)
	}
	read := func(s *sqlite.Stmt) { n = s.ColumnInt64(0) }
	found, err := sqlitefile.One(t.conn, sqlSaverNumber, bind, read)
	if err == nil && !found {
		_, err = sqlitefile.One(t.conn, sqlPutSaver, bind, read)
	}
	if t.numbers == nil {
		t.numbers = map[saver]int64{}
	}
	t.numbers[who] = n
	return n, err
}

// readReceipts reads what receipts wrote. The connection must see what was committed only.
func (p *Projection) readReceipts(conn *sqlite.Conn, b []byte) (first, last Receipt, err error) {
	if len(b) == 0 {
		return first, last, nil
	}
	if first, b, err = p.readReceipt(conn, b); err != nil || len(b) == 0 {
		return first, first, err
	}
	last, _, err = p.readReceipt(conn, b)
	return first, last, err
}

func (p *Projection) readReceipt(conn *sqlite.Conn, b []byte) (r Receipt, rest []byte, err error) {
	var v [3]int64
	for i := range v {
		n, size := binary.Varint(b)
		if size <= 0 {
			return r, nil, fmt.Errorf("receipts of a record: %w", record.ErrMalformed)
		}
		v[i], b = n, b[size:]
	}
	counter, size := binary.Uvarint(b)
	if size <= 0 {
		return r, nil, fmt.Errorf("receipts of a record: %w", record.ErrMalformed)
	}
	who, err := p.saver(conn, max(v[2], -v[2]))
	r = Receipt{ReceivedAt: time.UnixMilli(v[0]).UTC(), Author: who.author, Replica: who.replica, Counter: counter}
	if v[2] > 0 {
		r.SavedAt = time.UnixMilli(v[0] + v[1]).UTC()
	}
	return r, b[size:], err
}

// saver returns the one with a number.
func (p *Projection) saver(conn *sqlite.Conn, number int64) (saver, error) {
	p.mu.Lock()
	who, ok := p.savers[number]
	p.mu.Unlock()
	if ok {
		return who, nil
	}
	found, err := sqlitefile.One(conn, sqlSaver, func(s *sqlite.Stmt) { s.BindInt64(1, number) }, func(s *sqlite.Stmt) {
		s.ColumnBytes(0, who.replica[:])
		who.author = s.ColumnText(1)
	})
	if err == nil && !found {
		err = fmt.Errorf("saver %d: %w", number, record.ErrMalformed)
	}
	if err != nil {
		return who, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.savers) >= maxSavers {
		clear(p.savers)
	}
	p.savers[number] = who
	return who, nil
}

// maxSavers bounds how many savers are kept in memory.
const maxSavers = 10_000
