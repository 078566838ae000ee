// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"maps"
	"sync"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Keys keeps a replica's keys in memory. It is safe for concurrent use.
type Keys struct {
	mu   sync.Mutex
	rnd  io.Reader
	keys map[causal.ReplicaID]segment.Signer
}

// NewKeys returns a place for keys, which are made from rnd.
func NewKeys(rnd io.Reader) *Keys {
	return &Keys{rnd: rnd, keys: map[causal.ReplicaID]segment.Signer{}}
}

// Clone returns the same keys, with another source for further ones: what a copied
// device has.
func (k *Keys) Clone(rnd io.Reader) *Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return &Keys{rnd: rnd, keys: maps.Clone(k.keys)}
}

// Signer returns the key of a replica id, or an error that wraps replica.ErrNoKey.
func (k *Keys) Signer(id causal.ReplicaID) (segment.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.keys[id]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("key of %s: %w", id, replica.ErrNoKey)
}

// New makes a key from the next 32 bytes of the source.
func (k *Keys) New() (segment.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(k.rnd, seed); err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	s := segment.KeySigner(ed25519.NewKeyFromSeed(seed))
	k.keys[causal.ReplicaOf(s.Public())] = s
	return s, nil
}
