// SPDX-License-Identifier: Apache-2.0

package county

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	rosterFile = "roster"
	// formerRecipient names former recipient keys, by number from 1.
	formerRecipient = "recipient-%d.key"
)

// formerRecipients returns the recipient keys in a county's folder from before that of
// today, the latest first.
func formerRecipients(dir string, today *ecdh.PrivateKey) (out []*ecdh.PrivateKey, err error) {
	for n := 1; ; n++ {
		one, err := auth.ReadRecipientKey(filepath.Join(dir, fmt.Sprintf(formerRecipient, n)))
		if errors.Is(err, fs.ErrNotExist) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if !one.Equal(today) { // else a rotation that was cut off
			out = slices.Insert(out, 0, one)
		}
	}
}

// recipients returns the keys that open what was encrypted to the county, that of today
// first.
func (c *County) recipients() []*ecdh.PrivateKey {
	return append([]*ecdh.PrivateKey{c.recipient}, c.former...)
}

// RotateRecipient puts a new recipient key in place of the one in dir, which is kept
// for opening. No server may have the folder.
func RotateRecipient(dir string, rand io.Reader) error {
	today, err := auth.ReadRecipientKey(filepath.Join(dir, recipientFile))
	if err != nil {
		return fmt.Errorf("recipient key: %w", err)
	}
	raw, _, err := segment.NewRecipientKey(rand)
	if err != nil {
		return err
	}
	next, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return err
	}
	for n := 1; ; n++ {
		err := auth.WriteKey(filepath.Join(dir, fmt.Sprintf(formerRecipient, n)), today)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return replaceKey(filepath.Join(dir, recipientFile), next)
}

// RotateOperator puts a new operator key in place of the one in dir, which opens no
// session from the server's next start on.
func RotateOperator(dir string, rand io.Reader) error {
	seed, err := read(rand, ed25519.SeedSize)
	if err != nil {
		return err
	}
	return replaceKey(filepath.Join(dir, operatorFile), ed25519.NewKeyFromSeed(seed))
}

// replaceKey puts a key in place of another, whole or not at all.
func replaceKey(path string, key any) error {
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := auth.WriteKey(aside, key); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return auth.SyncFolder(filepath.Dir(path))
}

// SignRoster has the shard say which authority its server has, and whom to encrypt to,
// later than ever before. It is said anew at every start: an older copy of the folder
// that was put back would else be believed by nobody who has seen a newer roster.
func (c *County) SignRoster(pin session.Pin, now time.Time) error {
	path := filepath.Join(c.Dir, rosterFile)
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("roster: %w", err)
	}
	last, _ := session.OpenRoster(raw, c.Shard()) // else the zero one: any time is later
	if now = now.Truncate(time.Millisecond); !now.After(last.IssuedAt) {
		now = last.IssuedAt.Add(time.Millisecond)
	}
	next, err := session.SignRoster(c.shard, session.Roster{IssuedAt: now, Pins: []session.Pin{pin}, Recipient: c.RecipientKey()})
	if err != nil {
		return err
	}
	if err := writeOver(path, next.Raw); err != nil {
		return fmt.Errorf("roster: %w", err)
	}
	c.roster = next
	return nil
}

// writeOver writes a file in place of another, whole or not at all.
func writeOver(path string, content []byte) error {
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := auth.WriteNew(aside, content, 0o600); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return auth.SyncFolder(filepath.Dir(path))
}

// Roster returns what the shard says of its server; the zero one before SignRoster.
func (c *County) Roster() session.Roster { return c.roster }
