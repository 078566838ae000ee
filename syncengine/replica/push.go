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

// Reasons of refusals that lie in the segment's own bytes, by the names the centre
// gives them. Sending such a segment again cannot help.
const (
	reasonUnreadable = "unreadable"
	reasonSignature  = "signature"
)

// push hands over segments in order, states what is gone where the centre has
// shown that it lacks it, and tries again what that unblocks.
func (s *syncRun) push(ctx context.Context, wants []segment.Hash) error {
	wants, err := s.ordersFirst(ctx, wants)
	if err != nil {
		return err
	}
	blocked, err := s.pushAll(ctx, wants)
	for err == nil && len(blocked) > 0 {
		var again []segment.Hash
		if again, err = s.unblock(ctx, blocked); err != nil || len(again) == 0 {
			break
		}
		blocked, err = s.pushAll(ctx, again)
	}
	s.report.Blocked += len(blocked)
	return err
}

// blockedSegment is one that the peer does not take: it expects a counter first.
type blockedSegment struct {
	hash    segment.Hash
	expects uint64
}

// pushAll sends segments in calls within the limits of package session. It
// returns those that wait behind a gap.
func (s *syncRun) pushAll(ctx context.Context, wants []segment.Hash) ([]blockedSegment, error) {
	var blocked []blockedSegment
	for done := 0; done < len(wants); {
		q, hashes, taken, err := s.batch(ctx, wants[done:])
		if err != nil {
			return nil, err
		}
		if len(hashes) > 0 {
			b, again, err := s.pushBatch(ctx, q, hashes)
			if err != nil {
				return nil, err
			}
			if again {
				continue
			}
			blocked = append(blocked, b...)
		}
		done += taken
		s.progress(PhasePush, done, len(wants))
	}
	return blocked, nil
}

// batch puts together one call from the front of wants: its segments with the
// certificates they name, as much as the line bore before, one segment at least. It
// returns how many of wants it dealt with; what is damaged here is left out.
func (s *syncRun) batch(ctx context.Context, wants []segment.Hash) (q session.PushRequest, hashes []segment.Hash, taken int, err error) {
	size := 0
	named := certificates{}
	err = s.r.view(ctx, func(tx Reader) error {
		limit, err := pushBytes(tx)
		if err != nil {
			return err
		}
		for _, h := range wants {
			seg, ok, err := segmentOf(tx, h)
			if err != nil {
				return err
			}
			if !ok {
				taken++
				continue
			}
			cert := seg.Header().Certificate
			size += len(seg.Bytes())
			if len(q.Segments) == session.MaxPushSegments || size > limit && len(hashes) > 0 || named.full(cert) {
				return nil
			}
			raw, err := named.add(tx, cert)
			if err != nil {
				return err
			}
			q.Certificates, size = append(q.Certificates, raw...), size+sizeOf(raw)
			q.Segments, hashes, taken = append(q.Segments, seg.Bytes()), append(hashes, h), taken+1
		}
		return nil
	})
	return q, hashes, taken, err
}

// certificates are those that the segments of one call name: the centre may have lost
// them in a restore, and without them it cannot judge what they signed.
type certificates map[segment.Hash]bool

// full reports whether there is no room for one more.
func (c certificates) full(one segment.Hash) bool {
	return !c[one] && len(c) == session.MaxCertificates
}

// add returns a certificate that was not named before; none when it is not here.
func (c certificates) add(tx Reader, one segment.Hash) ([][]byte, error) {
	if c[one] {
		return nil, nil
	}
	c[one] = true
	raw, ok, err := tx.Head(Certificates, one[:])
	if err != nil || !ok {
		return nil, err
	}
	return [][]byte{raw}, nil
}

func sizeOf(all [][]byte) (n int) {
	for _, b := range all {
		n += len(b)
	}
	return n
}

// pushBatch hands over one batch and keeps what became of it, or says that it is to
// be handed over again in smaller parts.
func (s *syncRun) pushBatch(ctx context.Context, q session.PushRequest, hashes []segment.Hash) (blocked []blockedSegment, again bool, err error) {
	reply, again, err := s.send(ctx, q)
	if err != nil || again {
		return nil, again, err
	}
	if len(reply.Results) != len(hashes) {
		return nil, false, fmt.Errorf("push: %d results for %d segments: %w", len(reply.Results), len(hashes), ErrPage)
	}
	err = s.r.update(ctx, func(tx Tx) error {
		blocked = nil
		news, err := takeAcks(tx, reply.Acks)
		if err != nil {
			return fmt.Errorf("push: %w", err)
		}
		s.report.Acks += news
		for i, res := range reply.Results {
			if res.Outcome == session.OutcomeGap {
				blocked = append(blocked, blockedSegment{hashes[i], res.Expects})
			}
			if err := s.takeResult(tx, hashes[i], res); err != nil {
				return err
			}
		}
		return nil
	})
	return blocked, false, err
}

// takeResult keeps what became of one segment.
func (s *syncRun) takeResult(tx Tx, h segment.Hash, res session.SegmentResult) error {
	switch res.Outcome {
	case session.OutcomeStored:
		s.report.Pushed++
	case session.OutcomeAlready:
		s.report.Already++
	case session.OutcomeRefused:
		s.refused[h] = res.Reason
		s.report.Refused = append(s.report.Refused, Refusal{h, res.Reason})
		return nil
	default:
		return nil
	}
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok {
		return err
	}
	if res.Fork {
		if err := noteFork(tx, row.replica); err != nil {
			return err
		}
	}
	if !s.atCentre() {
		return noteClinic(tx, h)
	}
	if !row.made {
		return nil
	}
	return takeVerdicts(tx, h, row.replica, res.Verdicts)
}

// takeVerdicts keeps what the centre made of own saves, as far as it did not
// admit them.
func takeVerdicts(tx Tx, h segment.Hash, id causal.ReplicaID, verdicts []ledger.Verdict) error {
	if len(verdicts) == 0 {
		return nil
	}
	if !slices.ContainsFunc(verdicts, func(v ledger.Verdict) bool { return !v.Admitted() }) {
		if old, err := tx.Scan(Verdicts, id[:], nil, 1); err != nil || len(old) == 0 {
			return err // nothing to keep, nothing to take back
		}
	}
	seg, ok, err := segmentOf(tx, h)
	if err != nil || !ok {
		return err
	}
	for i, v := range verdicts[:min(len(verdicts), seg.Len())] {
		if err := takeVerdict(tx, seg, i, v); err != nil {
			return err
		}
	}
	return nil
}

func takeVerdict(tx Tx, seg *segment.Segment, i int, v ledger.Verdict) error {
	key := dotKey(seg.Dot(i))
	if v.Admitted() || !v.Valid() {
		return tx.Delete(Verdicts, key)
	}
	return tx.PutHead(Verdicts, key, verdictRow{seg.RecordID(i), v}.pack())
}
