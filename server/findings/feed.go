// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"context"
	"fmt"

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

// readFeed writes down one page of what changed: whose records they are, which residents are
// linked, and who is to be looked at. It reports whether there is no more up to end.
func (f *Findings) readFeed(ctx context.Context, after, end syncengine.Position) (done bool, err error) {
	q := syncengine.FeedQuery{
		After: after, UpTo: end, Limit: pageRecords, Bytes: pageBytes, Divisions: []record.Division{""}, Classes: everyClass(),
	}
	rows, err := f.cfg.Shard.List(ctx, q)
	if err != nil {
		return false, fmt.Errorf("read the feed: %w", err)
	}
	done = !q.Full(rows)
	err = f.file.Update(ctx, func(conn *sqlite.Conn) error {
		return f.update(conn, func(h *header) error {
			if h.position != after {
				return fmt.Errorf("the file stands at %d, not at %d", h.position, after)
			}
			for _, row := range rows {
				if err := f.take(conn, row); err != nil {
					return fmt.Errorf("record %s: %w", row.ID, err)
				}
				h.position = row.Position
			}
			if done {
				h.position = end // the rest of the positions is of records that moved on
			}
			return nil
		})
	})
	return done, err
}

const (
	sqlPutRecord = `INSERT INTO records (id, subject) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET subject = ?2`
	sqlPutPack   = `INSERT OR IGNORE INTO packs (id) VALUES (?1)`
	sqlPutLink   = `INSERT OR REPLACE INTO links (id, a, b) VALUES (?1, ?2, ?3)`
	sqlDropLink  = `DELETE FROM links WHERE id = ?1`
	sqlSubjectOf = `SELECT subject FROM records WHERE id = ?1`
	sqlLink      = `SELECT a, b FROM links WHERE id = ?1`
	sqlQueue     = `INSERT INTO queue (resident, whole) VALUES (?1, ?2) ON CONFLICT (resident) DO UPDATE SET whole = max(whole, ?2)`
	sqlIsWhole   = `SELECT resident FROM queue WHERE resident = ?1 AND whole = 1`
	sqlChanged   = `INSERT OR IGNORE INTO changed (resident, record) VALUES (?1, ?2)`
)

// take writes down one record as it now stands.
func (f *Findings) take(conn *sqlite.Conn, row syncengine.RecordRow) error {
	kind := row.ID.Kind()
	if kind == care.KindRulePack {
		f.packs = true
		return writeIDs(conn, sqlPutPack, row.ID)
	}
	if _, known := care.Kinds().Lookup(kind); !known {
		return nil
	}
	if kind == care.KindResidentLink {
		if err := f.takeLink(conn, row); err != nil {
			return err
		}
	}
	now := row.Subject
	if now.IsZero() {
		now = row.ID
	}
	before, known, err := oneID(conn, sqlSubjectOf, row.ID)
	if err != nil {
		return err
	}
	if !known || before != now {
		if err := writeIDs(conn, sqlPutRecord, row.ID, now); err != nil {
			return err
		}
		if known {
			if err := queue(conn, before, false); err != nil {
				return err
			}
		}
	}
	return queueChange(conn, now, row.ID)
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

// takeLink writes down what a link now says, and queues whom that and what it said before
// concerns. One that cannot be read says nothing.
func (f *Findings) takeLink(conn *sqlite.Conn, row syncengine.RecordRow) error {
	var former []record.ID
	err := sqlitefile.Query(conn, sqlLink, bindIDs(row.ID), func(s *sqlite.Stmt) bool {
		former = append(former, columnID(s, 0), columnID(s, 1))
		return true
	})
	if err != nil {
		return err
	}
	a, b, same := f.readLink(row)
	switch {
	case same && len(former) > 0, !same && len(former) == 0:
		return nil // its pair is in its id: it says what it said
	case same:
		if err := writeIDs(conn, sqlPutLink, row.ID, a, b); err != nil {
			return err
		}
		return queueAround(conn, a, b)
	}
	if err := queueAround(conn, former...); err != nil {
		return err
	}
	return writeIDs(conn, sqlDropLink, row.ID)
}

// readLink returns the pair of a link that says they are one person.
func (f *Findings) readLink(row syncengine.RecordRow) (a, b record.ID, same bool) {
	defer func() {
		if p := recover(); p != nil {
			f.cfg.Log.Error("a link was passed over", "record", row.ID, "err", syncengine.NewPanicError(p))
			same = false
		}
	}()
	state, err := record.DecodeState(row.State)
	if err != nil {
		f.cfg.Log.Error("a link was passed over", "record", row.ID, "err", err)
		return a, b, false
	}
	m, err := care.Message(care.KindResidentLink, state.Registers())
	link, ok := m.(*carev1.ResidentLink)
	if err != nil || !ok || state.Life() == record.LifeVoided ||
		len(link.GetResidentA()) != len(a) || len(link.GetResidentB()) != len(b) {
		return a, b, false
	}
	a, b = record.ID(link.GetResidentA()), record.ID(link.GetResidentB())
	return a, b, care.LinkID(a, b) == row.ID && link.GetRuling().GetState() == carev1.LinkState_LINK_STATE_LINKED
}

// queue notes that a resident is to be looked at: with whole at all records, else at those that
// changed and at what rules find that look at several.
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
