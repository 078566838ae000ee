// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Refill is what one installation has shown since the last restore.
type Refill struct {
	Certificate segment.Certificate // its newest
	Revoked     bool
	// Heard is when it first said Hello in this epoch; zero: not yet, or there was no
	// restore.
	Heard time.Time
	// Lacking is how many segments it offered in its last Hello to this process that are
	// still not stored; those above MaxLacking are not counted.
	Lacking int
	// Seen is the size of an earlier epoch's ledger that it has seen; 0: it showed none.
	Seen ledger.Size
	// Broken: that ledger is not the beginning of this one, so what came after the
	// backup was lost as a ledger. The saves in it come back as new entries.
	Broken bool
}

// MaxLacking bounds what is remembered of one installation's offers.
const MaxLacking = 512

// heard is what the store keeps of the first Hello of an installation in an epoch.
type heard struct {
	Epoch  string
	AtMs   int64
	Seen   ledger.Size
	Broken bool
}

// lacking is what callers have offered and not yet handed over, as far as this
// process knows.
type lacking struct {
	mu    sync.Mutex
	heard map[causal.ReplicaID]string // the epoch in which the store is known to know
	wants map[causal.ReplicaID][]segment.Hash
}

func (l *lacking) note(r causal.ReplicaID, wants []segment.Hash) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(wants) == 0 {
		delete(l.wants, r)
		return
	}
	if l.wants == nil {
		l.wants = map[causal.ReplicaID][]segment.Hash{}
	}
	l.wants[r] = append([]segment.Hash(nil), wants[:min(len(wants), MaxLacking)]...)
}

func (l *lacking) of(r causal.ReplicaID) []segment.Hash {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wants[r]
}

// knows reports whether an installation is known to have been heard of in an epoch.
func (l *lacking) knows(r causal.ReplicaID, epoch string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard[r] == epoch
}

func (l *lacking) know(r causal.ReplicaID, epoch string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.heard == nil {
		l.heard = map[causal.ReplicaID]string{}
	}
	l.heard[r] = epoch
}

// hear keeps, once for each caller and epoch after a restore, that it was heard of, and
// what it has seen of the ledger that was lost.
func (e *Engine) hear(ctx context.Context, caller causal.ReplicaID, checkpoint []byte) error {
	epoch := e.Epoch()
	if epoch.Number == 1 || e.lacking.knows(caller, epoch.String()) {
		return nil
	}
	err := e.update(ctx, func(b *batch) error {
		if h, err := readHeard(b.tx, caller); err != nil || h.Epoch == b.head.epoch.String() {
			return err
		}
		h := heard{Epoch: b.head.epoch.String(), AtMs: b.now.UnixMilli()}
		if c, err := ledger.OpenCheckpoint(checkpoint, e.cfg.ShardKey.Public()); err == nil && c.Epoch != b.head.epoch {
			h.Seen, h.Broken = c.Size, !begins(b.tx, b.head.size, c)
		}
		raw, err := json.Marshal(h)
		if err != nil {
			return err
		}
		b.changed = true
		return b.tx.PutValue(valueHeard+string(caller[:]), raw)
	})
	if err == nil {
		e.lacking.know(caller, epoch.String())
	}
	return err
}

// begins reports whether the ledger begins with what a checkpoint says.
func begins(r LedgerReader, size ledger.Size, c ledger.Checkpoint) bool {
	if c.Size > size {
		return false
	}
	root, err := ledger.Root(r, c.Size)
	return err == nil && root == c.Root
}

func readHeard(r ActReader, of causal.ReplicaID) (h heard, err error) {
	raw, ok, err := r.Value(valueHeard + string(of[:]))
	if err != nil || !ok {
		return h, err
	}
	if json.Unmarshal(raw, &h) != nil {
		return heard{}, nil // as good as not heard of
	}
	return h, nil
}

// Refills returns what every tablet and hub has shown since the last restore, in order
// of replica id.
func (e *Engine) Refills(ctx context.Context) ([]Refill, error) {
	replicas, err := e.Replicas(ctx)
	if err != nil {
		return nil, err
	}
	var out []Refill
	err = e.view(ctx, func(r Reader) error {
		h, err := e.headOf(r)
		if err != nil {
			return err
		}
		for _, one := range replicas {
			if !one.Certificate.Role.Saves() {
				continue
			}
			f := Refill{Certificate: one.Certificate, Revoked: one.Revoked}
			if err := f.read(r, h.epoch, e.lacking.of(one.Certificate.Replica())); err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

func (f *Refill) read(r Reader, epoch ledger.Epoch, offered []segment.Hash) error {
	h, err := readHeard(r, f.Certificate.Replica())
	if err != nil {
		return err
	}
	if h.Epoch == epoch.String() {
		f.Heard, f.Seen, f.Broken = time.UnixMilli(h.AtMs).UTC(), h.Seen, h.Broken
	}
	for _, hash := range offered {
		_, ok, err := r.Segment(hash)
		if err != nil {
			return err
		}
		if !ok {
			f.Lacking++
		}
	}
	return nil
}
