// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Person returns a person whole, by any of its residents or records: the records as they stand
// now, as belonging together as far as the feed was read. An error with
// syncengine.ReasonNotFound: nothing is known of such a resident or record.
func (p *Projection) Person(ctx context.Context, id record.ID) (*Person, error) {
	of := id
	err := p.View(ctx, func(conn *sqlite.Conn) error {
		subject, known, err := oneID(conn, sqlSubjectOf, id)
		if known {
			of = subject
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("person: %w", err)
	}
	all, err := p.gather(ctx, []record.ID{of}, func(*sqlite.Conn, *somebody) (bool, error) { return true, nil })
	if err != nil {
		return nil, fmt.Errorf("person: %w", err)
	}
	if len(all.persons[0].Rows) == 0 {
		return nil, &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "person"}
	}
	return all.persons[0], nil
}

// home is a resident, or a record about nobody, where it is.
type home struct {
	division record.Division
	subject  record.ID
}

// By the primary key.
const sqlHomes = `SELECT division, subject FROM homes WHERE (division, subject) > (?1, ?2) AND division < ?3 ORDER BY division, subject LIMIT ?4`

// nextHomes returns the homes after one under a prefix, as many as make a piece.
func nextHomes(conn *sqlite.Conn, prefix record.Division, after home) (all []home, err error) {
	err = sqlitefile.Query(conn, sqlHomes, func(s *sqlite.Stmt) {
		s.BindText(1, max(string(after.division), string(prefix)))
		s.BindBytes(2, after.subject[:])
		s.BindText(3, string(prefix)+":") // which is behind every digit
		s.BindInt64(4, piecePersons)
	}, func(s *sqlite.Stmt) bool {
		all = append(all, home{record.Division(s.ColumnText(0)), columnID(s, 1)})
		return true
	})
	return all, err
}

// Walk calls each with the persons of whom a resident, or who as a record about nobody, is in a
// division under a prefix, in order of division and resident, each once; the empty prefix gives
// everybody, by resident alone, those without a resident's record, too. It reads page after
// page, each as of then. It ends with the first error of each's.
func (p *Projection) Walk(ctx context.Context, prefix record.Division, each func(*Person) error) error {
	w := walk{p: p, each: each, seen: map[record.ID]bool{}}
	next := w.subjects
	if prefix != "" {
		next = func(ctx context.Context) ([]record.ID, error) { return w.homes(ctx, prefix) }
	}
	for {
		residents, err := next(ctx)
		if err != nil || len(residents) == 0 {
			return err
		}
		if err := w.page(ctx, residents); err != nil {
			return err
		}
	}
}

// walk is one Walk.
type walk struct {
	p     *Projection
	each  func(*Person) error
	home  home               // the last one
	after record.ID          // the last subject
	seen  map[record.ID]bool // those whom a walk can come to more than once
}

func (w *walk) subjects(ctx context.Context) (all []record.ID, err error) {
	err = w.p.View(ctx, func(conn *sqlite.Conn) (err error) {
		all, err = nextSubjects(conn, w.after, record.ID{})
		return err
	})
	if len(all) > 0 {
		w.after = all[len(all)-1]
	}
	return all, err
}

func (w *walk) homes(ctx context.Context, prefix record.Division) (all []record.ID, err error) {
	err = w.p.View(ctx, func(conn *sqlite.Conn) error {
		homes, err := nextHomes(conn, prefix, w.home)
		for _, h := range homes {
			all, w.home = append(all, h.subject), h
		}
		return err
	})
	return all, err
}

// page goes through the persons of some residents.
func (w *walk) page(ctx context.Context, residents []record.ID) error {
	for len(residents) > 0 {
		all, err := w.p.gather(ctx, residents, func(*sqlite.Conn, *somebody) (bool, error) { return true, nil })
		if err != nil {
			return fmt.Errorf("walk: %w", err)
		}
		residents = residents[all.taken:]
		for _, one := range all.persons {
			if w.seen[one.ID] {
				continue
			}
			if len(one.Residents) > 1 || len(one.Rows[one.ID].Divisions) > 1 {
				w.seen[one.ID] = true
			}
			if err := w.each(one); err != nil {
				return err
			}
		}
	}
	return nil
}
