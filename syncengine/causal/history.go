// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"cmp"
	"slices"
)

// Range is a run of counters of one replica, both ends included, From ≥ 1.
type Range struct {
	Replica  ReplicaID
	From, To uint64
}

// Has reports whether the counter of r lies in the range.
func (g Range) Has(r ReplicaID, counter uint64) bool {
	return g.Replica == r && g.From <= counter && counter <= g.To
}

// Ranges is a set of counters per replica: sorted, disjoint, never touching.
// It serves for stated gaps, which name counters of every history of a replica.
// A Ranges is never changed in place.
type Ranges []Range

// With returns s and g, joined with what it touches. A range that is empty
// (To < From) or starts at 0 adds nothing.
func (s Ranges) With(g Range) Ranges {
	if g.From == 0 || g.To < g.From {
		return s
	}
	out := make(Ranges, 0, len(s)+1)
	for _, o := range s {
		if o.Replica == g.Replica && touches(o, g) {
			g.From, g.To = min(o.From, g.From), max(o.To, g.To)
			continue
		}
		out = append(out, o)
	}
	out = append(out, g)
	slices.SortFunc(out, func(a, b Range) int {
		if c := a.Replica.Compare(b.Replica); c != 0 {
			return c
		}
		return cmp.Compare(a.From, b.From)
	})
	return out
}

// touches reports whether two ranges of one replica overlap or adjoin, without
// overflow at the largest counter.
func touches(a, b Range) bool {
	if a.From > b.From {
		a, b = b, a
	}
	return b.From <= a.To || b.From-a.To == 1
}

// Has reports whether the counter of r is in the set.
func (s Ranges) Has(r ReplicaID, counter uint64) bool {
	return slices.ContainsFunc(s, func(g Range) bool { return g.Has(r, counter) })
}

// Covers reports whether every counter from..to of r is in the set. An empty
// run (to < from) is covered.
func (s Ranges) Covers(r ReplicaID, from, to uint64) bool {
	if to < from {
		return true
	}
	return slices.ContainsFunc(s, func(g Range) bool {
		return g.Replica == r && g.From <= from && to <= g.To
	})
}
