// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/hpke"
	"crypto/sha256"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// When every secret is forgotten:
//
//	tablet                        office                          tablet
//	RecoveryRequest ──(text)──▶ AnswerRecovery ──(text)──▶ Recover(answer, new secret)
//
// The request is the data key and a public key of the device, sealed to the shard
// at enrolment; the answer is the data key sealed to that device. Neither is of
// use to who carries it. That the person who asks may ask is for the office to see.

// SealFor lets the shard with this recipient key (X25519) recover the vault.
// Error: ErrLocked.
func (v *Vault) SealFor(shard segment.ShardID, recipient []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		return ErrLocked
	}
	device, err := v.recoveryKey()
	if err != nil {
		return err
	}
	plain := append(append([]byte(nil), device.PublicKey().Bytes()...), v.key...)
	sealed, err := sealTo(recipient, named(useRecovery, shard[:]), plain)
	if err != nil {
		return fmt.Errorf("seal for recovery: %w", err)
	}
	return v.rewrite(func(c *contents) { c.Shard, c.Recovery = append([]byte(nil), shard[:]...), sealed })
}

// RecoveryRequest returns what the office needs to answer. Error: ErrNotEnrolled.
func (v *Vault) RecoveryRequest() ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.kept.Recovery) == 0 {
		return nil, ErrNotEnrolled
	}
	return append([]byte(nil), v.kept.Recovery...), nil
}

// AnswerRecovery is the office's part: it opens a request with the shard's
// recipient key and seals the answer to the device. Its error wraps ErrDamaged for
// a request of another shard or none at all.
func AnswerRecovery(recipient []byte, shard segment.ShardID, request []byte) ([]byte, error) {
	key, err := ecdh.X25519().NewPrivateKey(recipient)
	if err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	plain, err := openWith(key, named(useRecovery, shard[:]), request)
	if err != nil || len(plain) != 2*keySize {
		return nil, fmt.Errorf("recovery request: %w", ErrDamaged)
	}
	return sealTo(plain[:keySize], named(useAnswer, shard[:]), plain[keySize:])
}

// Recover opens the data key with the office's answer, gives somebody a new
// secret, takes away all others, and forgets wrong guesses. Errors: ErrWeak, one
// that wraps ErrDamaged for an answer to somebody else.
func (v *Vault) Recover(answer []byte, staff, secret string) error {
	if err := checkSecret(secret); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	device, err := v.recoveryKey()
	if err != nil {
		return err
	}
	key, err := openWith(device, named(useAnswer, v.kept.Shard), answer)
	if err != nil {
		return fmt.Errorf("recovery answer: %w", ErrDamaged)
	}
	if check, err := checkOf(key); err != nil || !bytes.Equal(check, v.kept.Check) {
		return fmt.Errorf("recovery answer with another key: %w", ErrDamaged)
	}
	if err := v.use(key); err != nil {
		return err
	}
	s, err := v.wrap(staff, v.stretch(secret))
	if err != nil {
		return err
	}
	if err := v.rewrite(func(c *contents) { c.Slots = []slot{s} }); err != nil {
		return err
	}
	return v.forgetGuesses()
}

// recoveryKey is the device's key for answers, derived from the device key.
func (v *Vault) recoveryKey() (*ecdh.PrivateKey, error) {
	seed, err := hkdf.Key(sha256.New, v.device, v.kept.ID, useAnswer, keySize)
	if err != nil {
		return nil, err
	}
	return ecdh.X25519().NewPrivateKey(seed)
}

// sealTo encrypts to an X25519 public key. The cipher takes its randomness from
// the system.
func sealTo(public, info, plain []byte) ([]byte, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("recipient key: %w", err)
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, plain)
}

func openWith(private *ecdh.PrivateKey, info, sealed []byte) ([]byte, error) {
	key, err := hpke.NewDHKEMPrivateKey(private)
	if err != nil {
		return nil, err
	}
	return hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), info, sealed)
}
