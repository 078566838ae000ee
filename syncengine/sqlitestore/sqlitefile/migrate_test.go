// SPDX-License-Identifier: Apache-2.0

package sqlitefile_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	first  = "CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (1);"
	second = "ALTER TABLE a ADD COLUMN y INTEGER; UPDATE a SET y = x + 1;"
	broken = "CREATE TABLE b (x INTEGER) STRICT; DELETE FROM a; THIS IS NOT SQL;"
)

func TestMigrationsAreTakenOnceAndInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	for n, steps := range [][]string{{first}, {first}, {first, second}, {first, second}} {
		f := mustOpen(t, path, steps...)
		if want, have := min(len(steps), n+1), count(t, f, "SELECT count(*) FROM migrations"); have != want {
			t.Errorf("open %d: %d steps behind it, want %d", n, have, want)
		}
		if have := count(t, f, "SELECT count(*) FROM a"); have != 1 {
			t.Errorf("open %d: %d rows: the first step was taken again", n, have)
		}
		must(t, f.Close())
	}
	f := mustOpen(t, path, first, second)
	if have := count(t, f, "SELECT y FROM a"); have != 2 {
		t.Errorf("y is %d: the second step saw another file", have)
	}
}

func TestBrokenMigrationLeavesTheFileAtTheStepBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	_, err := sqlitefile.Open(path, schema(first, broken), sqlitefile.Options{Create: true})
	if err == nil || !strings.Contains(err.Error(), "0002_step.sql") {
		t.Fatalf("open: %v; want an error that names the step", err)
	}
	f := mustOpen(t, path, first)
	for question, want := range map[string]int{
		"SELECT count(*) FROM migrations":                          1,
		"SELECT count(*) FROM a":                                   1,
		"SELECT count(*) FROM sqlite_schema WHERE name = 'b'":      0,
		"SELECT application_id FROM pragma_application_id":         77,
		"SELECT count(*) FROM pragma_table_info('a')":              1,
		"SELECT count(*) FROM migrations WHERE name LIKE '0001_%'": 1,
	} {
		if have := count(t, f, question); have != want {
			t.Errorf("%s: %d, want %d", question, have, want)
		}
	}
}

func TestMigrationsThatAreNotTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	must(t, mustOpen(t, path, first, second).Close())
	for name, c := range map[string]struct {
		schema sqlitefile.Schema
		want   error
	}{
		"an older program":      {schema(first), sqlitefile.ErrNewer},
		"an edited step":        {schema(first, second+" "), sqlitefile.ErrForeign},
		"steps in other order":  {schema(second, first), sqlitefile.ErrForeign},
		"another kind of file":  {sqlitefile.Schema{Name: "other", ApplicationID: 78, Migrations: schema(first, second).Migrations}, sqlitefile.ErrForeign},
		"a number left out":     {sqlitefile.Schema{Name: "test", ApplicationID: 77, Migrations: fstest.MapFS{"0002_step.sql": {}}}, nil},
		"a number that is used": {sqlitefile.Schema{Name: "test", ApplicationID: 77, Migrations: fstest.MapFS{"0001_a.sql": {}, "0001_b.sql": {}}}, nil},
	} {
		f, err := sqlitefile.Open(path, c.schema, sqlitefile.Options{Create: true})
		if err == nil {
			must(t, f.Close())
		}
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	must(t, mustOpen(t, path, first, second).Close())
}

func TestReadersCannotWrite(t *testing.T) {
	f := mustOpen(t, filepath.Join(t.TempDir(), "test.db"), first)
	err := f.View(t.Context(), func(conn *sqlite.Conn) error { return sqlitefile.Exec(conn, "INSERT INTO a VALUES (2)") })
	if err == nil || count(t, f, "SELECT count(*) FROM a") != 1 {
		t.Errorf("a view wrote: %v", err)
	}
}

func schema(steps ...string) sqlitefile.Schema {
	files := fstest.MapFS{}
	for i, script := range steps {
		files[string([]byte{'0', '0', '0', byte('1' + i)})+"_step.sql"] = &fstest.MapFile{Data: []byte(script)}
	}
	return sqlitefile.Schema{Name: "test", ApplicationID: 77, Migrations: files}
}

func mustOpen(t *testing.T, path string, steps ...string) *sqlitefile.File {
	t.Helper()
	f, err := sqlitefile.Open(path, schema(steps...), sqlitefile.Options{Create: true, Readers: 1})
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

func count(t *testing.T, f *sqlitefile.File, question string) (n int) {
	t.Helper()
	must(t, f.View(t.Context(), func(conn *sqlite.Conn) error {
		_, err := sqlitefile.One(conn, question, nil, func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
		return err
	}))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
