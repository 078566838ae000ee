// SPDX-License-Identifier: Apache-2.0

package devicestore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Every question is answered by the primary key of rows, (bucket, key), or of
// bodies.
const (
	sqlRow      = `SELECT head, body FROM rows WHERE bucket = ?1 AND key = ?2`
	sqlBody     = `SELECT sealed FROM bodies WHERE id = ?1`
	sqlScan     = `SELECT key, head FROM rows WHERE bucket = ?1 AND key >= ?2 AND key < ?3 ORDER BY key LIMIT ?4`
	sqlScanOpen = `SELECT key, head FROM rows WHERE bucket = ?1 AND key >= ?2 ORDER BY key LIMIT ?3`
	sqlPutRow   = `INSERT INTO rows (bucket, key, head, body) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (bucket, key) DO UPDATE SET head = excluded.head, body = excluded.body`
	sqlPutHead = `INSERT INTO rows (bucket, key, head) VALUES (?1, ?2, ?3)
		ON CONFLICT (bucket, key) DO UPDATE SET head = excluded.head`
	sqlNewBody    = `INSERT INTO bodies (sealed) VALUES (?1)`
	sqlSetBody    = `UPDATE bodies SET sealed = ?2 WHERE id = ?1`
	sqlDeleteBody = `DELETE FROM bodies WHERE id = ?1`
	sqlDeleteRow  = `DELETE FROM rows WHERE bucket = ?1 AND key = ?2`
)

// tx reads, and inside an Update writes, one state of the file.
type tx struct {
	conn *sqlite.Conn
	s    *Store
}

// place is what a body is bound to.
func place(b replica.Bucket, key []byte) []byte { return append([]byte{byte(b)}, key...) }

// row returns a row's head and the number of its body, 0 when it has none.
func (t *tx) row(b replica.Bucket, key []byte) (head []byte, body int64, found bool, err error) {
	found, err = sqlitefile.One(t.conn, sqlRow,
		func(q *sqlite.Stmt) {
			q.BindInt64(1, int64(b))
			q.BindBytes(2, key)
		},
		func(q *sqlite.Stmt) { head, body = sqlitefile.Bytes(q, 0), q.ColumnInt64(1) })
	return head, body, found, err
}

func (t *tx) Get(b replica.Bucket, key []byte) (replica.Row, bool, error) {
	head, id, found, err := t.row(b, key)
	if err != nil || !found {
		return replica.Row{}, false, err
	}
	row := replica.Row{Key: slices.Clone(key), Head: head}
	if id == 0 {
		return row, true, nil
	}
	var sealed []byte
	_, err = sqlitefile.One(t.conn, sqlBody,
		func(q *sqlite.Stmt) { q.BindInt64(1, id) },
		func(q *sqlite.Stmt) { sealed = sqlitefile.Bytes(q, 0) })
	if err != nil {
		return replica.Row{}, false, err
	}
	if row.Body, err = t.s.sealer.OpenRow(place(b, key), sealed); err != nil {
		if !errors.Is(err, replica.ErrLocked) {
			err = fmt.Errorf("%w: %w", replica.ErrDamaged, err)
		}
		return row, true, fmt.Errorf("row of bucket %d: %w", b, err)
	}
	return row, true, nil
}

func (t *tx) Head(b replica.Bucket, key []byte) ([]byte, bool, error) {
	head, _, found, err := t.row(b, key)
	return head, found, err
}

func (t *tx) Scan(b replica.Bucket, prefix, after []byte, limit int) ([]replica.Row, error) {
	if limit <= 0 {
		return nil, nil
	}
	from := prefix
	if len(after) > 0 && bytes.Compare(after, prefix) >= 0 {
		from = append(slices.Clone(after), 0)
	}
	question, end := sqlScan, behind(prefix)
	if end == nil {
		question = sqlScanOpen
	}
	var out []replica.Row
	err := sqlitefile.Query(t.conn, question,
		func(q *sqlite.Stmt) {
			q.BindInt64(1, int64(b))
			q.BindBytes(2, from)
			if end != nil {
				q.BindBytes(3, end)
				q.BindInt64(4, int64(limit))
			} else {
				q.BindInt64(3, int64(limit))
			}
		},
		func(q *sqlite.Stmt) bool {
			out = append(out, replica.Row{Key: sqlitefile.Bytes(q, 0), Head: sqlitefile.Bytes(q, 1)})
			return true
		})
	return out, err
}

// behind returns the least key greater than all that begin with prefix; nil when
// there is none.
func behind(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			end := slices.Clone(prefix[:i+1])
			end[i]++
			return end
		}
	}
	return nil
}

func (t *tx) Put(b replica.Bucket, row replica.Row) error {
	_, old, _, err := t.row(b, row.Key)
	if err != nil {
		return err
	}
	id, err := t.putBody(old, place(b, row.Key), row.Body)
	if err != nil {
		return fmt.Errorf("row of bucket %d: %w", b, err)
	}
	t.s.points.pass("between body and row")
	return sqlitefile.Write(t.conn, sqlPutRow, func(q *sqlite.Stmt) {
		q.BindInt64(1, int64(b))
		q.BindBytes(2, row.Key)
		q.BindBytes(3, row.Head)
		if id == 0 {
			q.BindNull(4)
		} else {
			q.BindInt64(4, id)
		}
	})
}

// putBody stores a sealed body in place of the old one and returns its number; 0
// when there is none to store.
func (t *tx) putBody(old int64, at, body []byte) (int64, error) {
	if len(body) == 0 {
		return 0, t.deleteBody(old)
	}
	sealed, err := t.s.sealer.SealRow(at, body)
	if err != nil {
		return 0, err
	}
	if old != 0 {
		return old, sqlitefile.Write(t.conn, sqlSetBody, func(q *sqlite.Stmt) {
			q.BindInt64(1, old)
			q.BindBytes(2, sealed)
		})
	}
	err = sqlitefile.Write(t.conn, sqlNewBody, func(q *sqlite.Stmt) { q.BindBytes(1, sealed) })
	return t.conn.LastInsertRowID(), err
}

func (t *tx) deleteBody(id int64) error {
	if id == 0 {
		return nil
	}
	return sqlitefile.Write(t.conn, sqlDeleteBody, func(q *sqlite.Stmt) { q.BindInt64(1, id) })
}

func (t *tx) PutHead(b replica.Bucket, key, head []byte) error {
	return sqlitefile.Write(t.conn, sqlPutHead, func(q *sqlite.Stmt) {
		q.BindInt64(1, int64(b))
		q.BindBytes(2, key)
		q.BindBytes(3, head)
	})
}

func (t *tx) Delete(b replica.Bucket, key []byte) error {
	_, id, found, err := t.row(b, key)
	if err != nil || !found {
		return err
	}
	if err := t.deleteBody(id); err != nil {
		return err
	}
	return sqlitefile.Write(t.conn, sqlDeleteRow, func(q *sqlite.Stmt) {
		q.BindInt64(1, int64(b))
		q.BindBytes(2, key)
	})
}
