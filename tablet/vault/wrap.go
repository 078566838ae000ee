// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"

	"golang.org/x/crypto/argon2"
)

// What a derived key or a sealed text is for. Frozen: they are in what is on disk.
const (
	useSecret   = "xunzhen/vault/secret/1"
	useSigning  = "xunzhen/vault/signing/1"
	useRecovery = "xunzhen/vault/recovery/1"
	useAnswer   = "xunzhen/vault/answer/1"
	useRow      = "xunzhen/vault/row/1"
	useCheck    = "xunzhen/vault/check/1"
)

// slot is the data key wrapped for one person.
type slot struct {
	Staff   string `json:"staff"`
	Wrapped []byte `json:"wrapped"`
}

func without(slots []slot, staff string) []slot {
	return slices.DeleteFunc(slices.Clone(slots), func(s slot) bool { return s.Staff == staff })
}

// stretch makes a secret costly to guess. One salt serves all slots, so that one
// derivation tries them all.
func (v *Vault) stretch(secret string) []byte {
	c := v.kept.Cost
	return argon2.IDKey([]byte(secret), v.kept.Salt, c.Passes, c.MemoryKiB, c.Lanes, keySize)
}

// wrap seals the data key for somebody whose secret was stretched.
func (v *Vault) wrap(staff string, stretched []byte) (slot, error) {
	box, err := v.slotBox(stretched)
	if err != nil {
		return slot{}, err
	}
	wrapped, err := seal(box, v.cfg.Rand, v.slotName(), v.key)
	return slot{staff, wrapped}, err
}

// find returns the slot that a stretched secret opens, and the data key.
func (v *Vault) find(stretched []byte) (slot, []byte, bool) {
	box, err := v.slotBox(stretched)
	if err != nil {
		return slot{}, nil, false
	}
	for _, s := range v.kept.Slots {
		if key, err := open(box, v.slotName(), s.Wrapped); err == nil {
			return s, key, true
		}
	}
	return slot{}, nil, false
}

// slotName binds a slot to its vault; whose it is may be corrected later.
func (v *Vault) slotName() []byte { return named(useSecret, v.kept.ID) }

func (v *Vault) slotBox(stretched []byte) (cipher.AEAD, error) {
	return v.box(slices.Concat(stretched, v.device), useSecret)
}

// box returns the cipher for one use of key material of this vault.
func (v *Vault) box(material []byte, use string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, material, nil, use, keySize)
	if err != nil {
		return nil, err
	}
	return newBox(key)
}

// use takes key as the data key.
func (v *Vault) use(key []byte) error {
	box, err := newBox(key)
	if err != nil {
		return fmt.Errorf("data key: %w", ErrDamaged)
	}
	v.key, v.aead = key, box
	return nil
}

func newBox(key []byte) (cipher.AEAD, error) {
	if len(key) != keySize {
		return nil, ErrDamaged
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// checkOf returns bytes that say of a data key only whether it is another one.
func checkOf(key []byte) ([]byte, error) { return hkdf.Key(sha256.New, key, nil, useCheck, 16) }

// named is what a sealed text is bound to.
func named(use string, parts ...[]byte) []byte {
	b := append([]byte(use), 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// seal returns nonce ‖ ciphertext ‖ tag.
func seal(box cipher.AEAD, rnd io.Reader, name, plain []byte) ([]byte, error) {
	out := make([]byte, box.NonceSize(), box.NonceSize()+len(plain)+box.Overhead())
	if _, err := io.ReadFull(rnd, out); err != nil {
		return nil, fmt.Errorf("nonce: %w", err)
	}
	return box.Seal(out, out, plain, name), nil
}

// open reads what seal wrote for the same name. Its error wraps ErrDamaged.
func open(box cipher.AEAD, name, sealed []byte) ([]byte, error) {
	n := box.NonceSize()
	if len(sealed) < n {
		return nil, fmt.Errorf("%d sealed bytes: %w", len(sealed), ErrDamaged)
	}
	plain, err := box.Open(nil, sealed[:n], sealed[n:], name)
	if err != nil {
		return nil, fmt.Errorf("sealed bytes: %w", ErrDamaged)
	}
	return plain, nil
}

// SealRow encrypts what stands at a place; the place itself stays in clear where
// it is and is bound to the result, so that rows cannot change places. Error:
// ErrLocked.
func (v *Vault) SealRow(place, plain []byte) ([]byte, error) {
	box, err := v.rows()
	if err != nil {
		return nil, err
	}
	return seal(box, v.cfg.Rand, named(useRow, place), plain)
}

// OpenRow decrypts what SealRow made for the same place. Errors: ErrLocked, one
// that wraps ErrDamaged.
func (v *Vault) OpenRow(place, sealed []byte) ([]byte, error) {
	box, err := v.rows()
	if err != nil {
		return nil, err
	}
	return open(box, named(useRow, place), sealed)
}

func (v *Vault) rows() (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.aead == nil {
		return nil, ErrLocked
	}
	return v.aead, nil
}
