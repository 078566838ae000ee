// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// DomainRoster is what a roster's signature is for.
const DomainRoster segment.Domain = "xunzhen/roster/1"

// Limits of rosters.
const (
	MaxRoster     = 1 << 10 // bytes
	MaxRosterPins = 8
)

// ErrRoster is wrapped when bytes are no roster of a shard.
var ErrRoster = errors.New("not a roster of this shard")

// Roster is a shard's word about the server where it is: which authorities sign its TLS
// certificates, and whom to encrypt to. Who has seen one believes none that is older.
type Roster struct {
	ShardKey ed25519.PublicKey
	IssuedAt time.Time // by the centre's clock, in whole milliseconds, UTC
	Pins     []Pin
	// Recipient is the shard's X25519 public key.
	Recipient []byte

	Raw []byte // as signed; empty in the zero Roster, which says nothing
}

// Names reports whether the authority with this pin is the server's.
func (r Roster) Names(pin Pin) bool { return slices.Contains(r.Pins, pin) }

// SignRoster signs what a shard says and returns it with ShardKey and Raw set. Its error
// wraps ErrRoster when it breaks a limit.
func SignRoster(shard segment.Signer, r Roster) (Roster, error) {
	m := &syncv1.ServerRosterBody{ShardKey: shard.Public(), IssuedAtMs: r.IssuedAt.UnixMilli(), RecipientKey: r.Recipient}
	for _, p := range r.Pins {
		m.Pins = append(m.Pins, p[:])
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return Roster{}, fmt.Errorf("roster: %w", err)
	}
	return OpenRoster(segment.SignBody(shard, DomainRoster, raw).Encode(), segment.ShardOf(shard.Public()))
}

// OpenRoster reads a roster of a shard, of which the id is enough: the roster bears the
// shard's key. Its error wraps ErrRoster.
func OpenRoster(raw []byte, shard segment.ShardID) (Roster, error) {
	r, err := openRoster(raw, shard)
	if err != nil {
		return Roster{}, fmt.Errorf("%w: %w", ErrRoster, err)
	}
	return r, nil
}

func openRoster(raw []byte, shard segment.ShardID) (r Roster, err error) {
	if len(raw) > MaxRoster {
		return r, segment.ErrUnreadable
	}
	signed, err := segment.DecodeSigned(raw)
	if err != nil {
		return r, err
	}
	var m syncv1.ServerRosterBody
	if err := proto.Unmarshal(signed.Body, &m); err != nil {
		return r, err
	}
	if len(m.GetShardKey()) != ed25519.PublicKeySize || segment.ShardOf(m.GetShardKey()) != shard {
		return r, errors.New("of another shard")
	}
	if err := signed.Verify(m.GetShardKey(), DomainRoster); err != nil {
		return r, err
	}
	if n := len(m.GetPins()); n == 0 || n > MaxRosterPins || len(m.GetRecipientKey()) != 32 {
		return r, segment.ErrUnreadable
	}
	r = Roster{
		ShardKey: m.GetShardKey(), IssuedAt: time.UnixMilli(m.GetIssuedAtMs()).UTC(), Recipient: m.GetRecipientKey(),
		Raw: slices.Clone(raw),
	}
	for _, p := range m.GetPins() {
		if len(p) != len(Pin{}) {
			return r, segment.ErrUnreadable
		}
		r.Pins = append(r.Pins, Pin(p))
	}
	return r, nil
}

// Trust is how a caller knows the server of a shard: by the pin of its authority, and by
// the newest roster that it has seen.
type Trust struct {
	Pin    Pin
	Roster Roster // zero: none yet
}

// Meets says what a caller with this trust makes of a server that showed the authority
// with a pin and some roster of the shard (zero: none): what the caller trusts from now
// on, and whether it goes on. A roster counts that is not older than the one seen. The
// known pin is good until a roster was seen that does not name it.
func (t Trust) Meets(pin Pin, shown Roster) (Trust, bool) {
	if shown.Raw != nil && !shown.IssuedAt.Before(t.Roster.IssuedAt) && shown.Names(pin) {
		return Trust{Pin: pin, Roster: shown}, true
	}
	return t, pin == t.Pin || t.Roster.Names(pin)
}

// Hears says what the caller trusts once it was told a roster by the shard but met no
// server: in a bundle. One that is older than the one seen says nothing.
func (t Trust) Hears(r Roster) Trust {
	switch {
	case r.Raw == nil, r.IssuedAt.Before(t.Roster.IssuedAt):
		return t
	case r.Names(t.Pin):
		return Trust{Pin: t.Pin, Roster: r}
	}
	return Trust{Pin: r.Pins[0], Roster: r}
}
