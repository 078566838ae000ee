// SPDX-License-Identifier: Apache-2.0

// Package devicestore keeps a replica on its device, a tablet or a clinic hub: one
// SQLite file whose bodies are sealed.
//
// The one invariant: what is personal reaches the file only sealed, bound to the
// bucket and key of its row, so that rows can neither be read nor exchanged
// without the data key. That an old copy of a row, or of the whole file, was put
// back is not noticed here; the centre notices it. What an Update returned nil for
// is on disk. While the sealer is locked, heads can be read and written and bodies
// cannot.
package devicestore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// FileName is what the file is called inside a tablet's folder.
const FileName = "tablet.db"

// Caches on a tablet: memory is scarce, and an app has a few thousand records.
const (
	writerCache = 4 << 20
	readerCache = 2 << 20
	readers     = 3 // a screen, a list, and the sync
)

// logPages is the size of the write-ahead log, in pages of 4 KiB, from which on a
// commit moves it into the file, and what it is cut back to after a larger one. A
// save writes three pages, so a log as on a server would grow to many times the
// size of the file, on the device where room is shortest.
const logPages = 256

// applicationID is "XZtb": the device file of a tablet.
const applicationID = 0x585a7462

//go:embed migrations/*.sql
var migrations embed.FS

// Sealer seals what is personal. Both methods return an error that wraps
// replica.ErrLocked while they have no key. Package vault has one.
type Sealer interface {
	// SealRow encrypts plain for a place.
	SealRow(place, plain []byte) ([]byte, error)
	// OpenRow decrypts what SealRow made for the same place.
	OpenRow(place, sealed []byte) ([]byte, error)
}

// Store is a replica.Store in a file. It is safe for concurrent use.
type Store struct {
	file   *sqlitefile.File
	sealer Sealer
	points points
}

// Open opens the file at path, which it makes if it is not there. While it is
// open, no other process and no other Open gets it. Errors are those of
// sqlitefile.Open.
func Open(path string, sealer Sealer) (*Store, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	schema := sqlitefile.Schema{Name: "tablet", ApplicationID: applicationID, Migrations: steps}
	file, err := sqlitefile.Open(path, schema, sqlitefile.Options{
		Create: true, Readers: readers, WriterCache: writerCache, ReaderCache: readerCache,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{file: file, sealer: sealer}
	if err := s.configure(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return s, nil
}

// configure sets what the writer does otherwise than on a server. What is deleted is
// overwritten: somebody with the key could read it in the file's free pages.
func (s *Store) configure() error {
	return s.file.Update(context.Background(), func(conn *sqlite.Conn) error {
		for _, setting := range []string{
			fmt.Sprintf(`PRAGMA wal_autocheckpoint = %d`, logPages),
			fmt.Sprintf(`PRAGMA journal_size_limit = %d`, logPages*4096),
			`PRAGMA secure_delete = ON`,
		} {
			if err := sqlitefile.Exec(conn, setting); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close waits for running closures and lets others open the file.
func (s *Store) Close() error { return s.file.Close() }

var (
	_ replica.Store     = (*Store)(nil)
	_ replica.Forgetter = (*Store)(nil)
)

// Check reads the whole file and returns what is wrong with it; none: nothing.
func (s *Store) Check(ctx context.Context) ([]string, error) { return s.file.Check(ctx) }

// Settle moves the write-ahead log into the file and begins it anew, so that its
// room is used again. While somebody reads or writes, part of that is left undone.
func (s *Store) Settle(ctx context.Context) error {
	conn, err := sqlite.OpenConn(s.file.Path(), sqlite.OpenReadWrite)
	if err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	conn.SetInterrupt(ctx.Done())
	err = sqlitefile.Exec(conn, sqlSettle)
	return errors.Join(err, conn.Close())
}

// Forget is replica.Forgetter.
func (s *Store) Forget(ctx context.Context, patience time.Duration) error {
	return s.file.Forget(ctx, patience)
}

// Unwritable reports whether err is SQLite's for a file that could not be made or
// written. It does not say why; a full disk is one cause.
func Unwritable(err error) bool {
	code := sqlite.ErrCode(err).ToPrimary()
	return code == sqlite.ResultIOErr || code == sqlite.ResultCantOpen
}

const sqlSettle = `PRAGMA wal_checkpoint(RESTART)`

// sqlSnapshot asks nothing much: SQLite's snapshot begins with the first question.
const sqlSnapshot = `SELECT 1 FROM sqlite_schema LIMIT 1`

// View runs f on one snapshot.
func (s *Store) View(ctx context.Context, f func(replica.Reader) error) error {
	return s.file.View(ctx, func(conn *sqlite.Conn) error {
		if err := sqlitefile.Exec(conn, sqlSnapshot); err != nil {
			return err
		}
		return f(&tx{conn: conn, s: s})
	})
}

// Update runs f as the only writer.
func (s *Store) Update(ctx context.Context, f func(replica.Tx) error) error {
	s.points.pass("update begins")
	err := s.file.Update(ctx, func(conn *sqlite.Conn) error {
		err := f(&tx{conn: conn, s: s})
		s.points.pass("before commit")
		return err
	})
	s.points.pass("after commit")
	return err
}

// points are the named places of an Update at which a test may end the process.
type points func(name string)

func (p points) pass(name string) {
	if p != nil {
		p(name)
	}
}

const (
	sqlNote    = `SELECT value FROM notes WHERE name = ?1`
	sqlSetNote = `INSERT INTO notes (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// Note returns what was noted under a name; nil: nothing.
func (s *Store) Note(ctx context.Context, name string) (value []byte, err error) {
	err = s.file.View(ctx, func(conn *sqlite.Conn) error {
		_, err := sqlitefile.One(conn, sqlNote,
			func(q *sqlite.Stmt) { q.BindText(1, name) },
			func(q *sqlite.Stmt) { value = sqlitefile.Bytes(q, 0) })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("note %s: %w", name, err)
	}
	return value, nil
}

// SetNote notes a value that is not personal.
func (s *Store) SetNote(ctx context.Context, name string, value []byte) error {
	err := s.file.Update(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Write(conn, sqlSetNote, func(q *sqlite.Stmt) {
			q.BindText(1, name)
			q.BindBytes(2, value)
		})
	})
	if err != nil {
		return fmt.Errorf("note %s: %w", name, err)
	}
	return nil
}
