// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// A mutant is a store that breaks one promise: what is not nil stands in the
// place of the right method.
type mutant struct {
	update     func(context.Context, *memstore.Store, func(syncengine.Tx) error) error
	live       bool // views see what is committed while they run
	record     func(syncengine.Tx, record.ID) (syncengine.RecordRow, bool, error)
	feed       func(syncengine.Tx, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	departures func(tx syncengine.Tx, after, upTo syncengine.Position, limit int) (syncengine.Position, syncengine.Position, int)
	segments   func(tx syncengine.Tx, r causal.ReplicaID, from uint64, limit int) ([]syncengine.SegmentHead, error)
	newest     func(syncengine.Tx, causal.ReplicaID) (syncengine.SegmentHead, bool, error)
	office     func(tx syncengine.Tx, from ledger.Index, p []record.Division, c []record.Class, limit int) ([]syncengine.SegmentHead, error)
	putSegment func(syncengine.Tx, syncengine.SegmentHead, []byte) error
	putSum     func(syncengine.Tx, syncengine.SumKey, syncengine.Sum) error
	hashes     func(syncengine.Tx, []int64) ([]tlog.Hash, error)
	acts       func(syncengine.Tx, syncengine.ActFamily, []byte) ([]syncengine.Act, error)
	value      func(syncengine.Tx, string) ([]byte, bool, error)
	noDelete   bool
}

type (
	tx    = syncengine.Tx
	query = syncengine.FeedQuery
	rows  = []syncengine.RecordRow
	heads = []syncengine.SegmentHead
)

func asked(change func(*query)) func(tx, query) (rows, error) {
	return func(t tx, q query) (rows, error) {
		change(&q)
		return t.Feed(q)
	}
}

func answered(change func(query, rows) rows) func(tx, query) (rows, error) {
	return func(t tx, q query) (rows, error) {
		out, err := t.Feed(q)
		return change(q, out), err
	}
}

func mutants() map[string]mutant {
	var buffer []byte
	return map[string]mutant{
		"a failed update is committed": {update: func(ctx context.Context, s *memstore.Store, f func(tx) error) (failed error) {
			err := s.Update(ctx, func(t tx) error {
				failed = f(t)
				return nil
			})
			if failed != nil {
				return failed
			}
			return err
		}},
		"an update is forgotten": {update: func(ctx context.Context, s *memstore.Store, f func(tx) error) error {
			_ = s.Clone().Update(ctx, f)
			return nil
		}},
		"a view moves on":                {live: true},
		"the feed starts at the cursor":  {feed: asked(func(q *query) { q.After -= min(q.After, 1) })},
		"the feed stops before its end":  {feed: asked(func(q *query) { q.UpTo -= min(q.UpTo, 1) })},
		"the feed has no end":            {feed: asked(func(q *query) { q.UpTo = 0 })},
		"the feed has no limit":          {feed: asked(func(q *query) { q.Limit = 1 << 20 })},
		"the feed has no limit in bytes": {feed: asked(func(q *query) { q.Bytes = 0 })},
		"the limit counts what is not selected": {feed: func(t tx, q query) (rows, error) {
			all, err := t.Feed(query{After: q.After, UpTo: q.UpTo, Divisions: []record.Division{""}, Classes: []record.Class{0, 1, 2, 255}, Limit: q.Limit})
			some, _ := t.Feed(q)
			return slices.DeleteFunc(some, func(r syncengine.RecordRow) bool {
				return len(all) == 0 || r.Position > all[len(all)-1].Position
			}), err
		}},
		"every class is selected":       {feed: asked(func(q *query) { q.Classes = []record.Class{0, 1, 2, 255} })},
		"the first class only":          {feed: asked(func(q *query) { q.Classes = q.Classes[:min(1, len(q.Classes))] })},
		"the first prefix only":         {feed: asked(func(q *query) { q.Divisions = q.Divisions[:min(1, len(q.Divisions))] })},
		"kinds do not select":           {feed: asked(func(q *query) { q.Kind = 0 })},
		"subjects do not select":        {feed: asked(func(q *query) { q.Subject = record.ID{} })},
		"flags do not select":           {feed: asked(func(q *query) { q.Flags = 0 })},
		"the feed runs backwards":       {feed: answered(func(_ query, r rows) rows { slices.Reverse(r); return r })},
		"the feed leaves states out":    {feed: answered(func(_ query, r rows) rows { return without(r) })},
		"records without division hide": {feed: answered(func(_ query, r rows) rows { return slices.DeleteFunc(r, nowhere) })},
		"a division beside the first is not seen": {feed: answered(func(q query, r rows) rows {
			return slices.DeleteFunc(r, func(row syncengine.RecordRow) bool {
				return len(row.Divisions) > 1 && !row.Divisions[0].WithinAny(q.Divisions)
			})
		})},
		"rows are overwritten by the next question": {record: func(t tx, id record.ID) (syncengine.RecordRow, bool, error) {
			row, ok, err := t.Record(id)
			buffer = append(buffer[:0], row.State...)
			row.State = buffer
			return row, ok, err
		}},
		"departures start at the cursor": {departures: func(_ tx, a, u syncengine.Position, l int) (syncengine.Position, syncengine.Position, int) {
			return a - min(a, 1), u, l
		}},
		"departures have no limit": {departures: func(_ tx, a, u syncengine.Position, _ int) (syncengine.Position, syncengine.Position, int) {
			return a, u, 1 << 20
		}},
		"departures are not deleted": {noDelete: true},
		"empty sums stay": {putSum: func(t tx, k syncengine.SumKey, sum syncengine.Sum) error {
			sum.Count = max(sum.Count, 1)
			return t.PutSum(k, sum)
		}},
		"segments by first counter only": {segments: func(t tx, r causal.ReplicaID, from uint64, limit int) (heads, error) {
			out, err := t.Segments(r, from, limit)
			return slices.DeleteFunc(out, func(h syncengine.SegmentHead) bool { return h.First < from }), err
		}},
		"segments by leaf": {segments: func(t tx, r causal.ReplicaID, from uint64, limit int) (heads, error) {
			out, err := t.Segments(r, from, limit)
			slices.SortFunc(out, func(a, b syncengine.SegmentHead) int { return int(a.Index - b.Index) })
			return out, err
		}},
		"the newest segment is the one with the highest counter": {newest: func(t tx, r causal.ReplicaID) (syncengine.SegmentHead, bool, error) {
			out, err := t.Segments(r, 0, 1<<20)
			if err != nil || len(out) == 0 {
				return syncengine.SegmentHead{}, false, err
			}
			return out[len(out)-1], true, nil
		}},
		"acts for everyone need a prefix": {office: func(t tx, from ledger.Index, p []record.Division, c []record.Class, limit int) (heads, error) {
			out, err := t.OfficeSegments(from, p, c, limit)
			return slices.DeleteFunc(out, func(h syncengine.SegmentHead) bool { return !h.Division.WithinAny(p) }), err
		}},
		"acts for everyone go to every class": {office: func(t tx, from ledger.Index, p []record.Division, c []record.Class, limit int) (heads, error) {
			return t.OfficeSegments(from, p, append(slices.Clone(c), record.ClassEveryone), limit)
		}},
		"an erased segment stays": {putSegment: func(t tx, head syncengine.SegmentHead, stored []byte) error {
			if _, ok, err := t.Segment(head.Hash); ok || err != nil {
				return err
			}
			return t.PutSegment(head, stored)
		}},
		"a missing tree hash is zero": {hashes: func(t tx, indexes []int64) ([]tlog.Hash, error) {
			out, err := t.ReadHashes(indexes)
			if err != nil {
				return make([]tlog.Hash, len(indexes)), nil
			}
			return out, err
		}},
		"an empty key is no key": {acts: func(t tx, f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
			if len(key) == 0 {
				key = nil
			}
			return t.Acts(f, key)
		}},
		"an empty value is no value": {value: func(t tx, name string) ([]byte, bool, error) {
			v, _, err := t.Value(name)
			return v, len(v) > 0, err
		}},
	}
}

func nowhere(row syncengine.RecordRow) bool { return len(row.Divisions) == 0 }

func without(r rows) rows {
	for i := range r {
		r[i].State = nil
	}
	return r
}

// TestMutantChild runs the contract on the mutant that its environment names.
func TestMutantChild(t *testing.T) {
	name := os.Getenv("MUTANT")
	if name == "" {
		t.Skip("only runs as a child of the test below")
	}
	storetest.Run(t, func(*testing.T) syncengine.Store { return &bentStore{memstore.New(), mutants()[name]} })
}

func TestEveryMutantIsCaught(t *testing.T) {
	if out, err := runMutant("none of them"); err != nil {
		t.Fatalf("the right store does not pass: %s", out)
	}
	for name := range mutants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if out, err := runMutant(name); err == nil {
				t.Errorf("the contract does not notice: %s", out)
			}
		})
	}
}

func runMutant(name string) (string, error) {
	child := exec.Command(os.Args[0], "-test.run=^TestMutantChild$", "-test.timeout=30s")
	child.Env = append(os.Environ(), "MUTANT="+name)
	out, err := child.CombinedOutput()
	return string(out), err
}

type bentStore struct {
	*memstore.Store
	m mutant
}

func (s *bentStore) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.Store.View(ctx, func(r syncengine.Reader) error {
		return f(bent{r.(tx), s.m, s.Store})
	})
}

func (s *bentStore) Update(ctx context.Context, f func(tx) error) error {
	bend := func(t tx) error { return f(bent{t, s.m, nil}) }
	if s.m.update != nil {
		return s.m.update(ctx, s.Store, bend)
	}
	return s.Store.Update(ctx, bend)
}

// bent is a transaction of a mutant.
type bent struct {
	tx
	m     mutant
	store *memstore.Store // in views
}

func (b bent) Size() (size ledger.Size, err error) {
	if !b.m.live || b.store == nil {
		return b.tx.Size()
	}
	err = b.store.View(context.Background(), func(r syncengine.Reader) error {
		size, err = r.Size()
		return err
	})
	return size, err
}

func (b bent) Record(id record.ID) (syncengine.RecordRow, bool, error) {
	if b.m.record != nil {
		return b.m.record(b.tx, id)
	}
	return b.tx.Record(id)
}

func (b bent) Feed(q query) (rows, error) {
	if b.m.feed != nil {
		return b.m.feed(b.tx, q)
	}
	return b.tx.Feed(q)
}

func (b bent) Departures(after, upTo syncengine.Position, p []record.Division, c []record.Class, limit int) ([]syncengine.Departure, error) {
	if b.m.departures != nil {
		after, upTo, limit = b.m.departures(b.tx, after, upTo, limit)
	}
	return b.tx.Departures(after, upTo, p, c, limit)
}

func (b bent) DeleteDeparture(id record.ID, d record.Division) error {
	if b.m.noDelete {
		return nil
	}
	return b.tx.DeleteDeparture(id, d)
}

func (b bent) PutSum(k syncengine.SumKey, sum syncengine.Sum) error {
	if b.m.putSum != nil {
		return b.m.putSum(b.tx, k, sum)
	}
	return b.tx.PutSum(k, sum)
}

func (b bent) Segments(r causal.ReplicaID, from uint64, limit int) (heads, error) {
	if b.m.segments != nil {
		return b.m.segments(b.tx, r, from, limit)
	}
	return b.tx.Segments(r, from, limit)
}

func (b bent) Newest(r causal.ReplicaID) (syncengine.SegmentHead, bool, error) {
	if b.m.newest != nil {
		return b.m.newest(b.tx, r)
	}
	return b.tx.Newest(r)
}

func (b bent) OfficeSegments(from ledger.Index, p []record.Division, c []record.Class, limit int) (heads, error) {
	if b.m.office != nil {
		return b.m.office(b.tx, from, p, c, limit)
	}
	return b.tx.OfficeSegments(from, p, c, limit)
}

func (b bent) PutSegment(head syncengine.SegmentHead, stored []byte) error {
	if b.m.putSegment != nil {
		return b.m.putSegment(b.tx, head, stored)
	}
	return b.tx.PutSegment(head, stored)
}

func (b bent) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	if b.m.hashes != nil {
		return b.m.hashes(b.tx, indexes)
	}
	return b.tx.ReadHashes(indexes)
}

func (b bent) Acts(f syncengine.ActFamily, key []byte) ([]syncengine.Act, error) {
	if b.m.acts != nil {
		return b.m.acts(b.tx, f, key)
	}
	return b.tx.Acts(f, key)
}

func (b bent) Value(name string) ([]byte, bool, error) {
	if b.m.value != nil {
		return b.m.value(b.tx, name)
	}
	return b.tx.Value(name)
}
