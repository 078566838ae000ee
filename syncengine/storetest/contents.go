// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"reflect"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Contents is everything a Reader can tell.
type Contents struct {
	Feed       []syncengine.RecordRow // without Ref, which is each store's own
	Records    []syncengine.RecordRow // those asked for by id
	Departures []syncengine.Departure
	Sums       map[syncengine.SumKey]syncengine.Sum
	Segments   []syncengine.SegmentHead // by replica, then as Segments orders them
	Bodies     map[ledger.Index][]byte
	Leaves     [][]byte
	Hashes     []tlog.Hash
	Acts       []syncengine.Act
	Values     map[string][]byte
}

// Read returns all that r sees. Records outside the feed and values cannot be
// listed: those to look up are named by ids and names.
func Read(r syncengine.Reader, ids []record.ID, names []string) (Contents, error) {
	var c Contents
	for _, read := range []func() error{
		func() error { return c.readRecords(r, ids) },
		func() error { return c.readSegments(r) },
		func() error { return c.readLedger(r) },
		func() error { return c.readActs(r, names) },
	} {
		if err := read(); err != nil {
			return Contents{}, err
		}
	}
	return c, nil
}

// Diff describes how b differs from a; empty if it does not. A nil slice is as
// good as an empty one.
func Diff(a, b Contents) string { return diff(a, b) }

func diff(want, got any) string {
	if reflect.DeepEqual(want, got) { // a hundred times faster, and the usual case
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

func (c *Contents) readRecords(r syncengine.Reader, ids []record.ID) (err error) {
	if c.Feed, err = r.Feed(syncengine.FeedQuery{Divisions: anywhere(), Classes: classes(), Limit: math.MaxInt32}); err != nil {
		return err
	}
	c.Feed = strangers(c.Feed)
	for _, id := range ids {
		row, ok, err := r.Record(id)
		if err != nil {
			return err
		}
		if ok {
			c.Records = append(c.Records, stranger(row))
		}
	}
	if c.Departures, err = r.Departures(0, 0, anywhere(), classes(), math.MaxInt32); err != nil {
		return err
	}
	c.Sums, err = r.Sums()
	return err
}

func (c *Contents) readSegments(r syncengine.Reader) error {
	replicas, err := r.Replicas()
	if err != nil {
		return err
	}
	c.Bodies = map[ledger.Index][]byte{}
	for _, replica := range replicas {
		heads, err := r.Segments(replica, 0, math.MaxInt32)
		if err != nil {
			return err
		}
		c.Segments = append(c.Segments, heads...)
		for _, head := range heads {
			body, ok, err := r.SegmentBytes(head.Index)
			if err != nil || !ok {
				return fmt.Errorf("bytes of the segment at leaf %d: %t, %w", head.Index, ok, err)
			}
			c.Bodies[head.Index] = body
		}
	}
	return nil
}

func (c *Contents) readLedger(r syncengine.Reader) error {
	size, err := r.Size()
	if err != nil {
		return err
	}
	for i := range ledger.Index(size) {
		leaf, ok, err := r.Leaf(i)
		if err != nil || !ok {
			return fmt.Errorf("leaf %d of %d: %t, %w", i, size, ok, err)
		}
		c.Leaves = append(c.Leaves, leaf)
	}
	all := make([]int64, tlog.StoredHashCount(int64(size)))
	for i := range all {
		all[i] = int64(i)
	}
	c.Hashes, err = r.ReadHashes(all)
	return err
}

func (c *Contents) readActs(r syncengine.Reader, names []string) error {
	for _, f := range families() {
		acts, err := r.Acts(f, nil)
		if err != nil {
			return err
		}
		c.Acts = append(c.Acts, acts...)
	}
	c.Values = map[string][]byte{}
	for _, name := range names {
		value, ok, err := r.Value(name)
		if err != nil {
			return err
		}
		if ok {
			c.Values[name] = value
		}
	}
	return nil
}

// stranger returns row as another store would have it.
func stranger(row syncengine.RecordRow) syncengine.RecordRow {
	row.Ref = 0
	return row
}

func strangers(rows []syncengine.RecordRow) []syncengine.RecordRow {
	out := make([]syncengine.RecordRow, len(rows))
	for i, row := range rows {
		out[i] = stranger(row)
	}
	return out
}

func anywhere() []record.Division { return []record.Division{""} }

func classes() []record.Class {
	return []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive, math.MaxUint8}
}

func families() []syncengine.ActFamily {
	return []syncengine.ActFamily{
		syncengine.ActCertificate, syncengine.ActFence, syncengine.ActRuling,
		syncengine.ActGap, syncengine.ActErasure, syncengine.ActFork,
	}
}
