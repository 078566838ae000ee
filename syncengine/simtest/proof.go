// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bytes"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// provenRecords is for how many records of a county proofs are made: a few
// milliseconds each.
const provenRecords = 2

// checkProofs wants a proof of any record to hold, to say what its history says, and to
// have nothing of any other record.
func (w *World) checkProofs(l *law) {
	ids := sortedRecords(l)
	for i := range min(provenRecords, len(ids)) {
		w.checkProof(ids[(i*len(ids))/provenRecords], ids)
	}
}

func (w *World) checkProof(id record.ID, all []record.ID) {
	history := w.history(w.centre.Engine, id)
	raw, err := w.centre.Prove(w.ctx, id, causal.Dot{})
	w.must(err, "prove a record")
	report, err := evidence.Check(raw, w.centre.ShardKey())
	if err != nil {
		w.fail("proof", "%.4x: %v", id[10:], err)
	}
	same := slices.EqualFunc(report.Saves, history, func(s evidence.Save, h syncengine.RevisionView) bool {
		return s.Dot == h.Revision.Dot && s.Verdict() == h.Verdict && s.ReceivedAt.Equal(h.ReceivedAt) && s.Revision.ClockMs == h.Revision.ClockMs
	})
	if !same {
		w.fail("proof", "%.4x: it tells another history", id[10:])
	}
	for _, other := range all {
		if other != id && bytes.Contains(raw, other[:]) && !mentions(history, other) {
			w.fail("proof", "%.4x: it shows record %.4x", id[10:], other[10:])
		}
	}
	w.checkStands(id, report)
}

// mentions reports whether a record speaks about another one itself: as its resident, or
// as what an act is about; or the office ruled on it, in a record of its own.
func mentions(history []syncengine.RevisionView, other record.ID) bool {
	if other.Kind() <= syncengine.KindErasure {
		return true
	}
	return slices.ContainsFunc(history, func(h syncengine.RevisionView) bool {
		return slices.ContainsFunc(h.Revision.Changes, func(c record.Change) bool { return bytes.Contains(c.Value.Bytes, other[:]) })
	})
}

// checkStands wants the values that a proof says stand to be the live ones, and a record
// as of now to be the record.
func (w *World) checkStands(id record.ID, report evidence.Report) {
	view, err := w.centre.Get(w.ctx, id)
	w.must(err, "get a stored record")
	stands := 0
	for _, s := range report.Saves {
		for _, c := range s.Changes {
			if !s.Verdict().Admitted() || len(c.ReplacedBy) > 0 {
				continue
			}
			stands++
			if !slices.ContainsFunc(view.State.At(c.Path), func(e record.Entry) bool { return e.Dot == s.Dot }) {
				w.fail("proof", "%.4x: %s does not stand at %s", id[10:], short(s.Dot), c.Path)
			}
		}
	}
	if stands != len(view.State.Live) {
		w.fail("proof", "%.4x: %d values stand, %d are live", id[10:], stands, len(view.State.Live))
	}
	now, _, err := w.centre.StateAsOf(w.ctx, id, syncengine.Moment{ReceivedBy: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	w.must(err, "a record as of now")
	if !bytes.Equal(now.Append(nil), view.Row.State) {
		w.fail("proof", "%.4x: as of now it is another one", id[10:])
	}
}
