// SPDX-License-Identifier: Apache-2.0

// Package simtest is one county in one process: a centre, tablets, clinic hubs,
// bundles on memory sticks, and everything that goes wrong between them, all
// drawn from one seed. One world is one goroutine with a clock of its own, so the
// same seed does the same things in the same order and gives the same trace.
//
// The one invariant: what a world expects comes from its own memory of what
// people did (package files oracle, law) and from the design's sentences, never
// from the code under test.
//
// It never sleeps, reads a real clock or draws real randomness.
package simtest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"math/rand/v2"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Options say which county to live through.
type Options struct {
	Seed uint64
	// Era says which actions the seed draws from: 0 is the present one. Later eras know
	// more of them, with which an old seed is another county.
	Era int
	// Keep names the steps to take, ascending; nil: all of them. A failing run is
	// made shorter by leaving steps out; those left do what they did before.
	Keep []int
	// Trace gets one line for each thing that happens; nil: nobody.
	Trace io.Writer
	// Engine and Replica see every engine and replica as it is opened. Mutants are
	// put in there.
	Engine  func(*syncengine.Engine)
	Replica func(*replica.Replica)
	// ForgetsBackups makes the operator throw backups away that are newer than the
	// one that was restored. It is a mutant.
	ForgetsBackups bool
	// ForgetsRecipients makes him throw the former key away when a recipient key is
	// replaced, and Meets stands in for session.Trust.Meets. They are mutants.
	ForgetsRecipients bool
	Meets             func(session.Trust, session.Pin, session.Roster) (session.Trust, bool)
}

// era returns the era that the options name.
func (o Options) era() int { return cmp.Or(o.Era, era) }

// Violation is a broken promise.
type Violation struct {
	Check string // which promise: I1 … I12, or a word
	Step  int    // the last step that was begun
	What  string
}

func (v *Violation) Error() string {
	return fmt.Sprintf("%s after step %d: %s", v.Check, v.Step, v.What)
}

// World is one county.
type World struct {
	ctx    context.Context
	opt    Options
	rnd    *rand.Rand // of the step under way
	now    time.Time  // the true time, which is the centre's
	step   int
	nested int // depth of things that happen inside others
	hash   hash.Hash
	faults Faults
	odds   odds

	schema  *schema
	centre  *centre
	site    *site // nil: in an era that knew of no rotations
	devices []*device
	images  []*image  // older copies of tablets
	sticks  []*bundle // memory sticks under way
	up      []*paper  // files for the centre under way
	down    []*paper  // its answers
	raws    []*raw
	late    []latecomer
	oracle  *oracle
	values  int // how many different values were typed so far
}

// begin is when every world begins.
var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// NewWorld makes a county with an empty centre.
func NewWorld(o Options) *World {
	w := &World{
		ctx: context.Background(), opt: o, now: begin, hash: sha256.New(), faults: Faults{},
		rnd: rand.New(rand.NewPCG(o.Seed, 0x5eed)), schema: newSchema(), step: -1,
	}
	w.oracle = newOracle(w)
	w.centre = newCentre(w)
	if o.era() >= rotations {
		w.found()
	}
	return w
}

// Read makes the world a source of bytes for keys, salts and names.
func (w *World) Read(p []byte) (int, error) {
	for i := 0; i < len(p); i += 8 {
		v := w.rnd.Uint64()
		for k := i; k < len(p) && k < i+8; k++ {
			p[k], v = byte(v), v>>8
		}
	}
	return len(p), nil
}

// chance is true with probability p.
func (w *World) chance(p float64) bool { return p > 0 && w.rnd.Float64() < p }

// pick returns one of the items; there must be one.
func pick[T any](w *World, items []T) T { return items[w.rnd.IntN(len(items))] }

// tell adds a line to the trace.
func (w *World) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	_, _ = fmt.Fprintf(w.hash, "%d %s\n", w.step, line)
	if w.opt.Trace != nil {
		_, _ = fmt.Fprintf(w.opt.Trace, "%3d %*s%s\n", w.step, 2*w.nested, "", line)
	}
}

// fail ends the run: a promise was broken.
func (w *World) fail(check, format string, args ...any) {
	panic(&Violation{Check: check, Step: w.step, What: fmt.Sprintf(format, args...)})
}

// must ends the run on an error that nothing in this world can cause.
func (w *World) must(err error, doing string) {
	if err != nil {
		w.fail("error", "%s: %v", doing, err)
	}
}

// passes lets time go by.
func (w *World) passes(d time.Duration) { w.now = w.now.Add(d) }

// Fault is a kind of thing that goes wrong.
type Fault string

// Faults counts how often each kind happened.
type Faults map[Fault]int

func (w *World) happens(f Fault) { w.faults[f]++ }

// Add adds the counts of o.
func (f Faults) Add(o Faults) {
	for k, n := range o {
		f[k] += n
	}
}
