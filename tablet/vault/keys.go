// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// New makes a signing key, keeps it for good, and returns it. It works while the
// vault is locked.
func (v *Vault) New() (segment.Signer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(v.cfg.Rand, seed); err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	signer := segment.KeySigner(key)
	id := causal.ReplicaOf(signer.Public())
	box, err := v.box(v.device, useSigning)
	if err != nil {
		return nil, err
	}
	wrapped, err := seal(box, v.cfg.Rand, named(useSigning, id[:]), seed)
	if err != nil {
		return nil, err
	}
	if err := replaceFile(v.keyPath(id), wrapped); err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	v.signer[id] = signer
	return signer, nil
}

// Signer returns the signing key of one of this tablet's replica ids. It works
// while the vault is locked. Its error wraps replica.ErrNoKey when there is none.
func (v *Vault) Signer(id causal.ReplicaID) (segment.Signer, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if s, ok := v.signer[id]; ok {
		return s, nil
	}
	key, err := v.unwrap(id)
	if err != nil {
		return nil, err
	}
	v.signer[id] = segment.KeySigner(key)
	return v.signer[id], nil
}

// Identity opens what is encrypted to one of this tablet's replica ids. It works while
// the vault is locked. Its error wraps replica.ErrNoKey when there is no such key.
func (v *Vault) Identity(id causal.ReplicaID) (age.Identity, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, err := v.unwrap(id)
	if err != nil {
		return nil, err
	}
	return bundle.ReplicaIdentity(key)
}

// unwrap reads a key from its file.
func (v *Vault) unwrap(id causal.ReplicaID) (ed25519.PrivateKey, error) {
	wrapped, err := os.ReadFile(v.keyPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("key of %s: %w", id, replica.ErrNoKey)
	}
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", id, err)
	}
	box, err := v.box(v.device, useSigning)
	if err != nil {
		return nil, err
	}
	seed, err := open(box, named(useSigning, id[:]), wrapped)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("key of %s: %w", id, ErrDamaged)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func (v *Vault) keyPath(id causal.ReplicaID) string {
	return v.path(filepath.Join(keysFolder, id.String()+".key"))
}
