// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// incoming is one pushed segment after the checks that need no transaction.
type incoming struct {
	seg    *segment.Segment
	cert   segment.Certificate
	reason Reason // with refused
	refuse bool
}

// examine opens a segment and checks its signature. What is refused here takes no
// dot: there is no valid signature, or nothing readable under it.
func (e *Engine) examine(wire []byte, cert func(segment.Hash) (segment.Certificate, bool, error)) (incoming, error) {
	seg, err := segment.Open(wire)
	if err != nil {
		return incoming{refuse: true, reason: ReasonUnreadable}, nil
	}
	in := incoming{seg: seg, refuse: true}
	h := seg.Header()
	if h.Shard != e.shard {
		in.reason = ReasonWrongShard
		return in, nil
	}
	c, ok, err := cert(h.Certificate)
	if err != nil {
		return in, err
	}
	if !ok {
		in.reason = ReasonCertificate
		return in, nil
	}
	if err := seg.Verify(c.PublicKey); err != nil {
		in.reason = ReasonSignature
		return in, nil
	}
	in.cert, in.refuse = c, false
	return in, nil
}

// accept stores an examined segment and works its revisions into their records.
func (b *batch) accept(in incoming) (session.SegmentResult, error) {
	if in.refuse {
		r := session.SegmentResult{Outcome: session.OutcomeRefused, Reason: in.reason.String()}
		if in.seg != nil {
			r.Hash = in.seg.Hash()
		}
		return r, nil
	}
	res := session.SegmentResult{Hash: in.seg.Hash()}
	if head, ok, err := b.segment(res.Hash); err != nil || ok {
		return b.already(res, head, in.seg), err
	}
	stripped, err := b.stripped(in.seg)
	if err != nil {
		return res, err
	}
	if stripped {
		res.Outcome, res.Reason = session.OutcomeRefused, ReasonUnreadable.String()
		return res, nil
	}
	follows, err := b.follows(in)
	if err != nil {
		return res, err
	}
	if follows.outcome != session.OutcomeStored {
		res.Outcome, res.Expects, res.Reason = follows.outcome, follows.expects, follows.reason
		return res, nil
	}
	if err := b.store(in, &res); err != nil {
		return res, fmt.Errorf("segment %s: %w", res.Hash, err)
	}
	return res, nil
}

// stripped reports whether somebody took bodies out of a segment without an order
// that is known here. Doing so needs no key, and the hashes still fit; accepting
// it would lose what the author saved.
func (b *batch) stripped(seg *segment.Segment) (bool, error) {
	if !seg.AnyErased() {
		return false, nil
	}
	for i := range seg.Len() {
		if !seg.Erased(i) {
			continue
		}
		acts, err := b.lookup(ActErasure, seg.Dot(i).Append(nil))
		if err != nil || len(acts) == 0 {
			return err == nil, err
		}
	}
	return false, nil
}

// already answers for a segment that is stored.
func (b *batch) already(res session.SegmentResult, head SegmentHead, seg *segment.Segment) session.SegmentResult {
	res.Outcome, res.Index, res.Position = session.OutcomeAlready, head.Index, head.Position
	res.Verdicts, _ = b.verdicts(seg)
	return res
}

// verdicts returns the present verdict of each revision of a stored segment.
func (b *batch) verdicts(seg *segment.Segment) ([]ledger.Verdict, error) {
	out := make([]ledger.Verdict, seg.Len())
	for i := range out {
		w, err := b.record(seg.RecordID(i))
		if err != nil {
			return nil, err
		}
		if at, ok := w.places.find(seg.Dot(i)); ok {
			out[i] = w.places[at].verdict
		}
	}
	return out, nil
}

func (b *batch) store(in incoming, res *session.SegmentResult) error {
	head := b.headOf(in)
	fork, err := b.noteFork(head, in.seg)
	if err != nil {
		return err
	}
	seg, err := b.erased(in.seg)
	if err != nil {
		return err
	}
	b.certs[head.Certificate] = in.cert
	b.pending = append(b.pending, pendingSegment{head, seg})
	b.lengthen(head)
	for i := range seg.Len() {
		if err := b.take(seg, i, source{head, in.cert}); err != nil {
			return fmt.Errorf("revision %s: %w", seg.Dot(i), err)
		}
	}
	if err := b.reviewBefore(head); err != nil {
		return err
	}
	verdicts, err := b.verdicts(seg)
	if err != nil {
		return err
	}
	res.Outcome, res.Index, res.Fork, res.Verdicts = session.OutcomeStored, head.Index, fork, verdicts
	return b.appendLeaf(ledger.Leaf{Segment: head.Hash, Verdicts: verdicts})
}

// headOf returns what is kept of a segment that becomes the next leaf.
func (b *batch) headOf(in incoming) SegmentHead {
	h := in.seg.Header()
	head := SegmentHead{
		Index: b.leaf, Hash: in.seg.Hash(), Replica: h.Replica, First: h.First, Last: in.seg.Last(),
		Previous: h.Previous, Certificate: h.Certificate,
	}
	if in.cert.Role == segment.RoleCentre {
		head.Office = true
		head.Class, head.Division = b.officeAddress(in.seg)
	}
	return head
}

// source is where a revision came from: the segment and the certificate by which
// it is judged.
type source struct {
	head SegmentHead
	cert segment.Certificate
}

// take stores one revision of a new segment in its record: received with a
// verdict, or waiting for its prev.
func (b *batch) take(seg *segment.Segment, i int, src source) error {
	w, err := b.recordOf(seg, i)
	if err != nil {
		return err
	}
	p := place{dot: seg.Dot(i), leaf: b.leaf, at: i, verdict: ledger.Waiting}
	if _, ok := w.places.find(p.dot); ok { // a clone sealed the same save again
		return b.retake(w, p.dot)
	}
	if !b.e.rules.late && b.statedGone(p.dot) {
		return nil
	}
	w.stale = true
	w.places = w.places.with(p)
	w.arrived(p.dot)
	if !b.met(w, src.head.Replica, seg.Prev(i)) {
		return nil
	}
	return b.receive(w, p.dot)
}

// retake judges the revision named d again, which came in another segment too, and
// if that changed it, those that lean on it.
func (b *batch) retake(w *work, d causal.Dot) error {
	w.memo = nil
	return b.reviewAll(w, func(p place) bool { return p.dot == d })
}

// statedGone reports whether a save lies in a stated gap.
func (b *batch) statedGone(d causal.Dot) bool {
	gaps, err := b.gaps(d.Replica)
	return err == nil && gaps.Has(d.Replica, d.Counter)
}

// met reports whether a revision's prev was received, or lies in a stated gap of
// its replica.
func (b *batch) met(w *work, replica causal.ReplicaID, prev record.Prev) bool {
	if prev.Counter == 0 {
		return true
	}
	d := causal.Dot{Replica: replica, Counter: prev.Counter, Hash: prev.Hash}
	if b.e.rules.received(w.state, d) {
		return true
	}
	return b.statedGone(d)
}

// receive gives a stored revision its verdict and applies it, then looks again at
// what this may have freed.
func (b *batch) receive(w *work, d causal.Dot) error {
	i, _ := w.places.find(d)
	rev, j, err := b.weigh(w, w.places[i], b.buf)
	if err != nil {
		return err
	}
	v := j.verdict
	if rev.Changes != nil {
		b.buf = rev.Changes // no revision of this batch is received inside another
	}
	w.state = w.state.ApplyIn(&b.e.room, rev, v.Admitted())
	b.setVerdict(w, i, v)
	if err := b.settle(w); err != nil {
		return err
	}
	if v.Admitted() {
		return b.obeyIfAct(rev)
	}
	return nil
}

// settle receives what waited in a record and judges again what its newest revision
// may have freed, until nothing changes. Verdicts are a function of what is stored,
// so the order in which this happens does not matter.
func (b *batch) settle(w *work) error {
	if len(w.places) < 2 && !waits(w) {
		return nil
	}
	return b.reviewAll(w, b.opened)
}

// reassess is settle where an admitted revision may have to be held again: after
// the office ruled on the record or cut a replica off.
func (b *batch) reassess(w *work) error {
	w.memo = nil
	return b.reviewAll(w, func(place) bool { return true })
}

func waits(w *work) bool {
	return slices.ContainsFunc(w.places, func(p place) bool { return p.verdict.Waiting() })
}

// heldNow reports whether a revision is held or waits.
func (b *batch) heldNow(p place) bool { return !p.verdict.Admitted() }

// opened reports whether one more revision of its record can change what became of
// this one: it waits, what bears its scope has not come, or it stands in several
// segments; or a kind has become known meanwhile.
func (b *batch) opened(p place) bool {
	switch p.verdict {
	case ledger.Waiting, ledger.HeldScopeUnknown, ledger.HeldUnknownKind, ledger.HeldBoundary:
		return true
	}
	return !p.verdict.Admitted() && b.forked(p.dot.Replica)
}

// reviewAll judges those revisions again that may have changed, and after a change
// all that are held, until nothing changes. Meanwhile no verdict is believed.
func (b *batch) reviewAll(w *work, may func(place) bool) error {
	if !b.e.rules.settles {
		return nil
	}
	was := w.doubted
	w.doubted = true
	defer func() { w.doubted = was }()
	for again := true; again; {
		again = false
		for i := 0; i < len(w.places); i++ {
			if !may(w.places[i]) {
				continue
			}
			changed, err := b.review(w, i)
			if err != nil {
				return err
			}
			again = again || changed
		}
		if err := b.redefine(w); err != nil {
			return err
		}
		if again {
			w.memo, may = nil, wider(may, b.heldNow)
		}
	}
	return nil
}

func wider(f, g func(place) bool) func(place) bool {
	return func(p place) bool { return f(p) || g(p) }
}

// review looks at one revision again and reports whether its verdict changed. Where
// it is held now and was not, the state is undone until redefine.
func (b *batch) review(w *work, i int) (bool, error) {
	p := w.places[i]
	if p.verdict.Waiting() {
		return b.reviewWaiting(w, i)
	}
	j, err := b.outcome(w, p)
	if err != nil || j.verdict == p.verdict {
		return false, err
	}
	b.setVerdict(w, i, j.verdict)
	w.undone = w.undone || p.verdict.Admitted()
	if !j.verdict.Admitted() {
		return true, nil
	}
	rev, err := b.revision(p)
	if err != nil {
		return false, err
	}
	w.state = w.state.Release(rev)
	return true, b.obeyIfAct(rev)
}

func (b *batch) reviewWaiting(w *work, i int) (bool, error) {
	p := w.places[i]
	seg, head, err := b.segmentAt(p.leaf)
	if err != nil || !b.met(w, head.Replica, seg.Prev(p.at)) {
		return false, err
	}
	j, err := b.outcome(w, p)
	if err != nil {
		return false, err
	}
	rev, err := b.revision(p)
	if err != nil && !unreadable(err) {
		return false, err
	}
	w.state = w.state.ApplyIn(&b.e.room, rev, j.verdict.Admitted())
	b.setVerdict(w, i, j.verdict)
	if j.verdict.Admitted() {
		return true, b.obeyIfAct(rev)
	}
	return true, nil
}

// redefine makes the state of a record anew if a revision of it was undone.
func (b *batch) redefine(w *work) error {
	if !w.undone {
		return nil
	}
	w.undone = false
	return b.recompute(w)
}

// recompute makes a record's state anew from its received revisions: what a
// withdrawal needs.
func (b *batch) recompute(w *work) error {
	receipts, err := b.receipts(w.places)
	if err != nil {
		return err
	}
	w.state, w.stale = record.Define(receipts), true
	return nil
}

func (b *batch) receipts(ps places) ([]record.Receipt, error) {
	var out []record.Receipt
	for _, p := range ps {
		if p.verdict.Waiting() {
			continue
		}
		rev, err := b.revision(p)
		if err != nil && !unreadable(err) {
			return nil, err
		}
		out = append(out, record.Receipt{Revision: rev, Admitted: p.verdict.Admitted()})
	}
	return out, nil
}

// segment returns the head of a segment of the store or of this batch.
func (b *batch) segment(h segment.Hash) (SegmentHead, bool, error) {
	for _, p := range b.pending {
		if p.head.Hash == h {
			return p.head, true, nil
		}
	}
	return b.tx.Segment(h)
}

// certificate returns a certificate that was presented or issued here.
func (b *batch) certificate(h segment.Hash) (segment.Certificate, bool, error) {
	if c, ok := b.certs[h]; ok {
		return c, true, nil
	}
	if c, ok := b.e.certs.find(h); ok {
		return c, true, nil
	}
	c, ok, err := b.e.certificate(b.tx, h)
	if ok {
		b.certs[h] = c
	}
	return c, ok, err
}

func (e *Engine) certificate(r ActReader, h segment.Hash) (segment.Certificate, bool, error) {
	acts, err := r.Acts(ActCertificate, h[:])
	if err != nil || len(acts) == 0 {
		return segment.Certificate{}, false, err
	}
	c, err := e.readCertificate(acts[0].Body)
	if err != nil {
		return c, false, fmt.Errorf("certificate %s: %w", h, err)
	}
	return c, true, nil
}

// present keeps certificates that a caller sent along. The shard's signature is
// all they need; one that is not the shard's is passed over.
func (b *batch) present(raws [][]byte) error {
	for _, raw := range raws {
		c, err := b.e.readCertificate(raw)
		if err != nil {
			continue
		}
		if err := b.putCertificate(c, causal.Dot{}); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) putCertificate(c segment.Certificate, by causal.Dot) error {
	if _, ok, err := b.certificate(c.Hash); err != nil || ok {
		return err
	}
	b.certs[c.Hash] = c
	b.changed = true
	if err := b.tx.PutAct(Act{Family: ActCertificate, Key: c.Hash[:], Dot: by, Body: c.Raw}); err != nil {
		return err
	}
	return b.noteSuccession(c, by)
}

var errStopped = errors.New("this file is older than what a caller has seen; run: xunzhen restore")
