// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// noise returns bytes that are found again wherever they were copied.
func noise(seed byte, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

// left returns which files of a folder have a part of b: every 64 bytes of it count.
func left(t *testing.T, dir string, b []byte) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		for at := 0; at+64 <= len(b); at += 64 {
			if bytes.Contains(text, b[at:at+64]) {
				names = append(names, e.Name())
				break
			}
		}
	}
	return names
}

// A segment and a state are written again without what a legal order took away.
func TestWhatWasOverwrittenIsOnTheDiskNoMore(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlitestore.Open(filepath.Join(dir, "shard.db"), sqlitestore.Options{Create: true})
	must(t, err)
	defer s.Close() //nolint:errcheck // the test is over
	body, state := noise(1, 40_000), noise(2, 3_000)
	head := syncengine.SegmentHead{Hash: segment.Hash{1}, First: 1, Last: 1, Position: 1}
	row := syncengine.RecordRow{
		ID: record.DerivedID(100, []byte("x")), Position: 1, Class: record.ClassGeneral, Divisions: []record.Division{"130403001001"}, State: state,
	}
	must(t, s.Update(t.Context(), func(tx syncengine.Tx) error {
		return errors.Join(tx.AppendLeaf([]byte("leaf"), []tlog.Hash{{}}), tx.PutSegment(head, body), tx.PutRecord(row))
	}))
	if len(left(t, dir, body)) == 0 || len(left(t, dir, state)) == 0 {
		t.Fatal("the search finds nothing at all")
	}
	must(t, s.Update(t.Context(), func(tx syncengine.Tx) error {
		stored, _, err := tx.Record(row.ID)
		stored.Position, stored.State = 2, []byte("erased")
		return errors.Join(err, tx.PutSegment(head, []byte("erased")), tx.PutRecord(stored))
	}))
	must(t, s.View(t.Context(), func(r syncengine.Reader) error { // a reader stands in the way
		if _, err := r.Size(); err != nil {
			return err
		}
		if err := s.Forget(t.Context(), 0); !errors.Is(err, sqlitefile.ErrRead) {
			t.Errorf("beside a reader: %v", err)
		}
		return nil
	}))
	must(t, s.Forget(t.Context(), 0))
	for name, b := range map[string][]byte{"segment": body, "state": state} {
		if files := left(t, dir, b); len(files) > 0 {
			t.Errorf("the old %s is in %v", name, files)
		}
	}
}
