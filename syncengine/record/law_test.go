// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"slices"
	"testing"
)

// Apply equals Define, whatever arrives in whatever order, twice or once, held,
// released at any point or admitted at once.
//
// The law gives one state for each node (which revisions are received and which
// of these admitted). Each event is a step from node to node. If every single
// step from the state of its node gives the state of the node it leads to, then
// every sequence of events does, so this covers all orders, not only those that
// respect prev.
func TestApplyEqualsDefineInSmallWorlds(t *testing.T) {
	patterns := []struct {
		pattern string
		paths   int
	}{{"ABAa", 2}, {"AaB", 2}, {"ABAaB", 1}}
	if raced {
		patterns[0].pattern = "ABA"
	}
	for _, p := range patterns {
		t.Run(p.pattern, func(t *testing.T) {
			worlds := 0
			eachWorld(p.pattern, p.paths, func(w world) bool {
				worlds++
				if err := steps(w); err != nil {
					t.Errorf("%v in%s", err, w)
					return false
				}
				return true
			})
			t.Logf("%d worlds", worlds)
		})
	}
}

// steps holds every step in w against the law.
func steps(w world) (err error) {
	law := w.table()
	w.nodes(func(k int, n node) {
		place := 1
		for i, r := range w {
			s := law[k]
			want := func(what string, got State, to int) {
				if err == nil && !same(got, law[to]) {
					err = fmt.Errorf("%s of %s at %v", what, name(r.Dot), n)
				}
			}
			switch n[i] {
			case absent:
				want("holding", s.Apply(r, false), k+place)
				want("admitting", s.Apply(r, true), k+2*place)
				want("releasing the absent", s.Release(r), k)
			case held:
				want("releasing", s.Release(r), k+place)
				want("applying what is held", s.Apply(r, true), k)
			case admitted:
				want("applying again", s.Apply(r, false), k)
				want("releasing again", s.Release(r), k)
			}
			place *= 3
		}
	})
	return err
}

// A state is never changed under its holder, neither by what is applied to it
// later nor by what becomes of the list of changes that was applied.
func TestStatesStayAsTheyAre(t *testing.T) {
	eachWorld("AaB", 2, func(w world) bool {
		var s State
		var before []State
		var bytes [][]byte
		for i, r := range w {
			r.Changes = slices.Clone(r.Changes)
			s = s.Apply(r, i != 1)
			before, bytes = append(before, s), append(bytes, s.Append(nil))
			clear(r.Changes)
		}
		before, bytes = append(before, s.Release(w[1])), append(bytes, s.Release(w[1]).Append(nil))
		for i := range before {
			if string(before[i].Append(nil)) != string(bytes[i]) {
				t.Fatalf("state %d changed in%s", i, w)
			}
		}
		return true
	})
}
