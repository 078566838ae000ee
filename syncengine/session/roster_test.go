// SPDX-License-Identifier: Apache-2.0

package session_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

var day = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

func rosterOf(t *testing.T, signer segment.Signer, at time.Time, pins ...session.Pin) session.Roster {
	t.Helper()
	r, err := session.SignRoster(signer, session.Roster{IssuedAt: at, Pins: pins, Recipient: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func signer(n byte) segment.Signer {
	return segment.KeySigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)))
}

func TestARosterIsKnownByTheShardsIdAlone(t *testing.T) {
	shard := segment.ShardOf(signer(1).Public())
	r := rosterOf(t, signer(1), day, session.Pin{1}, session.Pin{2})
	got, err := session.OpenRoster(r.Raw, shard)
	if err != nil || !got.IssuedAt.Equal(day) || !got.Names(session.Pin{2}) || got.Names(session.Pin{3}) || !got.ShardKey.Equal(signer(1).Public()) {
		t.Errorf("%+v, %v", got, err)
	}
	changed := bytes.Clone(r.Raw)
	changed[len(changed)/3]++
	for name, raw := range map[string][]byte{
		"none": nil, "cut": r.Raw[:40], "changed": changed, "of another shard": rosterOf(t, signer(2), day, session.Pin{1}).Raw,
		"too large": make([]byte, session.MaxRoster+1),
	} {
		if _, err := session.OpenRoster(raw, shard); !errors.Is(err, session.ErrRoster) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := session.SignRoster(signer(1), session.Roster{IssuedAt: day, Recipient: make([]byte, 32)}); !errors.Is(err, session.ErrRoster) {
		t.Errorf("a roster without a pin: %v", err)
	}
}

func TestWhatACallerTrustsAfterMeetingAServer(t *testing.T) {
	one, two, three := session.Pin{1}, session.Pin{2}, session.Pin{3}
	first := rosterOf(t, signer(1), day, one)
	second := rosterOf(t, signer(1), day.Add(time.Hour), two)
	both := rosterOf(t, signer(1), day.Add(2*time.Hour), two, three)
	fresh := session.Trust{Pin: one}
	for _, row := range []struct {
		name  string
		trust session.Trust
		pin   session.Pin
		shown session.Roster
		good  bool
		want  session.Roster // trusted from now on
	}{
		{"the known pin without a roster", fresh, one, session.Roster{}, true, session.Roster{}},
		{"the known pin with its roster", fresh, one, first, true, first},
		{"another pin without a roster", fresh, two, session.Roster{}, false, session.Roster{}},
		{"another pin that the roster names", fresh, two, second, true, second},
		{"a pin that the roster does not name", fresh, three, second, false, session.Roster{}},
		{"the earlier server after the later one", session.Trust{Pin: two, Roster: second}, one, first, false, second},
		{"an earlier roster that names the known pin", session.Trust{Pin: one, Roster: both}, one, first, true, both},
		{"one of two authorities, then the other", session.Trust{Pin: two, Roster: both}, three, both, true, both},
		{"the known pin after a roster was read that does not name it", session.Trust{Pin: one, Roster: first}.Hears(second), one, session.Roster{}, false, second},
		{"the pin of a roster that was read", session.Trust{Pin: one, Roster: first}.Hears(second), two, session.Roster{}, true, second},
		{"the known pin after a roster was read that names it too", session.Trust{Pin: two, Roster: second}.Hears(both), two, session.Roster{}, true, both},
		{"the later server after an older roster was read", session.Trust{Pin: two, Roster: second}.Hears(first), two, session.Roster{}, true, second},
		{"the known pin after nothing was read", fresh.Hears(session.Roster{}), one, session.Roster{}, true, session.Roster{}},
		{"the other one without showing the roster", session.Trust{Pin: two, Roster: both}, three, session.Roster{}, true, both},
	} {
		next, good := row.trust.Meets(row.pin, row.shown)
		if good != row.good || !bytes.Equal(next.Roster.Raw, row.want.Raw) {
			t.Errorf("%s: %v, issued %s", row.name, good, next.Roster.IssuedAt)
		}
		if moved := len(row.want.Pins) > 0 && row.good && row.want.Names(row.pin) && next.Pin != row.pin && bytes.Equal(row.shown.Raw, next.Roster.Raw); moved {
			t.Errorf("%s: known by %x from now on", row.name, next.Pin[:1])
		}
	}
}
