// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"context"
)

// keepServer keeps what the shard says of its server, if a sync with the centre has shown
// something new: by which authority it is known, and to whom to encrypt. The recipient
// waits for a sync of the unlocked tablet, since the vault must be sealed to it too.
func (t *Tablet) keepServer(ctx context.Context, w *watched) error {
	if w.way.isHub {
		return nil
	}
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	trust, next := w.remote.Trust(), s
	if s.Pin != w.way.config.Pin {
		return nil // a further invitation was taken meanwhile, and says it
	}
	next.Pin, next.Roster = trust.Pin, trust.Roster.Raw
	to := trust.Roster.Recipient
	other := len(to) > 0 && !bytes.Equal(to, s.Recipient) && !t.Locked()
	if other {
		if err := t.vault.SealFor(s.Shard, to); err != nil {
			return err
		}
		next.Recipient = to
	}
	if !other && next.Pin == s.Pin && bytes.Equal(next.Roster, s.Roster) {
		return nil
	}
	if err := t.writeNote(ctx, noteServer, next); err != nil {
		return err
	}
	if other {
		return t.openReplica(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.server = next
	return nil
}
