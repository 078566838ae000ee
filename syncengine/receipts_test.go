// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// receipts returns those of records as they stand.
func (c *centre) receipts(ids ...record.ID) []syncengine.Receipts {
	c.t.Helper()
	rows, err := c.Rows(c.t.Context(), ids)
	c.must(err)
	out, err := c.Receipts(c.t.Context(), rows)
	c.must(err)
	if len(out) != len(ids) {
		c.t.Fatalf("%d receipts of %d records", len(out), len(ids))
	}
	return out
}

// receiptOf returns what the history says of a revision.
func (c *centre) receiptOf(id record.ID, d causal.Dot) syncengine.Receipt {
	c.t.Helper()
	for _, v := range c.history(id) {
		if v.Revision.Dot == d {
			return syncengine.Receipt{
				ReceivedAt: v.ReceivedAt, SavedAt: time.UnixMilli(v.Revision.ClockMs).UTC(), Author: v.Revision.Author,
				Replica: d.Replica, Counter: d.Counter,
			}
		}
	}
	c.t.Fatalf("record %s has no %s", id, d)
	return syncengine.Receipt{}
}

// wantReceipts fails the test unless the receipts of a record are those of two revisions.
func (c *centre) wantReceipts(what string, id record.ID, first, last causal.Dot) {
	c.t.Helper()
	got := c.receipts(id)[0]
	if want := (syncengine.Receipts{First: c.receiptOf(id, first), Last: c.receiptOf(id, last)}); got != want {
		c.t.Errorf("%s:\n%+v, want\n%+v", what, got, want)
	}
}

func TestReceiptsOfARecord(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	began := c.now
	id, made := d.create(kindNote, villageA, "1")
	c.now = began.Add(time.Hour)
	c.push(d.seal())
	c.wantReceipts("one revision", id, made, made)
	got := c.receipts(id)[0].First
	want := syncengine.Receipt{ReceivedAt: c.now, SavedAt: time.UnixMilli(d.clock).UTC(), Author: "zhang", Replica: d.cert.Replica(), Counter: 1}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}

	c.now = began.Add(2 * time.Hour)
	edited := d.edit(id, villageA, made, set(phone, "2", made))
	c.push(d.seal())
	c.wantReceipts("an edit of later", id, made, edited)

	_, held := d.save(0, record.Revision{
		Record: id, Author: "nobody", ScopeSeen: record.ScopeSeen{Dot: made, Division: villageA}, Changes: []record.Change{set(address, "x")},
	})
	c.push(d.seal())
	c.wantReceipts("what is held does not count", id, made, edited)
	c.now = began.Add(3 * time.Hour)
	c.must(c.Release(t.Context(), syncengine.Ruling{Record: id, Dot: held, Author: "head"}))
	c.wantReceipts("what was released counts as of when it came", id, made, held)
	c.must(c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: made, Author: "head"}))
	c.wantReceipts("what was withdrawn does not count", id, edited, held)
	c.must(c.Release(t.Context(), syncengine.Ruling{Record: id, Dot: made, Author: "head"}))

	voided := d.edit(id, villageA, made, set(record.PathLife, string([]byte{byte(record.LifeVoided)})))
	c.push(d.seal())
	c.wantReceipts("a void record", id, made, voided)
	c.must(c.Erase(t.Context(), syncengine.Ruling{Record: id, Dot: made, Author: "head", Reason: "court order 7"}))
	c.wantReceipts("an erased revision", id, made, voided)
	saved, err := c.Save(t.Context(), "head", syncengine.OfficeSave{Record: id, Changes: []record.Change{set(phone, "3", edited)}})
	c.must(err)
	c.wantReceipts("an office save", id, made, saved[0].Dot)
}

func TestReceiptsOfARecordWithNothingAdmitted(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, made := d.save(kindNote, record.Revision{Author: "wang", Changes: []record.Change{set(record.PathScope, string(villageA))}})
	_, again := d.save(0, record.Revision{
		Record: id, Author: "wang", ScopeSeen: record.ScopeSeen{Dot: made, Division: villageA}, Changes: []record.Change{set(phone, "1")},
	})
	c.push(d.seal())
	c.wantReceipts("all that is held", id, made, again)
	if got, err := c.Receipts(t.Context(), nil); len(got) != 0 || err != nil {
		t.Errorf("of no rows: %v, %v", got, err)
	}
	if _, err := c.Receipts(t.Context(), []syncengine.RecordRow{{State: []byte{9}}}); !errors.Is(err, record.ErrMalformed) {
		t.Errorf("of a row that is none: %v", err)
	}
	if got, err := c.Receipts(t.Context(), []syncengine.RecordRow{{State: record.State{}.Append(nil), Places: []byte{0}}}); err != nil || got[0] != (syncengine.Receipts{}) {
		t.Errorf("of a record without revisions: %+v, %v", got, err)
	}
}

func TestReceiptsAfterARestoreAreOfWhenItCameAgain(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, made := d.create(kindNote, villageA, "1")
	c.push(d.seal())
	older := c.store.Clone()
	c.now = c.now.Add(time.Hour)
	edited := d.edit(id, villageA, made, set(phone, "2", made))
	lost := d.seal()
	c.push(lost)
	of := c.now
	rows, err := c.Rows(t.Context(), []record.ID{id})
	c.must(err)

	c.put(older)
	c.wantReceipts("before it came again", id, made, made)
	if _, err := c.Receipts(t.Context(), rows); err == nil {
		t.Error("the receipts of a row of another epoch are there")
	}
	c.now = c.now.Add(time.Hour)
	c.push(lost)
	c.wantReceipts("after it came again", id, made, edited)
	if got := c.receipts(id)[0].Last.ReceivedAt; !got.Equal(c.now) || got.Equal(of) {
		t.Errorf("received at %s", got)
	}
}

// Many rows at once, in any order, are what each is alone; each leaf is read once.
func TestReceiptsOfManyRecords(t *testing.T) {
	c := newCentre(t)
	zhang, li := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	type saved struct {
		id   record.ID
		made causal.Dot
		last causal.Dot
	}
	var all []saved
	for i := range 250 {
		id, made := zhang.create(kindNote, villageA, fmt.Sprint(i))
		all = append(all, saved{id, made, made})
		if i%40 == 39 {
			c.push(zhang.seal())
			c.now = c.now.Add(time.Minute)
		}
	}
	c.push(zhang.seal())
	for i := range all {
		if i%3 == 0 {
			all[i].last = li.edit(all[i].id, villageA, all[i].made, set(phone, "9", all[i].made))
		}
	}
	c.push(li.seal())
	slices.SortFunc(all, func(a, b saved) int { return cmp.Compare(a.id.String(), b.id.String()) })
	var ids []record.ID
	for _, s := range all {
		ids = append(ids, s.id)
	}
	counting := &counting{Store: c.store}
	c.reopen(counting)
	counting.bytes = 0
	got := c.receipts(ids...)
	if counting.bytes > 8 {
		t.Errorf("%d segments were read of 8", counting.bytes)
	}
	for i, s := range all {
		if want := (syncengine.Receipts{First: c.receiptOf(s.id, s.made), Last: c.receiptOf(s.id, s.last)}); got[i] != want {
			t.Fatalf("record %d: %+v, want %+v", i, got[i], want)
		}
	}
}

// counting counts the segments that are read.
type counting struct {
	syncengine.Store
	bytes int
}

func (s *counting) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.Store.View(ctx, func(r syncengine.Reader) error { return f(countingReader{r, s}) })
}

type countingReader struct {
	syncengine.Reader
	s *counting
}

func (r countingReader) SegmentBytes(i ledger.Index) ([]byte, bool, error) {
	r.s.bytes++
	return r.Reader.SegmentBytes(i)
}

// Of a revision that nobody can read only the centre's own words are taken.
func TestReceiptsOfARecordThatCannotBeRead(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id := record.DerivedID(kindNote, []byte("unreadable"))
	raw := segment.Raw{Head: record.Revision{
		Dot: causal.Dot{Replica: d.cert.Replica(), Counter: 1}, Record: id, Author: "zhang", ClockMs: 7,
	}, Shape: []byte("no shape"), Body: []byte("no body")}
	bad, err := segment.SealRaw(segment.KeySigner(d.key), segment.Header{Shard: c.Shard(), Certificate: d.cert.Hash, First: 1}, []segment.Raw{raw})
	c.must(err)
	c.push(bad)
	want := syncengine.Receipt{ReceivedAt: c.now, Replica: d.cert.Replica(), Counter: 1}
	if got := c.receipts(id)[0]; got.First != want || got.Last != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}
