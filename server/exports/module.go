// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// edition is another one when cards say something else than before.
const edition = 1

// maxQueued is of how many changed residents everything is read beside what cards name; with
// more, cards are of no use.
const maxQueued = 2000

// Module keeps a card of each person, so that a table is made without reading who is not in it;
// it is a projection.Module.
type Module struct{ projection *projection.Projection }

var (
	_ projection.Module = (*Module)(nil)
	_ projection.Reader = (*Module)(nil)
)

// NewModule returns a module; until the projection has been handed to it there are no cards.
func NewModule() *Module { return &Module{} }

// Name is what its table's name begins with.
func (m *Module) Name() string { return "exports" }

// Schema returns the statement that creates its table.
func (m *Module) Schema() string {
	return `CREATE TABLE exports_cards (
	person BLOB    NOT NULL PRIMARY KEY CHECK (length(person) = 16),
	whole  INTEGER NOT NULL, -- 0: it has more records than the card has
	card   BLOB    NOT NULL
) STRICT, WITHOUT ROWID`
}

// Settings are the edition's: a card follows from the records alone.
func (m *Module) Settings() (name [32]byte, daily bool) {
	return sha256.Sum256(fmt.Appendf(nil, "cards of edition %d", edition)), false
}

// Attach takes the projection.
func (m *Module) Attach(p *projection.Projection) { m.projection = p }

// Settle has nothing to do.
func (m *Module) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) { return true, nil }

const (
	sqlCardOf   = `SELECT whole, card FROM exports_cards WHERE person = ?1`
	sqlDropCard = `DELETE FROM exports_cards WHERE person = ?1`
	sqlPutCard  = `INSERT OR REPLACE INTO exports_cards (person, whole, card) VALUES (?1, ?2, ?3)`
	sqlCards    = `SELECT whole, card, person FROM exports_cards ORDER BY person`
)

// Look writes the card of a person.
func (m *Module) Look(conn *sqlite.Conn, p *projection.Person, _ care.Date) error {
	for _, r := range p.Residents[1:] { // each may have been a person of its own
		if err := sqlitefile.Write(conn, sqlDropCard, func(s *sqlite.Stmt) { s.BindBytes(1, r[:]) }); err != nil {
			return err
		}
	}
	c := cardOf(p.Rules.Entries())
	c.residents = p.Residents
	whole := p.Fault == ""
	if p.ID.Kind() != care.KindResident || whole && len(c.records)+len(p.Unreadable) == 0 {
		return sqlitefile.Write(conn, sqlDropCard, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) })
	}
	for _, id := range p.Unreadable { // whoever reads it says so
		c.records = append(c.records, dated{id: id})
	}
	said := c.append(nil)
	same := false
	_, err := sqlitefile.One(conn, sqlCardOf, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) }, func(s *sqlite.Stmt) {
		same = s.ColumnBool(0) == whole && bytes.Equal(sqlitefile.Bytes(s, 1), said)
	})
	if err != nil || same {
		return err
	}
	return sqlitefile.Write(conn, sqlPutCard, func(s *sqlite.Stmt) {
		s.BindBytes(1, p.ID[:])
		s.BindBool(2, whole)
		s.BindBytes(3, said)
	})
}

// chosen is what cards say is to be read.
type chosen struct {
	at        syncengine.Position // as of which
	residents []record.ID         // of those who are picked
	records   []record.ID         // of these, what is to be read
	people    []record.ID         // residents of whom everything is to be read
}

// choose returns what is to be read for a selection; false where cards do not say it, because
// somebody was not looked at yet.
func (m *Module) choose(ctx context.Context, sel selection) (out chosen, ok bool, err error) {
	if m == nil || m.projection == nil {
		return out, false, nil
	}
	err = m.projection.View(ctx, func(conn *sqlite.Conn) (err error) {
		state, err := m.projection.StateIn(conn)
		if err != nil {
			return err
		}
		mine, there := state.Module(m.Name())
		if want, _ := m.Settings(); !there || !bytes.Equal(mine.Settings, want[:]) || mine.UnderWay || mine.Waiting > 0 || state.Queued > maxQueued {
			return nil
		}
		if out.people, err = m.projection.QueuedIn(conn); err != nil {
			return err
		}
		out.at, ok = syncengine.Position(state.Position), true
		return m.cards(conn, sel, &out)
	})
	if err != nil {
		return out, false, fmt.Errorf("read cards: %w", err)
	}
	return out, ok, nil
}

// cards adds what the cards of one snapshot say.
func (m *Module) cards(conn *sqlite.Conn, sel selection, out *chosen) error {
	var failed error
	var buf []byte
	err := sqlitefile.Query(conn, sqlCards, nil, func(s *sqlite.Stmt) bool {
		if !s.ColumnBool(0) {
			var id record.ID
			s.ColumnBytes(2, id[:])
			out.people = append(out.people, id)
			return true
		}
		buf = slices.Grow(buf[:0], s.ColumnLen(1))[:s.ColumnLen(1)]
		s.ColumnBytes(1, buf)
		c, err := readCard(buf)
		if err != nil {
			failed = err
			return false
		}
		if !sel.picks(c) {
			return true
		}
		out.residents = append(out.residents, c.residents...)
		for _, d := range c.records {
			if sel.reads(d) {
				out.records = append(out.records, d.id)
			}
		}
		return true
	})
	if failed != nil {
		return failed
	}
	return err
}
