// SPDX-License-Identifier: Apache-2.0

// Package vault keeps a tablet's keys: the data key that seals what is personal,
// and the keys that sign saves.
//
//	staff secret ──Argon2id──┐
//	                         ├─HKDF─▶ wraps the data key, once for each person
//	device key (file, 0600) ─┤
//	                         └─HKDF─▶ wraps the signing keys
//	shard's recipient key ───HPKE───▶ wraps the data key once more, for recovery
//
// So a copied disk without the device key is noise, a stolen tablet still asks for
// a secret, a locked tablet can sign in and send what it sealed before, and a
// forgotten secret loses nothing.
//
// The one invariant: no key and no secret is ever on disk in clear but the device
// key, and every file is either as it was or as it was meant to be.
package vault

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var (
	// ErrNone is returned by Open where no vault is.
	ErrNone = errors.New("no vault here")
	// ErrExists is returned by Create where a vault is already.
	ErrExists = errors.New("there is a vault already")
	// ErrSecret is returned by Unlock for a secret that is nobody's here.
	ErrSecret = errors.New("wrong secret")
	// ErrWeak is returned for a new secret of less than MinSecret characters.
	ErrWeak = errors.New("secret too short")
	// ErrTaken is returned for a new secret that cannot tell two people apart.
	ErrTaken = errors.New("choose another secret")
	// ErrLocked is returned for what needs the data key while it is not there.
	ErrLocked = replica.ErrLocked
	// ErrDamaged is wrapped when bytes were not sealed by this vault for this place.
	ErrDamaged = errors.New("damaged")
	// ErrLast is returned by RemoveSecret for the only secret left.
	ErrLast = errors.New("the last secret stays")
	// ErrNotEnrolled is returned by RecoveryRequest before SealFor.
	ErrNotEnrolled = errors.New("nobody can recover this vault yet")
)

// MinSecret is the least number of characters of a secret. With six digits and
// the ordinary cost a thief of the whole device needs days, not minutes.
const MinSecret = 6

// Cost is what one guess costs (Argon2id).
type Cost struct {
	Passes    uint32
	MemoryKiB uint32
	Lanes     uint8
}

// OrdinaryCost is the second choice of RFC 9106, for devices with little memory.
func OrdinaryCost() Cost { return Cost{Passes: 3, MemoryKiB: 64 << 10, Lanes: 4} }

// Config says where a vault is and what it is made with. Dir, Clock and Rand must
// be given.
type Config struct {
	Dir   string
	Clock func() time.Time
	Rand  io.Reader
	// DeviceKey is 32 bytes that the device's own keystore keeps. Empty: a file of
	// the vault's folder keeps them.
	DeviceKey []byte
	// Cost is that of new vaults; zero: OrdinaryCost. An old one keeps its own.
	Cost Cost
}

// Vault holds one tablet's keys. It is safe for concurrent use.
type Vault struct {
	cfg    Config
	device []byte

	mu     sync.Mutex
	kept   contents
	key    []byte      // the data key; nil while locked
	aead   cipher.AEAD // of key; nil while locked
	signer map[causal.ReplicaID]segment.Signer
}

const keySize = 32

// Create makes a vault with one secret, and unlocks it. Staff is whose secret it
// is. A folder that is not there is made. Errors: ErrExists, ErrWeak.
func Create(cfg Config, staff, secret string) (*Vault, error) {
	if err := checkSecret(secret); err != nil {
		return nil, err
	}
	v := newVault(cfg)
	if exists(v.path(vaultFile)) {
		return nil, ErrExists
	}
	if err := v.makeFolders(); err != nil {
		return nil, err
	}
	if err := v.loadDevice(true); err != nil {
		return nil, err
	}
	if err := v.fill(staff, secret); err != nil {
		return nil, fmt.Errorf("create vault: %w", err)
	}
	return v, nil
}

// fill draws everything a new vault has and writes it.
func (v *Vault) fill(staff, secret string) error {
	v.kept = contents{Format: format, Cost: v.cfg.Cost, ID: make([]byte, 16), Salt: make([]byte, 16)}
	key := make([]byte, keySize)
	for _, b := range [][]byte{v.kept.ID, v.kept.Salt, key} {
		if _, err := io.ReadFull(v.cfg.Rand, b); err != nil {
			return err
		}
	}
	if err := v.use(key); err != nil {
		return err
	}
	var err error
	if v.kept.Check, err = checkOf(key); err != nil {
		return err
	}
	s, err := v.wrap(staff, v.stretch(secret))
	if err != nil {
		return err
	}
	v.kept.Slots = []slot{s}
	return v.write()
}

// Open returns the vault in a folder, locked. Error: ErrNone.
func Open(cfg Config) (*Vault, error) {
	v := newVault(cfg)
	if !exists(v.path(vaultFile)) {
		return nil, ErrNone
	}
	if err := v.read(); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	if err := v.loadDevice(false); err != nil {
		return nil, fmt.Errorf("open vault: %w", err)
	}
	return v, nil
}

// Exists reports whether a folder has a vault.
func Exists(dir string) bool { return exists((&Vault{cfg: Config{Dir: dir}}).path(vaultFile)) }

func newVault(cfg Config) *Vault {
	if cfg.Cost == (Cost{}) {
		cfg.Cost = OrdinaryCost()
	}
	return &Vault{cfg: cfg, signer: map[causal.ReplicaID]segment.Signer{}}
}

// ID returns 16 bytes that name this vault for ever.
func (v *Vault) ID() []byte {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.kept.ID)
}

// Unlock opens the data key with somebody's secret and returns whose it is. Errors:
// ErrSecret, and a *WaitError after too many wrong ones, without looking.
func (v *Vault) Unlock(secret string) (staff string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.countGuess(); err != nil {
		return "", err
	}
	s, key, ok := v.find(v.stretch(secret))
	if !ok {
		return "", ErrSecret
	}
	if err := v.forgetGuesses(); err != nil {
		return "", err
	}
	return s.Staff, v.use(key)
}

// Lock forgets the data key. What the cipher itself derived from it is left to the
// garbage collector.
func (v *Vault) Lock() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.key)
	v.key, v.aead = nil, nil
}

// Unlocked reports whether the data key is there.
func (v *Vault) Unlocked() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.key != nil
}

// Staff returns whose secrets open the vault, in the order they were given.
func (v *Vault) Staff() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []string
	for _, s := range v.kept.Slots {
		out = append(out, s.Staff)
	}
	return out
}

// SetSecret gives somebody a secret, in place of an earlier one. Errors:
// ErrLocked, ErrWeak, ErrTaken.
func (v *Vault) SetSecret(staff, secret string) error {
	if err := checkSecret(secret); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		return ErrLocked
	}
	return v.setSecret(staff, secret)
}

func (v *Vault) setSecret(staff, secret string) error {
	stretched := v.stretch(secret)
	if s, _, ok := v.find(stretched); ok && s.Staff != staff {
		return ErrTaken
	}
	s, err := v.wrap(staff, stretched)
	if err != nil {
		return err
	}
	return v.rewrite(func(c *contents) { c.Slots = append(without(c.Slots, staff), s) })
}

// RemoveSecret takes somebody's secret away; the one who has none loses nothing.
// Errors: ErrLocked, ErrLast.
func (v *Vault) RemoveSecret(staff string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	rest := without(v.kept.Slots, staff)
	switch {
	case v.key == nil:
		return ErrLocked
	case len(rest) == len(v.kept.Slots):
		return nil
	case len(rest) == 0:
		return ErrLast
	}
	return v.rewrite(func(c *contents) { c.Slots = rest })
}

// Rename says whose secret one is that was created before anybody was enrolled.
func (v *Vault) Rename(from, to string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.key == nil {
		return ErrLocked
	}
	for i, s := range v.kept.Slots {
		if s.Staff == from && from != to {
			return v.rewrite(func(c *contents) {
				c.Slots = append([]slot(nil), c.Slots...)
				c.Slots[i].Staff = to
			})
		}
	}
	return nil
}

func checkSecret(secret string) error {
	if utf8.RuneCountInString(secret) < MinSecret {
		return ErrWeak
	}
	return nil
}
