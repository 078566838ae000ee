// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
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

// hubCursor says how far a caller has pulled from a hub. Positions are the
// centre's, so a hub that was set back, or another one of the same scope, cannot
// make a caller miss anything.
//
//	cursor = version 1 | epoch | position (uvarint) | arrivals (uvarint) | hash8 of the last arrival | scope (32)
type hubCursor struct {
	epoch    ledger.Epoch
	position session.Position
	arrivals uint64
	arrival  causal.Hash8
	scope    [32]byte // what the hub had pulled, and the caller's
}

func (c hubCursor) encode() []byte {
	p := packer{1}
	p.epoch(c.epoch)
	p.num(uint64(c.position))
	p.num(c.arrivals)
	p.raw(c.arrival[:])
	p.raw(c.scope[:])
	return p
}

func decodeHubCursor(raw []byte) (hubCursor, bool) {
	u := unpacker{rest: raw}
	version := u.take(1)
	c := hubCursor{epoch: u.epoch(), position: session.Position(u.num()), arrivals: u.num(), arrival: u.hash8(), scope: u.hash()}
	return c, u.done("cursor") == nil && version[0] == 1
}

// stand returns the cursor of a caller that has everything: up to the position to
// which this hub itself has pulled without holes.
func (h *hub) stand(tx Reader) (hubCursor, error) {
	epoch, err := readEpoch(tx)
	if err != nil {
		return hubCursor{}, err
	}
	passed, err := readPassed(tx)
	if err != nil {
		return hubCursor{}, err
	}
	c := hubCursor{epoch: epoch}
	if passed.epoch == epoch {
		c.position = passed.position
	}
	digest := scopeDigest(h.caller)
	c.scope = add(passed.scope, digest)
	return c, nil
}

// Pull gives bases of this hub's epoch, in order of the centre's positions, and
// the centre's segments. A base outside the caller's scope goes as a departure,
// without its content. What departed from the hub is not passed on.
func (h *hub) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	p, err := h.beginPull(ctx, q)
	if err != nil {
		return fmt.Errorf("hub: pull: %w", err)
	}
	for {
		out, err := p.page(ctx)
		if err != nil {
			return fmt.Errorf("hub: pull: %w", err)
		}
		if err := page(out); err != nil {
			return err
		}
		if out.Last != nil {
			return nil
		}
	}
}

// hubPull is one pull under way.
type hubPull struct {
	h      *hub
	stand  hubCursor // where it ends
	cursor hubCursor
	limit  int
	todo   []numbered
}

type numbered struct {
	position session.Position
	id       record.ID
}

func (h *hub) beginPull(ctx context.Context, q session.PullRequest) (*hubPull, error) {
	p := &hubPull{h: h, limit: q.PageRecords}
	if p.limit <= 0 || p.limit > session.MaxPageRecords {
		p.limit = session.MaxPageRecords
	}
	err := h.r.view(ctx, func(tx Reader) error {
		if err := h.enrolled(tx); err != nil {
			return err
		}
		if out, err := revoked(h.r, tx, h.caller); err != nil || out {
			return fmt.Errorf("revoked: %w", cmp.Or(err, ErrNotEnrolled))
		}
		var err error
		if p.stand, err = h.stand(tx); err != nil {
			return err
		}
		p.cursor = hubCursor{epoch: p.stand.epoch, scope: p.stand.scope}
		if c, ok := decodeHubCursor(q.Cursor); ok && c.epoch == p.stand.epoch && c.scope == p.stand.scope {
			p.cursor.position = c.position
			if err := p.resumeArrivals(tx, c); err != nil {
				return err
			}
		}
		p.todo, err = basesAfter(tx, p.stand.epoch, p.cursor.position)
		return err
	})
	return p, err
}

// resumeArrivals goes on where the caller was, if this hub's list still says what
// it said then.
func (p *hubPull) resumeArrivals(tx Reader, c hubCursor) error {
	hash, ok, err := tx.Head(Arrivals, binary.BigEndian.AppendUint64(nil, c.arrivals))
	if err == nil && ok && string(hash[:8]) == string(c.arrival[:]) {
		p.cursor.arrivals, p.cursor.arrival = c.arrivals, c.arrival
	}
	return err
}

// basesAfter lists live bases of an epoch above a position, ascending.
func basesAfter(tx Reader, epoch ledger.Epoch, after session.Position) ([]numbered, error) {
	var out []numbered
	err := scan(tx, Bases, nil, func(row Row) error {
		b, err := unpackBase(row.Head)
		if err == nil && b.status == baseLive && b.epoch == epoch && b.position > after {
			out = append(out, numbered{b.position, idOfKey(row.Key)})
		}
		return err
	})
	slices.SortFunc(out, func(a, b numbered) int { return cmp.Compare(a.position, b.position) })
	return out, err
}

// page makes the next page: the centre's segments first, then records.
func (p *hubPull) page(ctx context.Context) (session.Page, error) {
	out := session.Page{Epoch: p.stand.epoch}
	err := p.h.r.view(ctx, func(tx Reader) error {
		full, err := p.segments(tx, &out)
		if err != nil {
			return err
		}
		if !full {
			if full, err = p.records(tx, &out); err != nil {
				return err
			}
		}
		if !full {
			p.cursor.position = p.stand.position
			out.Last, err = p.summary(tx)
		}
		out.Cursor = p.cursor.encode()
		return err
	})
	return out, err
}

func (p *hubPull) segments(tx Reader, out *session.Page) (full bool, err error) {
	size := 0
	for {
		after := binary.BigEndian.AppendUint64(nil, p.cursor.arrivals)
		rows, err := tx.Scan(Arrivals, nil, after, 16)
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			seg, ok, err := segmentOf(tx, segment.Hash(row.Head))
			if err != nil {
				return false, err
			}
			if ok && p.h.mayHave(seg) {
				out.Segments = append(out.Segments, seg.Bytes())
				size += len(seg.Bytes())
			}
			p.cursor.arrivals, p.cursor.arrival = binary.BigEndian.Uint64(row.Key), causal.Hash8(row.Head[:8])
			if size >= session.MaxPageBytes {
				return true, nil
			}
		}
		if len(rows) < 16 {
			return false, nil
		}
	}
}

// mayHave reports whether one of the centre's segments is for the caller.
func (h *hub) mayHave(seg *segment.Segment) bool {
	class, division, ok := shownClass(seg, h.r.cfg.Schema)
	if !ok {
		return false
	}
	return class == record.ClassEveryone || inScope(h.caller, class, []record.Division{division})
}

func (p *hubPull) records(tx Reader, out *session.Page) (full bool, err error) {
	size := 0
	for len(p.todo) > 0 {
		if len(out.Bases)+len(out.Departures) >= p.limit || size >= session.MaxPageBytes {
			return true, nil
		}
		next := p.todo[0]
		p.todo = p.todo[1:]
		b, ok, err := liveBaseOf(tx, next.id, p.stand.epoch)
		if err != nil {
			return false, err
		}
		p.cursor.position = min(next.position, p.stand.position)
		switch {
		case !ok || !p.h.caller.AllowsClass(b.Class):
		case inScope(p.h.caller, b.Class, b.Divisions):
			out.Bases = append(out.Bases, b)
			size += len(b.State)
		default:
			out.Departures = append(out.Departures, session.Departure{ID: b.ID, Position: b.Position})
		}
	}
	return false, nil
}

// liveBaseOf returns a base as it was received, and whether it is live in an epoch.
func liveBaseOf(tx Reader, id record.ID, epoch ledger.Epoch) (session.Base, bool, error) {
	row, ok, err := tx.Get(Bases, recordKey(id))
	if err != nil || !ok {
		return session.Base{}, false, err
	}
	b, err := unpackBase(row.Head)
	if err != nil || b.status != baseLive || b.epoch != epoch {
		return session.Base{}, false, err
	}
	return session.Base{ID: id, Class: b.class, Position: b.position, Divisions: b.divisions, State: row.Body}, true, nil
}

func (p *hubPull) summary(tx Reader) (*session.Summary, error) {
	s := &session.Summary{Position: p.stand.position}
	var err error
	if s.Checkpoint, _, err = value(tx, valueCheckpoint); err != nil {
		return nil, err
	}
	s.Marks, err = readRawMarks(tx)
	return s, err
}
