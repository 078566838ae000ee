// SPDX-License-Identifier: Apache-2.0

package devicestore

import (
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// PassPoints has f called at every named place of an Update.
func (s *Store) PassPoints(f func(name string)) { s.points = f }

// Script runs SQL behind the store's back, as a thief with the file would.
func (s *Store) Script(ctx context.Context, sql string) error {
	return s.file.Update(ctx, func(conn *sqlite.Conn) error { return sqlitex.ExecuteScript(conn, sql, nil) })
}

// Bodies returns how many bodies the file has.
func Bodies(r replica.Reader) (n int) {
	_, _ = sqlitefile.One(r.(*tx).conn, `SELECT count(*) FROM bodies`, nil, func(q *sqlite.Stmt) { n = q.ColumnInt(0) })
	return n
}

// Sealed returns all bodies as they stand in the file.
func Sealed(r replica.Reader) (all [][]byte) {
	_ = sqlitefile.Query(r.(*tx).conn, `SELECT sealed FROM bodies`, nil, func(q *sqlite.Stmt) bool {
		all = append(all, sqlitefile.Bytes(q, 0))
		return true
	})
	return all
}
