// SPDX-License-Identifier: Apache-2.0

package care

import (
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A county that does not exist is re-coded: a township, a village in it that goes elsewhere, one that is merged, one
// that is split, and the new code of the first again two years later.
func aRecoding() Recoding {
	return NewRecoding([]DivisionChange{
		{"990000001", "990000101", 20260101, renamed},
		{"990000001005", "990000102077", 20260101, renamed},
		{"990000003001", "990000003002", 20260101, merged},
		{"990000004", "990000005", 20260101, merged},
		{"990000004001", "990000005009", 20260101, renamed},
		{"990000006001", "990000006011", 20260101, split},
		{"990000006001", "990000006012", 20260101, split},
		{"990000102077", "990000102078", 20280101, renamed},
	})
}

func TestWhereARecordBelongsNow(t *testing.T) {
	r := aRecoding()
	for _, c := range []struct {
		name   string
		from   record.Division
		on     Date
		want   record.Division
		person bool
	}{
		{"nothing changed", "990000009001", 20270101, "990000009001", false},
		{"the day before", "990000001001", 20251231, "990000001001", false},
		{"the first day", "990000001001", 20260101, "990000101001", false},
		{"the township itself", "990000001000", 20260101, "990000101000", false},
		{"a village with a change of its own", "990000001005", 20260101, "990000102077", false},
		{"the same, the day before the next change", "990000001005", 20271231, "990000102077", false},
		{"the same after the next change", "990000001005", 20280101, "990000102078", false},
		{"from the code in between", "990000102077", 20280101, "990000102078", false},
		{"merged", "990000003001", 20260101, "990000003002", false},
		{"what was merged into", "990000003002", 20260101, "990000003002", false},
		{"in a merged township, with a change of its own", "990000004001", 20260101, "990000005009", false},
		{"in a merged township, without one", "990000004002", 20260101, "990000004002", true},
		{"the merged township itself", "990000004000", 20260101, "990000005000", false},
		{"split", "990000006001", 20260101, "990000006001", true},
		{"split, the day before", "990000006001", 20251231, "990000006001", false},
		{"a part of what was split", "990000006012", 20260101, "990000006012", false},
	} {
		got, ok := r.Now(c.from, c.on)
		if got != c.want || ok == c.person {
			t.Errorf("%s: %s, for a person %t", c.name, got, !ok)
		}
		if again, _ := r.Now(got, c.on); again != got {
			t.Errorf("%s: moved on to %s", c.name, again)
		}
	}
	circle := NewRecoding([]DivisionChange{{"990000001001", "990000001002", 20260101, renamed}, {"990000001002", "990000001001", 20260101, renamed}})
	if got, ok := circle.Now("990000001001", 20260101); ok || got != "990000001001" {
		t.Errorf("a circle ends at %s", got)
	}
}

func TestCertificatesFollowTheCodes(t *testing.T) {
	r := aRecoding()
	list := func(d ...record.Division) []record.Division { return d }
	for _, c := range []struct {
		name      string
		has, want []record.Division
		on        Date
	}{
		{"nothing changed", list("990000009001"), list("990000009001"), 20260101},
		{"the whole county", list("990000"), list("990000"), 20260101},
		{"a village of the township", list("990000001001"), list("990000001001", "990000101001"), 20260101},
		{"long before the day", list("990000001001"), list("990000001001", "990000101001"), 20250101},
		{"a village with a change of its own, twice", list("990000001005"), list("990000001005", "990000102077", "990000102078"), 20260101},
		{"the township, and the village that left it", list("990000001"), list("990000001", "990000101", "990000102077", "990000102078"), 20260101},
		{"merged", list("990000003001"), list("990000003001", "990000003002"), 20260101},
		{"both of the merged", list("990000003001", "990000003002"), list("990000003001", "990000003002"), 20260101},
		{"in a merged township without a change", list("990000004002"), list("990000004002"), 20260101},
		{"split", list("990000006001"), list("990000006001"), 20260101},
		{"the new code alone", list("990000101001"), list("990000101001"), 20260101},
		{"no longer young, but new to it", list("990000003001"), list("990000003001", "990000003002"), 20270301},
		{"young to the last day", list("990000003001", "990000003002"), list("990000003001", "990000003002"), 20270204},
		{"no longer young", list("990000003001", "990000003002"), list("990000003002"), 20270205},
		{"no longer young, beside a township", list("990000003001", "990000003"), list("990000003"), 20270205},
	} {
		got := r.Scopes(c.has, c.on, 100)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if again := r.Scopes(got, c.on, 100); Added(got, again) {
			t.Errorf("%s: %v had not all: %v", c.name, got, again)
		}
		if Added(c.has, got) != (len(c.want) > len(c.has)) {
			t.Errorf("%s: added %t", c.name, Added(c.has, got))
		}
	}
	if got := r.Scopes(list("990000001"), 20260101, 2); !slices.Equal(got, list("990000001", "990000101")) {
		t.Errorf("with room for two: %v", got)
	}
	if got := (Recoding{}).Scopes(list("1"), 20260101, 100); !slices.Equal(got, list("1")) {
		t.Errorf("without any change: %v", got)
	}
}

func TestAChangeIsCheckedAlone(t *testing.T) {
	for _, c := range []struct {
		change DivisionChange
		want   string
	}{
		{DivisionChange{"990000001001", "990000001002", 20260101, renamed}, ""},
		{DivisionChange{"990000", "990001", 20260101, renamed}, ""},
		{DivisionChange{"9900", "9901", 20260101, renamed}, "level"},
		{DivisionChange{"990000001", "990000001002", 20260101, renamed}, "level"},
		{DivisionChange{"9900000010", "9900000011", 20260101, renamed}, "level"},
		{DivisionChange{"990000001001", "990000001001", 20260101, merged}, "same"},
		{DivisionChange{"990000001001", "990000001002", 0, merged}, "date"},
		{DivisionChange{"990000001001", "990000001002", 20260001, merged}, "date"},
		{DivisionChange{"990000001001", "990000001002", 20260101, 0}, "type"},
		{DivisionChange{"990000001001", "990000001002", 20260101, 4}, "type"},
	} {
		if got := c.change.Check(); got != c.want {
			t.Errorf("%v: %q, want %q", c.change, got, c.want)
		}
	}
}

func TestOneChangeMoreIsTheSameAsAllAtOnce(t *testing.T) {
	all := aRecoding().Changes()
	one := Recoding{}
	for _, i := range []int{5, 0, 7, 3, 3, 1, 6, 2, 4, 0} {
		before := slices.Clone(one.Changes())
		next := one.With(all[i])
		if !slices.Equal(one.Changes(), before) {
			t.Error("a table was changed under its holder")
		}
		one = next
	}
	if !slices.Equal(one.Changes(), all) {
		t.Errorf("%v, want %v", one.Changes(), all)
	}
}

func TestChangesThatCannotStandBesideEachOther(t *testing.T) {
	r := NewRecoding([]DivisionChange{
		{"990000001001", "990000001002", 20260101, renamed}, {"990000006001", "990000006011", 20260101, split}, {"990000007", "990000008", 20260101, renamed},
	})
	for _, c := range []struct {
		name   string
		change DivisionChange
		want   bool
	}{
		{"the same again", DivisionChange{"990000001001", "990000001002", 20260101, renamed}, false},
		{"another", DivisionChange{"990000001003", "990000001004", 20260101, renamed}, false},
		{"merged into the same", DivisionChange{"990000001003", "990000001002", 20260101, merged}, false},
		{"the new code goes on", DivisionChange{"990000001002", "990000001009", 20270101, renamed}, false},
		{"another part of what was split", DivisionChange{"990000006001", "990000006012", 20260101, split}, false},
		{"the old code goes two ways", DivisionChange{"990000001001", "990000001003", 20260101, renamed}, true},
		{"and on another day", DivisionChange{"990000001001", "990000001002", 20270101, renamed}, true},
		{"what was split is renamed", DivisionChange{"990000006001", "990000006012", 20260101, renamed}, true},
		{"two codes change over", DivisionChange{"990000001002", "990000001001", 20260101, renamed}, true},
		{"an abolished code is given out again", DivisionChange{"990000001007", "990000001001", 20270101, renamed}, true},
		{"a code in an abolished township is given out", DivisionChange{"990000001007", "990000007001", 20270101, renamed}, true},
		{"before it was abolished", DivisionChange{"990000001007", "990000007001", 20250101, renamed}, false},
		{"the target is abolished on the same day", DivisionChange{"990000001008", "990000001001", 20260101, merged}, true},
	} {
		if _, got := r.Conflict(c.change); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}

func TestADivisionChangeIsReadFromItsRecord(t *testing.T) {
	want := DivisionChange{"990000001001", "990000001002", 20260101, renamed}
	registers := func(c DivisionChange, more ...record.Change) []record.Register {
		changes, err := Diff(KindDivisionChange, nil, c.Form("令"))
		if err != nil {
			t.Fatal(err)
		}
		changes, err = record.Normalise(append(changes, more...))
		if err != nil {
			t.Fatal(err)
		}
		return record.State{}.Apply(record.Revision{Record: c.ID(), Dot: causal.Dot{Counter: 1}, Changes: changes}, true).Registers()
	}
	if got, ok := DivisionChangeOf(registers(want)); !ok || got != want {
		t.Errorf("%v %t", got, ok)
	}
	if _, ok := DivisionChangeOf(registers(want, record.Change{Path: record.PathLife, Value: record.Voided("wrong")})); ok {
		t.Error("a void change counts")
	}
	if _, ok := DivisionChangeOf(registers(DivisionChange{"990000001001", "990000001001", 20260101, renamed})); ok {
		t.Error("a change into itself counts")
	}
	if _, ok := DivisionChangeOf(nil); ok {
		t.Error("nothing counts")
	}
	const frozen = "c8c33e14-421d-8033-a255-46a841ac1f4e" // computed alike everywhere and for ever
	if want.ID().Kind() != KindDivisionChange || want.ID().String() != frozen {
		t.Errorf("id %s", want.ID())
	}
}

func TestARecordIsMovedByWhatItsScopeSays(t *testing.T) {
	r := aRecoding()
	dot := func(n uint64) causal.Dot { return causal.Dot{Replica: causal.ReplicaID{1}, Counter: n} }
	scopes := func(codes ...string) []record.Register {
		g := record.Register{Path: record.PathScope}
		for i, code := range codes {
			g.Siblings = append(g.Siblings, record.Sibling{Dot: dot(uint64(i + 1)), Value: record.Of([]byte(code))})
		}
		return []record.Register{{Path: record.Field(1), Siblings: g.Siblings}, g}
	}
	for name, c := range map[string]struct {
		registers []record.Register
		to        string
		parents   []causal.Dot
		person    bool
	}{
		"one scope":                     {scopes("990000001001"), "990000101001", []causal.Dot{dot(1)}, false},
		"where it belongs already":      {scopes("990000101001"), "", nil, false},
		"beside a new one":              {scopes("990000101001", "990000001001"), "990000101001", []causal.Dot{dot(2)}, false},
		"beside another, which stays":   {scopes("990000001001", "990000009001"), "990000101001", []causal.Dot{dot(1)}, false},
		"twice the same":                {scopes("990000001001", "990000001001"), "990000101001", []causal.Dot{dot(1), dot(2)}, false},
		"two ways":                      {scopes("990000001001", "990000003001"), "", nil, true},
		"split":                         {scopes("990000006001"), "", nil, true},
		"no scope":                      {nil, "", nil, false},
		"a scope that somebody cleared": {[]record.Register{{Path: record.PathScope, Siblings: []record.Sibling{{Dot: dot(1)}}}}, "", nil, false},
	} {
		move, person := r.MoveScope(c.registers, 20260601)
		switch {
		case person != c.person || (len(move) == 1) != (c.to != ""):
			t.Errorf("%s: %v, for a person %t", name, move, person)
		case len(move) == 1 && (string(move[0].Value.Bytes) != c.to || !slices.Equal(move[0].Parents, c.parents)):
			t.Errorf("%s: %v", name, move)
		}
	}
}
