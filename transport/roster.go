// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// maxRosters bounds what the rosters of a server's counties take in its certificate.
const maxRosters = 16 << 10

// rosterOID names the extension of a server's certificate that holds rosters: an arc of
// its own under 2.25, where a number needs no registry (small, because libraries read none
// above 2^31). Certificates of this authority are for this program only.
func rosterOID() asn1.ObjectIdentifier { return asn1.ObjectIdentifier{2, 25, 1684955489} }

// RosterExtension returns the extension that shows signed rosters to whoever connects,
// and how many of them there was room for: those that stand first.
func RosterExtension(rosters [][]byte) (pkix.Extension, int) {
	var value []byte
	for i, r := range rosters {
		if len(value)+2+len(r) > maxRosters {
			return pkix.Extension{Id: rosterOID(), Value: value}, i
		}
		value = append(binary.BigEndian.AppendUint16(value, uint16(len(r))), r...)
	}
	return pkix.Extension{Id: rosterOID(), Value: value}, len(rosters)
}

// RosterIn returns the roster of a shard that a server's certificate shows; the zero one
// when it shows none that the shard signed.
func RosterIn(leaf *x509.Certificate, shard segment.ShardID) session.Roster {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(rosterOID()) {
			continue
		}
		for rest := e.Value; len(rest) >= 2; {
			n := int(binary.BigEndian.Uint16(rest))
			if rest = rest[2:]; n > len(rest) {
				return session.Roster{}
			}
			if r, err := session.OpenRoster(rest[:n], shard); err == nil {
				return r
			}
			rest = rest[n:]
		}
	}
	return session.Roster{}
}

// MeetServer says what a caller that trusts t makes of the certificates a server of the
// shard has shown. Its error wraps ErrPin.
func MeetServer(t session.Trust, shard segment.ShardID, chain []*x509.Certificate) (session.Trust, error) {
	if len(chain) == 0 {
		return t, fmt.Errorf("no certificate: %w", ErrPin)
	}
	shown := RosterIn(chain[0], shard)
	for _, authority := range chain[1:] {
		next, ok := t.Meets(PinOf(authority), shown)
		if !ok {
			continue
		}
		if err := signedFor(chain[0], authority); err != nil {
			return t, fmt.Errorf("%w: %w", ErrPin, err)
		}
		return next, nil
	}
	return t, fmt.Errorf("%d certificates of others: %w", len(chain), ErrPin)
}
