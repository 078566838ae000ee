// SPDX-License-Identifier: Apache-2.0

package session

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// ErrNotHub is wrapped when a server cannot show that it is a hub of the shard.
var ErrNotHub = errors.New("not a hub of this county")

// DomainHub is what a hub's signature over its server is for.
const DomainHub segment.Domain = "xunzhen/hub/1"

// HubMessage returns the bytes by which a hub says that the server with this pin is
// its own.
func HubMessage(shard segment.ShardID, pin Pin) []byte { return DomainHub.Message(shard[:], pin[:]) }

// OpenIntroduction returns the certificate of the hub that a server with this pin is,
// by what it shows: a certificate that the shard signed, for a hub, and that key's
// signature over HubMessage. Its error wraps ErrNotHub.
func OpenIntroduction(shardKey ed25519.PublicKey, pin Pin, certificate, signature []byte) (segment.Certificate, error) {
	cert, err := segment.ParseCertificate(certificate, shardKey)
	switch {
	case err != nil:
		return cert, fmt.Errorf("%w: %w", ErrNotHub, err)
	case cert.Role != segment.RoleHub:
		return cert, fmt.Errorf("%w: role %s", ErrNotHub, cert.Role)
	case !ed25519.Verify(cert.PublicKey, HubMessage(cert.Shard, pin), signature):
		return cert, fmt.Errorf("%w: signature", ErrNotHub)
	}
	return cert, nil
}

const hubScheme = "XZH1"

// HubInvitation says where a hub is and how to know it. It is no secret and lets
// nobody in: a hub knows its callers by their certificates. As text it is
//
//	XZH1:<address>[,<address>]:<base32 of shard (16) | pin (32) | check (2)>
//
// with check as in an Invitation.
type HubInvitation struct {
	Addresses []string // host:port, the best one first
	Shard     segment.ShardID
	Pin       Pin
}

// String writes i. Addresses must be well formed.
func (i HubInvitation) String() string {
	return textOf(hubScheme, i.Addresses, slices.Concat(i.Shard[:], i.Pin[:]))
}

// ParseHubInvitation reads what String writes, however it was wrapped or capitalised
// on its way. Its error wraps ErrInvitation.
func ParseHubInvitation(text string) (HubInvitation, error) {
	addresses, b, err := parseText(text, hubScheme, 16+32)
	if err != nil {
		return HubInvitation{}, err
	}
	return HubInvitation{Addresses: addresses, Shard: segment.ShardID(b), Pin: Pin(b[16:])}, nil
}
