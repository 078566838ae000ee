// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	village   record.Division = "360121001001"
	neighbour record.Division = "360121001002"
	elsewhere record.Division = "360122001001"

	resident  record.Kind = 16
	homeVisit record.Kind = 17
)

// sampleID returns the n-th id of a kind.
func sampleID(kind record.Kind, n int) record.ID { return record.DerivedID(kind, fmt.Append(nil, n)) }

func sampleHash(name string) segment.Hash { return sha256.Sum256([]byte(name)) }

func sampleReplica(n byte) causal.ReplicaID { return causal.ReplicaID{0: n, 15: 0xff} }

func sampleDot(replica byte, counter uint64) causal.Dot {
	return causal.Dot{Replica: sampleReplica(replica), Counter: counter, Hash: causal.Hash8{7: byte(counter)}}
}

// sampleRow returns a general record of the village with every field set.
func sampleRow(n int, at syncengine.Position) syncengine.RecordRow {
	return syncengine.RecordRow{
		ID:        sampleID(homeVisit, n),
		Position:  at,
		Class:     record.ClassGeneral,
		Divisions: []record.Division{village},
		Subject:   sampleID(resident, 1),
		Flags:     syncengine.FlagHeld,
		State:     fmt.Appendf(nil, "state %d at %d", n, at),
		Places:    fmt.Appendf(nil, "places %d at %d", n, at),
	}
}

// sampleHead returns the head of a tablet's segment with every field set.
func sampleHead(leaf ledger.Index, replica byte, first, last uint64) syncengine.SegmentHead {
	return syncengine.SegmentHead{
		Index: leaf, Hash: sampleHash(fmt.Sprint("segment ", leaf)),
		Replica: sampleReplica(replica), First: first, Last: last,
		Previous: sampleHash(fmt.Sprint("previous ", leaf)), Certificate: sampleHash(fmt.Sprint("certificate ", replica)),
		Position: syncengine.Position(100 + leaf),
	}
}

// officeHead returns the head of a segment that goes down.
func officeHead(leaf ledger.Index, class record.Class, division record.Division) syncengine.SegmentHead {
	head := sampleHead(leaf, 200, uint64(leaf)+1, uint64(leaf)+1)
	head.Office, head.Class, head.Division = true, class, division
	return head
}

// appendLeaf appends a leaf with the hashes it completes.
func appendLeaf(t *testing.T, tx syncengine.Tx, leaf []byte) []tlog.Hash {
	t.Helper()
	size := got[ledger.Size](t)(tx.Size())
	hashes := got[[]tlog.Hash](t)(tlog.StoredHashes(int64(size), leaf, tx))
	must(t, tx.AppendLeaf(leaf, hashes))
	return hashes
}

// everyWrite does one write of each kind, telling each of them apart by n. It
// expects to be called with n = 0, 1, 2, … on a store.
func everyWrite(t *testing.T, tx syncengine.Tx, n int) {
	t.Helper()
	at := syncengine.Position(n + 1)
	row, ok, err := tx.Record(sampleID(homeVisit, 0))
	must(t, err)
	changed := sampleRow(0, at*2)
	if ok {
		changed.Ref = row.Ref
	}
	appendLeaf(t, tx, fmt.Appendf(nil, "leaf %d", n))
	must(
		t,
		tx.PutRecord(changed),
		tx.PutRecord(sampleRow(n+1, at*2+1)),
		tx.PutDeparture(syncengine.Departure{Record: sampleID(homeVisit, 0), Division: elsewhere, Class: 1, Position: at * 2}),
		tx.PutSum(syncengine.SumKey{Division: village, Class: 1}, syncengine.Sum{Count: uint64(n + 2), Total: [32]byte{byte(n)}}),
		tx.PutSegment(sampleHead(ledger.Index(n), 1, uint64(n*10+1), uint64(n*10+10)), fmt.Appendf(nil, "bytes %d", n)),
		tx.PutAct(syncengine.Act{Family: syncengine.ActFence, Key: []byte("key"), Dot: sampleDot(1, uint64(at)), Body: []byte("body")}),
		tx.PutValue("value", fmt.Append(nil, n)),
	)
}

// readAll returns what r sees of what everyWrite wrote up to n.
func readAll(t *testing.T, r syncengine.Reader, n int) Contents {
	t.Helper()
	ids := make([]record.ID, n+2)
	for i := range ids {
		ids[i] = sampleID(homeVisit, i)
	}
	return got[Contents](t)(Read(r, ids, []string{"value"}))
}

// contents is readAll in a view of its own.
func contents(t *testing.T, s syncengine.Store, n int) Contents {
	t.Helper()
	var c Contents
	view(t, s, func(r syncengine.Reader) { c = readAll(t, r, n) })
	return c
}
