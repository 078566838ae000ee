// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Result is what came of one run.
type Result struct {
	Seed      uint64
	Steps     int
	Hash      [32]byte // of the trace
	Faults    Faults
	Violation *Violation // nil: every promise was kept
}

// plan is a run before it begins: which actions, and the seed of each.
type plan struct {
	odds  odds
	steps []planned
}

type planned struct {
	action action
	seed   uint64
}

func newPlan(o Options) plan {
	rnd := rand.New(rand.NewPCG(o.Seed, 1))
	p := plan{odds: drawOdds(rnd)}
	all := actions(o.era())
	total := 0
	for _, a := range all {
		total += a.weight(p.odds)
	}
	for range 20 + rnd.IntN(100) {
		n := rnd.IntN(total)
		for _, a := range all {
			if n -= a.weight(p.odds); n < 0 {
				p.steps = append(p.steps, planned{a, rnd.Uint64()})
				break
			}
		}
	}
	if o.era() >= servers {
		p.odds.servers = 1 + rnd.IntN(3)
	}
	return p
}

// Run lives through one county and holds it against every promise. Runs with
// equal options are equal, to the byte of their traces.
func Run(o Options) Result {
	p := newPlan(o)
	r := Result{Seed: o.Seed, Steps: len(p.steps)}
	var w *World
	r.Violation = caught(func() {
		w = NewWorld(o)
		w.live(p)
		w.Quiet()
		w.Check()
	})
	if w != nil {
		copy(r.Hash[:], w.hash.Sum(nil))
		r.Faults = w.faults
	}
	return r
}

// caught runs f and returns the violation that ended it.
func caught(f func()) (v *Violation) {
	defer func() {
		switch x := recover().(type) {
		case nil:
		case *Violation:
			v = x
		default:
			panic(x)
		}
	}()
	f()
	return nil
}

// live takes the steps of a plan.
func (w *World) live(p plan) {
	w.settle()
	if w.odds = p.odds; w.odds.servers > 1 {
		w.centre.start(w.centre.disk.Store)
	}
	for i, s := range p.steps {
		if w.opt.Keep != nil && !slices.Contains(w.opt.Keep, i) {
			continue
		}
		w.step, w.rnd = i, rand.New(rand.NewPCG(s.seed, 2))
		w.passes(1e9 * 60)
		w.tell("· %s", s.action.name)
		s.action.do(w)
		for _, d := range w.living() {
			d.away = max(0, d.away-1)
		}
		if w.chance(0.1) {
			w.badBytes()
		}
		if d := w.nearby(); d != nil && w.chance(0.2) {
			d.checkOwn()
			d.checkLent()
		}
	}
}

// settle enrols the county's first devices.
func (w *World) settle() {
	for i := range 2 + w.rnd.IntN(3) {
		w.addDevice(fmt.Sprintf("t%d", i+1), w.someRights(segment.RoleTablet))
	}
	for i := range w.rnd.IntN(3) {
		w.addDevice(fmt.Sprintf("h%d", i+1), w.someRights(segment.RoleHub))
	}
	for _, d := range w.devices {
		d.syncDirect()
	}
}

func sortedReplicas(set map[causal.ReplicaID]bool) []causal.ReplicaID {
	return slices.SortedFunc(maps.Keys(set), func(a, b causal.ReplicaID) int { return bytes.Compare(a[:], b[:]) })
}
