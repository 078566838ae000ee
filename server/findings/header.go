// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"errors"
	"fmt"
	"io"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Position is a place among the rows of one file.
type Position uint64

// header is what the rows are of.
type header struct {
	file [16]byte
	last Position
}

var errNoHeader = errors.New("the findings have no header")

const (
	sqlHeader     = `SELECT file, last FROM findings_header WHERE one = 1`
	sqlPutHeader  = `INSERT OR REPLACE INTO findings_header (one, file, last) VALUES (1, ?1, ?2)`
	sqlCarried    = `SELECT pack FROM findings_carried WHERE one = 1`
	sqlPutCarried = `INSERT OR REPLACE INTO findings_carried (one, pack) VALUES (1, ?1)`
	sqlNoCarried  = `DELETE FROM findings_carried`
)

func needHeader(conn *sqlite.Conn) (h header, err error) {
	ok, err := sqlitefile.One(conn, sqlHeader, nil, func(s *sqlite.Stmt) {
		s.ColumnBytes(0, h.file[:])
		h.last = Position(s.ColumnInt64(1))
	})
	if err == nil && !ok {
		err = errNoHeader
	}
	return h, err
}

func (h header) put(conn *sqlite.Conn) error {
	return sqlitefile.Write(conn, sqlPutHeader, func(s *sqlite.Stmt) {
		s.BindBytes(1, h.file[:])
		s.BindInt64(2, int64(h.last))
	})
}

// Begin names the rows anew: cursors that were given before do not hold in them.
func (f *Findings) Begin(conn *sqlite.Conn) error {
	var h header
	if _, err := io.ReadFull(f.cfg.Rand, h.file[:]); err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	return h.put(conn)
}

// readCarried returns the form of the county's pack that was loaded last; nil: none was.
func readCarried(conn *sqlite.Conn) (carried []byte, err error) {
	_, err = sqlitefile.One(conn, sqlCarried, nil, func(s *sqlite.Stmt) { carried = sqlitefile.Bytes(s, 0) })
	return carried, err
}

func putCarried(conn *sqlite.Conn, carried []byte) error {
	if carried == nil {
		return sqlitefile.Exec(conn, sqlNoCarried)
	}
	return sqlitefile.Write(conn, sqlPutCarried, func(s *sqlite.Stmt) { s.BindBytes(1, carried) })
}
