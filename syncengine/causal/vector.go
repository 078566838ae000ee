// SPDX-License-Identifier: Apache-2.0

package causal

import "slices"

// Vector is the version vector of one record: every revision received, as a
// sorted list of dots without doubles. It is exact on purpose. A vector of
// counters alone takes a forked save for its twin and loses it.
//
// A Vector is never changed in place; With and Without return a new one.
type Vector []Dot

// NewVector returns the vector of the given dots, in any order, doubles allowed.
func NewVector(dots ...Dot) Vector {
	v := slices.Clone(dots)
	slices.SortFunc(v, Dot.Compare)
	return slices.Compact(v)
}

// Index returns the place of d in v and whether it is there.
func (v Vector) Index(d Dot) (int, bool) {
	n := len(v)
	if n == 0 {
		return 0, false
	}
	switch c := v[n-1].Compare(d); {
	case c < 0:
		return n, false
	case c == 0:
		return n - 1, true
	}
	return slices.BinarySearchFunc(v, d, Dot.Compare)
}

// Has reports whether d was received.
func (v Vector) Has(d Dot) bool {
	_, ok := v.Index(d)
	return ok
}

// With returns v and d. It returns v itself when d is there already.
func (v Vector) With(d Dot) Vector {
	i, ok := v.Index(d)
	if ok {
		return v
	}
	out := make(Vector, 0, len(v)+1)
	out = append(out, v[:i]...)
	out = append(out, d)
	return append(out, v[i:]...)
}

// Without returns v less d, nil when nothing is left. It returns v itself when d
// is not there.
func (v Vector) Without(d Dot) Vector {
	i, ok := v.Index(d)
	if !ok {
		return v
	}
	if len(v) == 1 {
		return nil
	}
	out := make(Vector, 0, len(v)-1)
	return append(append(out, v[:i]...), v[i+1:]...)
}

// Contains reports whether every dot of o is in v.
func (v Vector) Contains(o Vector) bool {
	if len(o) > len(v) {
		return false
	}
	for _, d := range o {
		if !v.Has(d) {
			return false
		}
	}
	return true
}

// Maxima returns the highest dot of each replica, sorted by replica: the plain
// vector. Where a replica has forked, the one with the greater hash among equal
// counters is returned.
func (v Vector) Maxima() []Dot {
	var out []Dot
	for i, d := range v {
		if i+1 == len(v) || v[i+1].Replica != d.Replica {
			out = append(out, d)
		}
	}
	return out
}
