// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Mutant is one decision of the engine taken wrongly, as a tempting alternative
// would take it. Each must be caught by the simulation.
type Mutant struct {
	Name    string
	distort func(*rules)
	// Servers says that it is one of several servers over one store.
	Servers bool
}

// Mutate lets e decide as the mutant does.
func Mutate(e *Engine, m Mutant) {
	e.rules = lawful
	m.distort(&e.rules)
}

// Mutants are all wrong rules of this package.
var Mutants = []Mutant{
	{Name: "received by counter alone", distort: func(r *rules) {
		r.received = func(s record.State, d causal.Dot) bool {
			for _, o := range s.VV {
				if o.Replica == d.Replica && o.Counter == d.Counter {
					return true
				}
			}
			return false
		}
	}},
	{Name: "prev ignored", distort: func(r *rules) {
		r.received = func(record.State, causal.Dot) bool { return true }
	}},
	{Name: "verdict by arrival order", distort: func(r *rules) { r.settles = false }},
	{Name: "authority by today's scope", distort: func(r *rules) {
		r.authority = func(b *batch, w *work, rev record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
			if today := w.state.Divisions(); len(today) > 0 {
				return today[0], ledger.Admitted, nil
			}
			return b.seen(w, rev, salt)
		}
	}},
	{Name: "fence without hash", distort: func(r *rules) { r.fenceByHash = false }},
	{Name: "late original of a stated gap a no-op", distort: func(r *rules) { r.late = false }},
	{Name: "stated gap that keeps a counter whose original came", distort: func(r *rules) {
		r.authority = func(b *batch, w *work, rev record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
			if b.statedGone(rev.Dot) {
				return "", ledger.HeldScopeUnknown, nil
			}
			return b.seen(w, rev, salt)
		}
	}},
	{Name: "acts not given back after a restore", distort: func(r *rules) { r.actsGoDown = false }},
	{Name: "position before commit", distort: func(r *rules) { r.headAfterCommit = false }},
	{Name: "update from what this server remembers", distort: func(r *rules) { r.marksInUpdates = false }, Servers: true},
	{Name: "view by the acts that this server remembers", distort: func(r *rules) { r.marksInViews = false }, Servers: true},
	{Name: "ack before commit", distort: func(r *rules) { r.answerAfterCommit = false }},
	{Name: "gap known but not in the ledger", distort: func(r *rules) { r.gapsInLedger = false }},
	{Name: "fork seen by one sign only: a second successor", distort: func(r *rules) {
		r.forks = func(_ *batch, o, head SegmentHead, _ *segment.Segment) bool {
			return o.Previous == head.Previous && !head.Previous.IsZero()
		}
	}},
	{Name: "fork seen by one sign only: a counter with other bytes", distort: func(r *rules) {
		r.forks = func(b *batch, o, head SegmentHead, seg *segment.Segment) bool {
			other, _, err := b.segmentAt(o.Index)
			for c := max(o.First, head.First); err == nil && c <= min(o.Last, head.Last); c++ {
				if other.Dot(int(c-o.First)) != seg.Dot(int(c-head.First)) {
					return true
				}
			}
			return false
		}
	}},
}

// Waiting returns how many pushes wait for their commit to begin.
func (e *Engine) Waiting() int {
	e.group.mu.Lock()
	defer e.group.mu.Unlock()
	return len(e.group.waiting)
}

// ConfigOf returns what an engine was made of.
func ConfigOf(e *Engine) Config { return e.cfg }
