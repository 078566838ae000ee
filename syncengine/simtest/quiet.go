// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// maxRounds is how many rounds of everybody syncing may pass until nothing changes.
const maxRounds = 40

// Quiet lets everything that still works be done: no more faults, everybody comes
// home, the office rules on what nobody else can explain. Afterwards nothing changes
// any more.
func (w *World) Quiet() {
	w.step, w.odds, w.late = -2, odds{}, nil
	w.centre.skew = 0
	if w.schema.novel {
		w.learn()
	}
	for _, d := range w.living() {
		d.away = 0
	}
	w.lookAtAll()
	for range maxRounds {
		if w.round() {
			continue
		}
		if !w.ruleGaps() {
			w.tell("quiet: %d leaves, position %d", w.centre.Size(), w.centre.Position())
			return
		}
	}
	w.fail("quiet", "something changes without end")
}

// round lets everybody sync once and reports whether anything changed.
func (w *World) round() bool {
	size, position, epoch := w.centre.Size(), w.centre.Position(), w.centre.Epoch()
	changed := false
	for _, r := range w.raws {
		r.push(r.segs...)
	}
	for _, d := range w.living() {
		d.report = replica.Report{}
		d.syncDirect()
		r := d.report
		changed = changed || r.Sealed+r.Pushed+r.Acks+r.Gaps+r.Bases+r.Departures+r.Office > 0 || r.NewEpoch || !r.Successor.IsZero()
	}
	return changed || w.centre.Size() != size || w.centre.Position() != position || w.centre.Epoch() != epoch
}

// ruleGaps lets the office state what nobody else states, and reports whether
// there was something.
func (w *World) ruleGaps() bool {
	blocked := w.centre.Blocked()
	for _, b := range blocked {
		w.ruleGap(b)
	}
	if len(blocked) > 0 {
		return true
	}
	waiting := map[causal.ReplicaID]bool{}
	l := newLaw(w.schema, w.oracle.holdings())
	for _, id := range sortedRecords(l) {
		for d, v := range l.records[id].revs {
			if v.verdict == ledger.Waiting {
				waiting[d.Replica] = true
			}
		}
	}
	ruled := false
	for _, r := range sortedReplicas(waiting) {
		if w.centre.do("rule a gap for what waits", func() error {
			err := w.centre.RuleGap(w.ctx, "office", r, nil, "never came")
			if syncengine.ReasonOf(err) == syncengine.ReasonInvalid {
				return nil // it does not see what waits: Check will say so
			}
			ruled = true
			return err
		}) {
			w.happens(FaultGapRuled)
		}
	}
	return ruled
}

var (
	listAll       = replica.Query{}
	listConflicts = replica.Query{Conflicts: true}
)

func exportSome(w *World) replica.ExportOptions {
	return replica.ExportOptions{Unacked: w.chance(0.3), Bases: w.chance(0.5)}
}
