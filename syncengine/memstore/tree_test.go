// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type plain = tree[byNode, int]

func TestTreeIsAnOrderedMapWhoseEarlierVersionsStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var versions []plain
		var models []map[byNode]int
		now, model := plain{}, map[byNode]int{}
		for step := range rapid.IntRange(1, 200).Draw(t, "steps") {
			k := byNode(rapid.IntRange(0, 60).Draw(t, "key"))
			if model = maps.Clone(model); rapid.Bool().Draw(t, "put") {
				now, model[k] = now.put(k, step), step
			} else {
				now = now.without(k)
				delete(model, k)
			}
			versions, models = append(versions, now), append(models, model)
		}
		for i := range versions {
			holds(t, versions[i], models[i])
		}
	})
}

func holds(t *rapid.T, have plain, want map[byNode]int) {
	keys := slices.Sorted(maps.Keys(want))
	if got := maps.Collect(have.all()); !maps.Equal(got, want) {
		t.Fatalf("holds %v, want %v", got, want)
	}
	for _, k := range []byNode{-1, 0, 17, 30, 61} {
		var got []byNode
		for at := range have.from(k) {
			got = append(got, at)
		}
		at, _ := slices.BinarySearch(keys, k)
		if !slices.Equal(got, keys[at:]) {
			t.Fatalf("from %d: %v, want %v", k, got, keys[at:])
		}
		v, ok := have.get(k)
		if w, known := want[k]; v != w || ok != known {
			t.Fatalf("get %d: %d, %t; want %d, %t", k, v, ok, w, known)
		}
	}
	checkDepth(t, have.root)
}

func checkDepth(t *rapid.T, n *node[byNode, int]) int {
	if n == nil {
		return 0
	}
	l, r := checkDepth(t, n.left), checkDepth(t, n.right)
	if l-r > 1 || r-l > 1 || n.height != 1+max(l, r) {
		t.Fatalf("node %d: height %d over %d and %d", n.key, n.height, l, r)
	}
	return n.height
}
