// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// A village is one record in the hands of several tablets and a centre, with all
// that goes wrong: forms open for long, clones, quarantine, lost saves that turn
// up after all.
type village struct {
	tablets   []*tablet
	centre    postbox
	lost      []Revision
	histories byte // how many times a tablet was cloned
	saves     uint32
}

// A tablet shows the centre's record as it last pulled it and, upon that, its own
// saves that the centre had not received then.
type tablet struct {
	replica, history byte
	last             causal.Dot // its latest save
	base             []Receipt
	own              []Revision
	outbox           []Revision
	forms            []map[Path][]causal.Dot
}

var villagePaths = []Path{PathLife, Field(1), Field(2), Field(3).Key("metformin"), Field(4, 1), Field(4, 2)}

func (t *tablet) screen() map[Path][]causal.Dot {
	s := Define(t.base)
	for _, r := range t.own {
		s = s.Apply(r, true)
	}
	return screenOf(s.RegistersWith(t.own))
}

func (v *village) open(t *rapid.T) {
	tab := v.any(t)
	tab.forms = append(tab.forms, tab.screen())
}

// save changes a few fields in a form, open for a while or just now. The form's
// screen is that save from then on.
func (v *village) save(t *rapid.T) {
	tab := v.any(t)
	if len(tab.forms) == 0 {
		tab.forms = append(tab.forms, tab.screen())
	}
	form := rapid.SampledFrom(tab.forms).Draw(t, "form")
	fields := rapid.SliceOfNDistinct(rapid.SampledFrom(villagePaths), 1, 4, rapid.ID[Path]).Draw(t, "fields")
	v.saves++
	d := causal.Dot{Replica: causal.ReplicaID{tab.replica}, Counter: tab.last.Counter + 1}
	binary.BigEndian.PutUint32(d.Hash[4:], v.saves)
	d.Hash[0] = 0xa0 + tab.history
	var changes []Change
	for _, p := range fields {
		changes = append(changes, Change{Path: p, Value: anyValue(t), Parents: form[p]})
		form[p] = []causal.Dot{d}
	}
	r := save(d, tab.last, int64(rapid.IntRange(-2, 2).Draw(t, "clock")), changes...)
	tab.last = d
	tab.own, tab.outbox = append(tab.own, r), append(tab.outbox, r)
}

func anyValue(t *rapid.T) Value {
	if n := rapid.IntRange(0, 4).Draw(t, "value"); n > 0 {
		return Of([]byte{byte(n)})
	}
	return Value{}
}

// send hands the centre the outbox, perhaps only its beginning, perhaps keeping
// it to send again. What the centre is not allowed to take yet it holds.
func (v *village) send(t *rapid.T) {
	tab := v.any(t)
	n := rapid.IntRange(0, len(tab.outbox)).Draw(t, "sent")
	for _, r := range tab.outbox[:n] {
		v.centre.deliver(Receipt{r, rapid.IntRange(0, 3).Draw(t, "verdict") > 0})
	}
	if rapid.Bool().Draw(t, "acknowledged") {
		tab.outbox = slices.Clone(tab.outbox[n:])
	}
}

func (v *village) pull(t *rapid.T) {
	tab := v.any(t)
	tab.base = slices.Clone(v.centre.receipts)
}

func (v *village) release(t *rapid.T) {
	for _, c := range v.centre.receipts {
		if !c.Admitted && rapid.Bool().Draw(t, "release") {
			v.centre.release(c.Revision.Dot)
		}
	}
}

// clone copies a tablet as it stands: both go on under one id.
func (v *village) clone(t *rapid.T) {
	tab := *v.any(t)
	if v.histories == 2 {
		return
	}
	v.histories++
	tab.history = v.histories
	tab.base, tab.own, tab.outbox = slices.Clone(tab.base), slices.Clone(tab.own), slices.Clone(tab.outbox)
	tab.forms = nil
	v.tablets = append(v.tablets, &tab)
}

// lose takes a save from an outbox for good, or so it seems; the gap is stated.
func (v *village) lose(t *rapid.T) {
	tab := v.any(t)
	if len(tab.outbox) == 0 {
		return
	}
	i := rapid.IntRange(0, len(tab.outbox)-1).Draw(t, "lost")
	r := tab.outbox[i]
	tab.outbox = slices.Delete(slices.Clone(tab.outbox), i, i+1)
	v.lost = append(v.lost, r)
	v.centre.gap(r.Dot)
}

// turnUp brings a lost original after all.
func (v *village) turnUp(t *rapid.T) {
	if len(v.lost) == 0 {
		return
	}
	v.centre.deliver(Receipt{rapid.SampledFrom(v.lost).Draw(t, "original"), rapid.Bool().Draw(t, "verdict")})
}

func (v *village) any(t *rapid.T) *tablet { return rapid.SampledFrom(v.tablets).Draw(t, "tablet") }

// check holds the centre against the law.
func (v *village) check(t *rapid.T) {
	if !same(v.centre.state, Define(v.centre.receipts)) {
		t.Fatalf("the centre's state is not what the law says")
	}
	if err := broken(v.centre.state, v.centre.receipts); err != nil {
		t.Fatal(err)
	}
}

// inAnotherOrder gives the same receipts and gaps to a second centre: another
// order, some twice, some held first and released at some later point.
func (v *village) inAnotherOrder(t *rapid.T, rules merger) postbox {
	type event struct {
		Receipt
		release bool
	}
	var events []event
	for _, c := range v.centre.receipts {
		how := rapid.IntRange(0, 3).Draw(t, "how")
		if c.Admitted && how == 0 {
			events = append(events, event{Receipt{c.Revision, false}, false}, event{c, true})
			continue
		}
		if how == 1 {
			events = append(events, event{c, false})
		}
		events = append(events, event{c, false})
	}
	other := postbox{rules: rules, gaps: v.centre.gaps}
	var early []causal.Dot // released before they came
	for _, e := range rapid.Permutation(events).Draw(t, "order") {
		if e.release {
			early = append(early, e.Revision.Dot)
		} else {
			other.deliver(e.Receipt)
			other.state, _ = DecodeState(other.state.Append(nil))
		}
		for _, d := range early {
			other.release(d)
		}
	}
	for _, d := range early {
		other.release(d)
	}
	return other
}

// live lets a village live for a while.
func live(t *rapid.T) *village {
	v := &village{tablets: []*tablet{{replica: 1}, {replica: 2}, {replica: 3}}, centre: newPostbox()}
	days := []func(*rapid.T){
		v.open, v.save, v.save, v.save, v.save, v.send, v.send, v.send, v.pull, v.pull,
		v.release, v.clone, v.lose, v.turnUp,
	}
	for range rapid.IntRange(5, 120).Draw(t, "days") {
		rapid.SampledFrom(days).Draw(t, "day")(t)
		v.check(t)
	}
	return v
}

// Whatever happens in a village, the centre's state is the one of the law, and
// every other order of arrival gives the same bytes.
func TestVillage(t *testing.T) {
	for range 30 {
		rapid.Check(t, func(t *rapid.T) {
			v := live(t)
			for range 2 {
				other := v.inAnotherOrder(t, by("the rules", merge))
				if len(other.waiting) > 0 {
					t.Fatalf("%d revisions wait for nothing", len(other.waiting))
				}
				if !same(other.state, v.centre.state) {
					t.Fatal("another order of arrival gives another state")
				}
			}
		})
	}
}

// Villages are cruel enough: each mutant shows wrong values in some of them.
func TestMutantsFallInVillages(t *testing.T) {
	falls := map[string]int{}
	for range 4 {
		rapid.Check(t, func(t *rapid.T) {
			v := live(t)
			for _, m := range mutants() {
				if other := v.inAnotherOrder(t, m); screen(other.state) != screen(v.centre.state) {
					falls[m.name]++
				}
			}
		})
	}
	t.Log(falls)
	for _, m := range mutants() {
		if falls[m.name] == 0 && m.name != "prev ignored" { // it shows nothing wrong, only too early
			t.Errorf("%s: survived", m.name)
		}
	}
}
