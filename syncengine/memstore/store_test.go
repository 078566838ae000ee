// SPDX-License-Identifier: Apache-2.0

package memstore_test

import (
	"context"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) syncengine.Store { return memstore.New() })
}

func TestCloneGoesItsOwnWay(t *testing.T) {
	a := memstore.New()
	put(t, a, "shared")
	b := a.Clone()
	put(t, a, "a")
	put(t, b, "b")
	for name, want := range map[string][2]bool{"shared": {true, true}, "a": {true, false}, "b": {false, true}} {
		if have := [2]bool{has(t, a, name), has(t, b, name)}; have != want {
			t.Errorf("%q: in the original and the clone %v, want %v", name, have, want)
		}
	}
}

func TestCloneOfAClosedStoreHoldsWhatWasCommitted(t *testing.T) {
	a := memstore.New()
	put(t, a, "kept")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if !has(t, a.Clone(), "kept") {
		t.Error("lost")
	}
}

func put(t *testing.T, s *memstore.Store, name string) {
	t.Helper()
	if err := s.Update(context.Background(), func(tx syncengine.Tx) error { return tx.PutValue(name, nil) }); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, s *memstore.Store, name string) (ok bool) {
	t.Helper()
	err := s.View(context.Background(), func(r syncengine.Reader) (err error) {
		_, ok, err = r.Value(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestRandomUpdatesRepeatFromTheirSeed(t *testing.T) {
	for seed := range uint64(20) {
		storetest.Compare(t, seed, 60, memstore.New(), memstore.New())
	}
}

func BenchmarkPutRecord(b *testing.B) {
	const perUpdate = 100
	for b.Loop() {
		s := memstore.New()
		for n := range 10 {
			if err := s.Update(b.Context(), func(tx syncengine.Tx) error { return putRecords(tx, n*perUpdate, perUpdate) }); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*10*perUpdate), "ns/record")
}

func putRecords(tx syncengine.Tx, first, count int) error {
	for n := first; n < first+count; n++ {
		id := record.DerivedID(16, []byte{byte(n), byte(n >> 8)})
		if _, _, err := tx.Record(id); err != nil {
			return err
		}
		if err := tx.PutRecord(syncengine.RecordRow{ID: id, Position: syncengine.Position(n + 1)}); err != nil {
			return err
		}
	}
	return nil
}
