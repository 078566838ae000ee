// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// pullAll takes pages to the end, from a cursor, and returns what left, how many
// departures the largest page had, and the last page.
func (c *centre) pullAll(cert segment.Certificate, cursor []byte) (left map[record.ID]bool, most int, last session.Page) {
	c.t.Helper()
	left = map[record.ID]bool{}
	for range 1000 {
		page, err := c.PullPage(c.t.Context(), cert, session.PullRequest{Cursor: cursor})
		if err != nil {
			c.t.Fatal(err)
		}
		most = max(most, len(page.Departures))
		for _, d := range page.Departures {
			left[d.ID] = true
		}
		for _, b := range page.Bases {
			delete(left, b.ID)
		}
		if page.Last != nil {
			return left, most, page
		}
		cursor = page.Cursor
	}
	c.t.Fatal("the pull has no end")
	return nil, 0, last
}

// A record that is in very many divisions leaves them with one save. Whoever sees
// some of them pulls on, and is told of it once.
func TestARecordLeavesManyDivisionsAtOnce(t *testing.T) {
	c := newCentre(t)
	d, wide := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", "130404"))
	id, dot := d.create(kindNote, villageA, "139")
	dots := []causal.Dot{dot}
	for i := range 600 {
		dots = append(dots, d.edit(id, villageA, dot, set(record.PathScope, fmt.Sprintf("1304049%05d", i))))
		if i%100 == 99 {
			c.push(d.seal())
		}
	}
	page, err := c.PullPage(t.Context(), wide.cert, session.PullRequest{})
	if err != nil || len(page.Bases) != 1 {
		t.Fatalf("%d records, %v", len(page.Bases), err)
	}
	d.edit(id, villageA, dot, set(record.PathScope, string(villageA), dots...))
	c.push(d.seal())
	for name, cursor := range map[string][]byte{"from the beginning": nil, "from where it was": page.Cursor} {
		if left, most, _ := c.pullAll(wide.cert, cursor); !left[id] || most != 1 {
			t.Errorf("%s: left %v, %d departures in a page", name, left, most)
		}
	}
}

// A village gets another code: all its records leave, page by page.
func TestEverythingMovesPageByPage(t *testing.T) {
	c := newCentre(t)
	d, other := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	const n = 10_000
	var ids []record.ID
	for range n / 250 {
		var dots []causal.Dot
		for range 250 {
			id, dot := d.create(kindNote, villageA, "1")
			ids, dots = append(ids, id), append(dots, dot)
		}
		c.push(d.seal())
		for i, id := range ids[len(ids)-250:] {
			d.edit(id, villageA, dots[i], set(record.PathScope, string(villageB), dots[i]))
		}
		c.push(d.seal())
	}
	left, most, _ := c.pullAll(other.cert, nil)
	if len(left) != n || most > 5000 {
		t.Errorf("%d of %d records left, up to %d in a page", len(left), n, most)
	}
}

// One record grows beyond anything a form can hold: it departs from the devices of
// its village, the rest of which is pulled as ever, and comes back when the office
// has taken away what makes it so large.
func TestAHugeRecordStopsNobody(t *testing.T) {
	c := newCentre(t)
	bad, good := c.enrol(1, doctor("zhang", villageA)), c.enrol(2, doctor("li", villageA))
	id, dot := bad.create(kindNote, villageA, "139")
	c.push(bad.seal())
	page, err := c.PullPage(t.Context(), good.cert, session.PullRequest{})
	if err != nil || page.Last == nil {
		t.Fatal(err)
	}
	big := string(make([]byte, 47<<10))
	var beside []causal.Dot
	for range 100 {
		beside = append(beside, bad.edit(id, villageA, dot, set(phone, big)))
		c.push(bad.seal())
	}
	other, _ := good.create(kindNote, villageA, "1")
	c.push(good.seal())
	for name, cursor := range map[string][]byte{"from the beginning": nil, "from where it was": page.Cursor} {
		left, _, _ := c.pullAll(good.cert, cursor)
		if !left[id] || left[other] {
			t.Errorf("%s: left %v", name, left)
		}
	}
	_, _, page = c.pullAll(good.cert, nil)
	if len(page.Last.Sums) != 1 || page.Last.Sums[0].Count != 1 {
		t.Errorf("the village adds up to %v", page.Last.Sums)
	}
	c.sound()
	for _, d := range beside {
		if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: id, Dot: d, Author: "office"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, page = c.pullAll(good.cert, page.Cursor); len(page.Last.Sums) != 1 || page.Last.Sums[0].Count != 2 {
		t.Error("it is not back")
	}
	c.sound()
}
