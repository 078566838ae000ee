// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// look has modules look at a piece, and writes what comes of it in one transaction with what
// done does. why says whether a module is to look at somebody, and what alone is another.
func (p *Projection) look(
	ctx context.Context, all piece, why func(*module, somebody) (Only, bool), done func(*sqlite.Conn, *header) error,
) error {
	return p.file.Update(ctx, func(conn *sqlite.Conn) error {
		return p.update(conn, func(h *header) error {
			failing, err := anyFailed(conn)
			if err != nil {
				return err
			}
			for i, one := range all.people {
				for _, m := range p.modules {
					only, wanted := why(m, one)
					if !wanted || !m.ready {
						continue
					}
					l := lookAt{p: p, conn: conn, m: m, failing: failing}
					if err := l.person(*all.persons[i], only); err != nil {
						return fmt.Errorf("module %s, person %s: %w", m.Name(), one.id(), err)
					}
				}
			}
			return done(conn, h)
		})
	})
}

// lookAt is one look of one module.
type lookAt struct {
	p       *Projection
	conn    *sqlite.Conn
	m       *module
	failing bool // some module failed at somebody
}

// person has the module look at a person. Of a module that fails it notes that, and undoes what
// it wrote; an error means that the file failed.
func (l lookAt) person(one Person, only Only) error {
	tries := 0
	if one.Only = only; l.failing {
		var err error
		if tries, err = l.forget(one.Residents); err != nil {
			return err
		}
		if tries > 0 {
			one.Only = Only{}
		}
	}
	l.m.settled = false
	failed, err := l.undoing(func() error { return l.m.Look(l.conn, &one, l.p.day) })
	if err != nil || failed == nil {
		return err
	}
	l.p.personFailed(l.m, one.ID, failed)
	return l.note(one.ID, tries)
}

// undoing runs do; when that fails, what it wrote is undone. An err means that the transaction
// is of no use any more.
func (l lookAt) undoing(do func() error) (failed, err error) {
	if err := sqlitefile.Exec(l.conn, "SAVEPOINT look"); err != nil {
		return nil, err
	}
	if failed = caught(do); failed == nil {
		return nil, sqlitefile.Exec(l.conn, "RELEASE look")
	}
	if l.conn.AutocommitEnabled() || broken(failed) {
		return nil, failed
	}
	return failed, firstOf(sqlitefile.Exec(l.conn, "ROLLBACK TO look"), sqlitefile.Exec(l.conn, "RELEASE look"))
}

// broken reports whether an error is one of the file, and not of who used it.
func broken(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultFull, sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultNoMem, sqlite.ResultInterrupt,
		sqlite.ResultBusy, sqlite.ResultReadOnly:
		return true
	}
	return false
}

const (
	sqlAnyFailed = `SELECT 1 FROM failed LIMIT 1`
	sqlDidFail   = `SELECT tries FROM failed WHERE person = ?1 AND module = ?2`
	sqlForget    = `DELETE FROM failed WHERE person = ?1 AND module = ?2`
	sqlNote      = `INSERT INTO failed (person, module, again, tries) VALUES (?1, ?2, ?3, ?4)`
	sqlDue       = `SELECT person, module FROM failed WHERE again <= ?1 ORDER BY again LIMIT ?2`
)

// A module tries again after so long, twice as long after each further failure.
const (
	firstAgain = time.Minute
	lastAgain  = 24 * time.Hour
)

func anyFailed(conn *sqlite.Conn) (any bool, err error) {
	return sqlitefile.One(conn, sqlAnyFailed, nil, func(*sqlite.Stmt) {})
}

func bindFailed(id record.ID, m *module) func(*sqlite.Stmt) {
	return func(s *sqlite.Stmt) {
		s.BindBytes(1, id[:])
		s.BindText(2, m.Name())
	}
}

// forget forgets that the module failed at residents, and returns how often it did in a row.
func (l lookAt) forget(residents []record.ID) (tries int, err error) {
	for _, r := range residents {
		found, err := sqlitefile.One(l.conn, sqlDidFail, bindFailed(r, l.m), func(s *sqlite.Stmt) { tries = max(tries, s.ColumnInt(0)) })
		if err == nil && found {
			err = sqlitefile.Write(l.conn, sqlForget, bindFailed(r, l.m))
		}
		if err != nil {
			return 0, err
		}
	}
	return tries, nil
}

// note notes that the module failed at a person.
func (l lookAt) note(id record.ID, tries int) error {
	wait := lastAgain
	if tries < 11 {
		wait = min(firstAgain<<tries, lastAgain)
	}
	again := l.p.cfg.Clock().Add(wait)
	return sqlitefile.Write(l.conn, sqlNote, func(s *sqlite.Stmt) {
		bindFailed(id, l.m)(s)
		s.BindInt64(3, again.UnixMilli())
		s.BindInt64(4, int64(tries+1))
	})
}
