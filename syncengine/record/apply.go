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
	// replaces gives r with, as parents of each change, the sorted dots that it
	// takes away at its path.
	replaces func(s State, r Revision) Revision
	// remember: must the replacing of a dot that is not applied be kept?
	remember func(s State, m Mark) bool
}

var merge = rules{
	received: State.Received,
	applied:  State.Applied,
	replaces: func(_ State, r Revision) Revision { return r },
	remember: func(State, Mark) bool { return true },
}

// Apply returns s after r was received, admitted or held. Received twice is once.
// It requires that r's prev was received or lies in a stated gap; the engine
// waits for that. The bytes of r's values are kept, not copied; its list of changes
// is not kept and may be used again.
func (s State) Apply(r Revision, admitted bool) State { return merge.apply(s, r, admitted) }

// ApplyIn is Apply with the live values in the memory of room.
func (s State) ApplyIn(room *Room, r Revision, admitted bool) State {
	return merge.applyIn(room, s, r, admitted)
}

// Release returns s after the held revision r was admitted. It changes nothing
// unless r is held in s.
func (s State) Release(r Revision) State { return merge.release(s, r) }

func (m rules) apply(s State, r Revision, admitted bool) State { return m.applyIn(nil, s, r, admitted) }

func (m rules) applyIn(room *Room, s State, r Revision, admitted bool) State {
	if m.received(s, r.Dot) {
		return s
	}
	s.VV = s.VV.With(r.Dot)
	if !admitted {
		s.Held = s.Held.With(r.Dot)
		return s
	}
	return m.admit(room, s, r)
}

func (m rules) release(s State, r Revision) State {
	if !s.Held.Has(r.Dot) {
		return s
	}
	s.Held = s.Held.Without(r.Dot)
	return m.admit(nil, s, r)
}

// admit works r's changes into s: what they replace goes, what somebody replaced
// before r came does not appear.
func (m rules) admit(room *Room, s State, r Revision) State {
	r = m.replaces(s, r)
	marks := union(s.Marks, m.marks(s, r))
	at, _ := slices.BinarySearchFunc(s.Live, r.Dot, func(e Entry, d causal.Dot) int { return e.Dot.Compare(d) })
	live := room.take(len(s.Live) + len(r.Changes))
	live = appendKept(live, s.Live[:at], r.Changes)
	live = appendFresh(live, r, marks)
	live = appendKept(live, s.Live[at:], r.Changes)
	s.Live, s.Marks = live, without(marks, r.Dot)
	return s
}

// marks returns, in any order, what r replaces before it was applied. A save that
// names itself (no honest hash can) is not applied at that moment.
func (m rules) marks(s State, r Revision) []Mark {
	var marks []Mark
	var last causal.Dot // parents come in runs of the same dot
	lastApplied := false
	for i := range r.Changes {
		for _, q := range r.Changes[i].Parents {
			if q != last {
				last, lastApplied = q, q != r.Dot && m.applied(s, q)
			}
			if k := (Mark{q, r.Changes[i].Path}); !lastApplied && m.remember(s, k) {
				marks = append(marks, k)
			}
		}
	}
	return marks
}

// appendKept adds the entries of live that no change replaces.
func appendKept(out, live []Entry, changes []Change) []Entry {
	next := 0 // most often a save changes the paths that lie side by side in live
	for i := range live {
		at, ok := place(changes, live[i].Path, next)
		if ok && causal.Vector(changes[at].Parents).Has(live[i].Dot) {
			next = at + 1
			continue
		}
		out = append(out, live[i])
	}
	return out
}

// place returns the index of the change at p and whether there is one, with hint
// as the first guess.
func place(changes []Change, p Path, hint int) (int, bool) {
	if hint < len(changes) && changes[hint].Path == p {
		return hint, true
	}
	return slices.BinarySearchFunc(changes, p, func(c Change, p Path) int { return cmpPath(c.Path, p) })
}

// appendFresh adds the values of r that no mark replaces.
func appendFresh(out []Entry, r Revision, marks []Mark) []Entry {
	for i := range r.Changes {
		if c := &r.Changes[i]; !has(marks, Mark{r.Dot, c.Path}) {
			out = append(out, Entry{Dot: r.Dot, Path: c.Path, ClockMs: r.ClockMs, Value: c.Value})
		}
	}
	return out
}

func has(sorted []Mark, k Mark) bool {
	if len(sorted) == 0 {
		return false
	}
	_, ok := slices.BinarySearchFunc(sorted, k, Mark.compare)
	return ok
}

// union returns the sorted list a and the list b as one sorted list without
// doubles; b is not used again.
func union(a, b []Mark) []Mark {
	if len(b) == 0 {
		return a
	}
	out := append(b, a...)
	slices.SortFunc(out, Mark.compare)
	return slices.Compact(out)
}

// without returns the marks that are not of d; nil for none.
func without(marks []Mark, d causal.Dot) []Mark {
	ofD := func(k Mark) bool { return k.Dot == d }
	if !slices.ContainsFunc(marks, ofD) {
		return marks
	}
	if marks = slices.DeleteFunc(slices.Clone(marks), ofD); len(marks) == 0 {
		return nil
	}
	return marks
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
	slices.SortFunc(live, func(a, b Entry) int { return a.compare(Mark{b.Dot, b.Path}) })
	return live
}
