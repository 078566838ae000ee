// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// A merger is a way to merge: the right one, or one of the tempting wrong ones.
type merger struct {
	name    string
	ready   func(s State, r Revision, gaps causal.Ranges) bool
	apply   func(s State, r Revision, admit bool, gaps causal.Ranges) State
	release func(s State, r Revision) State
}

// ready is the gate before Apply: the author's previous revision of the record is
// received, or its counter is gone for good.
func ready(s State, r Revision, gaps causal.Ranges) bool {
	return r.Prev.Counter == 0 || s.Received(r.PrevDot()) || gaps.Has(r.Dot.Replica, r.Prev.Counter)
}

func by(name string, m rules) merger {
	return merger{
		name: name, ready: ready, release: m.release,
		apply: func(s State, r Revision, admit bool, _ causal.Ranges) State { return m.apply(s, r, admit) },
	}
}

// mutants are the rules somebody would try first, each wrong.
func mutants() []merger {
	receivedByCounter, heldIsApplied, noMarks, recordWide, lastWriter := merge, merge, merge, merge, merge
	receivedByCounter.received = func(s State, d causal.Dot) bool { return coveredBy(s.VV, d) }
	heldIsApplied.applied = State.Received
	noMarks.remember = func(State, Mark) bool { return false }
	recordWide.replaces = replaceAllKnown
	lastWriter.replaces = replaceOlderClocks
	twiceIsTwice := merge
	twiceIsTwice.received = func(State, causal.Dot) bool { return false }

	prevIgnored := by("prev ignored", merge)
	prevIgnored.ready = func(State, Revision, causal.Ranges) bool { return true }
	lateNoOp := by("late original of a stated gap a no-op", merge)
	lateNoOp.apply = func(s State, r Revision, admit bool, gaps causal.Ranges) State {
		if gaps.Has(r.Dot.Replica, r.Dot.Counter) {
			return s
		}
		return s.Apply(r, admit)
	}
	return []merger{
		by("received by counter alone", receivedByCounter),
		by("held counted as applied", heldIsApplied),
		by("marks dropped", noMarks),
		by("record-wide vector as context", recordWide),
		by("causal and clock sort, the last writer wins", lastWriter),
		by("twice is twice", twiceIsTwice),
		prevIgnored,
		lateNoOp,
		hashLeftOut(),
		renamedOnFork(),
		releaseWithoutChanges(),
		heldReplaces(),
	}
}

// coveredBy is how a vector of counters alone sees d.
func coveredBy(v causal.Vector, d causal.Dot) bool {
	return slices.ContainsFunc(v, func(o causal.Dot) bool { return o.Replica == d.Replica && o.Counter >= d.Counter })
}

// replaceAllKnown takes away, at each path changed, all that the author's vector
// of the whole record covers, seen at that path or not.
func replaceAllKnown(s State, r Revision) Revision {
	known := causal.Vector{r.PrevDot()}
	for _, c := range r.Changes {
		known = append(known, c.Parents...)
	}
	return replacing(s, r, func(e Entry) bool { return coveredBy(known, e.Dot) })
}

func replaceOlderClocks(s State, r Revision) Revision {
	return replacing(s, r, func(e Entry) bool { return e.ClockMs < r.ClockMs })
}

// replacing gives r with the live values that gone picks as its parents.
func replacing(s State, r Revision, gone func(Entry) bool) Revision {
	r.Changes = slices.Clone(r.Changes)
	for i := range r.Changes {
		r.Changes[i].Parents = nil
		for _, e := range s.Live {
			if e.Path == r.Changes[i].Path && gone(e) {
				r.Changes[i].Parents = append(r.Changes[i].Parents, e.Dot)
			}
		}
	}
	return r
}

// hashLeftOut names saves by replica and counter only.
func hashLeftOut() merger {
	bare := func(r Revision) Revision {
		r.Dot.Hash, r.Prev.Hash = causal.Hash8{}, causal.Hash8{}
		r.Changes = slices.Clone(r.Changes)
		for i, c := range r.Changes {
			r.Changes[i].Parents = nil
			for _, d := range c.Parents {
				d.Hash = causal.Hash8{}
				r.Changes[i].Parents = append(r.Changes[i].Parents, d)
			}
		}
		return r
	}
	return merger{
		name:    "hash left out of dots",
		ready:   func(s State, r Revision, g causal.Ranges) bool { return ready(s, bare(r), g) },
		apply:   func(s State, r Revision, admit bool, _ causal.Ranges) State { return s.Apply(bare(r), admit) },
		release: func(s State, r Revision) State { return s.Release(bare(r)) },
	}
}

// renamedOnFork gives the second of two saves under one counter a new replica, as
// if another tablet had made it.
func renamedOnFork() merger {
	m := by("dots renamed on fork", merge)
	rename := func(s State, r Revision) Revision {
		fork := func(o causal.Dot) bool {
			return o.Replica == r.Dot.Replica && o.Counter == r.Dot.Counter && o.Hash != r.Dot.Hash
		}
		if !s.Received(r.Dot) && slices.ContainsFunc(s.VV, fork) {
			r.Dot.Replica[15] = 1
		}
		return r
	}
	m.apply = func(s State, r Revision, admit bool, _ causal.Ranges) State { return s.Apply(rename(s, r), admit) }
	m.release = func(s State, r Revision) State { return s.Release(rename(s, r)) }
	return m
}

// releaseWithoutChanges lifts the hold and thinks no more of it.
func releaseWithoutChanges() merger {
	m := by("release without its changes", merge)
	m.release = func(s State, r Revision) State {
		s.Held = s.Held.Without(r.Dot)
		return s
	}
	return m
}

// heldReplaces lets an unauthorised save take away what it names.
func heldReplaces() merger {
	m := by("a held save replaces", merge)
	m.apply = func(s State, r Revision, admit bool, _ causal.Ranges) State {
		out := s.Apply(r, admit)
		if !admit && !s.Received(r.Dot) {
			out.Live = appendKept(nil, out.Live, r.Changes)
		}
		return out
	}
	return m
}

// walk lets m receive w in every order it is ready for, with every verdict, each
// release at every point, everything twice, and each world once without gaps and
// once with the first save of A stated as gone. It returns the first state that
// shows other values than the law, or holds a save whose predecessor is missing.
func (m merger) walk(w world) error {
	law := w.table()
	gone := causal.Ranges{}.With(causal.Range{Replica: w[0].Dot.Replica, From: 1, To: 1})
	for _, gaps := range []causal.Ranges{nil, gone} {
		if err := m.walkFrom(w, law, gaps, make(node, len(w)), State{}); err != nil {
			return fmt.Errorf("%w (gaps %v)", err, gaps)
		}
	}
	return nil
}

func (m merger) walkFrom(w world, law []State, gaps causal.Ranges, n node, s State) error {
	if got, want := screen(s), screen(law[n.number()]); got != want {
		return fmt.Errorf("at %v shows %q, the law %q", n, got, want)
	}
	for i, r := range w {
		if n[i] != absent && !ready(law[n.number()], r, gaps) {
			return fmt.Errorf("at %v took %s without its predecessor", n, name(r.Dot))
		}
		next := func(to byte, s State) error { return m.walkFrom(w, law, gaps, n.with(i, to), s) }
		var err error
		switch {
		case n[i] == absent && m.ready(s, r, gaps):
			once := m.apply(s, r, true, gaps)
			if err = next(admitted, m.apply(once, r, true, gaps)); err == nil {
				err = next(held, m.apply(s, r, false, gaps))
			}
		case n[i] == held:
			err = next(admitted, m.release(s, r))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// firstFall returns the first small world in which m breaks the law.
func firstFall(m merger) (where world, err error) {
	for _, pattern := range []string{"AA", "AB", "Aa", "AAa", "AAaB", "AAB", "AaB", "ABA"} {
		eachWorld(pattern, 2, func(w world) bool {
			if err = m.walk(w); err != nil {
				where = w
			}
			return err == nil
		})
		if err != nil {
			return where, err
		}
	}
	return nil, nil
}

func TestEveryMutantFalls(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			w, err := firstFall(m)
			if err == nil {
				t.Fatal("survived every small world")
			}
			t.Logf("falls: %v in%s", err, w)
		})
	}
}

// The walk that fells the mutants finds nothing in the rules as they are.
func TestRulesStand(t *testing.T) {
	for _, pattern := range []string{"AA", "AB", "Aa", "AaB"} {
		eachWorld(pattern, 2, func(w world) bool {
			if err := by("the rules", merge).walk(w); err != nil {
				t.Errorf("%v in%s", err, w)
				return false
			}
			return true
		})
	}
}

// State join: two holders put their states together, as observed-remove sets do,
// instead of their revisions. What one of them holds back looks removed.
func TestMutantStateJoinFalls(t *testing.T) {
	var fall string
	eachWorld("AB", 2, func(w world) bool {
		law := w.table()
		w.nodes(func(i int, a node) {
			w.nodes(func(j int, b node) {
				both := make(node, len(w))
				for k := range w {
					both[k] = max(a[k], b[k])
				}
				got, want := screen(join(law[i], law[j])), screen(law[both.number()])
				if fall == "" && got != want {
					fall = fmt.Sprintf("%v join %v shows %q, the law %q in%s", a, b, got, want, w)
				}
			})
		})
		return fall == ""
	})
	if fall == "" {
		t.Fatal("survived every small world")
	}
	t.Log("falls: " + fall)
}

// join keeps a live value when the other has it too, or has not received it.
func join(a, b State) State {
	var s State
	kept := func(from, other State) {
		for _, e := range from.Live {
			inOther := slices.ContainsFunc(other.Live, func(o Entry) bool { return o.Dot == e.Dot && o.Path == e.Path })
			marked := has(other.Marks, Mark{e.Dot, e.Path})
			if inOther && !slices.ContainsFunc(s.Live, func(o Entry) bool { return o.Dot == e.Dot && o.Path == e.Path }) ||
				!inOther && !other.Received(e.Dot) && !marked {
				s.Live = append(s.Live, e)
			}
		}
	}
	kept(a, b)
	kept(b, a)
	return s
}
