// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// FuzzOpenRoster looks for bytes that are read as a roster and were not signed as one:
// anybody who answers a connection can show some.
func FuzzOpenRoster(f *testing.F) {
	made, err := session.SignRoster(signer(1), session.Roster{IssuedAt: day, Pins: []session.Pin{{1}}, Recipient: make([]byte, 32)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(made.Raw)
	f.Add(made.Raw[:50])
	f.Add([]byte{10, 0, 18, 0})
	shard := segment.ShardOf(signer(1).Public())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if r, err := session.OpenRoster(raw, shard); err == nil && !bytes.Equal(r.Raw, made.Raw) {
			t.Errorf("taken: %x", raw)
		}
	})
}
