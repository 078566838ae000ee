// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// Open opens the file at path, brings it to the newest of schema's migrations and
// keeps every other process out until Close. Its errors wrap ErrLocked, ErrNewer,
// ErrForeign, ErrCorrupt, ErrReadOnly, ErrFull or fs.ErrNotExist; except for the
// migrations that were completed before it failed, the file is as it was.
func Open(path string, schema Schema, opts Options) (_ *File, err error) {
	path, err = settle(path, schema, opts)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, opts: opts.withDefaults()}
	if f.lock, err = acquire(path); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(named(path, err), f.release())
		}
	}()
	if err := claim(path, opts.Create); err != nil {
		return nil, err
	}
	if err := f.openWriter(schema); err != nil {
		return nil, err
	}
	if err := f.openReaders(); err != nil {
		return nil, err
	}
	f.place, err = placeOf(path)
	return f, err
}

// settle returns the name by which everybody knows the file, so that two names of
// one file meet at one lock.
func settle(path string, schema Schema, opts Options) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && opts.Create:
		return settleNew(path)
	case err != nil:
		return "", fmt.Errorf("open %s: %w", schema.Name, err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("open %s: %s is not a file: %w", schema.Name, path, ErrForeign)
	case info.Size() == 0 && !opts.Create:
		return "", fmt.Errorf("open %s: %s is empty: bring back a backup: %w", schema.Name, path, ErrCorrupt)
	}
	return filepath.EvalSymlinks(path)
}

func settleNew(path string) (string, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}

// claim makes sure that the file can be written, and makes an empty one that only
// its owner can read if there is none and create is set: SQLite gives the files it
// makes beside it the same rights. It must run under the lock and before SQLite
// opens the file.
func claim(path string, create bool) error {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReadOnly, err)
	}
	return file.Close()
}

func (f *File) openWriter(schema Schema) error {
	conn, err := connect(f.path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	f.writer = make(chan *sqlite.Conn, 1)
	f.writer <- conn
	steps, err := readSteps(schema.Migrations)
	if err != nil {
		return err
	}
	done, err := recognise(conn, schema, steps, f.opts.Create)
	if err != nil {
		return fmt.Errorf("%s: %w", f.path, err)
	}
	if err := becomeWriter(conn, f.opts.WriterCache); err != nil {
		return err
	}
	return migrate(conn, schema, steps[done:])
}

func (f *File) openReaders() error {
	f.readers = make(chan *sqlite.Conn, f.opts.Readers)
	for range f.opts.Readers {
		conn, err := connect(f.path, sqlite.OpenReadWrite)
		if err != nil {
			return err
		}
		f.readers <- conn
		if err := becomeReader(conn, f.opts.ReaderCache); err != nil {
			return err
		}
	}
	return nil
}

func connect(path string, flags sqlite.OpenFlags) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(path, flags)
	if err != nil {
		return nil, err
	}
	conn.SetBusyTimeout(busyTimeout)
	return conn, nil
}

func becomeWriter(conn *sqlite.Conn, cache int) error {
	var mode string
	_, err := One(conn, "PRAGMA journal_mode = WAL", nil, func(s *sqlite.Stmt) { mode = s.ColumnText(0) })
	if err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("this disk allows no write-ahead log (journal mode is %q): put the file on a local disk", mode)
	}
	return pragmas(
		conn,
		"synchronous = FULL", // an update that returned is on disk
		"foreign_keys = ON",
		"secure_delete = ON",  // what was erased by order is not left in free room; measured: costs nothing
		"temp_store = MEMORY", // no copies of personal data in temporary files
		fmt.Sprintf("cache_size = -%d", cache>>10),
		fmt.Sprintf("wal_autocheckpoint = %d", walPages),
		fmt.Sprintf("journal_size_limit = %d", walKeep),
	)
}

func becomeReader(conn *sqlite.Conn, cache int) error {
	return pragmas(conn, "query_only = ON", "temp_store = MEMORY", fmt.Sprintf("cache_size = -%d", cache>>10))
}

func pragmas(conn *sqlite.Conn, settings ...string) error {
	for _, p := range settings {
		if err := sqlitex.ExecuteTransient(conn, "PRAGMA "+p, nil); err != nil {
			return err
		}
	}
	return nil
}
