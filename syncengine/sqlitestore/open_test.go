// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

func TestStoreOutlivesItsProcessClosedAndReopened(t *testing.T) {
	path, g := filepath.Join(t.TempDir(), "shard.db"), storetest.NewRandom(3)
	var want storetest.Contents
	for range 4 {
		s, err := sqlitestore.Open(path, sqlitestore.Options{Create: true})
		must(t, err)
		if d := storetest.Diff(want, everything(t, s)); d != "" && want.Values != nil {
			t.Fatalf("after reopening (-before +after): %s", d)
		}
		for range 10 {
			must(t, g.Update(s))
		}
		want = everything(t, s)
		must(t, s.Close())
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a closed store leaves a write-ahead log: %v", err)
	}
}

func TestFilesAreReadableByTheirOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are not in a file's mode")
	}
	path := filepath.Join(t.TempDir(), "shard.db")
	s := open(t, path)
	must(t, storetest.NewRandom(1).Update(s), s.Backup(t.Context(), path+".backup"))
	for _, end := range []string{"", "-wal", "-shm", ".lock", ".backup"} {
		info, err := os.Stat(path + end)
		must(t, err)
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", filepath.Base(path+end), mode)
		}
	}
}

func TestFilesThatAreNotOpened(t *testing.T) {
	for _, c := range []struct {
		name    string
		make    func(t *testing.T, path string)
		create  bool
		want    error
		mention string
	}{
		{"no file", func(*testing.T, string) {}, false, fs.ErrNotExist, "shard.db"},
		{"an empty file", writes(nil), false, sqlitestore.ErrCorrupt, "backup"},
		{"text", writes([]byte(strings.Repeat("this is no database\n", 300))), true, sqlitestore.ErrCorrupt, "shard.db"},
		{"a folder", func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o700)) }, true, sqlitestore.ErrForeign, "shard.db"},
		{"another program's database", executes("CREATE TABLE other (x)"), true, sqlitestore.ErrForeign, "no shard"},
		{"another kind of ours", executes("PRAGMA application_id = 7; CREATE TABLE other (x)"), true, sqlitestore.ErrForeign, "no shard"},
		{
			"a newer file", alters("INSERT INTO migrations VALUES (999, '0999_later.sql', x'00')"),
			true, sqlitestore.ErrNewer, "use the newer program",
		},
		{
			"a file of other steps", alters("UPDATE migrations SET sha256 = x'00' WHERE number = 1"),
			true, sqlitestore.ErrForeign, "0001_shard.sql",
		},
		{"a file whose beginning is overwritten", overwrites, true, sqlitestore.ErrCorrupt, "shard.db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "shard.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			s, err := sqlitestore.Open(path, sqlitestore.Options{Create: c.create})
			if err == nil {
				_ = s.Close()
			}
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.mention) {
				t.Errorf("open: %v; want %q and the words %q", err, c.want, c.mention)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file changed")
			}
		})
	}
}

func writes(content []byte) func(*testing.T, string) {
	return func(t *testing.T, path string) { must(t, os.WriteFile(path, content, 0o600)) }
}

func executes(script string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
		must(t, err, sqlitex.ExecuteScript(conn, script, nil), conn.Close())
	}
}

func alters(statement string) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		closed(t, path)
		executes(statement)(t, path)
	}
}

func overwrites(t *testing.T, path string) {
	closed(t, path)
	content := read(t, path)
	copy(content[16:], bytes.Repeat([]byte{0xaa}, 2000))
	must(t, os.WriteFile(path, content, 0o600))
}

// closed makes a store with something in it and closes it.
func closed(t *testing.T, path string) {
	s := open(t, path)
	must(t, storetest.NewRandom(1).Update(s), s.Close())
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	return b
}

func TestOpenElsewhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.db")
	s := open(t, path)
	link := filepath.Join(t.TempDir(), "link.db")
	must(t, os.Symlink(path, link))
	for name, other := range map[string]string{"the same name": path, "a link": link} {
		_, err := sqlitestore.Open(other, sqlitestore.Options{})
		if !errors.Is(err, sqlitestore.ErrLocked) || !strings.Contains(err.Error(), "process") {
			t.Errorf("second open by %s: %v", name, err)
		}
	}
	must(t, storetest.NewRandom(1).Update(s), s.Close())
	must(t, open(t, path).Close())
}

// TestOpenChild is the second process of the test below.
func TestOpenChild(t *testing.T) {
	path := os.Getenv("OPEN_PATH")
	if path == "" {
		t.Skip("only runs as a child")
	}
	if s, err := sqlitestore.Open(path, sqlitestore.Options{}); err == nil {
		must(t, s.Close())
	} else {
		t.Fatal(err)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shard.db")
	s := open(t, path)
	out, err := openInChild(t, path)
	if err == nil || !strings.Contains(out, sqlitestore.ErrLocked.Error()) || !strings.Contains(out, "stop that program first") {
		t.Errorf("a second process opened the file, or did not say why not: %v\n%s", err, out)
	}
	must(t, storetest.NewRandom(1).Update(s), s.Close())
	if out, err := openInChild(t, path); err != nil {
		t.Errorf("after closing a second process cannot open: %v\n%s", err, out)
	}
}

func openInChild(t *testing.T, path string) (string, error) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestOpenChild$")
	child.Env = append(os.Environ(), "OPEN_PATH="+path)
	out, err := child.CombinedOutput()
	return string(out), err
}

func TestCancelledQuestionEndsAndItsReaderGoesOn(t *testing.T) {
	s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "shard.db"), sqlitestore.Options{Create: true, Readers: 1})
	must(t, err)
	defer s.Close()
	must(t, s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, 0, 20_000) }))
	q := syncengine.FeedQuery{Divisions: everywhere(), Classes: generalClass(), Limit: 1 << 30}
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		err := s.View(ctx, func(r syncengine.Reader) error {
			go cancel()
			for {
				if _, err := r.Feed(q); err != nil {
					return err
				}
			}
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("the question ended with %v", err)
		}
		must(t, s.View(t.Context(), func(r syncengine.Reader) error {
			_, _, err := r.Record(benchID(17, 1))
			return err
		}))
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for statement, mention := range map[string]string{
		"DELETE FROM leaves WHERE leaf = 0":                                                        "leaves",
		"DELETE FROM tree_hashes WHERE number = 0":                                                 "tree hashes",
		"DELETE FROM segment_bytes WHERE leaf = (SELECT min(leaf) FROM segments)":                  "no bytes",
		"DELETE FROM replicas":                                                                     "not listed",
		"UPDATE replicas SET span = x'0000000000000000'":                                           "longer",
		"UPDATE segments SET last_counter = x'0000000000000000'":                                   "ends before",
		"UPDATE records SET divisions = '360121001001'":                                            "divisions",
		"DELETE FROM feed WHERE position = (SELECT min(position) FROM records)":                    "missing from",
		"DELETE FROM feed_left":                                                                    "left behind",
		"UPDATE feed SET kind = kind + 1 WHERE position = (SELECT max(position) FROM feed)":        "is not that of record",
		"UPDATE feed SET ref = 999999 WHERE position = (SELECT max(position) FROM feed)":           "is of no record",
		"UPDATE feed_left SET before = -1 - before":                                                "not whole",
		"UPDATE feed_left SET positions = zeroblob(length(positions))":                             "other than is listed",
		"UPDATE acts SET body = x'00'":                                                             "an act of family",
		"UPDATE named_values SET value = x'00'":                                                    "the value named",
		"UPDATE segments SET position = position + 1":                                              "head of the segment at leaf",
		"UPDATE records SET cuts = 999 << 16":                                                      "not listed",
		"PRAGMA ignore_check_constraints = ON; UPDATE tree_hashes SET hash = x'' WHERE number = 0": "CHECK",
	} {
		s := fresh(t)
		g := storetest.NewRandom(4)
		for range 30 {
			must(t, g.Update(s))
		}
		if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
			t.Fatalf("check of an untouched store: %q, %v", findings, err)
		}
		for part := range strings.SplitSeq(statement, "; ") {
			must(t, s.Damage(part))
		}
		findings, err := s.Check(t.Context())
		must(t, err)
		if !strings.Contains(strings.Join(findings, "\n"), mention) {
			t.Errorf("after %q: %q; want it to mention %q", statement, findings, mention)
		}
	}
}
