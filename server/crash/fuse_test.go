// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"os"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
)

// A point is a place in the work of a server where it can be made to die.
type point string

const (
	beforeBegin  point = "before a commit begins"
	afterWrite   point = "after any write"
	afterSegment point = "after a segment is written"
	afterLeaf    point = "after a leaf is written"
	afterRecord  point = "after a record is written"
	afterSum     point = "after a sum is written"
	afterDepart  point = "after a departure is written"
	beforeCommit point = "before it is committed"
	afterCommit  point = "after it is committed, before anybody is told"
	beforePage   point = "before a page of a pull is read"
	afterPage    point = "after a page of a pull is read, before it is sent"
)

// fuse kills this process when a point is passed for the last time. Before it is
// armed, and for no point, it does nothing.
type fuse struct {
	point point
	left  atomic.Int64
	armed atomic.Bool
}

func (f *fuse) pass(points ...point) {
	for _, p := range points {
		if p == f.point && f.armed.Load() && f.left.Add(-1) == 0 {
			die()
		}
	}
}

// die ends this process as a power cut would: nothing is flushed, nobody is told.
func die() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// fused is a store in which every transaction passes the points.
type fused struct {
	syncengine.Store
	fuse *fuse
}

func (s fused) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.Store.View(ctx, func(r syncengine.Reader) error { return f(fusedReader{r, s.fuse}) })
}

func (s fused) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	s.fuse.pass(beforeBegin)
	err := s.Store.Update(ctx, func(tx syncengine.Tx) error {
		err := f(fusedTx{tx, s.fuse})
		if err == nil {
			s.fuse.pass(beforeCommit)
		}
		return err
	})
	if err == nil {
		s.fuse.pass(afterCommit)
	}
	return err
}

type fusedReader struct {
	syncengine.Reader
	fuse *fuse
}

func (r fusedReader) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	r.fuse.pass(beforePage)
	rows, err := r.Reader.Feed(q)
	r.fuse.pass(afterPage)
	return rows, err
}

type fusedTx struct {
	syncengine.Tx
	fuse *fuse
}

func (t fusedTx) PutRecord(r syncengine.RecordRow) error {
	err := t.Tx.PutRecord(r)
	t.fuse.pass(afterWrite, afterRecord)
	return err
}

func (t fusedTx) PutDeparture(d syncengine.Departure) error {
	err := t.Tx.PutDeparture(d)
	t.fuse.pass(afterWrite, afterDepart)
	return err
}

func (t fusedTx) PutSum(k syncengine.SumKey, s syncengine.Sum) error {
	err := t.Tx.PutSum(k, s)
	t.fuse.pass(afterWrite, afterSum)
	return err
}

func (t fusedTx) PutSegment(h syncengine.SegmentHead, stored []byte) error {
	err := t.Tx.PutSegment(h, stored)
	t.fuse.pass(afterWrite, afterSegment)
	return err
}

func (t fusedTx) AppendLeaf(leaf []byte, hashes []tlog.Hash) error {
	err := t.Tx.AppendLeaf(leaf, hashes)
	t.fuse.pass(afterWrite, afterLeaf)
	return err
}

func (t fusedTx) PutValue(name string, value []byte) error {
	err := t.Tx.PutValue(name, value)
	t.fuse.pass(afterWrite)
	return err
}
