// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"zombiezen.com/go/sqlite"
)

const (
	sqlVacuumInto     = `VACUUM INTO ?1`
	sqlIntegrityCheck = `PRAGMA integrity_check(100)`
	sqlForeignKeys    = `PRAGMA foreign_key_check`
)

// Backup writes one snapshot of the file to target, which must not exist, while
// Views and Updates go on. When it returns nil, the copy was read back, found in
// order and is on disk under its name; before that it is called target + ".partial".
// A copy is a file of the same kind: Open takes it.
func (f *File) Backup(ctx context.Context, target string) (err error) {
	if err := f.begin(); err != nil {
		return err
	}
	defer f.running.Done()
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fmt.Errorf("backup to %s: %w", target, fs.ErrExist), err)
	}
	partial := target + ".partial"
	if err := os.Remove(partial); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(partial) // it is of no use, and may not be there
			err = fmt.Errorf("backup to %s: %w", target, f.explain(ctx, err))
		}
	}()
	if err := f.copyTo(ctx, partial); err != nil {
		return err
	}
	if err := verified(ctx, partial); err != nil {
		return err
	}
	return publish(partial, target)
}

func (f *File) copyTo(ctx context.Context, partial string) error {
	if err := claim(partial, true); err != nil {
		return err
	}
	conn, err := connect(f.path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	conn.SetInterrupt(ctx.Done())
	err = Query(conn, sqlVacuumInto, func(s *sqlite.Stmt) { s.BindText(1, partial) }, func(*sqlite.Stmt) bool { return true })
	return errors.Join(err, conn.Close())
}

// verified reads the whole copy.
func verified(ctx context.Context, partial string) error {
	conn, err := connect(partial, sqlite.OpenReadOnly)
	if err != nil {
		return err
	}
	conn.SetInterrupt(ctx.Done())
	findings, err := check(conn)
	if len(findings) > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %s", ErrCorrupt, strings.Join(findings, "; ")))
	}
	return errors.Join(err, conn.Close())
}

// publish puts the copy on disk and gives it its name.
func publish(partial, target string) error {
	file, err := os.OpenFile(partial, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(partial, target); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(target))
}

// Check reads the whole file and returns what is wrong with it, in SQLite's words,
// at most 100 findings; none: it is in order. Updates go on beside it.
func (f *File) Check(ctx context.Context) (findings []string, err error) {
	err = f.View(ctx, func(conn *sqlite.Conn) error {
		findings, err = check(conn)
		return err
	})
	return findings, err
}

func check(conn *sqlite.Conn) ([]string, error) {
	var findings []string
	err := Query(conn, sqlIntegrityCheck, nil, func(s *sqlite.Stmt) bool {
		if text := s.ColumnText(0); text != "ok" {
			findings = append(findings, text)
		}
		return true
	})
	if err != nil {
		return findings, err
	}
	err = Query(conn, sqlForeignKeys, nil, func(s *sqlite.Stmt) bool {
		findings = append(findings, fmt.Sprintf("row %d of %s refers to no row of %s", s.ColumnInt64(1), s.ColumnText(0), s.ColumnText(2)))
		return len(findings) < 100
	})
	return findings, err
}
