// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// pullAll takes pages to the end, from a cursor, and returns what left and how many
// departures the largest page had.
func (c *centre) pullAll(cert segment.Certificate, cursor []byte) (left map[record.ID]bool, most int) {
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
			return left, most
		}
		cursor = page.Cursor
	}
	c.t.Fatal("the pull has no end")
	return nil, 0
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
		if left, most := c.pullAll(wide.cert, cursor); !left[id] || most != 1 {
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
	left, most := c.pullAll(other.cert, nil)
	if len(left) != n || most > 5000 {
		t.Errorf("%d of %d records left, up to %d in a page", len(left), n, most)
	}
}
