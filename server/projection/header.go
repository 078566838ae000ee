// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// header is what the file is of.
type header struct {
	epoch    string
	position syncengine.Position // of the feed
	chosen   string
}

var (
	errNoHeader = errors.New("the file has no header")
	errEpoch    = errors.New("another epoch has begun")
)

const (
	sqlHeader    = `SELECT epoch, position, chosen FROM header WHERE one = 1`
	sqlPutHeader = `INSERT INTO header (one, epoch, position, chosen) VALUES (1, ?1, ?2, ?3)
	ON CONFLICT (one) DO UPDATE SET epoch = ?1, position = ?2, chosen = ?3`
)

// tables are emptied when the file begins anew; savers stay, their numbers are good for ever.
var tables = [...]string{"header", "modules", "records", "homes", "links", "chosen", "queue", "changed", "failed"}

func readHeader(conn *sqlite.Conn) (h header, ok bool, err error) {
	ok, err = sqlitefile.One(conn, sqlHeader, nil, func(s *sqlite.Stmt) {
		h = header{s.ColumnText(0), syncengine.Position(s.ColumnInt64(1)), s.ColumnText(2)}
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
		s.BindText(1, h.epoch)
		s.BindInt64(2, int64(h.position))
		s.BindText(3, h.chosen)
	})
}

// ensure sees that the file is one of the present epoch, with the tables of the modules.
func (p *Projection) ensure(conn *sqlite.Conn) error {
	h, ok, err := readHeader(conn)
	if err != nil {
		return err
	}
	if !ok || h.epoch != p.cfg.Shard.Epoch().String() || h.chosen != fmt.Sprint(p.chosen) {
		return p.beginAnew(conn)
	}
	return p.ensureModules(conn, h)
}

// beginAnew empties the file and makes it one of the present epoch.
func (p *Projection) beginAnew(conn *sqlite.Conn) error {
	if err := p.dropModules(conn); err != nil {
		return err
	}
	for _, table := range tables {
		if err := sqlitefile.Exec(conn, "DELETE FROM "+table); err != nil {
			return err
		}
	}
	p.choose()
	h := header{epoch: p.cfg.Shard.Epoch().String(), chosen: fmt.Sprint(p.chosen)}
	if err := h.put(conn); err != nil {
		return err
	}
	return p.ensureModules(conn, h)
}

// update changes the file and its header together. It fails with errEpoch when another epoch
// has begun.
func (p *Projection) update(conn *sqlite.Conn, change func(*header) error) error {
	h, err := needHeader(conn)
	if err != nil {
		return err
	}
	if h.epoch != p.cfg.Shard.Epoch().String() {
		return errEpoch
	}
	before := h
	if err := change(&h); err != nil || h == before {
		return err
	}
	return h.put(conn)
}
