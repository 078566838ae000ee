// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	// MaxLinked bounds the residents of one person. Of more, each is looked at by itself: nobody
	// is registered so often, and whoever links so many people must not have the server work on
	// all of them at every change of one.
	MaxLinked = 64
	// MaxRecords bounds the records of one person: some 5 MiB.
	MaxRecords = 5000
)

// By links_a and links_b.
const sqlLinked = `SELECT b FROM links WHERE a = ?1 UNION SELECT a FROM links WHERE b = ?1 ORDER BY 1 LIMIT ?2`

// component returns who is one person with a resident, ascending, that one included. With
// tooMany there are more than MaxLinked, and some of them are returned.
func component(conn *sqlite.Conn, resident record.ID) (all []record.ID, tooMany bool, err error) {
	all = []record.ID{resident}
	var known map[record.ID]bool
	for next := 0; next < len(all); next++ {
		err := sqlitefile.Query(conn, sqlLinked, func(s *sqlite.Stmt) {
			bindIDs(all[next])(s)
			s.BindInt64(2, MaxLinked+1)
		}, func(s *sqlite.Stmt) bool {
			if known == nil {
				known = map[record.ID]bool{resident: true}
			}
			if id := columnID(s, 0); !known[id] {
				known[id] = true
				all = append(all, id)
			}
			return true
		})
		if err != nil {
			return nil, false, err
		}
		if len(all) > MaxLinked {
			return all, true, nil
		}
	}
	slices.SortFunc(all, record.ID.Compare)
	return all, false, nil
}

// Whole is the person that a resident is: the residents, ascending, the first of whom names it.
// With tooMany they are more than MaxLinked, and it is that resident alone.
func Whole(conn *sqlite.Conn, resident record.ID) (residents []record.ID, tooMany bool, err error) {
	all, tooMany, err := component(conn, resident)
	if tooMany {
		all = []record.ID{resident}
	}
	return all, tooMany, err
}

// member is a record of a person.
type member struct {
	id          record.ID
	first, last Receipt
}

// somebody is a person whose records are not read yet.
type somebody struct {
	asked     record.ID // the resident by whom it was found
	residents []record.ID
	members   []member // in order of id, at most MaxRecords
	fault     Fault

	whole   bool // every record is to be looked at
	changed map[record.ID]bool
}

func (s somebody) id() record.ID { return s.residents[0] }

const sqlRecordsOf = `SELECT id, receipts FROM records WHERE subject = ?1 ORDER BY id LIMIT ?2`

// find returns the person that a resident is.
func (p *Projection) find(conn *sqlite.Conn, resident record.ID) (s somebody, err error) {
	all, tooMany, err := Whole(conn, resident)
	if err != nil {
		return s, err
	}
	s = somebody{asked: resident, residents: all}
	if tooMany {
		s.fault = FaultLinked
	}
	var failed error
	for _, r := range all {
		err := sqlitefile.Query(conn, sqlRecordsOf, func(st *sqlite.Stmt) {
			bindIDs(r)(st)
			st.BindInt64(2, MaxRecords+1)
		}, func(st *sqlite.Stmt) bool {
			one := member{id: columnID(st, 0)}
			one.first, one.last, failed = p.readReceipts(conn, sqlitefile.Bytes(st, 1))
			s.members = append(s.members, one)
			return failed == nil && len(s.members) <= MaxRecords
		})
		if err != nil || failed != nil {
			return s, firstOf(err, failed)
		}
		if len(s.members) > MaxRecords {
			s.keepResidents()
			break
		}
	}
	slices.SortFunc(s.members, func(a, b member) int { return record.ID.Compare(a.id, b.id) })
	return s, nil
}

// keepResidents leaves of too many records those that say where the person is.
func (s *somebody) keepResidents() {
	s.fault = FaultRecords
	known := s.members
	s.members = nil
	for _, r := range s.residents {
		one := member{id: r}
		if at := slices.IndexFunc(known, func(m member) bool { return m.id == r }); at >= 0 {
			one = known[at]
		}
		s.members = append(s.members, one)
	}
}

// piece is some people with their records.
type piece struct {
	people  []somebody
	persons []*Person
	taken   int // how many of the residents that were asked for have been come to
}

// What is looked at in one piece, so many records about: some 3 MiB, and a fraction of a second. With a quarter of the persons
// the same pages were written four times, and a rebuild took half as long again.
const (
	piecePersons = 100
	pieceRecords = 1000
)

// gather reads people: from the beginning of residents as many as make a piece, at least one.
func (p *Projection) gather(ctx context.Context, residents []record.ID, wanted func(*sqlite.Conn, *somebody) (bool, error)) (piece, error) {
	var out piece
	var ids []record.ID
	err := p.file.View(ctx, func(conn *sqlite.Conn) error {
		known := map[record.ID]bool{}
		for _, r := range residents {
			if len(ids) >= pieceRecords {
				return nil
			}
			out.taken++
			if known[r] {
				continue
			}
			one, err := p.find(conn, r)
			if err != nil {
				return fmt.Errorf("resident %s: %w", r, err)
			}
			for _, r := range one.residents {
				known[r] = true
			}
			if ok, err := wanted(conn, &one); err != nil {
				return err
			} else if !ok {
				continue
			}
			out.people = append(out.people, one)
			for _, m := range one.members {
				ids = append(ids, m.id)
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	rows, err := p.cfg.Shard.Rows(ctx, ids)
	if err != nil {
		return out, fmt.Errorf("read records: %w", err)
	}
	for _, one := range out.people {
		n := 0
		for _, m := range one.members {
			if n < len(rows) && rows[n].ID == m.id {
				n++
			}
		}
		out.persons = append(out.persons, p.decode(one, rows[:n]))
		rows = rows[n:]
	}
	return out, nil
}

// decode returns a person whose records are rows, in order of id.
func (p *Projection) decode(s somebody, rows []syncengine.RecordRow) *Person {
	out := &Person{ID: s.id(), Residents: s.residents, Rows: make(map[record.ID]Row, len(rows)), Fault: s.fault}
	entries := make([]rules.Entry, 0, len(rows))
	next := 0
	for _, row := range rows {
		for s.members[next].id != row.ID {
			next++
		}
		if !row.Subject.IsZero() && !slices.Contains(s.residents, row.Subject) {
			continue // the feed will say whose it is
		}
		e, err := entryOf(row)
		if err != nil {
			p.PassOver(row.ID, err)
			out.Unreadable = append(out.Unreadable, row.ID)
		} else if s.fault != FaultRecords {
			e.ReceivedAt = s.members[next].first.ReceivedAt
			entries = append(entries, e)
		}
		out.Rows[row.ID] = Row{
			Position: uint64(row.Position), Divisions: row.Divisions, Class: row.Class, Voided: row.Flags&syncengine.FlagVoided != 0,
			First: s.members[next].first, Last: s.members[next].last,
		}
	}
	out.Rules = rules.NewPerson(out.ID, entries)
	return out
}

func entryOf(row syncengine.RecordRow) (e rules.Entry, err error) {
	err = caught(func() error {
		state, err := record.DecodeState(row.State)
		if err != nil {
			return err
		}
		kind, registers := row.ID.Kind(), state.Registers()
		form, err := care.Message(kind, registers)
		if err != nil {
			return err
		}
		e = rules.Entry{
			ID: row.ID, Kind: kind, Subject: subjectOf(row), Form: form, Voided: state.Life() == record.LifeVoided,
			CapturedAt: care.CapturedAt(registers),
		}
		return nil
	})
	return e, err
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
