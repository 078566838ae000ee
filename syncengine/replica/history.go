// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// checkSummary returns the checkpoint of a summary once it was found to be the
// shard's, of this epoch, and no rewriting of the one kept.
func (s *syncRun) checkSummary(ctx context.Context, last *session.Summary) (c ledger.Checkpoint, err error) {
	var kept ledger.Checkpoint
	var raw []byte
	var has bool
	err = s.r.view(ctx, func(tx Reader) error {
		pub, err := shardKey(tx)
		if err != nil {
			return err
		}
		if c, err = ledger.OpenCheckpoint(last.Checkpoint, pub); err != nil {
			return fmt.Errorf("checkpoint: %w: %w", ErrPage, err)
		}
		if c.Epoch != s.epoch {
			return fmt.Errorf("checkpoint of epoch %s in %s: %w", c.Epoch, s.epoch, ErrPage)
		}
		if kept, has, err = s.keptCheckpoint(tx); err != nil {
			return err
		}
		raw, _, err = value(tx, valueCheckpoint)
		return err
	})
	if err != nil || !has {
		return c, err
	}
	if err := s.extends(kept, c, last); err != nil {
		s.r.cfg.Log.Error("the centre's ledger does not extend the one it showed before", "epoch", s.epoch.String(), "kept", int64(kept.Size), "shown", int64(c.Size))
		return c, errors.Join(err, s.r.keepEvidence(ctx, raw, last.Checkpoint))
	}
	return c, nil
}

// extends returns an error that wraps ErrHistoryRewritten unless what was shown
// now extends what was kept. A hub can prove nothing, but two checkpoints of one
// size must agree.
func (s *syncRun) extends(kept, now ledger.Checkpoint, last *session.Summary) error {
	var err error
	switch {
	case kept.Size == now.Size:
		if kept.Root != now.Root {
			err = ledger.ErrProof
		}
	case !s.atCentre():
	case last.Extends != kept.Size:
		err = fmt.Errorf("proof from %d: %w", last.Extends, ledger.ErrProof)
	default:
		err = ledger.CheckTree(last.Proof, now.Size, now.Root, kept.Size, kept.Root)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrHistoryRewritten, err)
	}
	return nil
}

// keepWitness keeps the checkpoint of an epoch that is about to end: it says for good
// how far that ledger had come here.
func keepWitness(tx Tx) error {
	raw, ok, err := value(tx, valueCheckpoint)
	if err != nil || !ok {
		return err
	}
	was, err := readEpoch(tx)
	if err != nil {
		return err
	}
	return putValue(tx, fmt.Sprintf("%s%020d-%x", valueWitness, was.Number, was.Name), raw)
}

// Witnessed returns the last checkpoint seen of each epoch, signed, oldest first.
func (r *Replica) Witnessed(ctx context.Context) ([][]byte, error) {
	var out [][]byte
	err := r.view(ctx, func(tx Reader) error {
		err := scan(tx, Values, []byte(valueWitness), func(row Row) error {
			out = append(out, row.Head)
			return nil
		})
		if err != nil {
			return err
		}
		now, ok, err := value(tx, valueCheckpoint)
		if ok {
			out = append(out, now)
		}
		return err
	})
	return out, err
}

// Testimony returns what this replica has seen of the centre's ledger, as evidence for
// others.
func (r *Replica) Testimony(ctx context.Context) (evidence.Testimony, error) {
	var out evidence.Testimony
	var err error
	if out.Seen, err = r.Witnessed(ctx); err != nil {
		return out, err
	}
	pairs, err := r.Contradictions(ctx)
	for _, c := range pairs {
		out.Contradictions = append(out.Contradictions, evidence.Contradiction(c))
	}
	return out, err
}

// Contradiction is two checkpoints of one epoch, both signed by the shard, of
// which the second does not extend the first.
type Contradiction struct{ Before, After []byte }

func (r *Replica) keepEvidence(ctx context.Context, before, after []byte) error {
	var p packer
	p.blob(before)
	p.blob(after)
	key := sha256.Sum256(p)
	return r.update(ctx, func(tx Tx) error { return tx.PutHead(Evidence, key[:], p) })
}

// Contradictions returns what ErrHistoryRewritten was about, as evidence for others.
func (r *Replica) Contradictions(ctx context.Context) ([]Contradiction, error) {
	var out []Contradiction
	err := r.view(ctx, func(tx Reader) error {
		return scan(tx, Evidence, nil, func(row Row) error {
			u := unpacker{rest: row.Head}
			out = append(out, Contradiction{u.blob(), u.blob()})
			return u.done("evidence")
		})
	})
	return out, err
}
