// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// keys are a hub's keys in files: they make the keys it signs with, and seal the
// bodies of its rows. There is nobody at a hub to unlock it, so whoever has the whole
// folder has all of it; a copy of the store alone is noise, and bytes that were changed
// or exchanged in it are noticed.
//
//	<hub>/data.key         the seed of the key that seals bodies
//	<hub>/keys/<id>.key    a signing key, by replica id
type keys struct {
	dir  string
	rand io.Reader
	aead cipher.AEAD
}

const (
	dataKeyFile = "data.key"
	keysFolder  = "keys"
	sealInfo    = "xunzhen/hub/row/1"
	nonceSize   = 12
)

// ErrKeys is wrapped when a hub's store is there and its key is not: nothing is made
// anew in place of what is lost.
var ErrKeys = errors.New("the hub's keys are missing or damaged")

// openKeys reads the keys of the hub in dir, or makes them for a hub without a store.
func openKeys(dir string, rand io.Reader) (*keys, error) {
	path := filepath.Join(dir, dataKeyFile)
	seed, err := auth.ReadSigningKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, serr := os.Stat(filepath.Join(dir, storeFile)); !errors.Is(serr, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %w", ErrKeys, errors.Join(err, serr))
		}
		seed, err = makeKey(path, rand)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeys, err)
	}
	secret, err := hkdf.Key(sha256.New, seed.Seed(), nil, sealInfo, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &keys{dir, rand, aead}, err
}

// makeKey writes a new key down to the disk.
func makeKey(path string, rand io.Reader) (ed25519.PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return nil, err
	}
	key := ed25519.NewKeyFromSeed(seed)
	if err := auth.WriteKey(path, key); err != nil {
		return nil, err
	}
	return key, auth.SyncFolder(filepath.Dir(path))
}

// Signer returns the key of one of the hub's replica ids.
func (k *keys) Signer(id causal.ReplicaID) (segment.Signer, error) {
	key, err := auth.ReadSigningKey(filepath.Join(k.dir, keysFolder, id.String()+".key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", replica.ErrNoKey, err)
	}
	if err != nil {
		return nil, err
	}
	return segment.KeySigner(key), nil
}

// New makes a signing key and keeps it.
func (k *keys) New() (segment.Signer, error) {
	folder := filepath.Join(k.dir, keysFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	aside := filepath.Join(folder, "new.key")
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := makeKey(aside, k.rand)
	if err != nil {
		return nil, err
	}
	signer := segment.KeySigner(key)
	name := causal.ReplicaOf(signer.Public()).String() + ".key"
	if err := os.Rename(aside, filepath.Join(folder, name)); err != nil {
		return nil, err
	}
	return signer, auth.SyncFolder(folder)
}

// SealRow encrypts plain for a place: nonce (12) | AES-256-GCM.
func (k *keys) SealRow(place, plain []byte) ([]byte, error) {
	nonce := make([]byte, nonceSize, nonceSize+len(plain)+k.aead.Overhead())
	if _, err := io.ReadFull(k.rand, nonce); err != nil {
		return nil, err
	}
	return k.aead.Seal(nonce, nonce, plain, place), nil
}

// OpenRow decrypts what SealRow made for the same place.
func (k *keys) OpenRow(place, sealed []byte) ([]byte, error) {
	if len(sealed) < nonceSize {
		return nil, io.ErrUnexpectedEOF
	}
	return k.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], place)
}
