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
}

// Mutate lets e decide as the mutant does.
func Mutate(e *Engine, m Mutant) {
	e.rules = lawful
	m.distort(&e.rules)
}

// Mutants are all wrong rules of this package.
var Mutants = []Mutant{
	{"received by counter alone", func(r *rules) {
		r.received = func(s record.State, d causal.Dot) bool {
			for _, o := range s.VV {
				if o.Replica == d.Replica && o.Counter == d.Counter {
					return true
				}
			}
			return false
		}
	}},
	{"prev ignored", func(r *rules) {
		r.received = func(record.State, causal.Dot) bool { return true }
	}},
	{"verdict by arrival order", func(r *rules) { r.settles = false }},
	{"authority by today's scope", func(r *rules) {
		r.authority = func(b *batch, w *work, rev record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
			if today := w.state.Divisions(); len(today) > 0 {
				return today[0], ledger.Admitted, nil
			}
			return b.seen(w, rev, salt)
		}
	}},
	{"fence without hash", func(r *rules) { r.fenceByHash = false }},
	{"late original of a stated gap a no-op", func(r *rules) { r.late = false }},
	{"stated gap that keeps a counter whose original came", func(r *rules) {
		r.authority = func(b *batch, w *work, rev record.Revision, salt [16]byte) (record.Division, ledger.Verdict, error) {
			if b.statedGone(rev.Dot) {
				return "", ledger.HeldScopeUnknown, nil
			}
			return b.seen(w, rev, salt)
		}
	}},
	{"acts not given back after a restore", func(r *rules) { r.actsGoDown = false }},
	{"position before commit", func(r *rules) { r.headAfterCommit = false }},
	{"ack before commit", func(r *rules) { r.answerAfterCommit = false }},
	{"gap known but not in the ledger", func(r *rules) { r.gapsInLedger = false }},
	{"fork seen by one sign only: a second successor", func(r *rules) {
		r.forks = func(_ *batch, o, head SegmentHead, _ *segment.Segment) bool {
			return o.Previous == head.Previous && !head.Previous.IsZero()
		}
	}},
	{"fork seen by one sign only: a counter with other bytes", func(r *rules) {
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
