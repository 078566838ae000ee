// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// An operation is one write, fixed before it is done, so that two stores can do it.
type operation struct {
	what string
	do   func(syncengine.Tx) error
}

// write picks a write; what it depends on is read from tx.
func (g *Random) write(tx syncengine.Tx) (operation, error) {
	switch n := g.rnd.IntN(20); {
	case n < 8:
		return g.writeRecord(tx)
	case n < 10:
		return g.writeDeparture(), nil
	case n < 11:
		id, division := g.id(), g.division()
		return operation{"delete departure", func(tx syncengine.Tx) error { return tx.DeleteDeparture(id, division) }}, nil
	case n < 13:
		return g.writeSum(), nil
	case n < 16:
		return g.writeSegment(tx)
	case n < 18:
		return g.writeAct(), nil
	}
	name, value := worldName(g.rnd.IntN(8)), g.bytes(20)
	return operation{"put value " + name, func(tx syncengine.Tx) error { return tx.PutValue(name, value) }}, nil
}

// writeRecord puts a new row or changes a stored one. Ref is each store's own, so
// it is read again in the store that writes.
func (g *Random) writeRecord(tx syncengine.Tx) (operation, error) {
	row := syncengine.RecordRow{
		ID: g.id(), Class: g.class(), State: g.bytes(200), Places: g.bytes(30),
		Flags: syncengine.Flags(max(0, g.rnd.IntN(60)-28)),
	}
	if g.rnd.IntN(3) > 0 {
		row.Subject = sampleID(resident, g.rnd.IntN(3))
	}
	for range g.rnd.IntN(3) {
		row.Divisions = append(row.Divisions, g.division())
	}
	slices.Sort(row.Divisions)
	row.Divisions = slices.Compact(row.Divisions)
	before, _, err := tx.Record(row.ID)
	if row.Position = before.Position; g.rnd.IntN(8) > 0 {
		g.position++
		row.Position = g.position
	}
	return operation{fmt.Sprintf("put record %s at %d", row.ID, row.Position), func(tx syncengine.Tx) error {
		before, _, err := tx.Record(row.ID)
		if err != nil {
			return err
		}
		return tx.PutRecord(withRef(row, before.Ref))
	}}, err
}

func (g *Random) writeDeparture() operation {
	g.position++
	d := syncengine.Departure{Record: g.id(), Division: g.division(), Class: g.class(), Position: g.position}
	return operation{fmt.Sprint("put departure ", d), func(tx syncengine.Tx) error { return tx.PutDeparture(d) }}
}

func (g *Random) writeSum() operation {
	k := syncengine.SumKey{Division: g.division(), Class: g.class()}
	var sum syncengine.Sum
	if n := g.rnd.IntN(4); n > 0 {
		sum.Count = uint64(n)
		copy(sum.Total[:], g.bytes(33))
	}
	return operation{fmt.Sprint("put sum ", k), func(tx syncengine.Tx) error { return tx.PutSum(k, sum) }}
}

// writeSegment appends a leaf, mostly with a segment, or puts a stored segment again.
func (g *Random) writeSegment(tx syncengine.Tx) (operation, error) {
	size, err := tx.Size()
	if err != nil {
		return operation{}, err
	}
	stored := g.bytes(100)
	if size > 0 && g.rnd.IntN(4) == 0 {
		head, ok, err := tx.SegmentAt(ledger.Index(g.rnd.IntN(int(size))))
		if err == nil && ok {
			return operation{fmt.Sprint("put again segment ", head.Index), func(tx syncengine.Tx) error { return tx.PutSegment(head, stored) }}, nil
		}
		return operation{"nothing", func(syncengine.Tx) error { return nil }}, err
	}
	leaf, hashes, head := g.bytes(50), g.hashes(size), g.head(ledger.Index(size))
	if g.rnd.IntN(6) == 0 {
		return operation{"append leaf", func(tx syncengine.Tx) error { return tx.AppendLeaf(leaf, hashes) }}, nil
	}
	return operation{fmt.Sprint("put segment ", head.Index), func(tx syncengine.Tx) error {
		if err := tx.AppendLeaf(leaf, hashes); err != nil {
			return err
		}
		return tx.PutSegment(head, stored)
	}}, nil
}

func (g *Random) head(leaf ledger.Index) syncengine.SegmentHead {
	first := g.counter()
	last := first + min(uint64(g.rnd.IntN(30)), math.MaxUint64-first)
	head := sampleHead(leaf, 0, first, last)
	head.Replica, head.Position = g.replica(), g.position
	copy(head.Hash[:], g.bytes(33))
	copy(head.Hash[24:], fmt.Sprintf("%08d", leaf))
	if g.rnd.IntN(2) == 0 {
		head.Office, head.Class = true, g.class()
		if head.Class != record.ClassEveryone {
			head.Division = g.division()
		}
	}
	return head
}

func (g *Random) writeAct() operation {
	fs := families()
	a := syncengine.Act{Family: fs[g.rnd.IntN(len(fs))], Key: g.bytes(2), Body: g.bytes(3)}
	if g.rnd.IntN(3) > 0 {
		a.Dot = g.dot()
	}
	return operation{fmt.Sprint("put act ", a), func(tx syncengine.Tx) error { return tx.PutAct(a) }}
}
