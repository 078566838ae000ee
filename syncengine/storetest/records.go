// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func recordPromises() []promise {
	return []promise{
		{"a record comes back as it was put", recordComesBack},
		{"an unknown record is not found", recordUnknown},
		{"a record put again stands in place of the earlier one, with the same Ref", recordReplaced},
		{"a new row for a stored id is refused", recordTwice},
		{"a row with the Ref of another record, or of none, is refused", recordStranger},
		{"a large state comes back whole", recordLarge},
		{"sums come back as they were put", sumsComeBack},
		{"an empty sum is removed", sumsRemoved},
	}
}

func recordComesBack(t *testing.T, s syncengine.Store) {
	full := sampleRow(1, 7)
	bare := syncengine.RecordRow{ID: sampleID(resident, 2), Position: 8}
	several := sampleRow(3, 9)
	several.Divisions = []record.Division{village, neighbour, elsewhere}
	several.Class, several.Flags = math.MaxUint8, math.MaxUint8
	received := sampleRow(4, 0)
	for _, row := range []syncengine.RecordRow{full, bare, several, received} {
		update(t, s, func(tx syncengine.Tx) { must(t, tx.PutRecord(row)) })
		view(t, s, func(r syncengine.Reader) {
			have := found[syncengine.RecordRow](t)(r.Record(row.ID))
			if have.Ref == 0 {
				t.Errorf("%s: Ref 0 in a stored row", row.ID)
			}
			if d := diff(row, stranger(have)); d != "" {
				t.Errorf("(-put +read): %s", d)
			}
		})
	}
}

func recordUnknown(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutRecord(sampleRow(1, 1)))
		_, ok, err := tx.Record(sampleID(homeVisit, 2))
		missing[any](t, "record")(nil, ok, err)
		_, ok, err = tx.Record(record.ID{})
		missing[any](t, "the zero record")(nil, ok, err)
	})
}

func recordReplaced(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { must(t, tx.PutRecord(sampleRow(1, 1)), tx.PutRecord(sampleRow(2, 2))) })
	for _, change := range []func(*syncengine.RecordRow){
		func(row *syncengine.RecordRow) { row.Position = 5 },
		func(row *syncengine.RecordRow) { row.Class = record.ClassSensitive },
		func(row *syncengine.RecordRow) { row.Divisions = []record.Division{neighbour, elsewhere} },
		func(row *syncengine.RecordRow) { row.Divisions = nil },
		func(row *syncengine.RecordRow) { row.Subject = sampleID(resident, 9) },
		func(row *syncengine.RecordRow) { row.Subject = record.ID{} },
		func(row *syncengine.RecordRow) { row.Flags = 0 },
		func(row *syncengine.RecordRow) { row.Flags = syncengine.FlagConflict },
		func(row *syncengine.RecordRow) { row.State, row.Places = nil, []byte("other places") },
		func(row *syncengine.RecordRow) { row.Position = 0 },
		func(row *syncengine.RecordRow) { *row = withRef(sampleRow(1, 6), row.Ref) },
	} {
		var row syncengine.RecordRow
		update(t, s, func(tx syncengine.Tx) {
			row = found[syncengine.RecordRow](t)(tx.Record(sampleID(homeVisit, 1)))
			change(&row)
			must(t, tx.PutRecord(row))
		})
		view(t, s, func(r syncengine.Reader) {
			if d := diff(row, found[syncengine.RecordRow](t)(r.Record(row.ID))); d != "" {
				t.Errorf("(-put +read): %s", d)
			}
			other := found[syncengine.RecordRow](t)(r.Record(sampleID(homeVisit, 2)))
			if d := diff(sampleRow(2, 2), stranger(other)); d != "" {
				t.Errorf("another record changed: %s", d)
			}
		})
	}
}

func withRef(row syncengine.RecordRow, ref int64) syncengine.RecordRow {
	row.Ref = ref
	return row
}

func recordTwice(t *testing.T, s syncengine.Store) {
	update(t, s, func(tx syncengine.Tx) { must(t, tx.PutRecord(sampleRow(1, 1))) })
	var err error
	refused(t, s, func(tx syncengine.Tx) error {
		err = tx.PutRecord(sampleRow(1, 2))
		return err
	})
	if !errors.Is(err, syncengine.ErrRecordStored) {
		t.Errorf("it is refused with %v", err)
	}
}

func recordStranger(t *testing.T, s syncengine.Store) {
	var ref int64
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutRecord(sampleRow(1, 1)), tx.PutRecord(sampleRow(2, 2)))
		ref = found[syncengine.RecordRow](t)(tx.Record(sampleID(homeVisit, 1))).Ref
	})
	refused(t, s, func(tx syncengine.Tx) error { return tx.PutRecord(withRef(sampleRow(2, 3), ref)) })
	refused(t, s, func(tx syncengine.Tx) error { return tx.PutRecord(withRef(sampleRow(3, 3), ref)) })
	refused(t, s, func(tx syncengine.Tx) error { return tx.PutRecord(withRef(sampleRow(1, 3), ref+1000)) })
}

// refused checks that a write fails and changes nothing.
func refused(t *testing.T, s syncengine.Store, write func(syncengine.Tx) error) {
	t.Helper()
	before := contents(t, s, 9)
	if err := s.Update(context.Background(), write); err == nil {
		t.Error("the write was taken")
	}
	if d := diff(before, contents(t, s, 9)); d != "" {
		t.Errorf("a refused write left (+): %s", d)
	}
}

func recordLarge(t *testing.T, s syncengine.Store) {
	row := sampleRow(1, 1)
	row.State = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	update(t, s, func(tx syncengine.Tx) { must(t, tx.PutRecord(row)) })
	view(t, s, func(r syncengine.Reader) {
		if have := found[syncengine.RecordRow](t)(r.Record(row.ID)); !bytes.Equal(have.State, row.State) {
			t.Errorf("%d bytes came back of %d", len(have.State), len(row.State))
		}
	})
}

func sumsComeBack(t *testing.T, s syncengine.Store) {
	want := map[syncengine.SumKey]syncengine.Sum{
		{Division: village, Class: record.ClassGeneral}:   {Count: 1, Total: [32]byte{0: 0xff, 31: 1}},
		{Division: village, Class: record.ClassSensitive}: {Count: math.MaxInt64, Total: [32]byte{}},
		{Division: neighbour, Class: math.MaxUint8}:       {Count: 3, Total: [32]byte{31: 0xff}},
		{Division: "", Class: record.ClassEveryone}:       {Count: 4, Total: [32]byte{5: 5}},
	}
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutSum(syncengine.SumKey{Division: village, Class: record.ClassGeneral}, syncengine.Sum{Count: 9}))
		for k, sum := range want {
			must(t, tx.PutSum(k, sum))
		}
	})
	haveSums(t, s, want)
}

func sumsRemoved(t *testing.T, s syncengine.Store) {
	kept, emptied := syncengine.SumKey{Division: village, Class: 1}, syncengine.SumKey{Division: village, Class: 2}
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutSum(kept, syncengine.Sum{Count: 1}), tx.PutSum(emptied, syncengine.Sum{Count: 1}))
	})
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutSum(emptied, syncengine.Sum{}), tx.PutSum(syncengine.SumKey{Division: elsewhere}, syncengine.Sum{}))
	})
	haveSums(t, s, map[syncengine.SumKey]syncengine.Sum{kept: {Count: 1}})
}

func haveSums(t *testing.T, s syncengine.Store, want map[syncengine.SumKey]syncengine.Sum) {
	t.Helper()
	view(t, s, func(r syncengine.Reader) {
		if d := diff(want, got[map[syncengine.SumKey]syncengine.Sum](t)(r.Sums())); d != "" {
			t.Errorf("sums (-want +read): %s", d)
		}
	})
}
