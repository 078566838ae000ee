// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"fmt"
	"hash/maphash"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// replayPart is about how many records one pass of a replay keeps in memory.
const replayPart = 50_000

// replayed is one record on its way through the ledger.
type replayed struct {
	state   record.State
	stored  map[causal.Dot]replayedRevision
	ordered []causal.Dot
}

type replayedRevision struct {
	leaf    ledger.Index
	at      int
	verdict ledger.Verdict
}

// replay rebuilds states from the ledger alone: leaves in their order, verdicts
// as they stand in them, nothing judged again; then compares (I11). Large shards
// are done in several passes, so that memory stays bounded.
func (v *verifier) replay() error {
	passes := uint64(v.report.Records/replayPart) + 1
	v.total = int64(v.head.size) * (1 + int64(passes))
	seed := maphash.MakeSeed()
	part := func(id record.ID) uint64 { return maphash.Bytes(seed, id[:]) % passes }
	for pass := range passes {
		records := map[record.ID]*replayed{}
		mine := func(id record.ID) *replayed {
			if part(id) != pass {
				return nil
			}
			if records[id] == nil {
				records[id] = &replayed{stored: map[causal.Dot]replayedRevision{}}
			}
			return records[id]
		}
		for i := range ledger.Index(v.head.size) {
			if err := v.replayLeaf(i, mine); err != nil {
				return err
			}
			if err := v.step(); err != nil {
				return err
			}
		}
		if err := v.compare(records); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) replayLeaf(i ledger.Index, mine func(record.ID) *replayed) error {
	raw, _, err := v.r.Leaf(i)
	if err != nil {
		return v.ctx.Err() // told of by the walk before
	}
	l, err := ledger.DecodeLeaf(raw)
	if err != nil {
		return nil //nolint:nilerr // told of by the walk before
	}
	if l.Gap == nil {
		seg, _, err := v.e.openStored(v.r, i)
		if err != nil || seg.Len() != len(l.Verdicts) {
			return nil //nolint:nilerr // told of by the walk before
		}
		for k, verdict := range l.Verdicts {
			if rec := mine(seg.RecordID(k)); rec != nil {
				if err := v.replayOne(rec, seg.Dot(k), replayedRevision{i, k, verdict}); err != nil {
					return err
				}
			}
		}
	}
	for _, c := range l.Changed {
		if rec := mine(c.Record); rec != nil {
			if err := v.replayChange(rec, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) replayOne(rec *replayed, d causal.Dot, r replayedRevision) error {
	if _, ok := rec.stored[d]; ok {
		return nil
	}
	rec.stored[d] = r
	rec.ordered = append(rec.ordered, d)
	if r.verdict.Waiting() {
		return nil
	}
	rev, err := v.read(d, r)
	if err != nil {
		return err
	}
	rec.state = rec.state.Apply(rev, r.verdict.Admitted())
	return nil
}

func (v *verifier) read(d causal.Dot, r replayedRevision) (record.Revision, error) {
	seg, _, err := v.e.openStored(v.r, r.leaf)
	if err != nil {
		return record.Revision{}, err
	}
	rev, err := seg.Revision(r.at)
	if unreadable(err) {
		err = nil
	}
	rev.Dot = d
	return rev, err
}

func (v *verifier) replayChange(rec *replayed, c ledger.Changed) error {
	r, ok := rec.stored[c.Dot]
	if !ok {
		v.broken("I11", "a verdict changed for %s, which is not stored", c.Dot)
		return nil
	}
	was := r.verdict
	r.verdict = c.Verdict
	rec.stored[c.Dot] = r
	rev, err := v.read(c.Dot, r)
	if err != nil {
		return err
	}
	switch {
	case c.Verdict.Waiting():
		v.broken("I11", "%s was received and then waits", c.Dot)
	case was.Waiting():
		rec.state = rec.state.Apply(rev, c.Verdict.Admitted())
	case was.Admitted() && !c.Verdict.Admitted():
		return v.redefine(rec)
	case c.Verdict.Admitted():
		rec.state = rec.state.Release(rev)
	}
	return nil
}

func (v *verifier) redefine(rec *replayed) error {
	var receipts []record.Receipt
	for _, d := range rec.ordered {
		r := rec.stored[d]
		if r.verdict.Waiting() {
			continue
		}
		rev, err := v.read(d, r)
		if err != nil {
			return err
		}
		receipts = append(receipts, record.Receipt{Revision: rev, Admitted: r.verdict.Admitted()})
	}
	rec.state = record.Define(receipts)
	return nil
}

func (v *verifier) compare(records map[record.ID]*replayed) error {
	for id, rec := range records {
		row, ok, err := v.r.Record(id)
		if err != nil {
			if err := v.unread("I11", fmt.Sprintf("record %s", id), err); err != nil {
				return err
			}
			continue
		}
		if !ok || !bytes.Equal(rec.state.Append(nil), row.State) {
			v.broken("I11", "record %s: replay gives another state", id)
		}
	}
	return nil
}
