// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// unblock returns what to send so that blocked segments can be taken: those before
// them that are here after all, or statements that they are gone. Nothing comes
// back where nothing more can be done, and for a hub.
func (s *syncRun) unblock(ctx context.Context, blocked []blockedSegment) ([]segment.Hash, error) {
	if !s.atCentre() {
		return nil, nil
	}
	again, holes, err := s.explain(ctx, blocked)
	if err != nil {
		return nil, err
	}
	if err := s.stateHoles(ctx, holes); err != nil || len(again) == 0 {
		return nil, err
	}
	return unique(again), s.pushStatedGaps(ctx)
}

// explain finds what stands before blocked segments: segments that are here after
// all, and runs of own counters that are gone. Each segment is explained once in a
// sync.
func (s *syncRun) explain(ctx context.Context, blocked []blockedSegment) (again []segment.Hash, holes []causal.Range, err error) {
	err = s.r.view(ctx, func(tx Reader) error {
		again, holes = nil, nil
		chains, err := s.chainsOf(tx, blocked)
		for _, c := range chains {
			if err == nil {
				err = c.look(s, tx)
			}
			again, holes = append(again, c.again...), append(holes, c.holes...)
		}
		return err
	})
	for _, b := range blocked {
		s.stated[b.hash] = true
	}
	return again, holes, err
}

// unique returns hashes without repetitions, each where it stands first.
func unique(hashes []segment.Hash) []segment.Hash {
	seen := make(map[segment.Hash]bool, len(hashes))
	var out []segment.Hash
	for _, h := range hashes {
		if !seen[h] {
			seen[h] = true
			out = append(out, h)
		}
	}
	return out
}

// blockedChain is one history of a replica with segments that the centre does not
// take, of which nothing was said before in this sync.
type blockedChain struct {
	replica causal.ReplicaID
	made    bool
	expects map[segment.Hash]uint64 // of the blocked segments
	again   []segment.Hash
	holes   []causal.Range
}

// chainsOf groups blocked segments by history, in their order.
func (s *syncRun) chainsOf(tx Reader, blocked []blockedSegment) ([]*blockedChain, error) {
	var out []*blockedChain
	for _, b := range blocked {
		row, ok, err := readSegmentRow(tx, b.hash)
		if err != nil {
			return nil, err
		}
		if !ok || s.stated[b.hash] {
			continue // what could be said about it was said
		}
		i := slices.IndexFunc(out, func(c *blockedChain) bool { return c.replica == row.replica && c.made == row.made })
		if i < 0 {
			i = len(out)
			out = append(out, &blockedChain{replica: row.replica, made: row.made, expects: map[segment.Hash]uint64{}})
		}
		out[i].expects[b.hash] = b.expects
	}
	return out, nil
}

// link is a segment of a chain beside what the blocked ones behind it say.
type link struct {
	hashedRow
	blocked bool
	asked   uint64 // the counter that the centre expects before it; blocked ones only
	expects uint64 // the least asked of those behind it; the greatest number: none is
	good    bool   // here, readable, and not refused for what it is
}

// look finds which segments of the chain are to be sent, ascending, and, for an
// own key, which counters are gone: not good here and, as the centre has just
// shown, not there.
func (c *blockedChain) look(s *syncRun, tx Reader) error {
	links, err := c.links(tx)
	if err != nil {
		return err
	}
	if err := s.judge(tx, links); err != nil {
		return err
	}
	for _, l := range links {
		if l.blocked || l.good && l.row.last() >= l.expects {
			c.again = append(c.again, l.hash)
		}
	}
	if own, err := isOwn(tx, c.replica); err != nil || !own || !c.made {
		return err
	}
	c.holes = holesIn(links)
	return nil
}

// links reads the chain once, ascending by first counter, heads only.
func (c *blockedChain) links(tx Reader) ([]link, error) {
	var out []link
	err := scan(tx, Chains, c.replica[:], func(r Row) error {
		h := hashOfChainKey(r.Key)
		row, ok, err := readSegmentRow(tx, h)
		if err == nil && ok && row.made == c.made {
			asked, blocked := c.expects[h]
			out = append(out, link{hashedRow: hashedRow{h, row}, blocked: blocked, asked: asked})
		}
		return err
	})
	least := uint64(math.MaxUint64)
	for end := len(out); end > 0; { // those with one first counter are beside each other
		from := end - 1
		for from > 0 && out[from-1].row.first == out[end-1].row.first {
			from--
		}
		for i := from; i < end; i++ {
			out[i].expects = least
		}
		for _, l := range out[from:end] {
			if l.blocked {
				least = min(least, l.asked)
			}
		}
		end = from
	}
	return out, err
}

// judge finds which links are good. It opens only those that would be sent and those
// directly before a blocked one, which another history may have hidden from the
// centre's count: a blocked one was good when it was sent, and what the centre does
// not ask for is no hole.
func (s *syncRun) judge(tx Reader, links []link) error {
	near := false // a blocked link follows, with none but bad ones between
	for i := len(links) - 1; i >= 0; i-- {
		l := &links[i]
		l.good = true
		if !l.blocked && (near || l.row.last() >= l.expects) {
			var err error
			if l.good, err = s.usable(tx, l.hash); err != nil {
				return err
			}
		}
		near = l.blocked || near && !l.good
	}
	return nil
}

// usable reports whether a segment can be read and was not refused for what it is.
func (s *syncRun) usable(tx Reader, h segment.Hash) (bool, error) {
	if reason := s.refused[h]; reason == reasonUnreadable || reason == reasonSignature {
		return false, nil
	}
	_, good, err := segmentOf(tx, h)
	return good, err
}

// holesIn returns the runs of counters that are in no good link and reach the
// counter the centre expects, or a blocked link itself.
func holesIn(links []link) []causal.Range {
	var out []causal.Range
	next := uint64(1)
	for i, l := range links {
		if !l.good {
			continue
		}
		if hole, ok := holeBefore(links[i:], next); ok {
			out = append(out, hole)
		}
		next = max(next, l.row.last()+1)
	}
	return out
}

// holeBefore returns what of the counters between from and the first link is to be
// stated, and whether anything is.
func holeBefore(links []link, from uint64) (causal.Range, bool) {
	l := links[0]
	hole := causal.Range{Replica: l.row.replica, From: from, To: l.row.first - 1}
	if hole.From > hole.To {
		return hole, false
	}
	expects, adjoins := l.expects, false
	for _, o := range links {
		if o.row.first != l.row.first {
			break
		}
		if o.blocked {
			adjoins, expects = true, min(expects, o.asked)
		}
	}
	if !adjoins && hole.To < expects {
		return hole, false
	}
	if expects <= hole.To {
		hole.From = max(hole.From, expects)
	}
	return hole, true
}

type hashedRow struct {
	hash segment.Hash
	row  segmentRow
}

// stateHoles signs and keeps statements that own counters are gone.
func (s *syncRun) stateHoles(ctx context.Context, holes []causal.Range) error {
	if len(holes) == 0 {
		return nil
	}
	return s.r.update(ctx, func(tx Tx) error {
		for _, g := range holes {
			if err := s.stateHole(tx, g); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *syncRun) stateHole(tx Tx, g causal.Range) error {
	if _, ok, err := tx.Head(Gaps, gapKey(g)); err != nil || ok {
		return err
	}
	own, err := s.r.readOwn(tx, g.Replica)
	if err != nil {
		return err
	}
	signer, err := s.r.cfg.Keys.Signer(g.Replica)
	if err != nil {
		return err
	}
	gap, err := segment.NewGap(signer, own.cert.Shard, own.cert.Hash, g)
	if err != nil {
		return err
	}
	s.report.Gaps++
	s.r.cfg.Log.Warn("saves are lost here and at the centre", "replica", g.Replica.String(), "from", g.From, "to", g.To)
	return tx.PutHead(Gaps, gapKey(g), gapRow{raw: gap.Raw}.pack())
}

func gapKey(g causal.Range) []byte {
	k := counterKey(g.Replica, g.From)
	return append(k, counterKey(g.Replica, g.To)[16:]...)
}

// statedGaps returns the counters of a replica that are stated to be gone.
func statedGaps(r Reader, id causal.ReplicaID) (causal.Ranges, error) { return gapsUnder(r, id[:]) }

func gapsUnder(r Reader, prefix []byte) (causal.Ranges, error) {
	var out causal.Ranges
	err := scan(r, Gaps, prefix, func(row Row) error {
		g, err := gapOfKey(row.Key)
		out = out.With(g)
		return err
	})
	return out, err
}

func gapOfKey(key []byte) (causal.Range, error) {
	if len(key) != 32 {
		return causal.Range{}, ErrCorrupt
	}
	d, _, err := causal.DecodeDot(key)
	g := causal.Range{Replica: d.Replica, From: d.Counter}
	for _, b := range d.Hash {
		g.To = g.To<<8 | uint64(b)
	}
	return g, err
}

// pushStatedGaps hands over the gap statements held here that the centre has not
// taken in this epoch. They go before the segments they explain.
func (s *syncRun) pushStatedGaps(ctx context.Context) error {
	var q session.PushRequest
	var keys [][]byte
	if err := s.r.view(ctx, func(tx Reader) (err error) {
		q, keys, err = s.openGaps(tx)
		return err
	}); err != nil || len(q.Gaps) == 0 {
		return err
	}
	reply, err := s.centre.Push(ctx, q)
	if err != nil {
		return fmt.Errorf("push gaps: %w", err)
	}
	if !s.atCentre() || len(reply.Gaps) != len(keys) {
		return nil
	}
	return s.r.update(ctx, func(tx Tx) error {
		for i, o := range reply.Gaps {
			if o != session.OutcomeStored && o != session.OutcomeAlready {
				continue
			}
			g, _, err := load(tx, Gaps, keys[i], unpackGap)
			if err != nil {
				return err
			}
			g.taken = s.epoch
			if err := tx.PutHead(Gaps, keys[i], g.pack()); err != nil {
				return err
			}
		}
		return nil
	})
}

// openGaps returns a push of the statements not taken in this epoch, with the
// certificates that show their keys.
func (s *syncRun) openGaps(tx Reader) (q session.PushRequest, keys [][]byte, err error) {
	certs := map[segment.Hash]bool{}
	err = scan(tx, Gaps, nil, func(row Row) error {
		g, err := unpackGap(row.Head)
		if err != nil || g.taken == s.epoch && s.epoch.Number > 0 || len(q.Gaps) == session.MaxPushSegments {
			return err
		}
		gap, err := segment.ParseGap(g.raw)
		if err != nil {
			return err
		}
		raw, ok, err := tx.Head(Certificates, gap.Certificate[:])
		if err != nil {
			return err
		}
		if ok && !certs[gap.Certificate] {
			certs[gap.Certificate] = true
			q.Certificates = append(q.Certificates, raw)
		}
		q.Gaps, keys = append(q.Gaps, g.raw), append(keys, row.Key)
		return nil
	})
	return q, keys, err
}
