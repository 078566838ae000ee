// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// A step is one migration: a file of SQL, known by its number and its hash.
type step struct {
	name   string
	script string
	hash   [sha256.Size]byte
}

const (
	sqlMigrationsTable = `CREATE TABLE IF NOT EXISTS migrations (
		number INTEGER PRIMARY KEY,
		name TEXT NOT NULL,
		sha256 BLOB NOT NULL
	) STRICT`
	sqlHasMigrations  = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'`
	sqlIsEmpty        = `SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)`
	sqlMigrations     = `SELECT number, name, sha256 FROM migrations ORDER BY number`
	sqlMigrationsDone = `INSERT INTO migrations (number, name, sha256) SELECT coalesce(max(number), 0) + 1, ?1, ?2 FROM migrations`
)

// readSteps returns the migrations in order; they must be numbered 1, 2, 3, … .
func readSteps(files fs.FS) ([]step, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]step, len(names))
	for i, name := range names {
		if !strings.HasPrefix(name, fmt.Sprintf("%04d_", i+1)) {
			return nil, fmt.Errorf("migration %s: number %d comes next", name, i+1)
		}
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		steps[i] = step{name, string(script), sha256.Sum256(script)}
	}
	return steps, nil
}

// recognise returns how many steps the file has behind it, without changing it.
func recognise(conn *sqlite.Conn, schema Schema, steps []step, create bool) (int, error) {
	var id int32
	var empty bool
	if _, err := One(conn, "PRAGMA application_id", nil, func(s *sqlite.Stmt) { id = s.ColumnInt32(0) }); err != nil {
		return 0, err
	}
	if _, err := One(conn, sqlIsEmpty, nil, func(s *sqlite.Stmt) { empty = s.ColumnBool(0) }); err != nil {
		return 0, err
	}
	switch {
	case empty && create:
		return 0, nil
	case id != schema.ApplicationID || empty:
		return 0, fmt.Errorf("this database is no %s: %w", schema.Name, ErrForeign)
	}
	return compare(conn, schema, steps)
}

func compare(conn *sqlite.Conn, schema Schema, steps []step) (done int, err error) {
	known, err := One(conn, sqlHasMigrations, nil, func(*sqlite.Stmt) {})
	if err != nil || !known {
		return 0, err
	}
	var unlike error
	err = Query(conn, sqlMigrations, nil, func(s *sqlite.Stmt) bool {
		done++
		number, name, hash := s.ColumnInt(0), s.ColumnText(1), Bytes(s, 2)
		switch {
		case number > len(steps):
			unlike = fmt.Errorf(
				"the %s has step %q, this program knows steps up to %d: use the newer program; the file is unchanged: %w",
				schema.Name, name, len(steps), ErrNewer,
			)
		case number != done || !bytes.Equal(hash, steps[done-1].hash[:]):
			unlike = fmt.Errorf("step %q of the %s is not the one this program has: %w", name, schema.Name, ErrForeign)
		}
		return unlike == nil
	})
	if err != nil {
		return 0, err
	}
	return done, unlike
}

// migrate takes the steps, each in a transaction of its own.
func migrate(conn *sqlite.Conn, schema Schema, steps []step) error {
	for _, st := range steps {
		if err := st.take(conn, schema); err != nil {
			return fmt.Errorf("migration %s: %w", st.name, err)
		}
	}
	return nil
}

func (st step) take(conn *sqlite.Conn, schema Schema) (err error) {
	if err := Exec(conn, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if back := rollBack(conn); err == nil {
			err = back
		}
	}()
	if err := pragmas(conn, fmt.Sprintf("application_id = %d", schema.ApplicationID)); err != nil {
		return err
	}
	if err := Exec(conn, sqlMigrationsTable); err != nil {
		return err
	}
	if err := sqlitex.ExecuteScript(conn, st.script, nil); err != nil {
		return err
	}
	err = Write(conn, sqlMigrationsDone, func(s *sqlite.Stmt) {
		s.BindText(1, st.name)
		s.BindBytes(2, st.hash[:])
	})
	if err != nil {
		return err
	}
	return Exec(conn, "COMMIT")
}
