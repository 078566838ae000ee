// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// openedByANewerProgram leaves a county's store as a later version would: with a step
// behind it that this one does not know.
func openedByANewerProgram(t *testing.T, dir string) {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "shard.db"), sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	err = sqlitex.ExecuteScript(conn, `
		INSERT INTO migrations VALUES (999, '0999_later.sql', x'00');
		CREATE TABLE later (x INTEGER) STRICT`, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// contents are the files of a folder by name, as sums.
func contents(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	out := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		out[path] = sha256.Sum256(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whoever goes back to an older program is told so, and nothing is touched: the newer
// one goes on where it was.
func TestAnOlderProgramRefusesWhatANewerOneHasOpened(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	s.in = `{"name": "王试春"}`
	s.ok("tablet", "save", "--kind", "resident", "--scope", "431124101201")
	s.ok("tablet", "sync")
	stop()
	openedByANewerProgram(t, at.Counties[0].Dir)
	before := contents(t, at.Counties[0].Dir)
	for _, command := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"verify"}, {"restore", "--yes", "--author", "zhao"}} {
		s.fails(exitFailed, []string{"newer version"}, command...)
	}
	after := contents(t, at.Counties[0].Dir)
	for path, sum := range before {
		if after[path] != sum {
			t.Errorf("%s was touched", filepath.Base(path))
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok && !strings.HasSuffix(path, ".lock") {
			t.Errorf("%s was left", filepath.Base(path))
		}
	}
}

// A program that is replaced under a running county ends what it is doing, and the
// next one goes on: tablets notice nothing but a pause.
func TestAProgramIsReplacedUnderARunningCounty(t *testing.T) {
	s := newShell(t)
	at, stop := s.serve("--county", "431124")
	s.ok("tablet", "enrol", at.Invitation)
	s.in = `{"name": "王试春"}`
	s.ok("tablet", "save", "--kind", "resident", "--scope", "431124101201")
	s.ok("tablet", "sync")
	if status := stop(); status != exitOK {
		t.Fatalf("status %d", status)
	}
	s.ok("tablet", "save", "--kind", "resident", "--scope", "431124101201")
	again, _ := s.serve("--listen", at.Address)
	if again.Pin != at.Pin {
		t.Error("another server")
	}
	s.ok("tablet", "sync")
	if status := decode[statusJSON](t, s.ok("tablet", "status", "--json")); status.Unsent != 0 {
		t.Errorf("%d saves did not arrive", status.Unsent)
	}
	if found := decode[[]verified](t, s.ok("verify", "--json", "--replay")); len(found[0].Violations) != 0 {
		t.Errorf("%+v", found)
	}
}
