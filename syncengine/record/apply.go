// SPDX-License-Identifier: Apache-2.0

package record

import (
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// rules are the four decisions of the merge. There is one set; tests put wrong
// ones in their place and demand that the laws notice.
type rules struct {
	// received: is d in the state already?
	received func(s State, d causal.Dot) bool
	// applied: may a parent be taken for replaced for good?
	applied func(s State, d causal.Dot) bool
	// replaces: which dots does change c of revision r take away at its path?
	replaces func(s State, r Revision, c Change) []causal.Dot
	// remember: must the replacing of a dot that is not applied be kept?
	remember func(s State, m Mark) bool
}

var merge = rules{
	received: State.Received,
	applied:  State.Applied,
	replaces: func(_ State, _ Revision, c Change) []causal.Dot { return c.Parents },
	remember: func(State, Mark) bool { return true },
}

// Apply returns s after r was received, admitted or held. Received twice is once.
// It requires that r's prev was received or lies in a stated gap; the engine
// waits for that. Values of r are kept, not copied.
func (s State) Apply(r Revision, admitted bool) State { return merge.apply(s, r, admitted) }

// Release returns s after the held revision r was admitted. It changes nothing
// unless r is held in s.
func (s State) Release(r Revision) State { return merge.release(s, r) }

func (m rules) apply(s State, r Revision, admitted bool) State {
	if m.received(s, r.Dot) {
		return s
	}
	s.VV = s.VV.With(r.Dot)
	if !admitted {
		s.Held = s.Held.With(r.Dot)
		return s
	}
	return m.admit(s, r)
}

func (m rules) release(s State, r Revision) State {
	if !s.Held.Has(r.Dot) {
		return s
	}
	s.Held = s.Held.Without(r.Dot)
	return m.admit(s, r)
}

// admit works r's changes into s: what they replace goes, what somebody replaced
// before r came does not appear.
func (m rules) admit(s State, r Revision) State {
	gone, marks := m.replaced(s, r)
	live := slices.DeleteFunc(slices.Clone(s.Live), func(e Entry) bool { return has(gone, e.key()) })
	s.Live = insert(live, r, s.Marks)
	s.Marks = slices.DeleteFunc(union(s.Marks, marks), func(k Mark) bool { return k.Dot == r.Dot })
	if len(s.Marks) == 0 {
		s.Marks = nil
	}
	return s
}

// replaced returns, both sorted, what r takes away and what of that was not
// applied yet and must be remembered.
func (m rules) replaced(s State, r Revision) (gone, marks []Mark) {
	for _, c := range r.Changes {
		for _, q := range m.replaces(s, r, c) {
			k := Mark{q, c.Path}
			gone = append(gone, k)
			if !m.applied(s, q) && m.remember(s, k) {
				marks = append(marks, k)
			}
		}
	}
	slices.SortFunc(gone, Mark.compare)
	slices.SortFunc(marks, Mark.compare)
	return gone, marks
}

// insert adds the values of r that no mark replaces to live, in their place.
func insert(live []Entry, r Revision, marks []Mark) []Entry {
	at, _ := slices.BinarySearchFunc(live, Mark{Dot: r.Dot}, func(e Entry, k Mark) int { return e.key().compare(k) })
	fresh := make([]Entry, 0, len(r.Changes))
	for _, c := range r.Changes {
		if !has(marks, Mark{r.Dot, c.Path}) {
			fresh = append(fresh, Entry{Dot: r.Dot, Path: c.Path, ClockMs: r.ClockMs, Value: c.Value})
		}
	}
	if len(live) == 0 {
		return fresh
	}
	return slices.Insert(live, at, fresh...)
}

func has(sorted []Mark, k Mark) bool {
	if len(sorted) == 0 {
		return false
	}
	_, ok := slices.BinarySearchFunc(sorted, k, Mark.compare)
	return ok
}

// union returns two sorted lists as one, without doubles, in fresh memory.
func union(a, b []Mark) []Mark {
	out := append(slices.Clone(a), b...)
	slices.SortFunc(out, Mark.compare)
	return slices.Compact(out)
}

// Receipt is one received revision and whether it is admitted.
type Receipt struct {
	Revision Revision
	Admitted bool
}

// Define returns the state of a set of receipts by the law itself, in whatever
// order they stand. It is what Apply must agree with, and what a withdrawal
// uses: a state that has to forget is made anew.
func Define(receipts []Receipt) State {
	var s State
	replaced := map[Mark]bool{}
	for _, c := range receipts {
		s.VV = append(s.VV, c.Revision.Dot)
		if !c.Admitted {
			s.Held = append(s.Held, c.Revision.Dot)
			continue
		}
		for _, ch := range c.Revision.Changes {
			for _, q := range ch.Parents {
				replaced[Mark{q, ch.Path}] = true
			}
		}
	}
	s.VV, s.Held = sorted(s.VV), sorted(s.Held)
	s.Live = defineLive(receipts, replaced)
	for k := range replaced {
		if !s.Applied(k.Dot) {
			s.Marks = append(s.Marks, k)
		}
	}
	slices.SortFunc(s.Marks, Mark.compare)
	return s
}

func sorted(v causal.Vector) causal.Vector {
	if len(v) == 0 {
		return nil
	}
	return causal.NewVector(v...)
}

func defineLive(receipts []Receipt, replaced map[Mark]bool) []Entry {
	var live []Entry
	seen := map[Mark]bool{}
	for _, c := range receipts {
		for _, ch := range c.Revision.Changes {
			k := Mark{c.Revision.Dot, ch.Path}
			if c.Admitted && !replaced[k] && !seen[k] {
				seen[k] = true
				live = append(live, Entry{Dot: k.Dot, Path: k.Path, ClockMs: c.Revision.ClockMs, Value: ch.Value})
			}
		}
	}
	slices.SortFunc(live, func(a, b Entry) int { return a.key().compare(b.key()) })
	return live
}
