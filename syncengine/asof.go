// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Moment says which revisions count. Both bounds are inclusive; a zero one is none.
type Moment struct {
	// CapturedBy is by the saver's clock, which nobody can prove. A revision that
	// cannot be read has no such clock, and counts.
	CapturedBy time.Time
	// ReceivedBy is by the centre's clock, as each leaf has it: what had come by then
	// counts, with the verdict that it had by then.
	ReceivedBy time.Time
	// Size is of the ledger: what its first so many leaves have counts, as above. 0 is no bound.
	Size ledger.Size
}

// receivedAt reports whether a leaf had come.
func (m Moment) receivedAt(i ledger.Index, at time.Time) bool {
	return (m.ReceivedBy.IsZero() || !at.After(m.ReceivedBy)) && (m.Size == 0 || ledger.Size(i) < m.Size)
}

// StateAsOf returns a record as it stood: the state that the law gives for the
// revisions that count, and how many they are, waiting ones included. What was erased
// since is erased. The state is zero when nothing had come. ReasonNotFound: there is no
// such record.
func (e *Engine) StateAsOf(ctx context.Context, id record.ID, m Moment) (record.State, int, error) {
	var state record.State
	var n int
	err := e.view(ctx, func(r Reader) error {
		ps, err := e.placesAsOf(ctx, r, id, m)
		if err != nil {
			return err
		}
		n = len(ps)
		receipts, err := e.receiptsAt(r, ps)
		if err == nil && len(receipts) > 0 {
			state = record.Define(receipts)
		}
		return err
	})
	return state, n, err
}

// HistoryAsOf is History of the revisions that count, each with its verdict of then.
func (e *Engine) HistoryAsOf(ctx context.Context, id record.ID, m Moment, from HistoryPlace, limit int) (out []RevisionView, next HistoryPlace, err error) {
	err = e.view(ctx, func(r Reader) error {
		ps, err := e.placesAsOf(ctx, r, id, m)
		if err != nil {
			return err
		}
		ps = slices.DeleteFunc(ps, func(p place) bool { return p.history().Compare(from) < 0 })
		out, next, err = e.historyPart(r, ps, limit)
		return err
	})
	return out, next, err
}

// placesAsOf returns the places that count, with the verdicts of then, in the order of
// the ledger.
func (e *Engine) placesAsOf(ctx context.Context, r Reader, id record.ID, m Moment) (places, error) {
	ps, err := storedPlaces(r, id)
	if err != nil {
		return nil, err
	}
	if (!m.ReceivedBy.IsZero() || m.Size > 0) && len(ps) > 0 {
		if ps, err = receivedBy(ctx, r, id, ps, m); err != nil {
			return nil, err
		}
	}
	if !m.CapturedBy.IsZero() {
		if ps, err = e.capturedBy(r, ps, m.CapturedBy); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(ps, func(a, b place) int { return a.history().Compare(b.history()) })
	return ps, nil
}

// receivedBy returns the places whose leaves had come, with the last verdict that a leaf that had
// come gave them.
func receivedBy(ctx context.Context, r Reader, id record.ID, ps places, m Moment) (places, error) {
	var out places
	for _, p := range ps {
		l, err := readLeaf(r, p.leaf)
		if err != nil {
			return nil, err
		}
		if !m.receivedAt(p.leaf, l.ReceivedAt) {
			continue
		}
		if p.at >= len(l.Verdicts) {
			return nil, fmt.Errorf("leaf %d: no verdict at %d", p.leaf, p.at)
		}
		p.verdict = l.Verdicts[p.at]
		out = append(out, p)
	}
	size, err := r.Size()
	if err != nil || len(out) == 0 {
		return out, err
	}
	at := map[causal.Dot]int{}
	for i, p := range out {
		at[p.dot] = i
	}
	err = changedVerdicts(ctx, r, id, firstLeaf(out), size, func(c changedLeaf) error {
		if !m.receivedAt(c.index, c.ReceivedAt) {
			return nil
		}
		for _, k := range c.places {
			if i, ok := at[c.Changed[k].Dot]; ok && c.index > out[i].leaf {
				out[i].verdict = c.Changed[k].Verdict
			}
		}
		return nil
	})
	return out, err
}

func readLeaf(r LedgerReader, i ledger.Index) (ledger.Leaf, error) {
	raw, ok, err := r.Leaf(i)
	if err != nil {
		return ledger.Leaf{}, err
	}
	if !ok {
		return ledger.Leaf{}, fmt.Errorf("leaf %d is missing", i)
	}
	return ledger.DecodeLeaf(raw)
}

// capturedBy returns the places whose savers' clocks said a time or before.
func (e *Engine) capturedBy(r Reader, ps places, by time.Time) (places, error) {
	var out places
	for _, p := range ps {
		seg, _, err := e.openStored(r, p.leaf)
		if err != nil {
			return nil, err
		}
		if rev, err := seg.Revision(p.at); err != nil || rev.ClockMs <= by.UnixMilli() {
			out = append(out, p)
		}
	}
	return out, nil
}

// receiptsAt reads those of some stored revisions that are received.
func (e *Engine) receiptsAt(r Reader, ps places) ([]record.Receipt, error) {
	var out []record.Receipt
	for _, p := range ps {
		if p.verdict.Waiting() {
			continue
		}
		seg, _, err := e.openStored(r, p.leaf)
		if err != nil {
			return nil, err
		}
		rev, err := seg.Revision(p.at)
		if err != nil && !unreadable(err) {
			return nil, err
		}
		rev.Dot = p.dot
		out = append(out, record.Receipt{Revision: rev, Admitted: p.verdict.Admitted()})
	}
	return out, nil
}
