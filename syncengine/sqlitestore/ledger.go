// SPDX-License-Identifier: Apache-2.0

package sqlitestore

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	sqlSize     = `SELECT coalesce(max(leaf) + 1, 0) FROM leaves`
	sqlLeaf     = `SELECT bytes FROM leaves WHERE leaf = ?1`
	sqlTreeHash = `SELECT hash FROM tree_hashes WHERE number = ?1`
	sqlPutLeaf  = `INSERT INTO leaves (leaf, bytes) VALUES (?1, ?2)`
	sqlPutHash  = `INSERT INTO tree_hashes (number, hash) VALUES (?1, ?2)`
)

func (r reader) Size() (size ledger.Size, err error) {
	_, err = sqlitefile.One(r.conn, sqlSize, nil, func(s *sqlite.Stmt) { size = ledger.Size(s.ColumnInt64(0)) })
	return size, err
}

func (r reader) Leaf(i ledger.Index) (leaf []byte, found bool, err error) {
	found, err = sqlitefile.One(
		r.conn, sqlLeaf,
		func(s *sqlite.Stmt) { s.BindInt64(1, int64(i)) },
		func(s *sqlite.Stmt) { leaf = sqlitefile.Bytes(s, 0) },
	)
	return leaf, found, err
}

// ReadHashes returns the stored tree hashes with these numbers, or an error if
// one is not stored.
func (r reader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		found, err := sqlitefile.One(
			r.conn, sqlTreeHash,
			func(s *sqlite.Stmt) { s.BindInt64(1, n) },
			func(s *sqlite.Stmt) { s.ColumnBytes(0, out[i][:]) },
		)
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, fmt.Errorf("tree hash %d: not stored", n)
		}
	}
	return out, nil
}

func (t tx) AppendLeaf(leaf []byte, hashes []tlog.Hash) error {
	size, err := t.Size()
	if err != nil {
		return err
	}
	first := tlog.StoredHashCount(int64(size))
	if owed := tlog.StoredHashCount(int64(size)+1) - first; int64(len(hashes)) != owed {
		return fmt.Errorf("leaf %d: came with %d tree hashes instead of %d", size, len(hashes), owed)
	}
	err = t.write(afterLeaf, sqlPutLeaf, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(size))
		s.BindBytes(2, leaf)
	})
	for i := 0; i < len(hashes) && err == nil; i++ {
		err = t.write(afterTreeHash, sqlPutHash, func(s *sqlite.Stmt) {
			s.BindInt64(1, first+int64(i))
			s.BindBytes(2, hashes[i][:])
		})
	}
	return err
}
