// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Module keeps the entries in tables, the newest first, so that the log is read without the feed.
type Module struct{}

var _ projection.Module = Module{}

const schema = `
CREATE TABLE access_entries (
	record   BLOB PRIMARY KEY,
	at       INTEGER NOT NULL, -- UTC milliseconds
	author   TEXT NOT NULL,
	who      TEXT NOT NULL,
	what     TEXT NOT NULL,
	purpose  TEXT NOT NULL,
	division TEXT NOT NULL,
	period   TEXT NOT NULL,
	rows     INTEGER NOT NULL,
	sha256   BLOB NOT NULL,
	person   BLOB NOT NULL     -- empty: of no one person
) STRICT;
CREATE INDEX access_at ON access_entries (at, record);
CREATE INDEX access_author ON access_entries (author, at, record);
CREATE INDEX access_person ON access_entries (person, at, record) WHERE person <> x'';
`

const (
	sqlDrop = `DELETE FROM access_entries WHERE record = ?1`
	sqlPut  = `
		INSERT INTO access_entries (record, at, author, who, what, purpose, division, period, rows, sha256, person)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)`

	columns = `SELECT record, at, author, who, what, purpose, division, period, rows, sha256, person FROM access_entries `
	newest  = ` (at, record) < (?1, ?2) AND at >= ?3 ORDER BY at DESC, record DESC`

	sqlListAll    = columns + `INDEXED BY access_at WHERE` + newest                                       // by access_at
	sqlListAuthor = columns + `INDEXED BY access_author WHERE author = ?4 AND` + newest                   // by access_author
	sqlListPerson = columns + `INDEXED BY access_person WHERE person <> x'' AND person = ?4 AND` + newest // by access_person
)

// Name is part of projection.Module, as are the methods below.
func (Module) Name() string { return "access" }

// Schema returns the tables.
func (Module) Schema() string { return schema }

// Settings says that entries depend on nothing else.
func (Module) Settings() ([32]byte, bool) { return sha256.Sum256([]byte("access/1")), false }

// Look keeps an entry.
func (Module) Look(conn *sqlite.Conn, p *projection.Person, _ care.Date) error {
	if p.ID.Kind() != care.KindAccessEntry {
		return nil
	}
	err := sqlitefile.Write(conn, sqlDrop, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) })
	if err != nil || p.Rules == nil {
		return err
	}
	for _, e := range p.Rules.Entries() {
		if form, ok := e.Form.(*carev1.AccessEntry); ok {
			return put(conn, e.ID, entryOf(form))
		}
	}
	return nil
}

func put(conn *sqlite.Conn, id record.ID, e Entry) error {
	return sqlitefile.Write(conn, sqlPut, func(s *sqlite.Stmt) {
		s.BindBytes(1, id[:])
		s.BindInt64(2, e.At.UnixMilli())
		for i, text := range []string{e.Author, e.Who, e.What, e.Purpose, string(e.Division), e.Period} {
			s.BindText(3+i, text)
		}
		s.BindInt64(9, int64(e.Rows))
		s.BindBytes(10, e.Sha256)
		person := e.Person[:]
		if e.Person.IsZero() {
			person = nil
		}
		s.BindBytes(11, person)
	})
}

// Settle has nothing to do.
func (Module) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) { return true, nil }

// Viewer reads the file that the tables are in.
type Viewer interface {
	View(context.Context, func(*sqlite.Conn) error) error
}

// Query selects entries. What is zero does not select.
type Query struct {
	Author       string
	What         string // a code, or its beginning up to a point
	Person       record.ID
	Since, Until time.Time         // both included
	Divisions    []record.Division // prefixes; an entry must be about something within one
}

// Place is where a list goes on; the zero Place is its beginning.
type Place struct {
	At     int64
	Record record.ID
}

// Line is an entry with the record that it is.
type Line struct {
	Record record.ID
	Entry
}

// maxLooked is how many entries one call looks at: those that a query does not select cost, too.
const maxLooked = 20_000

// List returns at most limit entries after a place, the newest first, and where the list goes on: the zero
// Place at its end. A page can be shorter than limit though the list goes on.
func List(ctx context.Context, v Viewer, q Query, from Place, limit int) (out []Line, next Place, err error) {
	question, key := sqlListAll, func(*sqlite.Stmt) {}
	switch {
	case q.Author != "":
		question, key = sqlListAuthor, func(s *sqlite.Stmt) { s.BindText(4, q.Author) }
	case !q.Person.IsZero():
		question, key = sqlListPerson, func(s *sqlite.Stmt) { s.BindBytes(4, q.Person[:]) }
	}
	if from == (Place{}) {
		from = Place{At: 1<<63 - 1}
		if !q.Until.IsZero() {
			from.At = q.Until.UnixMilli() + 1
		}
	}
	looked := 0
	err = v.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, question, func(s *sqlite.Stmt) {
			s.BindInt64(1, from.At)
			s.BindBytes(2, from.Record[:])
			s.BindInt64(3, millis(q.Since))
			key(s)
		}, func(s *sqlite.Stmt) bool {
			line := columnLine(s)
			if len(out) == limit || looked == maxLooked {
				next = from
				return false
			}
			from, looked = Place{line.At.UnixMilli(), line.Record}, looked+1
			if q.selects(line.Entry) {
				out = append(out, line)
			}
			return true
		})
	})
	if err != nil {
		return nil, Place{}, fmt.Errorf("list the access log: %w", err)
	}
	return out, next, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func columnLine(s *sqlite.Stmt) Line {
	l := Line{Entry: Entry{
		At: time.UnixMilli(s.ColumnInt64(1)).UTC(), Author: s.ColumnText(2), Who: s.ColumnText(3), What: s.ColumnText(4),
		Purpose: s.ColumnText(5), Division: record.Division(s.ColumnText(6)), Period: s.ColumnText(7), Rows: s.ColumnInt(8),
		Sha256: sqlitefile.Bytes(s, 9),
	}}
	s.ColumnBytes(0, l.Record[:])
	s.ColumnBytes(10, l.Person[:])
	return l
}

func (q Query) selects(e Entry) bool {
	return (q.Author == "" || e.Author == q.Author) &&
		(q.Person.IsZero() || e.Person == q.Person) &&
		(q.What == "" || e.What == q.What || strings.HasPrefix(e.What, q.What+".")) &&
		e.Division.WithinAny(q.Divisions)
}
