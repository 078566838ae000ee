// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// A page of the feed is read and written down at once.
const (
	pageRecords = 250
	pageBytes   = 512 << 10
)

func everyClass() []record.Class {
	return []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}
}

// readFeed writes down one page of what changed: whose records they are, when they came, which
// residents are linked, and who is to be looked at.
func (p *Projection) readFeed(ctx context.Context, after, end syncengine.Position) error {
	q := syncengine.FeedQuery{
		After: after, UpTo: end, Limit: pageRecords, Bytes: pageBytes, Divisions: []record.Division{""}, Classes: everyClass(),
	}
	rows, err := p.cfg.Shard.List(ctx, q)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	receipts, err := p.receiptsOf(ctx, rows)
	if err != nil {
		return fmt.Errorf("read the feed: %w", err)
	}
	return p.file.Update(ctx, func(conn *sqlite.Conn) error {
		return p.update(conn, func(h *header) error {
			if h.position != after {
				return fmt.Errorf("the file stands at %d, not at %d", h.position, after)
			}
			t := taking{p: p, conn: conn}
			for i, row := range rows {
				if err := t.record(row, receipts[i]); err != nil {
					return fmt.Errorf("record %s: %w", row.ID, err)
				}
				h.position = row.Position
			}
			if !q.Full(rows) {
				h.position = end // the rest of the positions is of records that moved on
			}
			return nil
		})
	})
}

// receiptsOf returns the receipts of rows. Where they cannot be read they are zero: a damaged
// segment must not keep the persons of a county from being looked at.
func (p *Projection) receiptsOf(ctx context.Context, rows []syncengine.RecordRow) ([]syncengine.Receipts, error) {
	out, err := p.cfg.Shard.Receipts(ctx, rows)
	if err == nil || ctx.Err() != nil {
		return out, ctx.Err()
	}
	out = make([]syncengine.Receipts, len(rows))
	for i := range rows {
		one, err := p.cfg.Shard.Receipts(ctx, rows[i:i+1])
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			p.PassOver(rows[i].ID, err)
			continue
		}
		out[i] = one[0]
	}
	return out, nil
}

const (
	sqlSubjectOf  = `SELECT subject FROM records WHERE id = ?1`
	sqlPutRecord  = `INSERT OR REPLACE INTO records (subject, id, receipts) VALUES (?1, ?2, ?3)`
	sqlDropRecord = `DELETE FROM records WHERE subject = ?1 AND id = ?2`
	sqlPutChosen  = `INSERT OR IGNORE INTO chosen (kind, id) VALUES (?1, ?2)`
	sqlPutHome    = `INSERT OR IGNORE INTO homes (division, subject) VALUES (?1, ?2)`
	sqlDropHomes  = `DELETE FROM homes WHERE subject = ?1`
	sqlPutLink    = `INSERT OR REPLACE INTO links (id, a, b) VALUES (?1, ?2, ?3)`
	sqlDropLink   = `DELETE FROM links WHERE id = ?1`
	sqlLink       = `SELECT a, b FROM links WHERE id = ?1`
	sqlQueue      = `INSERT INTO queue (resident, whole) VALUES (?1, ?2) ON CONFLICT (resident) DO UPDATE SET whole = max(whole, ?2)`
	sqlIsWhole    = `SELECT resident FROM queue WHERE resident = ?1 AND whole = 1`
	sqlChanged    = `INSERT OR IGNORE INTO changed (resident, record) VALUES (?1, ?2)`
)

// taking writes down a page of the feed.
type taking struct {
	p       *Projection
	conn    *sqlite.Conn
	numbers map[saver]int64 // that were looked up
}

// record writes down one record as it now stands.
func (t *taking) record(row syncengine.RecordRow, came syncengine.Receipts) error {
	kind := row.ID.Kind()
	if slices.Contains(t.p.chosen, kind) {
		t.p.choose()
		return sqlitefile.Write(t.conn, sqlPutChosen, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(kind))
			s.BindBytes(2, row.ID[:])
		})
	}
	if _, known := care.Kinds().Lookup(kind); !known {
		return nil
	}
	if kind == care.KindResidentLink {
		if err := t.link(row); err != nil {
			return err
		}
	}
	return t.subject(row, came)
}

// subject writes down whose a record is and when it came, and queues those whom that concerns.
func (t *taking) subject(row syncengine.RecordRow, came syncengine.Receipts) error {
	now := subjectOf(row)
	before, known, err := oneID(t.conn, sqlSubjectOf, row.ID)
	if err != nil {
		return err
	}
	if known && before != now {
		if err := writeIDs(t.conn, sqlDropRecord, before, row.ID); err != nil {
			return err
		}
		if err := queue(t.conn, before, false); err != nil {
			return err
		}
	}
	receipts, err := t.receipts(came)
	if err != nil {
		return err
	}
	err = sqlitefile.Write(t.conn, sqlPutRecord, func(s *sqlite.Stmt) {
		bindIDs(now, row.ID)(s)
		s.BindBytes(3, receipts)
	})
	if err != nil {
		return err
	}
	if now == row.ID || before == row.ID {
		if err := t.home(row, now); err != nil {
			return err
		}
	}
	return queueChange(t.conn, now, row.ID)
}

// subjectOf returns whom a record is about: itself when it is about nobody.
func subjectOf(row syncengine.RecordRow) record.ID {
	if row.Subject.IsZero() {
		return row.ID
	}
	return row.Subject
}

// home writes down where a record is that is about nobody else.
func (t *taking) home(row syncengine.RecordRow, subject record.ID) error {
	if err := writeIDs(t.conn, sqlDropHomes, row.ID); err != nil || subject != row.ID {
		return err
	}
	for _, d := range row.Divisions {
		err := sqlitefile.Write(t.conn, sqlPutHome, func(s *sqlite.Stmt) {
			s.BindText(1, string(d))
			s.BindBytes(2, row.ID[:])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// queueChange queues a resident for one record of its that changed. What is known of the person
// itself stands in its own record, and matters to all others.
func queueChange(conn *sqlite.Conn, resident, changed record.ID) error {
	whole := resident == changed || changed.Kind() == care.KindResident
	if err := queue(conn, resident, whole); err != nil || whole {
		return err
	}
	if _, is, err := oneID(conn, sqlIsWhole, resident); err != nil || is {
		return err
	}
	return writeIDs(conn, sqlChanged, resident, changed)
}

// link writes down what a link now says, and queues whom that and what it said before
// concerns. One that cannot be read says nothing.
func (t *taking) link(row syncengine.RecordRow) error {
	var former []record.ID
	err := sqlitefile.Query(t.conn, sqlLink, bindIDs(row.ID), func(s *sqlite.Stmt) bool {
		former = append(former, columnID(s, 0), columnID(s, 1))
		return true
	})
	if err != nil {
		return err
	}
	a, b, same := t.p.readLink(row)
	switch {
	case same && len(former) > 0, !same && len(former) == 0:
		return nil // its pair is in its id: it says what it said
	case same:
		if err := writeIDs(t.conn, sqlPutLink, row.ID, a, b); err != nil {
			return err
		}
		return queueAround(t.conn, a, b)
	}
	if err := queueAround(t.conn, former...); err != nil {
		return err
	}
	return writeIDs(t.conn, sqlDropLink, row.ID)
}

// readLink returns the pair of a link that says they are one person.
func (p *Projection) readLink(row syncengine.RecordRow) (a, b record.ID, same bool) {
	var state record.State
	var link *carev1.ResidentLink
	err := caught(func() (err error) {
		if state, err = record.DecodeState(row.State); err != nil {
			return err
		}
		m, err := care.Message(care.KindResidentLink, state.Registers())
		link, _ = m.(*carev1.ResidentLink)
		return err
	})
	if err != nil {
		p.cfg.Log.Error("a link was passed over", "record", row.ID, "err", err)
		return a, b, false
	}
	if link == nil || state.Life() == record.LifeVoided || len(link.GetResidentA()) != len(a) || len(link.GetResidentB()) != len(b) {
		return a, b, false
	}
	a, b = record.ID(link.GetResidentA()), record.ID(link.GetResidentB())
	return a, b, care.LinkID(a, b) == row.ID && link.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED
}

// queue notes that a resident is to be looked at: with whole at all records, else at those that
// changed and at what follows from several.
func queue(conn *sqlite.Conn, resident record.ID, whole bool) error {
	return sqlitefile.Write(conn, sqlQueue, func(s *sqlite.Stmt) {
		s.BindBytes(1, resident[:])
		s.BindBool(2, whole)
	})
}

// queueAround queues residents and those who are one person with them.
func queueAround(conn *sqlite.Conn, residents ...record.ID) error {
	for _, one := range residents {
		all, _, err := component(conn, one)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := queue(conn, r, true); err != nil {
				return err
			}
		}
	}
	return nil
}

func bindIDs(ids ...record.ID) func(*sqlite.Stmt) {
	return func(s *sqlite.Stmt) {
		for i := range ids {
			s.BindBytes(1+i, ids[i][:])
		}
	}
}

func writeIDs(conn *sqlite.Conn, statement string, ids ...record.ID) error {
	return sqlitefile.Write(conn, statement, bindIDs(ids...))
}

func oneID(conn *sqlite.Conn, question string, of record.ID) (id record.ID, found bool, err error) {
	found, err = sqlitefile.One(conn, question, bindIDs(of), func(s *sqlite.Stmt) { id = columnID(s, 0) })
	return id, found, err
}

func columnID(s *sqlite.Stmt, column int) (id record.ID) {
	s.ColumnBytes(column, id[:])
	return id
}
