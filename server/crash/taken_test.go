// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/tablet"
)

// faulty is a world whose server, the program, meets a fault of its folder.
type faulty struct {
	*world
	*shell
	server *child
	store  string // the county's file
}

func newFaulty(t *testing.T) *faulty {
	t.Helper()
	w, c := newWorld(t, nil)
	w.work()
	w.quiet(c)
	f := &faulty{world: w, store: filepath.Join(c.county.Dir, "shard.db")}
	c.close()
	f.shell = newShell(t, w.data)
	f.server = f.serve()
	return f
}

// wantRefused has a tablet save and sync, which must fail with a reason; it says of
// nothing that it has arrived, and what was saved can be read.
func (f *faulty) wantRefused(reason string) {
	t := f.world.t
	t.Helper()
	x := f.tablets[0]
	before, err := x.Status()
	must(t, before, err)
	x.add(1)
	_, err = x.Sync(t.Context(), &tablet.SyncOptions{Address: f.server.address, Tries: 1})
	if tablet.ReasonOf(err) != reason {
		t.Fatalf("the sync ended with %v; want %q", err, reason)
	}
	s, err := x.Status()
	if must(t, s, err); s.Unsent != before.Unsent+1 || s.LastReason != reason {
		t.Fatalf("status %+v, before %+v", s, before)
	}
}

// wantLogged wants the log of the server, which has ended, to say all of some words.
func (f *faulty) wantLogged(words ...string) {
	f.world.t.Helper()
	for _, w := range words {
		if said := f.server.said.String(); !strings.Contains(said, w) {
			f.world.t.Errorf("the server does not say %q:\n%s", w, said)
		}
	}
}

// wantGoingOn has all sync with the server that is running, kills that, and wants
// everything to be there and in order.
func (f *faulty) wantGoingOn() {
	f.world.t.Helper()
	f.syncTablets(f.server.address)
	f.server.kill()
	f.ok("verify", "--replay")
	f.wantRecoveredAfterDeath()
}

// Files that are moved, replaced or removed while the server has them open would take
// everything with them that is written after that: the server acknowledges nothing
// more, and says what to do. With the files where they were it goes on.
func TestI7FilesAreTakenAwayUnderARunningServer(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows lets nobody move an open file")
	}
	for name, row := range map[string]struct {
		file string
		take func(t *testing.T, path string)
	}{
		"the file is moved":                {"", func(*testing.T, string) {}},
		"a copy is put in its place":       {"", func(t *testing.T, path string) { copyFile(t, path, path+".aside") }},
		"an empty one is put there":        {"", func(t *testing.T, path string) { do(t, os.WriteFile(path, nil, 0o600)) }},
		"the log beside it is moved":       {"-wal", func(*testing.T, string) {}},
		"an empty log is put in its place": {"-wal", func(t *testing.T, path string) { do(t, os.WriteFile(path, nil, 0o600)) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t)
			path := f.store + row.file
			do(t, os.Rename(path, path+".aside"))
			row.take(t, path)
			f.wantRefused("internal")
			f.wantRefused("internal")
			do(t, os.Rename(path+".aside", path))
			f.wantGoingOn()
			f.wantLogged("moved, replaced or removed", "put it back")
		})
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	do(t, os.WriteFile(to, must(t, content, err), 0o600))
}

// Another program holds the file, as a database tool with an open transaction does: a
// push is refused and nothing is lost; with the tool closed, it goes on.
func TestB26AnotherProgramHoldsTheFile(t *testing.T) {
	t.Parallel()
	f := newFaulty(t)
	conn, err := sqlite.OpenConn(f.store, sqlite.OpenReadWrite)
	must(t, conn, err)
	do(t, sqlitex.ExecuteTransient(conn, "BEGIN IMMEDIATE", nil))
	f.wantRefused("internal")
	do(t, sqlitex.ExecuteTransient(conn, "ROLLBACK", nil))
	do(t, conn.Close())
	f.wantGoingOn()
	f.wantLogged("close that program")
}
