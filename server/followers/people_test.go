// SPDX-License-Identifier: Apache-2.0

package followers_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/followers"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// found returns the persons that are found by a number, each as its residents.
func (c *county) found(number string) (out [][]record.ID) {
	c.t.Helper()
	persons, err := c.people.FindByNumber(c.t.Context(), number)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range persons {
		if p.ID != p.Residents[0] || !slices.IsSortedFunc(p.Residents, compare) {
			c.t.Errorf("person %s of %v", p.ID, p.Residents)
		}
		out = append(out, p.Residents)
	}
	return out
}

func compare(a, b record.ID) int { return bytes.Compare(a[:], b[:]) }

// rule saves what a person says of a pair.
func (c *county) rule(a, b record.ID, state carev1.LinkState) {
	c.t.Helper()
	c.save(care.LinkID(a, b), care.KindResidentLink, care.NewLink(a, b, &carev1.LinkRuling{
		State: state, Basis: carev1.LinkBasis_LINK_BASIS_PERSON,
	}), record.Change{Path: record.PathScope, Value: record.Of([]byte(village))})
}

const (
	one = carev1.LinkState_LINK_STATE_LINKED
	two = carev1.LinkState_LINK_STATE_UNLINKED
)

// with returns wang with something else.
func with(change func(*carev1.Resident)) *carev1.Resident {
	r := wang()
	change(r)
	return r
}

func number(n string) func(*carev1.Resident) {
	return func(r *carev1.Resident) { r.IdentityDocument.Number = n }
}

func TestResidentsAreFoundByTheirNumber(t *testing.T) {
	c := newCounty(t)
	card := c.register(wang(), village)
	passport := c.register(with(func(r *carev1.Resident) {
		r.IdentityDocument = &carev1.IdentityDocument{Type: carev1.IdentityType_IDENTITY_TYPE_PASSPORT, Number: "E 123-4567"}
	}), otherVillage)
	old := c.register(with(number("130403500315001")), village)
	typo := c.register(with(number("99000019580306009X")), village)
	for text, want := range map[string][][]record.ID{
		"990000195803060018":    {{card}},
		" ９９０００0 19580306-001８": {{card}},
		"e1234567":              {{passport}},
		"130403195003150016":    {{old}},
		"130403500315001":       {{old}},
		"99000019580306009x":    {{typo}},
		"990000195803060026":    nil,
		"E123456":               nil,
		"":                      nil,
		"\u3000":                nil,
	} {
		if got := c.found(text); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestWhatIsFoundIsAsOfTheLastCommit(t *testing.T) {
	c := newCounty(t)
	a := c.register(wang(), village)
	if got := c.found("990000195803060018"); len(got) != 1 {
		t.Fatal(got)
	}
	c.save(a, care.KindResident, with(number("990000195803060026")))
	if before, after := c.found("990000195803060018"), c.found("990000195803060026"); len(before) != 0 || len(after) != 1 {
		t.Errorf("after a correction: %v and %v", before, after)
	}
	c.void(a)
	if got := c.found("990000195803060026"); got != nil {
		t.Errorf("a void record: %v", got)
	}
}

func (c *county) void(id record.ID) {
	c.t.Helper()
	if _, err := c.Save(c.t.Context(), "li", syncengine.OfficeSave{
		Record: id, Changes: []record.Change{{Path: record.PathLife, Value: record.Voided("saved twice")}},
	}); err != nil {
		c.t.Fatal(err)
	}
}

func TestLinkedResidentsAreFoundTogether(t *testing.T) {
	c := newCounty(t)
	a, b := c.register(wang(), village), c.register(with(number("")), otherVillage)
	d := c.register(with(func(r *carev1.Resident) { r.Name = "李演示" }), village)
	c.rule(a, b, one)
	if got := c.found("990000195803060018"); len(got) != 2 || !slices.Equal(got[0], sorted(a, b)) && !slices.Equal(got[1], sorted(a, b)) {
		t.Errorf("%v; a %s, b %s, d %s", got, a, b, d)
	}
	c.rule(a, b, two)
	if got := c.found("990000195803060018"); len(got) != 2 || len(got[0]) != 1 || len(got[1]) != 1 {
		t.Errorf("after the link was taken back: %v", got)
	}
}

func sorted(ids ...record.ID) []record.ID {
	slices.SortFunc(ids, compare)
	return ids
}

// proposals returns what is proposed, as text.
func (c *county) proposals() (out []string) {
	c.t.Helper()
	all, more, err := c.people.Proposals(c.t.Context(), record.ID{}, record.ID{}, 100)
	if err != nil || more {
		c.t.Fatal(more, err)
	}
	for _, p := range all {
		out = append(out, fmt.Sprintf("%s %s %d", p.A, p.B, p.Why))
	}
	return out
}

func proposal(a, b record.ID, why followers.Reasons) string {
	p := sorted(a, b)
	return fmt.Sprintf("%s %s %d", p[0], p[1], why)
}

func TestPairsOnWhichAPersonDecides(t *testing.T) {
	const number, person, slip = followers.SameNumber, followers.SamePerson, followers.NumberSlip
	for name, row := range map[string]struct {
		change func(*carev1.Resident)
		where  string
		want   followers.Reasons // 0: none
	}{
		"the number is equal, the name differs": {func(r *carev1.Resident) { r.Name = "王小演" }, village, number | followers.OtherName},
		"the sex differs":                       {func(r *carev1.Resident) { r.Sex = carev1.Sex_SEX_FEMALE }, village, number | person | followers.OtherSex},
		"the birth date differs":                {func(r *carev1.Resident) { r.BirthDate = 19580307 }, otherVillage, number | followers.OtherBirth},
		"the birth date is missing":             {func(r *carev1.Resident) { r.BirthDate = 0 }, village, number | followers.OtherBirth},
		"everything of the three differs": {func(r *carev1.Resident) {
			r.Name, r.Sex, r.BirthDate = "李演示", 0, 19600101
		}, village, number | followers.OtherName | followers.OtherSex | followers.OtherBirth},
		"name, birth date and village, no number": {func(r *carev1.Resident) { r.Name, r.IdentityDocument = "王 演示", nil }, village, person},
		"the same in another village":             {func(r *carev1.Resident) { r.IdentityDocument = nil }, otherVillage, 0},
		"another birth date, no number":           {func(r *carev1.Resident) { r.IdentityDocument, r.BirthDate = nil, 19580307 }, village, 0},
		"one character of the number":             {func(r *carev1.Resident) { r.Name, r.IdentityDocument.Number = "甲", "990000195803060028" }, otherVillage, slip},
		"one character and the same person":       {func(r *carev1.Resident) { r.IdentityDocument.Number = "990000195803060028" }, village, slip | person},
		"two characters of the number":            {func(r *carev1.Resident) { r.Name, r.IdentityDocument.Number = "甲", "990000195803070028" }, otherVillage, 0},
		"another good number":                     {func(r *carev1.Resident) { r.Name, r.IdentityDocument.Number = "甲", "990000195803060026" }, village, 0},
	} {
		for order := range 2 { // whoever is registered first
			c := newCounty(t)
			forms := []*carev1.Resident{wang(), with(row.change)}
			places := []string{village, row.where}
			a := c.register(forms[order], places[order])
			b := c.register(forms[1-order], places[1-order])
			var want []string
			if row.want != 0 {
				want = []string{proposal(a, b, row.want)}
			}
			if got := c.proposals(); !slices.Equal(got, want) {
				t.Errorf("%s (%d): %v, want %v", name, order, got, want)
			}
			c.follow(0)
			c.people = followers.NewPeople(c.Engine, searchKey(), slog.New(slog.DiscardHandler))
			if got := c.proposals(); !slices.Equal(got, want) {
				t.Errorf("%s (%d): begun anew: %v, want %v", name, order, got, want)
			}
		}
	}
}

func TestAProposalEndsWithWhatItRestedOn(t *testing.T) {
	c := newCounty(t)
	a := c.register(wang(), village)
	b := c.register(with(func(r *carev1.Resident) { r.Name = "王小演" }), otherVillage)
	if got := c.proposals(); len(got) != 1 {
		t.Fatal(got)
	}
	c.save(b, care.KindResident, with(func(r *carev1.Resident) { r.Name, r.IdentityDocument.Number = "王小演", "990000195803060026" }))
	if got := c.proposals(); got != nil {
		t.Errorf("the number was corrected: %v", got)
	}
	c.save(b, care.KindResident, with(func(r *carev1.Resident) { r.Name = "王小演" }))
	c.void(a)
	if got := c.proposals(); got != nil {
		t.Errorf("one is void: %v", got)
	}
}

func TestARulingIsNeverAskedAgain(t *testing.T) {
	for name, state := range map[string]carev1.LinkState{"one person": one, "two people": two} {
		c := newCounty(t)
		a := c.register(wang(), village)
		b := c.register(with(func(r *carev1.Resident) { r.Name = "王小演" }), village)
		if got := c.proposals(); len(got) != 1 {
			t.Fatal(got)
		}
		c.rule(a, b, state)
		for i := range 2 {
			if got := c.proposals(); got != nil {
				t.Errorf("%s: asked again: %v", name, got)
			}
			c.save(b, care.KindResident, with(func(r *carev1.Resident) { r.Name, r.Phone = "王小演", fmt.Sprint(i+1) }))
			c.people = followers.NewPeople(c.Engine, searchKey(), slog.New(slog.DiscardHandler))
		}
		c.follow(0)
		// What follows from it is not asked either: d is a, so whether d is b is known.
		d := c.register(wang(), village)
		c.rule(a, d, one)
		if got := c.proposals(); got != nil {
			t.Errorf("%s: asked of another of the same person: %v", name, got)
		}
	}
}

// What Proposals has compared is linked all the same when the follower runs.
func TestWhoAgreesIsLinkedWhoeverComparedFirst(t *testing.T) {
	c := newCounty(t)
	c.register(wang(), village)
	c.register(wang(), otherVillage)
	if got := c.proposals(); len(got) != 1 {
		t.Errorf("before the follower has run: %v", got)
	}
	c.follow(1)
	if got := c.proposals(); got != nil {
		t.Errorf("linked, and asked: %v", got)
	}
}

func TestProposalsComeInPages(t *testing.T) {
	c := newCounty(t)
	for i := range 5 {
		c.register(with(func(r *carev1.Resident) { r.Name += string(rune('甲' + i)) }), village)
	}
	var got, want []string
	want = c.proposals()
	at, more := followers.Proposal{}, true
	for more {
		var page []followers.Proposal
		var err error
		if page, more, err = c.people.Proposals(t.Context(), at.A, at.B, 3); err != nil || len(page) == 0 {
			t.Fatal(page, err)
		}
		for _, p := range page {
			got = append(got, fmt.Sprintf("%s %s %d", p.A, p.B, p.Why))
		}
		at = page[len(page)-1]
	}
	if len(want) != 10 || !slices.Equal(got, want) {
		t.Errorf("%d in pages, %d at once", len(got), len(want))
	}
}

// A link changes nothing of the two residents, and taking it back nothing either: each has the
// records that were captured for it.
func TestUnlinkingRestoresEverything(t *testing.T) {
	c := newCounty(t)
	a, b := c.register(wang(), village), c.register(with(func(r *carev1.Resident) { r.Name = "王小演" }), otherVillage)
	var visits []record.ID
	for _, subject := range []record.ID{a, b, b} {
		id, err := c.Save(t.Context(), "li", syncengine.OfficeSave{Kind: care.KindHomeVisit, Changes: []record.Change{
			{Path: record.PathSubject, Value: record.Of(subject[:])}, {Path: record.PathScope, Value: record.Of([]byte(village))},
		}})
		if err != nil {
			t.Fatal(err)
		}
		visits = append(visits, id[0].Record)
	}
	before := c.states(append(visits, a, b))
	c.rule(a, b, one)
	if got := c.recordsOf(a); !slices.Equal(got, sorted(visits...)) || !slices.Equal(c.recordsOf(b), got) {
		t.Errorf("linked, the person has %v", got)
	}
	c.rule(a, b, two)
	if !slices.Equal(c.recordsOf(a), visits[:1]) || !slices.Equal(c.recordsOf(b), sorted(visits[1:]...)) {
		t.Errorf("unlinked, they have %v and %v", c.recordsOf(a), c.recordsOf(b))
	}
	if after := c.states(append(visits, a, b)); !slices.EqualFunc(before, after, bytes.Equal) {
		t.Error("some record is another than before")
	}
	if r, err := c.Verify(t.Context(), syncengine.VerifyOptions{Replay: true}); err != nil || !r.OK() {
		t.Errorf("%v %v", r.Violations, err)
	}
}

// recordsOf returns the records about whoever is one person with a resident, ascending.
func (c *county) recordsOf(id record.ID) (out []record.ID) {
	c.t.Helper()
	person, err := c.people.Person(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, resident := range person.Residents {
		rows, err := c.List(c.t.Context(), syncengine.FeedQuery{
			Subject: resident, Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral}, Limit: 100,
		})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, row := range rows {
			out = append(out, row.ID)
		}
	}
	return sorted(out...)
}

func (c *county) states(ids []record.ID) (out [][]byte) {
	c.t.Helper()
	for _, id := range ids {
		v, err := c.Get(c.t.Context(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		out = append(out, v.Row.State)
	}
	return out
}

func TestALinkWhoseIDIsNotItsPairsSaysNothing(t *testing.T) {
	c := newCounty(t)
	a, b := c.register(wang(), village), c.register(with(number("")), otherVillage)
	other := record.DerivedID(care.KindResidentLink, []byte("another pair"))
	c.save(other, care.KindResidentLink, care.NewLink(a, b, &carev1.LinkRuling{State: one}),
		record.Change{Path: record.PathScope, Value: record.Of([]byte(village))})
	if p, err := c.people.Person(t.Context(), b); err != nil || len(p.Residents) != 1 {
		t.Errorf("%v %v", p.Residents, err)
	}
}

func TestSearchWritesNothingPersonalToTheLog(t *testing.T) {
	c := newCounty(t)
	var out bytes.Buffer
	bad := c.register(wang(), village)
	c.register(wang(), village)
	c.people = followers.NewPeople(cursed{c.Engine, bad, func() error { panic("990000195803060018 王演示") }}, searchKey(),
		slog.New(slog.NewJSONHandler(&out, nil)))
	if _, err := c.people.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.people.FindByNumber(t.Context(), "990000195803060018"); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "passed over") || strings.Contains(text, "195803") || strings.Contains(text, "王") {
		t.Error(text)
	}
}

func TestSearchWaitsNoLongerThanItsCaller(t *testing.T) {
	c := newCounty(t)
	c.register(wang(), village)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.people.FindByNumber(ctx, "990000195803060018"); err == nil {
		t.Error("a caller who has gone is answered")
	}
}
