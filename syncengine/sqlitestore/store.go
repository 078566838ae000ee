// SPDX-License-Identifier: Apache-2.0

// Package sqlitestore keeps one shard in one SQLite file. It is the store of a
// centre or a hub; DESIGN.md has the tables, the reasons and the measurements.
//
// Its one invariant is I1: a stored segment, its leaf and every change of state
// and feed are one transaction, on disk when Update returns. It knows no care and
// decides nothing.
package sqlitestore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Options are how a file is opened; see package sqlitefile for the numbers.
type Options = sqlitefile.Options

// What Open and Update may fail with, beside other things.
var (
	// ErrLocked: another process, or this one, has the file open.
	ErrLocked = sqlitefile.ErrLocked
	// ErrNewer: the file was written by a newer build.
	ErrNewer = sqlitefile.ErrNewer
	// ErrForeign: the file is a database of something else.
	ErrForeign = sqlitefile.ErrForeign
	// ErrCorrupt: the file is damaged, or no database at all.
	ErrCorrupt = sqlitefile.ErrCorrupt
	// ErrReadOnly: the file cannot be written.
	ErrReadOnly = sqlitefile.ErrReadOnly
	// ErrFull: there is no room left; nothing was written. Such errors wrap
	// syncengine.ErrStoreFull too.
	ErrFull = sqlitefile.ErrFull
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is "XZSH" in ASCII: the mark of shard files.
const applicationID = 0x585a5348

func schema() (sqlitefile.Schema, error) {
	steps, err := fs.Sub(migrations, "migrations")
	return sqlitefile.Schema{Name: "shard", ApplicationID: applicationID, Migrations: steps}, err
}

// Store is a syncengine.Store on disk. Make it with Open.
type Store struct {
	file  *sqlitefile.File
	names directory
	hooks hooks
}

var (
	_ syncengine.Store     = (*Store)(nil)
	_ syncengine.Forgetter = (*Store)(nil)
)

// Open opens the shard in the file at path. Its errors wrap ErrLocked, ErrNewer,
// ErrForeign, ErrCorrupt, ErrReadOnly, ErrFull, or fs.ErrNotExist when there is no
// file and options.Create is not set.
func Open(path string, options Options) (*Store, error) {
	s, err := schema()
	if err != nil {
		return nil, err
	}
	file, err := sqlitefile.Open(path, s, options)
	if err != nil {
		return nil, explain(err)
	}
	out := &Store{file: file}
	ctx := context.Background()
	if err := out.names.load(ctx, file); err != nil {
		return nil, errors.Join(explain(err), file.Close())
	}
	if err := out.complete(ctx); err != nil {
		return nil, errors.Join(explain(err), file.Close())
	}
	return out, nil
}

// Path returns the absolute name of the file.
func (s *Store) Path() string { return s.file.Path() }

// View runs f on the snapshot that its first question meets. When ctx ends, a
// running question is interrupted. Views nested deeper than Options.Readers wait
// for each other for ever.
func (s *Store) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.file.View(ctx, func(conn *sqlite.Conn) error { return f(reader{conn, &s.names}) })
}

// Update runs f as the only writer. What it wrote is synchronised to disk when
// Update returns nil. When ctx ends, nothing is written, unless the commit has
// begun already. An error wraps ErrFull when there is no room left.
func (s *Store) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	s.hooks.at(beforeBegin)
	var named map[int64]causal.ReplicaID
	err := s.file.Update(ctx, func(conn *sqlite.Conn) error {
		t := tx{reader{conn, &s.names}, s.hooks, &moves{at: map[int64]int64{}}, map[int64]causal.ReplicaID{}}
		if err := f(t); err != nil {
			return err
		}
		if err := t.settle(); err != nil {
			return err
		}
		named = t.named
		s.hooks.at(beforeCommit)
		return nil
	})
	if err != nil {
		return explain(err)
	}
	s.names.add(named)
	s.hooks.at(afterCommit)
	return nil
}

// Forget is syncengine.Forgetter.
func (s *Store) Forget(ctx context.Context, patience time.Duration) error {
	return explain(s.file.Forget(ctx, patience))
}

// Close waits for running closures and backups. Closing twice is allowed.
func (s *Store) Close() error { return s.file.Close() }

// Backup writes one snapshot to target, which must not exist, while Views and
// Updates go on. When it returns nil, the copy was read back, found in order and
// is on disk. Open takes it.
func (s *Store) Backup(ctx context.Context, target string) error {
	return explain(s.file.Backup(ctx, target))
}

func explain(err error) error {
	if errors.Is(err, ErrFull) && !errors.Is(err, syncengine.ErrStoreFull) {
		return fmt.Errorf("%w: %w", syncengine.ErrStoreFull, err)
	}
	return err
}

// reader answers questions on one connection.
type reader struct {
	conn  *sqlite.Conn
	names *directory
}

// tx is a reader that writes.
type tx struct {
	reader
	hooks hooks
	moves *moves
	named map[int64]causal.ReplicaID // replicas that are new here
}

var _ syncengine.Tx = tx{}

// write runs a statement and then the hook of its point.
func (t tx) write(p point, statement string, bind func(*sqlite.Stmt)) error {
	if err := sqlitefile.Write(t.conn, statement, bind); err != nil {
		return err
	}
	t.hooks.at(p)
	return nil
}
