// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// goOnAlone goes on under a new key when somebody else saves under the present
// one: a clone of this device, or this device before it was set back. What was
// saved under the old key stays own, is sealed under it and is sent. Only the
// centre can certify the new key; a fork seen at a hub waits for it.
//
// The new key is kept before the centre is asked, so that a sync cut in between
// asks again for the same one.
func (s *syncRun) goOnAlone(ctx context.Context) error {
	var forked bool
	err := s.r.view(ctx, func(tx Reader) (err error) {
		if s.self, err = s.r.readSelf(tx); err != nil {
			return err
		}
		if err := s.sameRights(tx); err != nil {
			return err
		}
		_, forked, err = value(tx, valueForked)
		return err
	})
	if s.report.Forked = forked; err != nil || !forked || !s.atCentre() {
		return err
	}
	next, err := s.nextKey(ctx)
	if err != nil {
		return fmt.Errorf("key after a fork: %w", err)
	}
	cert, err := s.succession(ctx, next)
	if err != nil {
		s.r.cfg.Log.Error("fork: somebody else saves under this key, and there is no certificate for a new one", "replica", s.self.id.String(), "err", err)
		return err
	}
	old := s.self.id
	if err := s.r.update(ctx, func(tx Tx) error { return s.r.succeed(tx, old, cert) }); err != nil {
		return err
	}
	s.r.cfg.Log.Warn("fork: going on under a new key", "replica", old.String(), "successor", cert.Replica().String())
	s.report.Successor, s.report.Predecessor = cert.Replica(), old
	if scopeDigest(cert) != scopeDigest(s.rights) {
		return ErrRightsChanged // the office gave the key other rights, which a copy of this replica had asked for first
	}
	s.rights = cert
	return nil
}

// nextKey returns the key made for this succession, now or in a sync before.
func (s *syncRun) nextKey(ctx context.Context) (segment.Signer, error) {
	var raw []byte
	err := s.r.view(ctx, func(tx Reader) (err error) {
		raw, _, err = value(tx, valueNext)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(raw) == 16 {
		return s.r.cfg.Keys.Signer(causal.ReplicaID(raw))
	}
	next, err := s.r.cfg.Keys.New()
	if err != nil {
		return nil, err
	}
	id := causal.ReplicaOf(next.Public())
	return next, s.r.update(ctx, func(tx Tx) error { return putValue(tx, valueNext, id[:]) })
}

// succession has the centre certify next as the successor of the present key. Its
// error wraps ErrSuccession when the centre does not.
func (s *syncRun) succession(ctx context.Context, next segment.Signer) (segment.Certificate, error) {
	old, err := s.r.cfg.Keys.Signer(s.self.id)
	if err != nil {
		return segment.Certificate{}, err
	}
	paper, err := segment.NewSuccession(old, next, s.self.cert)
	if err != nil {
		return segment.Certificate{}, err
	}
	raw, err := s.centre.Succeed(ctx, paper.Raw)
	if err != nil {
		return segment.Certificate{}, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	pub, err := s.shardKey(ctx)
	if err != nil {
		return segment.Certificate{}, err
	}
	cert, err := segment.ParseCertificate(raw, pub)
	if err == nil && cert.Replica() != causal.ReplicaOf(next.Public()) {
		err = fmt.Errorf("certificate of %s", cert.Replica())
	}
	if err != nil {
		return segment.Certificate{}, fmt.Errorf("%w: %w", ErrSuccession, err)
	}
	return cert, nil
}

// succeed makes the certified key the one that saves from now on, with counters
// from 1.
func (r *Replica) succeed(tx Tx, old causal.ReplicaID, cert segment.Certificate) error {
	before, err := r.readOwn(tx, old)
	if err != nil {
		return err
	}
	if err := adoptKey(tx, cert.Replica(), ownRow{order: before.own.order + 1}); err != nil {
		return err
	}
	for _, name := range []string{valueNext, valueForked} {
		if err := tx.Delete(Values, []byte(name)); err != nil {
			return err
		}
	}
	after, err := r.readOwn(tx, cert.Replica())
	if err != nil {
		return err
	}
	return r.certify(tx, after, cert)
}
