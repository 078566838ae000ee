// SPDX-License-Identifier: Apache-2.0

package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// The files of a vault.
//
//	vault.json    the data key, wrapped; never changed in place
//	device.key    32 bytes, unless the device's keystore keeps them
//	guesses.json  wrong secrets in a row; not there: none
//	keys/ID.key   a signing key, wrapped, by replica id
const (
	vaultFile   = "vault.json"
	deviceFile  = "device.key"
	guessesFile = "guesses.json"
	keysFolder  = "keys"
)

const format = 1

// contents is vault.json.
type contents struct {
	Format   int    `json:"format"`
	ID       []byte `json:"id"`
	Salt     []byte `json:"salt"`
	Cost     Cost   `json:"argon2id"`
	Check    []byte `json:"check"` // tells the data key from others
	Slots    []slot `json:"secrets"`
	Recovery []byte `json:"recovery,omitempty"`
	Shard    []byte `json:"shard,omitempty"`
}

func (v *Vault) path(name string) string { return filepath.Join(v.cfg.Dir, name) }

// makeFolders makes the folders and makes them last.
func (v *Vault) makeFolders() error {
	dir, err := filepath.Abs(v.cfg.Dir)
	if err == nil {
		err = os.MkdirAll(v.path(keysFolder), 0o700)
	}
	if err == nil {
		err = errors.Join(syncFolder(dir), syncFolder(filepath.Dir(dir)))
	}
	if err != nil {
		return fmt.Errorf("folder of the vault: %w", err)
	}
	return nil
}

func (v *Vault) read() error {
	raw, err := os.ReadFile(v.path(vaultFile))
	if err != nil {
		return err
	}
	var c contents
	if err := json.Unmarshal(raw, &c); err != nil {
		return fmt.Errorf("%s: %w", vaultFile, ErrDamaged)
	}
	if c.Format != format {
		return fmt.Errorf("%s has format %d, this program reads %d: use the newer program", vaultFile, c.Format, format)
	}
	if len(c.ID) != 16 || len(c.Salt) != 16 || len(c.Slots) == 0 || c.Cost.Passes == 0 || c.Cost.Lanes == 0 {
		return fmt.Errorf("%s: %w", vaultFile, ErrDamaged)
	}
	v.kept = c
	return nil
}

func (v *Vault) write() error { return v.writeJSON(vaultFile, v.kept) }

// rewrite changes the vault on disk and, once it is there, in memory.
func (v *Vault) rewrite(change func(*contents)) error {
	next := v.kept
	change(&next)
	if err := v.writeJSON(vaultFile, next); err != nil {
		return err
	}
	v.kept = next
	return nil
}

func (v *Vault) writeJSON(name string, value any) error {
	raw, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return replaceFile(v.path(name), raw)
}

// loadDevice takes the device key from the configuration or its file; a new vault
// may make the file.
func (v *Vault) loadDevice(fresh bool) error {
	if len(v.cfg.DeviceKey) > 0 {
		v.device = v.cfg.DeviceKey
	} else {
		raw, err := os.ReadFile(v.path(deviceFile))
		if errors.Is(err, fs.ErrNotExist) && fresh {
			raw, err = v.newDevice()
		}
		if err != nil {
			return fmt.Errorf("device key: %w", err)
		}
		v.device = raw
	}
	if len(v.device) != keySize {
		return fmt.Errorf("device key of %d bytes: %w", len(v.device), ErrDamaged)
	}
	return nil
}

func (v *Vault) newDevice() ([]byte, error) {
	key := make([]byte, keySize)
	if _, err := io.ReadFull(v.cfg.Rand, key); err != nil {
		return nil, err
	}
	return key, replaceFile(v.path(deviceFile), key)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// replaceFile writes a file, readable by its owner only, so that after a crash the
// old or the new content is there, whole.
func replaceFile(path string, content []byte) error {
	next := path + ".new"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(next) // half a file helps nobody, and it may be that the disk is full
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename last. Windows has no such call and does it by itself.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
