// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"path/filepath"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) syncengine.Store { return fresh(t) })
}

func TestRandomUpdatesAgreeWithMemory(t *testing.T) {
	for seed := range uint64(12) {
		storetest.Compare(t, seed, 60, memstore.New(), fresh(t))
	}
}

// fresh returns an empty store in a folder of its own.
func fresh(t testing.TB) *sqlitestore.Store {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "shard.db"))
}

// open opens or makes the store at path and closes it at the end of the test.
func open(t testing.TB, path string) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(path, sqlitestore.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// everything returns the contents of a store that a generator filled.
func everything(t testing.TB, s syncengine.Store) (c storetest.Contents) {
	t.Helper()
	must(t, s.View(t.Context(), func(r syncengine.Reader) (err error) {
		c, err = storetest.ReadWorld(r)
		return err
	}))
	return c
}
