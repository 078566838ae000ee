// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// sayHello asks what the peer lacks and takes what it says of itself. A peer that
// has signed acks in several parts is asked again for the rest.
func (s *syncRun) sayHello(ctx context.Context, offers []session.Offer) error {
	var wants []segment.Hash
	for { // while that brings news, or leaves less to ask
		q, err := s.helloRequest(ctx, offers)
		if err != nil {
			return err
		}
		reply, err := s.centre.Hello(ctx, q)
		if err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		s.hello = reply
		if err := s.compareEpoch(ctx, reply); err != nil {
			return err
		}
		news, err := s.takeHello(ctx, offers, reply)
		if err != nil {
			return err
		}
		wants = append(wants, reply.Wants...)
		asked := len(offers)
		if offers, err = s.unanswered(ctx, offers, reply); err != nil {
			return err
		}
		if news == 0 && len(offers) == asked || len(offers) == 0 {
			s.hello.Wants = wants
			return nil
		}
	}
}

// unanswered returns the offers that are neither wanted nor acknowledged.
func (s *syncRun) unanswered(ctx context.Context, offers []session.Offer, reply session.HelloReply) ([]session.Offer, error) {
	var out []session.Offer
	wanted := map[segment.Hash]bool{}
	for _, h := range reply.Wants {
		wanted[h] = true
	}
	err := s.r.view(ctx, func(tx Reader) error {
		for _, o := range offers {
			a, err := readAck(tx, o.Hash)
			if err != nil {
				return err
			}
			if !a.signed(s.epoch) && !wanted[o.Hash] {
				out = append(out, o)
			}
		}
		return nil
	})
	return out, err
}

func (s *syncRun) helloRequest(ctx context.Context, offers []session.Offer) (session.HelloRequest, error) {
	q := session.HelloRequest{Epoch: s.epoch, Offers: offers}
	err := s.r.view(ctx, func(tx Reader) error {
		peer, err := readPeer(tx, s.Hub)
		if err != nil {
			return err
		}
		q.Cursor = peer.cursor
		if s.atCentre() {
			if q.Asks, err = loanAsks(tx); err != nil {
				return err
			}
		}
		if q.Checkpoint, _, err = value(tx, valueCheckpoint); err != nil {
			return err
		}
		q.Certificates, err = s.r.ownCertificates(tx)
		return err
	})
	return q, err
}

// ownCertificates returns the certificates of the own keys, the present one first.
func (r *Replica) ownCertificates(tx Reader) ([][]byte, error) {
	ids, err := ownIDs(tx)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, id := range slices.Backward(ids) {
		o, err := r.readOwn(tx, id)
		if err != nil {
			return nil, err
		}
		if o.enrolled() && len(out) < session.MaxCertificates {
			out = append(out, o.cert.Raw)
		}
	}
	return out, nil
}

var centrePeer causal.ReplicaID

func readPeer(r Reader, hub causal.ReplicaID) (peerRow, error) {
	p, _, err := load(r, Peers, hub[:], unpackPeer)
	return p, err
}

// compareEpoch follows the centre into a new epoch. The centre's word is enough;
// a hub must show the shard's signature, and only a later number counts, because
// of two epochs of one number a hub cannot say which is the newer.
func (s *syncRun) compareEpoch(ctx context.Context, reply session.HelloReply) error {
	if reply.Epoch == s.epoch {
		s.mute = s.epoch.Number == 0 // a hub that has never seen the centre
		return nil
	}
	if s.atCentre() {
		if reply.Epoch.Number < s.epoch.Number {
			return fmt.Errorf("epoch %s after %s: %w", reply.Epoch, s.epoch, ErrEpochBehind)
		}
		return s.enter(ctx, reply.Epoch)
	}
	s.mute, s.report.HubEpoch = true, true
	if reply.Epoch.Number <= s.epoch.Number {
		return nil
	}
	shown, err := s.epochShown(ctx, reply)
	if err != nil || !shown {
		return err
	}
	s.mute, s.report.HubEpoch = false, false
	return s.enter(ctx, reply.Epoch)
}

func (s *syncRun) enter(ctx context.Context, e ledger.Epoch) error {
	if err := s.r.update(ctx, func(tx Tx) error { return enterEpoch(tx, e) }); err != nil {
		return err
	}
	s.r.cfg.Log.Info("new epoch of the centre", "epoch", e.String(), "before", s.epoch.String())
	s.epoch, s.report.NewEpoch = e, true
	return errNewEpoch
}

// epochShown reports whether a hub can show the shard's signature for its epoch:
// on acks, on a backup mark, or on the checkpoint at the end of what it hands out.
func (s *syncRun) epochShown(ctx context.Context, reply session.HelloReply) (bool, error) {
	pub, err := s.shardKey(ctx)
	if err != nil {
		return false, err
	}
	if a, err := ledger.OpenAcks(reply.Acks, pub); err == nil && a.Epoch == reply.Epoch {
		return true, nil
	}
	for _, raw := range reply.Marks {
		if m, err := ledger.OpenBackupMark(raw, pub); err == nil && m.Epoch == reply.Epoch {
			return true, nil
		}
	}
	shown := false
	err = s.centre.Pull(ctx, session.PullRequest{PageRecords: s.PageRecords}, func(p session.Page) error {
		if p.Last != nil {
			c, err := ledger.OpenCheckpoint(p.Last.Checkpoint, pub)
			shown = err == nil && c.Epoch == reply.Epoch
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("pull: %w", err)
	}
	return shown, nil
}

func (s *syncRun) shardKey(ctx context.Context) (pub []byte, err error) {
	err = s.r.view(ctx, func(tx Reader) error {
		pub, err = shardKey(tx)
		return err
	})
	return pub, err
}

// takeHello keeps what the peer said: acks, marks, the centre's certificates,
// whether the cursor holds, which gaps it knows, and signs of a fork. It returns
// how many acks were news.
func (s *syncRun) takeHello(ctx context.Context, offers []session.Offer, reply session.HelloReply) (news int, err error) {
	err = s.r.update(ctx, func(tx Tx) error {
		if err := takeCertificates(tx, reply.Certificates, segment.RoleCentre); err != nil {
			return err
		}
		if news, err = takeAcks(tx, reply.Acks); err != nil {
			return fmt.Errorf("hello: %w", err)
		}
		if err := s.forgetAcks(tx, reply.Wants); err != nil {
			return err
		}
		if err := takeMarks(tx, s.epoch, reply.Marks); err != nil {
			return err
		}
		if err := s.takeCursorWord(tx, reply); err != nil {
			return err
		}
		if err := s.noteHeldByPeer(tx, offers, reply.Wants); err != nil {
			return err
		}
		return s.lookForFork(tx, reply.OwnHeads)
	})
	s.report.Acks += news
	return news, err
}

// forgetAcks takes back what was acknowledged of segments that the centre now lacks:
// the file under it was set back.
func (s *syncRun) forgetAcks(tx Tx, wants []segment.Hash) error {
	if !s.atCentre() {
		return nil
	}
	for _, h := range wants {
		if err := tx.Delete(Acked, h[:]); err != nil {
			return err
		}
	}
	return nil
}

// takeCursorWord forgets a cursor that does not hold.
func (s *syncRun) takeCursorWord(tx Tx, reply session.HelloReply) error {
	if reply.CursorHolds || s.mute {
		return nil
	}
	return tx.Delete(Peers, s.Hub[:])
}

// noteHeldByPeer marks what a hub holds: it was offered and is not wanted.
func (s *syncRun) noteHeldByPeer(tx Tx, offers []session.Offer, wants []segment.Hash) error {
	if s.atCentre() {
		return nil
	}
	for _, o := range offers {
		if slices.Contains(wants, o.Hash) {
			continue
		}
		if err := noteClinic(tx, o.Hash); err != nil {
			return err
		}
	}
	return nil
}

func noteClinic(tx Tx, h segment.Hash) error {
	row, ok, err := readSegmentRow(tx, h)
	if err != nil || !ok || row.clinic {
		return err
	}
	row.clinic = true
	return tx.PutHead(Segments, h[:], row.pack())
}

// lookForFork notes for good when somebody else saves under the present key.
func (s *syncRun) lookForFork(tx Tx, heads []session.Head) error {
	var firstErr error
	foreign := s.r.rules.foreign(heads, func(h segment.Hash) bool {
		made, err := isMade(tx, h)
		firstErr = errors.Join(firstErr, err)
		return made
	})
	if firstErr != nil || !foreign {
		return firstErr
	}
	return noteFork(tx, s.self.id)
}

// noteFork notes that somebody else saves under id, if that is still the key in use.
func noteFork(tx Tx, id causal.ReplicaID) error {
	now, err := currentID(tx)
	if err != nil || now != id {
		return err
	}
	return putValue(tx, valueForked, []byte{1})
}
