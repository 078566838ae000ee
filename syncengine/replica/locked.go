// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// handOverLocked offers what was sealed and sends what is wanted as envelopes. It
// reads and writes heads only; a new epoch is left for a sync with open bodies.
func (s *syncRun) handOverLocked(ctx context.Context) error {
	var after []byte
	for {
		var keys [][]byte
		var offers []session.Offer
		if err := s.r.view(ctx, func(tx Reader) (err error) {
			keys, offers, err = readOffers(tx, after)
			return err
		}); err != nil {
			return err
		}
		q, err := s.helloRequest(ctx, offers)
		if err != nil {
			return err
		}
		reply, err := s.centre.Hello(ctx, q)
		if err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		if reply.Epoch != s.epoch {
			s.report.HubEpoch = !s.atCentre()
			reply.Acks, reply.Marks = nil, nil
		}
		if _, err := s.takeHello(ctx, offers, session.HelloReply{
			CursorHolds: true, Acks: reply.Acks, Marks: reply.Marks, Certificates: reply.Certificates, Wants: reply.Wants, OwnHeads: reply.OwnHeads,
		}); err != nil {
			return err
		}
		if err := s.pushEnvelopes(ctx, reply.Wants); err != nil {
			return err
		}
		if len(keys) < session.MaxOffers {
			return nil
		}
		after = keys[len(keys)-1]
	}
}

func (s *syncRun) pushEnvelopes(ctx context.Context, wants []segment.Hash) error {
	for done := 0; done < len(wants); {
		q, hashes, taken, err := s.envelopes(ctx, wants[done:])
		if err != nil {
			return err
		}
		if len(hashes) > 0 {
			again, err := s.pushEnvelopeBatch(ctx, q, hashes)
			if err != nil {
				return err
			}
			if again {
				continue
			}
		}
		done += taken
		s.progress(PhasePush, done, len(wants))
	}
	return nil
}

// envelopes puts together one call, with the certificates that its segments name; what
// has no envelope waits for a sync with open bodies.
func (s *syncRun) envelopes(ctx context.Context, wants []segment.Hash) (q session.PushRequest, hashes []segment.Hash, taken int, err error) {
	size := 0
	named := certificates{}
	err = s.r.view(ctx, func(tx Reader) error {
		limit, err := pushBytes(tx)
		if err != nil {
			return err
		}
		for _, h := range wants {
			raw, ok, err := tx.Head(Envelopes, h[:])
			if err != nil {
				return err
			}
			row, _, err := readSegmentRow(tx, h)
			if err != nil {
				return err
			}
			if size += len(raw); len(hashes) == session.MaxPushSegments || size > limit && len(hashes) > 0 || named.full(row.certificate) {
				return nil
			}
			taken++
			if !ok {
				continue
			}
			cert, err := named.add(tx, row.certificate)
			if err != nil {
				return err
			}
			q.Certificates, size = append(q.Certificates, cert...), size+sizeOf(cert)
			q.Envelopes, hashes = append(q.Envelopes, raw), append(hashes, h)
		}
		return nil
	})
	return q, hashes, taken, err
}

func (s *syncRun) pushEnvelopeBatch(ctx context.Context, q session.PushRequest, hashes []segment.Hash) (again bool, err error) {
	reply, again, err := s.send(ctx, q)
	if err != nil || again {
		return again, err
	}
	if len(reply.Results) != len(hashes) {
		return false, fmt.Errorf("push: %d results for %d envelopes: %w", len(reply.Results), len(hashes), ErrPage)
	}
	return false, s.r.update(ctx, func(tx Tx) error {
		news, err := takeAcks(tx, reply.Acks)
		if err != nil {
			return fmt.Errorf("push: %w", err)
		}
		s.report.Acks += news
		for i, res := range reply.Results {
			res.Verdicts = nil // they are for segments that can be opened
			if err := s.takeResult(tx, hashes[i], res); err != nil {
				return err
			}
		}
		return nil
	})
}
