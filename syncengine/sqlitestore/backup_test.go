// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

func TestBackupIsOneSnapshotAndGoesOnItsOwn(t *testing.T) {
	s, target := fresh(t), filepath.Join(t.TempDir(), "backup.db")
	g := storetest.NewRandom(6)
	for range 20 {
		must(t, g.Update(s))
	}
	want := everything(t, s)
	must(t, s.Backup(t.Context(), target))
	must(t, g.Update(s))
	if _, err := os.Stat(target + ".partial"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the partial copy is still there: %v", err)
	}
	copied, err := sqlitestore.Open(target, sqlitestore.Options{})
	must(t, err)
	defer copied.Close()
	if d := storetest.Diff(want, everything(t, copied)); d != "" {
		t.Errorf("(-store +backup): %s", d)
	}
	must(t, g.Update(copied))
}

func TestBackupsDuringUpdatesAreWhole(t *testing.T) {
	s, folder := fresh(t), t.TempDir()
	var known sync.Map // contents after each update
	g := storetest.NewRandom(8)
	known.Store(0, everything(t, s))
	done := make(chan error)
	go func() {
		var err error
		for n := 1; n <= 60 && err == nil; n++ {
			err = g.Update(s)
			known.Store(n, everything(t, s))
		}
		done <- err
	}()
	var backups []string
	for n := range 5 {
		backups = append(backups, filepath.Join(folder, string(rune('a'+n))))
		must(t, s.Backup(t.Context(), backups[n]))
	}
	must(t, <-done)
	for _, path := range backups {
		copied, err := sqlitestore.Open(path, sqlitestore.Options{})
		must(t, err)
		have, matched := everything(t, copied), false
		must(t, copied.Close())
		known.Range(func(_, c any) bool {
			matched = reflect.DeepEqual(c, have)
			return !matched
		})
		if !matched {
			t.Errorf("%s is none of the states there were", path)
		}
	}
}

func TestBackupsThatAreNotMade(t *testing.T) {
	s, target := fresh(t), filepath.Join(t.TempDir(), "backup.db")
	must(t, storetest.NewRandom(1).Update(s))

	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(over, target); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled backup returned %v", err)
	}
	if err := s.Backup(t.Context(), filepath.Join(t.TempDir(), "missing", "backup.db")); err == nil {
		t.Error("a backup into a missing folder returned no error")
	}
	for _, name := range []string{target, target + ".partial"} {
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}

	must(t, os.WriteFile(target, []byte("an earlier backup"), 0o600))
	if err := s.Backup(t.Context(), target); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a backup over another one returned %v", err)
	}
	if b := read(t, target); string(b) != "an earlier backup" {
		t.Errorf("the earlier backup is now %q", b)
	}
	must(t, s.Close())
	if err := s.Backup(t.Context(), target+"2"); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a backup of a closed store returned %v", err)
	}
}
