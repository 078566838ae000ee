// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"
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
	var again []segment.Hash
	for _, b := range blocked {
		if s.stated[b.hash] {
			continue // what could be said about it was said
		}
		s.stated[b.hash] = true
		before, holes, err := s.holesBefore(ctx, b)
		if err != nil {
			return nil, err
		}
		if err := s.stateHoles(ctx, holes); err != nil {
			return nil, err
		}
		again = append(append(again, before...), b.hash)
	}
	if len(again) > 0 {
		return unique(again), s.pushStatedGaps(ctx)
	}
	return nil, nil
}

func unique(hashes []segment.Hash) []segment.Hash {
	var out []segment.Hash
	for _, h := range hashes {
		if !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	return out
}

// holesBefore returns which segments before a blocked one are here and good, from
// the counter the centre expects, and, for an own key, the counters that are not:
// lost here and, as the centre has just shown, there.
func (s *syncRun) holesBefore(ctx context.Context, b blockedSegment) (before []segment.Hash, holes []causal.Range, err error) {
	err = s.r.view(ctx, func(tx Reader) error {
		before, holes = nil, nil
		row, ok, err := readSegmentRow(tx, b.hash)
		if err != nil || !ok {
			return err
		}
		good, err := s.goodBefore(tx, row)
		if err != nil {
			return err
		}
		var have causal.Ranges
		for _, g := range good {
			have = have.With(causal.Range{Replica: row.replica, From: g.row.first, To: g.row.last()})
			if g.row.last() >= b.expects {
				before = append(before, g.hash)
			}
		}
		if own, err := isOwn(tx, row.replica); err != nil || !own || !row.made {
			return err
		}
		holes = holesIn(have, row, b.expects)
		return nil
	})
	return before, holes, err
}

// holesIn returns the runs of counters before row that are not in have and reach
// the counter the centre expects, or row itself: another history may have hidden
// that one from the centre's count.
func holesIn(have causal.Ranges, row segmentRow, expects uint64) []causal.Range {
	var out []causal.Range
	hole := func(from, to uint64) {
		if from > to || to < expects && to+1 < row.first {
			return
		}
		if from < expects && expects <= to {
			from = expects
		}
		out = append(out, causal.Range{Replica: row.replica, From: from, To: to})
	}
	next := uint64(1)
	for _, g := range have {
		hole(next, g.From-1)
		next = g.To + 1
	}
	hole(next, row.first-1)
	return out
}

type hashedRow struct {
	hash segment.Hash
	row  segmentRow
}

// goodBefore returns the segments of one history before row that are here, can be
// read and were not refused for what they are, ascending.
func (s *syncRun) goodBefore(tx Reader, row segmentRow) ([]hashedRow, error) {
	var out []hashedRow
	err := scan(tx, Chains, row.replica[:], func(r Row) error {
		h := hashOfChainKey(r.Key)
		o, ok, err := readSegmentRow(tx, h)
		if err != nil || !ok || o.first >= row.first || o.made != row.made {
			return err
		}
		if reason := s.refused[h]; reason == reasonUnreadable || reason == reasonSignature {
			return nil
		}
		if _, good, err := segmentOf(tx, h); err != nil || !good {
			return err
		}
		out = append(out, hashedRow{h, o})
		return nil
	})
	return out, err
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
func statedGaps(r Reader, id causal.ReplicaID) (causal.Ranges, error) {
	var out causal.Ranges
	err := scan(r, Gaps, id[:], func(row Row) error {
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
