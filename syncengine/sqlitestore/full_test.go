// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"errors"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// B26: a full disk is an error that says so, leaves nothing half-written, and is
// over when there is room again.
func TestFullDisk(t *testing.T) {
	s := fresh(t)
	g := storetest.NewRandom(5)
	for range 20 {
		must(t, g.Update(s))
	}
	for spare := range 40 {
		before := everything(t, s)
		must(t, s.Spare(spare))
		err := s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, spare*1000, 1000) })
		isFull(t, err)
		if d := storetest.Diff(before, everything(t, s)); d != "" {
			t.Fatalf("with %d pages spare an update failed and left (+): %s", spare, d)
		}
	}
	must(t, s.Spare(-1))
	must(t, s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, 0, 1000) }))
	if findings, err := s.Check(t.Context()); err != nil || len(findings) > 0 {
		t.Errorf("check: %q, %v", findings, err)
	}
}

func isFull(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, sqlitestore.ErrFull) || !errors.Is(err, syncengine.ErrStoreFull) ||
		syncengine.ReasonOf(err) != syncengine.ReasonFull {
		t.Fatalf("on a full disk an update returned %v", err)
	}
}

// A closure that does not look at its errors must not get half of its writes
// committed after SQLite has rolled back the other half by itself.
func TestWritesAfterAFullDiskAreNotCommitted(t *testing.T) {
	s := fresh(t)
	before := everything(t, s)
	must(t, s.Spare(3))
	err := s.Update(t.Context(), func(tx syncengine.Tx) error {
		_ = putNew(tx, 0, 1000)
		_ = tx.PutValue("value/a", []byte("written after the error"))
		return nil
	})
	if err == nil {
		t.Error("the update returned no error")
	}
	if d := storetest.Diff(before, everything(t, s)); d != "" {
		t.Errorf("the update left (+): %s", d)
	}
}
