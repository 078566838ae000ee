// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"context"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// keepServer keeps what the shard says of its server, if a sync with the centre has shown
// something new: by which authority it is known, and to whom to encrypt. The recipient
// waits for a sync of the unlocked tablet, since the vault must be sealed to it too.
func (t *Tablet) keepServer(ctx context.Context, w *watched) error {
	if w.way.isHub {
		return nil
	}
	t.mu.Lock()
	known := t.server.Pin
	t.mu.Unlock()
	if known != w.way.config.Pin {
		return nil // a further invitation was taken meanwhile, and says it
	}
	return t.keepTrust(ctx, w.remote.Trust())
}

// hearServer is keepServer for what an answer in writing brought.
func (t *Tablet) hearServer(ctx context.Context, raw []byte) error {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	said, err := session.OpenRoster(raw, s.Shard)
	if err != nil {
		return nil //nolint:nilerr // of an older centre, or damaged: what is known stays
	}
	trust := session.Trust{Pin: s.Pin}
	trust.Roster, _ = session.OpenRoster(s.Roster, s.Shard) // without one, the pin counts
	return t.keepTrust(ctx, trust.Hears(said))
}

func (t *Tablet) keepTrust(ctx context.Context, trust session.Trust) error {
	t.mu.Lock()
	s := t.server
	t.mu.Unlock()
	next := s
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
