// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ecdh"
	"crypto/hpke"
	"fmt"
	"io"
)

// maxEnvelope is a whole segment with encapsulated key, tag and frame.
const maxEnvelope = MaxWire + 128

// Envelope is a segment encrypted to a recipient, with its hash in clear so that
// it can be acknowledged by those who cannot open it.
type Envelope struct {
	Segment Hash
	Sealed  []byte // HPKE: encapsulated key, then ciphertext
}

// NewRecipientKey makes an X25519 key pair from 32 bytes of rnd, whose error it
// returns.
func NewRecipientKey(rnd io.Reader) (private, public []byte, err error) {
	seed := make([]byte, 32)
	if _, err := io.ReadFull(rnd, seed); err != nil {
		return nil, nil, fmt.Errorf("recipient key: %w", err)
	}
	key, err := ecdh.X25519().NewPrivateKey(seed)
	if err != nil {
		return nil, nil, fmt.Errorf("recipient key: %w", err)
	}
	return key.Bytes(), key.PublicKey().Bytes(), nil
}

// SealEnvelope encrypts s to a recipient's public key, for one shard. The cipher
// takes its randomness from the system: two envelopes of one segment differ. It
// returns an error when the key is none.
func SealEnvelope(recipient []byte, shard ShardID, s *Segment) (Envelope, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPublicKey(recipient)
	if err != nil {
		return Envelope{}, fmt.Errorf("envelope: recipient: %w", err)
	}
	sealed, err := hpke.Seal(key, hpke.HKDFSHA256(), hpke.AES256GCM(), DomainEnvelope.Message(shard[:]), s.Bytes())
	if err != nil {
		return Envelope{}, fmt.Errorf("envelope: %w", err)
	}
	return Envelope{s.Hash(), sealed}, nil
}

// OpenEnvelope decrypts e with a recipient's private key. Its error wraps
// ErrUnreadable, also when e is for another key or shard, or bears a hash that is
// not its segment's.
func OpenEnvelope(private []byte, shard ShardID, e Envelope) (*Segment, error) {
	key, err := hpke.DHKEM(ecdh.X25519()).NewPrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("envelope: own key: %w", err)
	}
	if len(e.Sealed) > maxEnvelope {
		return nil, unreadable("envelope of %d bytes", len(e.Sealed))
	}
	wire, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), DomainEnvelope.Message(shard[:]), e.Sealed)
	if err != nil {
		return nil, unreadable("envelope: %v", err)
	}
	s, err := Open(wire)
	if err == nil && s.Hash() != e.Segment {
		err = unreadable("envelope of %s holds %s", e.Segment, s.Hash())
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Encode returns e as a serialised syncv1.Envelope.
func (e Envelope) Encode() []byte { return encodeFields(e.Sealed, e.Segment[:]) }

// DecodeEnvelope reads what Encode writes and nothing else. Its error wraps
// ErrUnreadable. The result shares memory with raw.
func DecodeEnvelope(raw []byte) (Envelope, error) {
	if len(raw) > maxEnvelope {
		return Envelope{}, unreadable("envelope of %d bytes", len(raw))
	}
	f, err := decodeFields(raw, 2)
	if err != nil || len(f[1]) != hashSize {
		return Envelope{}, unreadable("envelope")
	}
	return Envelope{Hash(f[1]), f[0]}, nil
}
