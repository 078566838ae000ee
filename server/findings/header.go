// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"errors"
	"fmt"
	"io"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Position is a place among the rows of one file.
type Position uint64

// header is what the file is of.
type header struct {
	file     [16]byte
	epoch    string
	position syncengine.Position // of the feed
	last     Position
	pack     []byte // hash; empty: none was tried yet
	day      care.Date
	sweep    sweep
	carried  []byte
}

// sweep is how far all residents have been looked at with the header's pack on its day.
type sweep struct {
	underWay bool
	daily    bool      // only the day is new
	after    record.ID // the last one; zero: none yet
}

var errNoHeader = errors.New("the file has no header")

const (
	sqlHeader = `SELECT file, epoch, position, last, pack, day, sweep, daily, carried FROM header WHERE one = 1`

	sqlPutHeader = `
	INSERT INTO header (one, file, epoch, position, last, pack, day, sweep, daily, carried)
	VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
	ON CONFLICT (one) DO UPDATE SET file = ?1, epoch = ?2, position = ?3, last = ?4, pack = ?5, day = ?6, sweep = ?7, daily = ?8, carried = ?9`
)

// tables are emptied when the file begins anew.
var tables = [...]string{"header", "records", "links", "packs", "queue", "changed", "rows", "found"}

func readHeader(conn *sqlite.Conn) (h header, ok bool, err error) {
	ok, err = sqlitefile.One(conn, sqlHeader, nil, func(s *sqlite.Stmt) {
		s.ColumnBytes(0, h.file[:])
		h.epoch = s.ColumnText(1)
		h.position, h.last = syncengine.Position(s.ColumnInt64(2)), Position(s.ColumnInt64(3))
		h.pack, h.day = sqlitefile.Bytes(s, 4), care.Date(s.ColumnInt64(5))
		if s.ColumnType(6) != sqlite.TypeNull {
			h.sweep.underWay = true
			s.ColumnBytes(6, h.sweep.after[:])
		}
		h.sweep.daily, h.carried = s.ColumnBool(7), sqlitefile.Bytes(s, 8)
	})
	return h, ok, err
}

// needHeader is readHeader of a file that must have one.
func needHeader(conn *sqlite.Conn) (header, error) {
	h, ok, err := readHeader(conn)
	if err == nil && !ok {
		err = errNoHeader
	}
	return h, err
}

func (h header) put(conn *sqlite.Conn) error {
	return sqlitefile.Write(conn, sqlPutHeader, func(s *sqlite.Stmt) {
		s.BindBytes(1, h.file[:])
		s.BindText(2, h.epoch)
		s.BindInt64(3, int64(h.position))
		s.BindInt64(4, int64(h.last))
		s.BindBytes(5, h.pack)
		s.BindInt64(6, int64(h.day))
		switch {
		case !h.sweep.underWay:
			s.BindNull(7)
		case h.sweep.after.IsZero():
			s.BindZeroBlob(7, 0)
		default:
			s.BindBytes(7, h.sweep.after[:])
		}
		s.BindBool(8, h.sweep.daily)
		if h.carried == nil {
			s.BindNull(9)
		} else {
			s.BindBytes(9, h.carried)
		}
	})
}

// beginAnew empties the file and makes it one of the present epoch.
func (f *Findings) beginAnew(conn *sqlite.Conn) error {
	for _, table := range tables {
		if err := sqlitefile.Exec(conn, "DELETE FROM "+table); err != nil {
			return err
		}
	}
	h := header{epoch: f.cfg.Shard.Epoch().String()}
	if _, err := io.ReadFull(f.cfg.Rand, h.file[:]); err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	f.pack = nil
	return h.put(conn)
}

// update changes the file and its header together. It fails with errEpoch when another epoch
// has begun.
func (f *Findings) update(conn *sqlite.Conn, change func(*header) error) error {
	h, err := needHeader(conn)
	if err != nil {
		return err
	}
	if h.epoch != f.cfg.Shard.Epoch().String() {
		return errEpoch
	}
	if err := change(&h); err != nil {
		return err
	}
	return h.put(conn)
}

var errEpoch = errors.New("another epoch has begun")
