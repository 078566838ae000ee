// SPDX-License-Identifier: Apache-2.0

package record

import (
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

func apply(revs ...Revision) State {
	var s State
	for _, r := range revs {
		s = s.Apply(r, true)
	}
	return s
}

// put makes the first save of a replica.
func put(replica byte, counter uint64, clockMs int64, changes ...Change) Revision {
	return save(dot(replica, counter), causal.Dot{}, clockMs, changes...)
}

func TestRegistersAreByPathDisplayedFirst(t *testing.T) {
	s := apply(
		put(3, 1, 50, set(phone, "c50")),
		put(1, 1, 70, set(phone, "a70"), set(address, "x")),
		put(2, 9, 70, set(phone, "b9")),
		put(2, 4, 70, set(phone, "b4"), set(PathScope, "370683101001")),
	)
	got := s.Registers()
	var paths []string
	for _, g := range got {
		paths = append(paths, g.Path.String())
	}
	if !slices.Equal(paths, []string{"scope", "2", "3"}) {
		t.Fatalf("registers %v", paths)
	}
	var order []string
	for _, x := range got[1].Siblings {
		order = append(order, string(x.Value.Bytes))
	}
	if want := []string{"b9", "b4", "a70", "c50"}; !slices.Equal(order, want) {
		t.Errorf("siblings %v, want %v: clock, then replica, then counter", order, want)
	}
	want := []causal.Dot{dot(1, 1), dot(2, 4), dot(2, 9), dot(3, 1)}
	if got := got[1].Parents(); !slices.Equal(got, want) {
		t.Errorf("parents %v, want all shown, sorted", got)
	}
	if at := s.At(phone); len(at) != 4 || string(at[0].Value.Bytes) != "b9" {
		t.Errorf("At shows %q", texts(at))
	}
	if (State{}).Registers() != nil || s.At(weight) != nil {
		t.Error("what nobody saved has no register")
	}
}

func TestOwnHeldValuesStandBesideLiveOnes(t *testing.T) {
	v1 := put(1, 1, 10, set(phone, "v1"))
	mine := put(2, 1, 99, set(phone, "mine", v1.Dot), set(weight, "w"))
	again := save(dot(2, 2), mine.Dot, 5, set(phone, "again", mine.Dot))
	s := apply(v1).Apply(mine, false)

	g := s.RegistersWith([]Revision{mine, mine})
	if len(g) != 2 || len(g[0].Siblings) != 2 || g[0].Siblings[0].Dot != v1.Dot || !g[0].Siblings[1].Held {
		t.Fatalf("registers %+v: the live one is displayed, the held one once beside it", g)
	}
	if !slices.Equal(g[0].Parents(), []causal.Dot{v1.Dot, mine.Dot}) {
		t.Errorf("parents %v", g[0].Parents())
	}
	if g[0].Conflict() {
		t.Error("an own held value is no conflict")
	}
	if len(g[1].Siblings) != 1 || !g[1].Siblings[0].Held {
		t.Error("a register with nothing but an own held value is shown")
	}

	both := s.Apply(again, false).RegistersWith([]Revision{again, mine})
	if n := len(both[0].Siblings); n != 2 || both[0].Siblings[1].Dot != again.Dot {
		t.Errorf("%d siblings: a later own held save stands for the earlier", n)
	}
	over := s.Apply(put(3, 1, 1, set(phone, "v3", v1.Dot, mine.Dot)), true).RegistersWith([]Revision{mine})
	if n := len(over[0].Siblings); n != 1 || over[0].Siblings[0].Dot != dot(3, 1) {
		t.Errorf("%d siblings: an admitted save that saw the held one replaces it", n)
	}
	for name, other := range map[string]State{"admitted": s.Release(mine), "never received": apply(v1)} {
		for _, g := range other.RegistersWith([]Revision{mine}) {
			if slices.ContainsFunc(g.Siblings, func(x Sibling) bool { return x.Held }) {
				t.Errorf("%s: shown as held", name)
			}
		}
	}
}

func TestConflictsAreByBytes(t *testing.T) {
	a := put(1, 1, 1, set(phone, "same"), set(address, "one"), set(weight, "w"))
	b := put(2, 1, 2, set(phone, "same"), set(address, "two"))
	c := put(3, 1, 3, set(address, "one"), Change{Path: weight, Value: Value{Form: Clear}})
	for _, x := range []struct {
		name string
		s    State
		want int
	}{
		{"nothing", State{}, 0},
		{"one save", apply(a), 0},
		{"equal bytes", apply(a, put(2, 1, 2, set(phone, "same"))), 0},
		{"other bytes", apply(a, b), 1},
		{"a clearing beside a value", apply(a, c), 1},
		{"two registers", apply(a, b, c), 2},
		{"an empty value beside a clearing", apply(put(1, 1, 1, set(phone, "")), put(2, 1, 1, Change{Path: phone})), 1},
		{"an erased value beside a clearing", apply(put(1, 1, 1, Change{Path: phone, Value: Value{Form: Erased}}), put(2, 1, 1, Change{Path: phone})), 1},
	} {
		n := 0
		for _, g := range x.s.Registers() {
			if g.Conflict() {
				n++
			}
		}
		if x.s.Conflicts() != x.want || n != x.want {
			t.Errorf("%s: %d conflicts, %d registers in conflict, want %d", x.name, x.s.Conflicts(), n, x.want)
		}
	}
}

func TestDivisionsAreThePresentScopes(t *testing.T) {
	made := put(1, 1, 1, set(PathScope, "370683101001"))
	moved := put(2, 1, 2, set(PathScope, "370683101002", made.Dot))
	movedToo := put(3, 1, 3, set(PathScope, "370683000000", made.Dot))
	stayed := put(4, 1, 4, set(PathScope, "370683101002", made.Dot))
	erased := moved
	erased.Changes = []Change{{Path: PathScope, Value: Value{Form: Erased}, Parents: []causal.Dot{made.Dot}}}
	for _, x := range []struct {
		name string
		s    State
		want []Division
	}{
		{"nothing", State{}, nil},
		{"one", apply(made), []Division{"370683101001"}},
		{"moved", apply(made, moved), []Division{"370683101002"}},
		{"in each of them until resolved", apply(made, moved, movedToo), []Division{"370683000000", "370683101002"}},
		{"twice the same", apply(made, moved, stayed), []Division{"370683101002"}},
		{"erased", apply(made, erased), nil},
	} {
		if got := x.s.Divisions(); !slices.Equal(got, x.want) {
			t.Errorf("%s: %v, want %v", x.name, got, x.want)
		}
	}
}

func TestSubjectIsTheDisplayedOne(t *testing.T) {
	a, b := DerivedID(16, []byte("a")), DerivedID(16, []byte("b"))
	one := put(1, 1, 5, Change{Path: PathSubject, Value: Of(a[:])})
	two := put(2, 1, 6, Change{Path: PathSubject, Value: Of(b[:])})
	if got, ok := apply(one, two).Subject(); !ok || got != b {
		t.Errorf("subject %s, %t", got, ok)
	}
	cleared := put(3, 1, 7, Change{Path: PathSubject})
	if got, ok := apply(one, cleared).Subject(); !ok || got != a {
		t.Errorf("beside a clearing: %s, %t", got, ok)
	}
	if _, ok := apply(cleared).Subject(); ok {
		t.Error("a cleared subject is none")
	}
}

func TestLife(t *testing.T) {
	lives := func(values ...Value) State {
		var s State
		for i, v := range values {
			s = s.Apply(put(byte(i+1), 1, int64(i), Change{Path: PathLife, Value: v}), true)
		}
		return s
	}
	odd := Of([]byte{7})
	for _, x := range []struct {
		name string
		s    State
		want Life
	}{
		{"nobody said", lives(), LifeActive},
		{"cleared", lives(Value{}), LifeActive},
		{"erased", lives(Value{Form: Erased}), LifeActive},
		{"active", lives(Active()), LifeActive},
		{"two active", lives(Active(), Active()), LifeActive},
		{"void", lives(Voided("")), LifeVoided},
		{"two voids with other words", lives(Voided("twice"), Voided("wrong person")), LifeVoided},
		{"a void beside an edit shows the record", lives(Active(), Voided("x")), LifeActive},
		{"an edit beside a void shows the record", lives(Voided("x"), Active()), LifeActive},
		{"a void beside a clearing shows the record", lives(Voided("x"), Value{}), LifeActive},
		{"unknown", lives(odd), LifeUnknown},
		{"unknown beside a void shows the record", lives(Voided("x"), odd), LifeActive},
		{"void with words that are none", lives(Of([]byte{2, 0xff})), LifeUnknown},
		{"empty bytes", lives(Of(nil)), LifeUnknown},
	} {
		if got := x.s.Life(); got != x.want {
			t.Errorf("%s: %d, want %d", x.name, got, x.want)
		}
	}
	if VoidReason(Voided("两次登记")) != "两次登记" || VoidReason(Active()) != "" || VoidReason(Value{}) != "" {
		t.Error("the reason of a void, and of nothing else")
	}
}
