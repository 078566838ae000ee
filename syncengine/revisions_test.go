// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// note makes a record whose n saves lie in segments of three, and returns their dots.
func note(c *centre, d *device, village record.Division, n int) (record.ID, []causal.Dot) {
	c.t.Helper()
	id, scope := d.create(kindNote, village, "0")
	dots := []causal.Dot{scope}
	for i := 1; i < n; i++ {
		if i%3 == 0 {
			c.push(d.seal())
		}
		dots = append(dots, d.edit(id, village, scope, set(phone, fmt.Sprint(i), dots[i-1])))
	}
	c.push(d.seal())
	return id, dots
}

func TestHistoryIsReadInParts(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, want := note(c, d, villageA, 11)
	for limit := range 13 {
		var got []causal.Dot
		for from := (syncengine.HistoryPlace{}); ; {
			part, next, err := c.History(t.Context(), id, from, limit)
			if err != nil || len(part) > max(limit, 1) {
				t.Fatalf("a part of %d with limit %d: %v", len(part), limit, err)
			}
			for _, v := range part {
				got = append(got, v.Revision.Dot)
			}
			if from = next; from == (syncengine.HistoryPlace{}) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	part, next, err := c.History(t.Context(), id, syncengine.HistoryPlace{Leaf: ledger.Index(c.Size())}, 5)
	if len(part) > 0 || next != (syncengine.HistoryPlace{}) || err != nil {
		t.Errorf("after the last: %d, %v, %v", len(part), next, err)
	}
}

func TestLargeRevisionsEndAPartEarly(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	id, scope := d.create(kindNote, villageA, "0")
	const saves = 20
	for i := range saves {
		d.edit(id, villageA, scope, set(phone, fmt.Sprint(i)+strings.Repeat("9", 40_000)))
		c.push(d.seal())
	}
	got := 0
	for from := (syncengine.HistoryPlace{}); ; {
		part, next, err := c.History(t.Context(), id, from, 1000)
		if err != nil || len(part) > 8 {
			t.Fatalf("a part of %d: %v", len(part), err)
		}
		got += len(part)
		if from = next; from == (syncengine.HistoryPlace{}) {
			break
		}
	}
	if got != saves+1 {
		t.Errorf("%d revisions", got)
	}
}

// heldList reads what is held in parts, and calls between after each.
func (c *centre) heldList(limit int, between func()) (all []causal.Dot) {
	c.t.Helper()
	for from := (syncengine.HeldPlace{}); ; between() {
		part, next, err := c.Held(c.t.Context(), from, limit)
		if err != nil || len(part) > max(limit, 1) {
			c.t.Fatalf("a part of %d with limit %d: %v", len(part), limit, err)
		}
		for _, v := range part {
			all = append(all, v.Revision.Dot)
		}
		if from = next; from == (syncengine.HeldPlace{}) {
			return all
		}
	}
}

func TestWhatIsHeldIsReadInParts(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	var want []causal.Dot
	for range 7 {
		_, dots := note(c, d, villageB, 4)
		want = append(want, dots...)
		note(c, d, villageA, 2)
	}
	for limit := range 6 {
		if got := c.heldList(limit, func() {}); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}

func TestRecordThatChangesWhileTheHeldAreReadComesWithAllOfThem(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	x, first := note(c, d, villageB, 2)
	_, second := note(c, d, villageB, 2)
	once := false
	got := c.heldList(1, func() {
		if once {
			return
		}
		once = true
		first = append(first, d.edit(x, villageB, first[0], set(phone, "later", first[1])))
		c.push(d.seal())
	})
	// The part that was read, the other record whole, then the changed one whole.
	want := slices.Concat(first[:1], second, first)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// measured notes how many bytes of records its readers got at a time.
type measured struct {
	syncengine.Store
	most *int
}

func (s measured) View(ctx context.Context, f func(syncengine.Reader) error) error {
	return s.Store.View(ctx, func(r syncengine.Reader) error { return f(measuredReader{r, s.most}) })
}

type measuredReader struct {
	syncengine.Reader
	most *int
}

func (r measuredReader) Feed(q syncengine.FeedQuery) ([]syncengine.RecordRow, error) {
	rows, err := r.Reader.Feed(q)
	size := 0
	for _, row := range rows {
		size += row.Size()
	}
	*r.most = max(*r.most, size)
	return rows, err
}

func TestLargeRecordsAreReadFewAtATime(t *testing.T) {
	c := newCentre(t)
	d := c.enrol(1, doctor("zhang", villageA))
	const records, size = 40, 45_000
	for range records {
		id, scope := d.create(kindNote, villageA, strings.Repeat("1", size))
		c.push(d.seal())
		d.edit(id, villageA, scope, set(phone, strings.Repeat("2", size)))
		c.push(d.seal())
	}
	most := 0
	c.reopen(measured{c.store, &most})
	got, q := 0, session.PullRequest{PageRecords: session.MaxPageRecords}
	for last := false; !last; {
		page, err := c.PullPage(t.Context(), d.cert, q)
		if err != nil {
			t.Fatal(err)
		}
		got, q.Cursor, last = got+len(page.Bases), page.Cursor, page.Last != nil
	}
	if got != records {
		t.Errorf("%d records came", got)
	}
	c.sound()
	if limit := session.MaxPageBytes + 3*size; most == 0 || most > limit {
		t.Errorf("%d bytes of records were read at a time, at most %d should be", most, limit)
	}
}
