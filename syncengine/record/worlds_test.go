// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// A world is a handful of revisions of one record, in the order they were made.
// Each change's value is unlike every other's, so what a state shows can be told
// from its values alone.
type world []Revision

// authors gives each revision of a world its dot and prev from a pattern such as
// "ABAa": A and B are tablets, a is a clone of A that woke up after A's first
// save. The clone's saves bear A's id and counters that A uses too.
func authors(pattern string) world {
	var w world
	last := map[rune]causal.Dot{}
	for _, who := range pattern {
		replica, history := byte(strings.ToUpper(string(who))[0]), byte(0)
		prev := last[who]
		if who == 'a' {
			history = 1
			if prev.IsZero() && len(w) > 0 && w[0].Dot.Replica[0] == 'A' {
				prev = w[0].Dot
			}
		}
		d := twin(replica, prev.Counter+1, history)
		last[who] = d
		w = append(w, Revision{Dot: d, Prev: Prev{prev.Counter, prev.Hash}})
	}
	return w
}

var worldPaths = [2]Path{Field(1), Field(2)}

// eachWorld calls f with every world of the pattern in which each revision changes
// one or both of the first paths, and names at each, as parents, any set of
// earlier saves of that path that a screen can have shown together. The first
// revision changes the first path: the rest is the same with the paths exchanged.
// f says whether to go on.
func eachWorld(pattern string, paths int, f func(world) bool) {
	w := authors(pattern)
	var grow func(i int) bool
	grow = func(i int) bool {
		if i == len(w) {
			return f(w)
		}
		for touched := 1; touched < 1<<paths; touched++ {
			if i == 0 && touched&1 == 0 {
				continue
			}
			if !eachChanges(w, i, touched, func() bool { return grow(i + 1) }) {
				return false
			}
		}
		return true
	}
	grow(0)
}

// eachChanges sets w[i].Changes to every choice of parents for the touched paths.
func eachChanges(w world, i, touched int, f func() bool) bool {
	var fill func(p int, done []Change) bool
	fill = func(p int, done []Change) bool {
		if p == len(worldPaths) {
			w[i].Changes = done
			w[i].ClockMs = int64((i * 7) % 3)
			return f()
		}
		if touched&(1<<p) == 0 {
			return fill(p+1, done)
		}
		before := saversOf(w[:i], worldPaths[p])
		for set := range 1 << len(before) {
			c := Change{Path: worldPaths[p], Value: Of([]byte{byte(i), byte(p)})}
			for k, d := range before {
				if set&(1<<k) != 0 {
					c.Parents = append(c.Parents, d)
				}
			}
			slices.SortFunc(c.Parents, causal.Dot.Compare)
			if !w[:i].shownTogether(c, w[i].Dot) {
				continue
			}
			if !fill(p+1, append(slices.Clip(done), c)) {
				return false
			}
		}
		return true
	}
	return fill(0, nil)
}

// shownTogether reports whether a screen of the author of d can have shown all
// parents of c: a value stands beside one that replaced it only while the latter
// is held, and only its author sees it then.
func (w world) shownTogether(c Change, d causal.Dot) bool {
	for _, r := range w {
		own := r.Dot.Replica == d.Replica
		if o, ok := r.Change(c.Path); ok && !own && slices.Contains(c.Parents, r.Dot) {
			if slices.ContainsFunc(o.Parents, func(q causal.Dot) bool { return slices.Contains(c.Parents, q) }) {
				return false
			}
		}
	}
	return true
}

func saversOf(w world, p Path) []causal.Dot {
	var out []causal.Dot
	for _, r := range w {
		if _, ok := r.Change(p); ok {
			out = append(out, r.Dot)
		}
	}
	return out
}

// A node says what became of each revision of a world: not received, held or admitted.
type node []byte

const (
	absent byte = iota
	held
	admitted
)

func (w world) receipts(n node) []Receipt {
	var out []Receipt
	for i, r := range w {
		if n[i] != absent {
			out = append(out, Receipt{r, n[i] == admitted})
		}
	}
	return out
}

// nodes calls f with every node of w and its number in base 3.
func (w world) nodes(f func(k int, n node)) {
	n := make(node, len(w))
	for k := 0; ; k++ {
		f(k, n)
		i := 0
		for ; i < len(n) && n[i] == admitted; i++ {
			n[i] = absent
		}
		if i == len(n) {
			return
		}
		n[i]++
	}
}

// table returns what the law says of each node.
func (w world) table() []State {
	var out []State
	w.nodes(func(_ int, n node) { out = append(out, Define(w.receipts(n))) })
	return out
}

func (n node) number() int {
	k := 0
	for _, x := range slices.Backward(n) {
		k = 3*k + int(x)
	}
	return k
}

// with returns n with revision i in another place.
func (n node) with(i int, x byte) node {
	n = slices.Clone(n)
	n[i] = x
	return n
}

// same reports whether two states are equal, as their canonical bytes are.
func same(a, b State) bool {
	return slices.Equal(a.VV, b.VV) && slices.Equal(a.Held, b.Held) && slices.Equal(a.Marks, b.Marks) &&
		slices.EqualFunc(a.Live, b.Live, func(x, y Entry) bool {
			return x.Dot == y.Dot && x.Path == y.Path && x.ClockMs == y.ClockMs && x.Value.Equal(y.Value)
		})
}

// screen is what people see of a state: its live values, in order.
func screen(s State) string {
	var out []string
	for _, e := range s.Live {
		out = append(out, fmt.Sprintf("%s=%x", e.Path, e.Value.Bytes))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (w world) String() string {
	var b strings.Builder
	for i, r := range w {
		fmt.Fprintf(&b, "\n  %d: %s after %d", i, name(r.Dot), r.Prev.Counter)
		for _, c := range r.Changes {
			fmt.Fprintf(&b, "  %s=%x over [", c.Path, c.Value.Bytes)
			for _, d := range c.Parents {
				b.WriteString(" " + name(d))
			}
			b.WriteString(" ]")
		}
	}
	return b.String()
}

// name is a dot as these worlds call it: A2, or A2' in the clone's history.
func name(d causal.Dot) string {
	return fmt.Sprintf("%c%d%s", d.Replica[0], d.Counter, strings.Repeat("'", int(d.Hash[0]-0xa0)))
}

func TestWorldsAreAsManyAsTheyShouldBe(t *testing.T) {
	for _, c := range []struct {
		pattern string
		paths   int
		want    int
	}{{"A", 2, 2}, {"AB", 2, 2 + 1 + 2 + 2 + 2 + 4}, {"ABA", 1, 3 + 4}} {
		n := 0
		eachWorld(c.pattern, c.paths, func(world) bool { n++; return true })
		if n != c.want {
			t.Errorf("%s over %d paths: %d worlds, want %d", c.pattern, c.paths, n, c.want)
		}
	}
	w := authors("ABAa")
	if w[2].Dot.Counter != 2 || w[3].Dot.Counter != 2 || w[2].Dot == w[3].Dot || w[3].PrevDot() != w[0].Dot {
		t.Errorf("the clone shares its counter: %s", w)
	}
}
