// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// Bug classes that the merge must not have. The first word of each test is the
// number of its class.

var (
	phone   = Field(2)
	address = Field(3)
	weight  = Field(4)
)

// inEveryOrder applies revs in every order there is and returns the one state
// that they give; the law says it, so orders that prev forbids agree too.
func inEveryOrder(t *testing.T, revs ...Revision) State {
	t.Helper()
	var want State
	first := true
	permute(revs, func(order []Revision) {
		var s State
		for _, r := range order {
			s = s.Apply(r, true)
		}
		if first {
			want, first = s, false
		}
		if !bytes.Equal(s.Append(nil), want.Append(nil)) {
			t.Errorf("an order gives another state: %s instead of %s", screen(s), screen(want))
		}
	})
	return want
}

func permute(revs []Revision, f func([]Revision)) {
	var walk func(k int)
	walk = func(k int) {
		if k == len(revs) {
			f(revs)
			return
		}
		for i := k; i < len(revs); i++ {
			revs[k], revs[i] = revs[i], revs[k]
			walk(k + 1)
			revs[k], revs[i] = revs[i], revs[k]
		}
	}
	walk(0)
}

func shows(t *testing.T, s State, want string) {
	t.Helper()
	if got := screen(s); got != want {
		t.Errorf("live %q, want %q", got, want)
	}
}

// B1: saves of several fields arrive in another order. No value is lost and no
// conflict appears that the savers did not make.
func TestB1MultiFieldSavesReordered(t *testing.T) {
	none := causal.Dot{}
	a1 := save(dot(1, 1), none, 1, set(phone, "p1"), set(address, "a1"), set(weight, "w1"))
	a2 := save(dot(1, 2), a1.Dot, 2, set(phone, "p2", a1.Dot), set(address, "a2", a1.Dot))
	b1 := save(dot(2, 1), none, 2, set(weight, "w2", a1.Dot))
	a3 := save(dot(1, 3), a2.Dot, 3, set(address, "a3", a2.Dot), set(weight, "w3", b1.Dot))
	s := inEveryOrder(t, a1, a2, b1, a3)
	shows(t, s, "2=7032 3=6133 4=7733")
	if s.Conflicts() != 0 || s.Marks != nil {
		t.Errorf("%d conflicts, marks %v", s.Conflicts(), s.Marks)
	}
}

// B3: a tablet and its clone save under one counter, and another replica saw only
// the clone's save before the centre got the other one. Each reference says which
// of the two it means, so neither is the loser.
func TestB3CloneWhoseBranchAnotherReplicaSaw(t *testing.T) {
	c := save(dot(9, 1), causal.Dot{}, 1, set(phone, "old"))
	a := save(twin(1, 1, 0), causal.Dot{}, 2, set(phone, "tablet", c.Dot))
	b := save(twin(1, 1, 1), causal.Dot{}, 2, set(phone, "clone", c.Dot), set(weight, "w", c.Dot))
	saw := save(dot(2, 1), causal.Dot{}, 3, set(phone, "by one who saw the clone", b.Dot))
	onA := save(twin(1, 2, 0), a.Dot, 4, set(address, "a"))
	onB := save(twin(1, 2, 1), b.Dot, 4, set(weight, "w2", b.Dot))
	s := inEveryOrder(t, c, a, b, saw, onA, onB)
	if got := texts(s.At(phone)); !slices.Equal(got, []string{"by one who saw the clone", "tablet"}) {
		t.Errorf("phone %q", got)
	}
	if got := texts(s.At(weight)); !slices.Equal(got, []string{"w2"}) {
		t.Errorf("weight %q", got)
	}
	if len(s.VV) != 6 {
		t.Errorf("%d revisions received, want 6", len(s.VV))
	}
}

func texts(entries []Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, string(e.Value.Bytes))
	}
	return out
}

// B4: v1 ← v2 (held) ← v3. Until v2 is released v1 stands beside v3, because an
// unauthorised save must not delete what v3's author never saw; after it v3 stands
// alone. So it is whenever the release comes and in whatever order they arrive.
func TestB4HeldSaveNamedAsParentReleasedLater(t *testing.T) {
	v1 := save(dot(1, 1), causal.Dot{}, 1, set(phone, "v1"))
	v2 := save(dot(2, 1), causal.Dot{}, 2, set(phone, "v2", v1.Dot), set(address, "new", v1.Dot))
	v3 := save(dot(3, 1), causal.Dot{}, 3, set(phone, "v3", v2.Dot))
	permute([]Revision{v1, v2, v3}, func(order []Revision) {
		for releaseAt := range len(order) + 1 {
			var s State
			released := false
			for i, r := range append(slices.Clone(order), Revision{}) {
				if i >= releaseAt && s.Held.Has(v2.Dot) {
					s, released = s.Release(v2), true
				}
				if r.Record == v1.Record {
					s = s.Apply(r, r.Dot != v2.Dot)
				}
			}
			if !released {
				shows(t, s, "2=7631 2=7633")
				s = s.Release(v2)
			}
			shows(t, s, "2=7633 3=6e6577")
			if s.Marks != nil || s.Held != nil {
				t.Errorf("marks %v, held %v", s.Marks, s.Held)
			}
		}
	})
}

// B16: a void beside an edit shows the record and asks. The edit's values are all
// there, whichever came first, and a person's choice ends it.
func TestB16VoidBesideEdit(t *testing.T) {
	made := save(dot(1, 1), causal.Dot{}, 1, Change{Path: PathLife, Value: Active()}, set(phone, "p"), set(weight, "w"))
	void := save(dot(2, 1), causal.Dot{}, 9, Change{PathLife, Voided("entered twice"), []causal.Dot{made.Dot}})
	edit := save(dot(3, 1), causal.Dot{}, 2, Change{PathLife, Active(), []causal.Dot{made.Dot}}, set(weight, "w2", made.Dot))
	if s := inEveryOrder(t, made, void); s.Life() != LifeVoided || VoidReason(s.At(PathLife)[0].Value) != "entered twice" {
		t.Error("a void alone voids, and says why")
	}
	s := inEveryOrder(t, made, void, edit)
	if s.Life() != LifeActive || s.Conflicts() != 1 {
		t.Errorf("life %d with %d conflicts, want active and 1", s.Life(), s.Conflicts())
	}
	if got := texts(s.At(weight)); !slices.Equal(got, []string{"w2"}) || len(s.At(phone)) != 1 {
		t.Errorf("husked: weight %q, phone %q", got, texts(s.At(phone)))
	}
	both := screenOf(s.Registers())[PathLife]
	if len(both) != 2 {
		t.Fatalf("the screen shows %d lives", len(both))
	}
	keep := save(dot(3, 2), edit.Dot, 10, Change{PathLife, Active(), both})
	if s := inEveryOrder(t, made, void, edit, keep); s.Life() != LifeActive || s.Conflicts() != 0 {
		t.Error("a person keeps the record")
	}
	drop := save(dot(2, 2), void.Dot, 10, Change{PathLife, Voided("entered twice"), both})
	if s := inEveryOrder(t, made, void, edit, drop); s.Life() != LifeVoided || s.Conflicts() != 0 {
		t.Error("a person voids the record")
	}
}

// B17: two clocks show the same millisecond. All see the same one of the siblings
// displayed, and both are there.
func TestB17EqualClocks(t *testing.T) {
	a := save(dot(1, 8), causal.Dot{}, 1000, set(phone, "a"))
	b := save(dot(2, 7), causal.Dot{}, 1000, set(phone, "b"))
	c := save(twin(2, 7, 1), causal.Dot{}, 1000, set(phone, "c"))
	s := inEveryOrder(t, a, b, c)
	if got := texts(s.At(phone)); !slices.Equal(got, []string{"c", "b", "a"}) {
		t.Errorf("displayed %q: the greater replica, then counter, then hash comes first", got)
	}
	if s.Conflicts() != 1 {
		t.Errorf("%d conflicts, want 1", s.Conflicts())
	}
}

// B18: clocks in 1970, in 2106 and at the ends of their range decide what is
// displayed and nothing else: who saw whom decides what is live.
func TestB18ClocksIn1970And2106(t *testing.T) {
	in1970 := time.Unix(0, 0).UnixMilli()
	in2106 := time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC).UnixMilli()
	for _, clocks := range [][2]int64{{in1970, in2106}, {in2106, in1970}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64, math.MinInt64}, {-1, 0}} {
		old := save(dot(1, 1), causal.Dot{}, clocks[0], set(phone, "old"), set(weight, "w1"))
		seen := save(dot(2, 1), causal.Dot{}, clocks[1], set(phone, "new", old.Dot), set(weight, "w2"))
		s := inEveryOrder(t, old, seen)
		if got := texts(s.At(phone)); !slices.Equal(got, []string{"new"}) {
			t.Errorf("clocks %v: phone %q", clocks, got)
		}
		if want := max(clocks[0], clocks[1]); s.At(weight)[0].ClockMs != want {
			t.Errorf("clocks %v: displayed is %d", clocks, s.At(weight)[0].ClockMs)
		}
		back, err := DecodeState(s.Append(nil))
		if err != nil || !same(back, s) {
			t.Errorf("clocks %v: canonical bytes: %v", clocks, err)
		}
		r, err := DecodeSkeleton(seen.AppendSkeleton(nil))
		if err != nil || r.ClockMs != clocks[1] {
			t.Errorf("clocks %v: skeleton has %d, %v", clocks, r.ClockMs, err)
		}
	}
}

// B19: 1,000 interleaved edits in a handful of forms that stay open leave no more
// siblings in any register than there are forms, though no form ever sees another.
func TestB19InterleavedEditsLeaveNoMoreSiblingsThanOpenForms(t *testing.T) {
	const forms = 7
	rnd := rand.New(rand.NewPCG(19, 19))
	made := save(dot(99, 1), causal.Dot{}, 0, set(phone, "p"), set(address, "a"), set(weight, "w"))
	s := State{}.Apply(made, true)
	var open [forms]map[Path][]causal.Dot
	var last [forms]causal.Dot
	for i := range open {
		open[i] = screenOf(s.Registers())
	}
	for n := range 1000 {
		i := rnd.IntN(forms)
		d := dot(byte(i+1), last[i].Counter+1)
		var changes []Change
		for _, p := range []Path{phone, address, weight}[:1+rnd.IntN(3)] {
			changes = append(changes, set(p, string(rune(n)), open[i][p]...))
			open[i][p] = []causal.Dot{d}
		}
		s = s.Apply(save(d, last[i], int64(n), changes...), true)
		last[i] = d
		for _, g := range s.Registers() {
			if len(g.Siblings) > forms {
				t.Fatalf("after %d saves %s has %d siblings", n+1, g.Path, len(g.Siblings))
			}
		}
	}
	if len(s.Marks) > 0 || len(s.VV) != 1001 {
		t.Errorf("%d marks, %d received", len(s.Marks), len(s.VV))
	}
}
