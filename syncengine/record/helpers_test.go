// SPDX-License-Identifier: Apache-2.0

package record

import (
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// dot names a save of a replica that tests number; its hash follows from both.
func dot(replica byte, counter uint64) causal.Dot {
	return twin(replica, counter, 0)
}

// twin names a save of another history of the same replica.
func twin(replica byte, counter uint64, history byte) causal.Dot {
	return causal.Dot{
		Replica: causal.ReplicaID{replica},
		Counter: counter,
		Hash:    causal.Hash8{0xa0 + history, replica, byte(counter), byte(counter >> 8)},
	}
}

// save makes a revision with changes in order. Its record is a checkup.
func save(d, prev causal.Dot, clockMs int64, changes ...Change) Revision {
	changes, err := Normalise(changes)
	if err != nil {
		panic(err)
	}
	return Revision{
		Dot: d, Record: DerivedID(20, []byte("a checkup")), Prev: Prev{prev.Counter, prev.Hash},
		ClockMs: clockMs, Author: "dr-wang", Changes: changes,
	}
}

func set(p Path, value string, parents ...causal.Dot) Change {
	return Change{Path: p, Value: Of([]byte(value)), Parents: parents}
}

// screenOf returns the parents that a form opened on s has, by path.
func screenOf(registers []Register) map[Path][]causal.Dot {
	out := map[Path][]causal.Dot{}
	for _, g := range registers {
		out[g.Path] = g.Parents()
	}
	return out
}

// broken returns what is wrong with s as the state of these receipts: structure,
// canonical bytes, and that no admitted value is lost (I2).
func broken(s State, receipts []Receipt) error {
	back, err := DecodeState(s.Append(nil))
	if err != nil || !same(back, s) {
		return fmt.Errorf("canonical bytes give back another state: %w", err)
	}
	named := map[Mark]bool{}
	for _, c := range receipts {
		for _, ch := range c.Revision.Changes {
			for _, q := range ch.Parents {
				named[Mark{q, ch.Path}] = named[Mark{q, ch.Path}] || c.Admitted
			}
		}
	}
	live := map[Mark]bool{}
	for _, e := range s.Live {
		live[Mark{e.Dot, e.Path}] = true
	}
	for _, c := range receipts {
		for _, ch := range c.Revision.Changes {
			k := Mark{c.Revision.Dot, ch.Path}
			if want := c.Admitted && !named[k]; live[k] != want {
				return fmt.Errorf("%s at %s: live %t, want %t", k.Dot, k.Path, live[k], want)
			}
			delete(live, k)
		}
	}
	if len(live) > 0 {
		return fmt.Errorf("values of nobody: %v", live)
	}
	return nil
}

// postbox gives a record the revisions that arrive, as the engine does: one whose
// author's previous revision is missing waits.
type postbox struct {
	rules    merger
	state    State
	receipts []Receipt
	waiting  []Receipt
	gaps     causal.Ranges
}

func newPostbox() postbox { return postbox{rules: by("the rules", merge)} }

func (p *postbox) deliver(c Receipt) {
	p.waiting = append(p.waiting, c)
	p.settle()
}

// gap states that the counter of d is gone, so what waits for it may come in.
func (p *postbox) gap(d causal.Dot) {
	p.gaps = p.gaps.With(causal.Range{Replica: d.Replica, From: d.Counter, To: d.Counter})
	p.settle()
}

func (p *postbox) settle() {
	for i := 0; i < len(p.waiting); i++ {
		c := p.waiting[i]
		if !p.rules.ready(p.state, c.Revision, p.gaps) {
			continue
		}
		if !p.state.Received(c.Revision.Dot) {
			p.receipts = append(p.receipts, c)
		}
		p.state = p.rules.apply(p.state, c.Revision, c.Admitted, p.gaps)
		p.waiting = slices.Delete(p.waiting, i, i+1)
		i = -1
	}
}

func (p *postbox) release(d causal.Dot) {
	for i, c := range p.receipts {
		if c.Revision.Dot == d {
			p.receipts[i].Admitted = true
			p.state = p.rules.release(p.state, c.Revision)
		}
	}
}
