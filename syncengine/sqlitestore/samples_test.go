// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"encoding/binary"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	benchState  = 400 // bytes, as of a follow-up
	benchPlaces = 12
	perVillage  = 300
)

// benchID returns ids in the order of n, as those made by a clock are.
func benchID(kind record.Kind, n int) record.ID {
	var id record.ID
	binary.BigEndian.PutUint32(id[2:], uint32(n))
	binary.BigEndian.PutUint16(id[6:], 7<<12|uint16(kind))
	binary.BigEndian.PutUint64(id[8:], uint64(n)*0x9e3779b97f4a7c15)
	return id
}

// benchPosition returns positions behind those of a few random updates.
func benchPosition(n int) syncengine.Position { return syncengine.Position(1<<20 + n) }

func benchDivision(n int) record.Division {
	return record.Division(fmt.Sprintf("3601%08d", n/perVillage))
}

func benchRow(n int) syncengine.RecordRow {
	row := syncengine.RecordRow{
		ID: benchID(17, n), Position: benchPosition(n), Class: 1,
		Divisions: []record.Division{benchDivision(n)},
		Subject:   benchID(16, n*7919%50_000),
		State:     make([]byte, benchState), Places: make([]byte, benchPlaces),
	}
	for i := range row.State {
		row.State[i] = byte(n * i)
	}
	return row
}

func putNew(tx syncengine.Tx, first, count int) error {
	for n := first; n < first+count; n++ {
		row := benchRow(n)
		if _, _, err := tx.Record(row.ID); err != nil {
			return err
		}
		if err := tx.PutRecord(row); err != nil {
			return err
		}
	}
	return nil
}

func everywhere() []record.Division { return []record.Division{""} }

func generalClass() []record.Class { return []record.Class{record.ClassGeneral} }
