// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// checkOtherOrder hands everything stored to a fresh centre with the same shard
// key, in another order, and wants the same verdicts and states: what they are a
// function of are the stored segments and acts, not their arrival (I3).
//
// Two things legitimately differ and are evened out: a build that learnt a kind
// late released what it had held with an act, which here finds nothing to do; and
// the fresh centre has acts of its own about its own key, which concern no record.
func (w *World) checkOtherOrder(h holdings, l *law) {
	e, err := syncengine.Create(w.ctx, syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(w.centre.key), Clock: func() time.Time { return w.now },
		Rand: w, Schema: w.schema,
	})
	w.must(err, "a second centre")
	if w.opt.Engine != nil {
		w.opt.Engine(e)
	}
	todo := slices.Clone(h.segments)
	w.rnd.Shuffle(len(todo), func(i, k int) { todo[i], todo[k] = todo[k], todo[i] })
	gaps := w.gapStatements()
	w.rnd.Shuffle(len(gaps), func(i, k int) { gaps[i], gaps[k] = gaps[k], gaps[i] })
	for len(todo)+len(gaps) > 0 {
		before := len(todo) + len(gaps)
		n := min(len(gaps), w.rnd.IntN(2))
		w.pushAgain(e, h, gaps[:n], nil)
		gaps = gaps[n:]
		k := min(len(todo), 1+w.rnd.IntN(6))
		todo = append(w.pushAgain(e, h, nil, todo[:k]), todo[k:]...)
		w.rnd.Shuffle(len(todo), func(i, k int) { todo[i], todo[k] = todo[k], todo[i] })
		if len(todo) > 0 && len(todo)+len(gaps) == before && !w.fits(e, h, todo, gaps) {
			w.fail("I3", "%d segments are not taken by a second centre", len(todo))
		}
	}
	w.compare("I3", e, l)
}

// pushAgain returns those segments that are not taken yet.
func (w *World) pushAgain(e *syncengine.Engine, h holdings, gaps [][]byte, segs []*segment.Segment) []*segment.Segment {
	q := session.PushRequest{Gaps: gaps}
	for _, s := range segs {
		q.Segments = append(q.Segments, s.Bytes())
	}
	for _, c := range h.certs[:min(len(h.certs), session.MaxCertificates)] {
		q.Certificates = append(q.Certificates, c.Raw)
	}
	reply, err := e.Push(w.ctx, q)
	w.must(err, "push to a second centre")
	var again []*segment.Segment
	for i, r := range reply.Results {
		if r.Outcome == session.OutcomeGap || r.Outcome == session.OutcomeRefused {
			again = append(again, segs[i])
		}
	}
	return again
}

// fits tries every segment alone and reports whether one more was taken.
func (w *World) fits(e *syncengine.Engine, h holdings, todo []*segment.Segment, gaps [][]byte) bool {
	size := e.Size()
	w.pushAgain(e, h, gaps, nil)
	for _, s := range todo {
		w.pushAgain(e, h, nil, []*segment.Segment{s})
	}
	return e.Size() > size
}

// gapStatements returns the statements in the centre's ledger.
func (w *World) gapStatements() [][]byte {
	var out [][]byte
	for _, l := range w.oracle.leaves() {
		if l.Gap != nil {
			out = append(out, l.Gap)
		}
	}
	return out
}
