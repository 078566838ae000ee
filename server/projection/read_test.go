// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func (c *county) person(id record.ID) *projection.Person {
	c.t.Helper()
	p, err := c.p.Person(c.t.Context(), id)
	c.must(err)
	return p
}

func TestAPersonIsFoundByAnyResidentOrRecord(t *testing.T) {
	c := newCounty(t)
	wang, again := c.register(village), c.register(otherVillage)
	visit := c.visit(again, otherVillage, 20260201)
	c.link(wang, again, carev1.LinkState_LINK_STATE_LINKED)
	c.follow()
	for _, id := range []record.ID{wang, again, visit} {
		p := c.person(id)
		if p.ID != wang || !slices.Equal(p.Residents, []record.ID{wang, again}) || len(p.Rows) != 3 || p.Fault != "" || p.Only.Day || p.Only.Records != nil {
			t.Errorf("by %s: %+v", id, p)
		}
	}
	if _, err := c.p.Person(t.Context(), record.DerivedID(care.KindResident, nil)); syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
		t.Errorf("nobody: %v", err)
	}
	c.link(wang, again, carev1.LinkState_LINK_STATE_UNLINKED)
	c.follow()
	if p := c.person(visit); p.ID != again || len(p.Rows) != 2 {
		t.Errorf("unlinked: %+v", p)
	}
}

func TestRowsHaveTheReceiptsOfTheirRecords(t *testing.T) {
	c := newCounty(t)
	wang := c.register(village)
	visit := c.visit(wang, village, 20260201)
	made := c.now
	c.follow()
	c.now = c.now.Add(time.Hour)
	c.save(visit, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{ServiceDate: 20260202})
	c.change(wang, record.Change{Path: record.PathLife, Value: record.Voided("typed twice")})
	c.follow()
	rows, err := c.Rows(t.Context(), []record.ID{wang, visit})
	c.must(err)
	want, err := c.Receipts(t.Context(), rows)
	c.must(err)
	p := c.person(visit)
	for i, id := range []record.ID{wang, visit} {
		row := p.Rows[id]
		if row.First != want[i].First || row.Last != want[i].Last || row.First == row.Last || row.First.Author != "li" || row.Position != uint64(rows[i].Position) {
			t.Errorf("record %d: %+v, want %+v", i, row, want[i])
		}
		if row.Voided != (id == wang) || !slices.Equal(row.Divisions, []record.Division{village}) || row.Class != record.ClassGeneral {
			t.Errorf("record %d: %+v", i, row)
		}
	}
	if first := p.Rows[visit].First.ReceivedAt; first.After(made) || made.Sub(first) > time.Minute {
		t.Errorf("received at %s, saved at %s", first, made)
	}
	if len(p.Rules.Entries()) != 1 {
		t.Errorf("%d entries", len(p.Rules.Entries()))
	}
}

func TestAWalkComesToEachPersonOfADivisionOnce(t *testing.T) {
	c := newCounty(t)
	var here, there []record.ID
	for range 60 {
		here = append(here, c.register(village))
		there = append(there, c.register(otherVillage))
	}
	stranger := record.DerivedID(care.KindResident, []byte("a resident whose record is not there"))
	c.visit(stranger, village, 20260201)
	c.link(here[0], there[0], carev1.LinkState_LINK_STATE_LINKED)
	c.link(here[1], here[2], carev1.LinkState_LINK_STATE_LINKED)
	c.change(here[3], scope(otherVillage)) // two scopes stand beside each other
	c.follow()
	links := 2
	for prefix, want := range map[record.Division]int{
		village: 59 + links, otherVillage: 61, "431124": 118 + links, "": 118 + links + 1, "110101": 0, "43112410120": 118 + links,
	} {
		got := map[record.ID]bool{}
		err := c.p.Walk(t.Context(), prefix, func(p *projection.Person) error {
			if got[p.ID] {
				return fmt.Errorf("%s comes twice", p.ID)
			}
			got[p.ID] = true
			return nil
		})
		if err != nil || len(got) != want {
			t.Errorf("%q: %d persons, want %d: %v", prefix, len(got), want, err)
		}
	}
	enough := errors.New("enough")
	if err := c.p.Walk(t.Context(), village, func(*projection.Person) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}
