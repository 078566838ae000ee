// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// Lock seals what was saved, so that it can be sent while nobody is there, and
// forgets the keys and everything personal in memory. The tablet is locked even if
// Lock returns an error: then something waits for the next time it is unlocked. A
// running Sync is ended.
func (t *Tablet) Lock() error {
	t.Stop()
	err := t.spend(reserveOpening, func() error {
		_, err := t.rep().Seal(context.Background())
		return err
	})
	if errors.Is(err, replica.ErrNotEnrolled) || errors.Is(err, replica.ErrLocked) {
		err = nil // there is nobody to send it to yet, or it was locked already
	}
	t.vault.Lock()
	t.mu.Lock()
	t.staff = ""
	t.forgetPeople()
	t.mu.Unlock()
	return fail("lock", err)
}

// Locked reports whether the tablet is locked.
func (t *Tablet) Locked() bool { return !t.vault.Unlocked() }

// Unlock opens a locked tablet with somebody's secret and returns whose it is.
// Reasons: secret; wait after too many wrong ones, see WaitMs.
func (t *Tablet) Unlock(secret string) (string, error) {
	var staff string
	err := t.spend(0, func() (err error) {
		staff, err = t.vault.Unlock(secret)
		return err
	})
	if err != nil {
		return "", fail("unlock", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.staff = staff
	return staff, nil
}

// Staff returns who has a secret.
func (t *Tablet) Staff() *Strings { return &Strings{t.vault.Staff()} }

// SetSecret gives somebody on the certificate a secret, in place of an earlier one.
// Reasons: locked, staff, weak_secret, taken_secret.
func (t *Tablet) SetSecret(staff, secret string) error {
	cert, err := t.certificate(context.Background())
	if err == nil && !cert.AllowsAuthor(staff) {
		err = fmt.Errorf("%q: %w", staff, errStaff)
	}
	if err == nil {
		err = t.vault.SetSecret(staff, secret)
	}
	return fail("set secret", err)
}

// RemoveSecret takes somebody's secret away. Reasons: locked, last_secret.
func (t *Tablet) RemoveSecret(staff string) error {
	return fail("remove secret", t.vault.RemoveSecret(staff))
}

// RecoveryRequest returns the text that the office needs when every secret of this
// tablet is forgotten. It works while locked. Reason: not_enrolled.
func (t *Tablet) RecoveryRequest() (string, error) {
	raw, err := t.vault.RecoveryRequest()
	if err != nil {
		return "", fail("recovery", err)
	}
	return recoveryText.EncodeToString(raw), nil
}

// AnswerRecovery is the office's part of a recovery: with the shard's recipient key
// and the tablet's request it returns the answer. Whether who asks may ask is for
// the office to see. Reason: damaged.
func AnswerRecovery(recipientKey []byte, shardID, request string) (string, error) {
	raw, err := recoveryText.DecodeString(request)
	if err != nil {
		return "", fail("recovery", fmt.Errorf("request: %w", vault.ErrDamaged))
	}
	shard, err := segment.ParseShardID(shardID)
	if err != nil {
		return "", fail("recovery", err)
	}
	answer, err := vault.AnswerRecovery(recipientKey, shard, raw)
	if err != nil {
		return "", fail("recovery", err)
	}
	return recoveryText.EncodeToString(answer), nil
}

// Recover opens the tablet with the office's answer, gives somebody a new secret,
// and takes away all others. Reasons: damaged, weak_secret.
func (t *Tablet) Recover(answer, staff, secret string) error {
	raw, err := recoveryText.DecodeString(answer)
	if err != nil {
		return fail("recover", fmt.Errorf("answer: %w", vault.ErrDamaged))
	}
	if err := t.spend(0, func() error { return t.vault.Recover(raw, staff, secret) }); err != nil {
		return fail("recover", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.staff = staff
	return nil
}

// recoveryText is how requests and answers are written: for copying, not for
// reading aloud.
var recoveryText = base64.RawURLEncoding
