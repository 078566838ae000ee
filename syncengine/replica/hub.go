// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Hub returns what this replica is to another one, whose certificate the caller
// has verified: a stand-in for the centre. It takes segments and hands them on,
// relays what the shard signed, and gives bases as it received them, in the
// caller's scope. It makes no acks and certifies nobody.
func (r *Replica) Hub(caller segment.Certificate) session.Centre { return &hub{r, caller} }

type hub struct {
	r      *Replica
	caller segment.Certificate
}

// Succeed returns ErrNotCentre.
func (h *hub) Succeed(context.Context, []byte) ([]byte, error) { return nil, ErrNotCentre }

// Hello compares what both sides have. Acks stand in several signed lists here;
// the reply has the one that answers most, and the caller asks again.
func (h *hub) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	if len(q.Offers) > session.MaxOffers || len(q.Certificates) > session.MaxCertificates {
		return session.HelloReply{}, fmt.Errorf("hello: %d offers, %d certificates: %w", len(q.Offers), len(q.Certificates), ErrPage)
	}
	var reply session.HelloReply
	err := h.r.update(ctx, func(tx Tx) (err error) {
		if err := h.enrolled(tx); err != nil {
			return err
		}
		if err := takeCertificates(tx, append(slices.Clone(q.Certificates), h.caller.Raw)); err != nil {
			return err
		}
		reply, err = h.hello(tx, q)
		return err
	})
	if err != nil {
		return session.HelloReply{}, fmt.Errorf("hub: hello: %w", err)
	}
	return reply, nil
}

// enrolled returns an error unless this hub and its caller belong to one shard.
func (h *hub) enrolled(tx Reader) error {
	me, err := h.r.readSelf(tx)
	if err != nil {
		return err
	}
	if !me.enrolled() {
		return ErrNotEnrolled
	}
	if me.cert.Shard != h.caller.Shard {
		return ErrOtherShard
	}
	return nil
}

func (h *hub) hello(tx Reader, q session.HelloRequest) (session.HelloReply, error) {
	var reply session.HelloReply
	var err error
	if reply.Epoch, err = readEpoch(tx); err != nil {
		return reply, err
	}
	var have []segment.Hash
	for _, o := range q.Offers {
		ok, err := h.has(tx, o.Hash, reply.Epoch)
		if err != nil {
			return reply, err
		}
		if ok {
			have = append(have, o.Hash)
		} else {
			reply.Wants = append(reply.Wants, o.Hash)
		}
	}
	if reply.Acks, err = bestAcks(tx, have, reply.Epoch); err != nil {
		return reply, err
	}
	if reply.Marks, err = readRawMarks(tx); err != nil {
		return reply, err
	}
	if reply.OwnHeads, err = ownHeads(tx, h.caller.Replica()); err != nil {
		return reply, err
	}
	if reply.Gaps, err = statedGaps(tx, h.caller.Replica()); err != nil {
		return reply, err
	}
	if reply.Certificates, err = centreCertificates(h.r, tx); err != nil {
		return reply, err
	}
	if reply.Revoked, err = revoked(h.r, tx, h.caller); err != nil {
		return reply, err
	}
	at, err := h.stand(tx)
	c, ok := decodeHubCursor(q.Cursor)
	reply.CursorHolds = ok && c.epoch == at.epoch && c.scope == at.scope
	return reply, err
}

// has reports whether a segment is here, or was and is at the centre.
func (h *hub) has(tx Reader, s segment.Hash, epoch ledger.Epoch) (bool, error) {
	if _, ok, err := tx.Head(Segments, s[:]); err != nil || ok {
		return ok, err
	}
	a, err := readAck(tx, s)
	return a.of(epoch), err
}

// bestAcks returns the signed acks of an epoch that name most of the segments.
func bestAcks(tx Reader, have []segment.Hash, epoch ledger.Epoch) ([]byte, error) {
	count := map[segment.Hash]int{}
	var best segment.Hash
	for _, s := range have {
		a, err := readAck(tx, s)
		if err != nil {
			return nil, err
		}
		if !a.of(epoch) || a.acks.IsZero() {
			continue
		}
		count[a.acks]++
		if n := count[a.acks]; n > count[best] || n == count[best] && slices.Compare(a.acks[:], best[:]) < 0 {
			best = a.acks
		}
	}
	if best.IsZero() {
		return nil, nil
	}
	a, _, err := load(tx, Acks, best[:], unpackSignedAcks)
	return a.raw, err
}

func centreCertificates(r *Replica, tx Reader) ([][]byte, error) {
	all, err := r.certificates(tx)
	var out [][]byte
	for _, c := range all {
		if c.Role == segment.RoleCentre {
			out = append(out, c.Raw)
		}
	}
	return out, err
}

// Push takes segments into what this hub carries, whatever their chain, and
// answers that they are held; they are not at the centre by that.
func (h *hub) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	if err := checkPush(q); err != nil {
		return session.PushReply{}, err
	}
	var reply session.PushReply
	err := h.r.update(ctx, func(tx Tx) (err error) {
		if err := h.enrolled(tx); err != nil {
			return err
		}
		if err := takeCertificates(tx, q.Certificates); err != nil {
			return err
		}
		reply, err = h.push(tx, q)
		return err
	})
	if err != nil {
		return session.PushReply{}, fmt.Errorf("hub: push: %w", err)
	}
	return reply, nil
}

func checkPush(q session.PushRequest) error {
	size := 0
	for _, s := range slices.Concat(q.Segments, q.Envelopes) {
		size += len(s)
	}
	if len(q.Segments)+len(q.Envelopes) > session.MaxPushSegments || size > session.MaxPushBytes ||
		len(q.Gaps) > session.MaxPushSegments || len(q.Certificates) > session.MaxCertificates {
		return fmt.Errorf("hub: push of %d segments, %d bytes: %w", len(q.Segments)+len(q.Envelopes), size, ErrPage)
	}
	return nil
}

func (h *hub) push(tx Tx, q session.PushRequest) (session.PushReply, error) {
	var reply session.PushReply
	for _, raw := range q.Gaps {
		o, err := h.r.takeGap(tx, raw)
		if err != nil {
			return reply, err
		}
		reply.Gaps = append(reply.Gaps, o)
	}
	var have []segment.Hash
	for _, wire := range append(slices.Clone(q.Segments), h.openEnvelopes(q.Envelopes)...) {
		res, err := h.take(tx, wire)
		if err != nil {
			return reply, err
		}
		reply.Results, have = append(reply.Results, res), append(have, res.Hash)
	}
	epoch, err := readEpoch(tx)
	if err != nil {
		return reply, err
	}
	reply.Acks, err = bestAcks(tx, have, epoch)
	return reply, err
}

// openEnvelopes returns the segments inside envelopes; nil for one that this hub
// cannot open.
func (h *hub) openEnvelopes(raws [][]byte) [][]byte {
	out := make([][]byte, len(raws))
	for i, raw := range raws {
		e, err := segment.DecodeEnvelope(raw)
		if err != nil || h.r.cfg.OpenEnvelopes == nil {
			continue
		}
		if seg, err := segment.OpenEnvelope(h.r.cfg.OpenEnvelopes, h.caller.Shard, e); err == nil {
			out[i] = seg.Bytes()
		}
	}
	return out
}

func (h *hub) take(tx Tx, wire []byte) (session.SegmentResult, error) {
	var res session.SegmentResult
	var err error
	if res.Hash, res.Outcome, res.Reason, err = h.r.takeSegment(tx, wire); err != nil || res.Outcome == session.OutcomeRefused {
		return res, err
	}
	res.Fork, err = hasTwin(tx, res.Hash)
	return res, err
}

// hasTwin reports whether a segment's replica has another history here: one with
// the same counters, or after the same predecessor.
func hasTwin(tx Reader, hash segment.Hash) (bool, error) {
	s, ok, err := readSegmentRow(tx, hash)
	if err != nil || !ok {
		return false, err
	}
	twin := false
	err = scan(tx, Chains, s.replica[:], func(row Row) error {
		other := hashOfChainKey(row.Key)
		o, ok, err := readSegmentRow(tx, other)
		if err != nil || !ok || other == hash || s.office {
			return err
		}
		overlaps := o.first <= s.last() && s.first <= o.last()
		twin = twin || overlaps || o.previous == s.previous && !s.previous.IsZero()
		return nil
	})
	return twin, err
}

// ownHeads returns the ends of a replica's histories among the segments held
// here: those that no other one follows.
func ownHeads(tx Reader, id causal.ReplicaID) ([]session.Head, error) {
	followed := map[segment.Hash]bool{}
	var all []session.Head
	err := scan(tx, Chains, id[:], func(row Row) error {
		h := hashOfChainKey(row.Key)
		s, ok, err := readSegmentRow(tx, h)
		if err != nil || !ok {
			return err
		}
		followed[s.previous] = true
		all = append(all, session.Head{Last: s.last(), Hash: h})
		return nil
	})
	var out []session.Head
	for _, h := range all {
		if !followed[h.Hash] {
			out = append(out, h)
		}
	}
	return out, err
}
