// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
)

// maxPaper is above the longest succession or gap statement, in bytes.
const maxPaper = 512

// Succession is a replica's word that it goes on under a new key. Both keys sign
// it, the new one to show that it is its own.
type Succession struct {
	Shard       ShardID
	Certificate Hash // of the old key
	PublicKey   ed25519.PublicKey
	Raw         []byte // a serialised syncv1.Succession
}

// NewSuccession makes the succession from the key of cert, which old signs with,
// to the key of next. It returns an error when old is not that key or next is.
func NewSuccession(old, next Signer, cert Certificate) (Succession, error) {
	if !old.Public().Equal(cert.PublicKey) || next.Public().Equal(cert.PublicKey) {
		return Succession{}, fmt.Errorf("succession of %s: not from its key to another", cert.Replica())
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&syncv1.SuccessionBody{
		Shard:           cert.Shard[:],
		CertificateHash: cert.Hash[:],
		PublicKey:       next.Public(),
	})
	if err != nil {
		return Succession{}, fmt.Errorf("succession: %w", err)
	}
	message := DomainSuccession.Message(body)
	return ParseSuccession(encodeFields(body, old.Sign(message), next.Sign(message)), old.Public())
}

// ParseSuccession reads a succession from the key old. Its error wraps
// ErrSignature when one of the two keys did not sign it, else ErrUnreadable.
// Whether Certificate is that of old is for the caller to see.
func ParseSuccession(raw []byte, old ed25519.PublicKey) (Succession, error) {
	if len(raw) > maxPaper {
		return Succession{}, fmt.Errorf("succession of %d bytes: %w", len(raw), ErrUnreadable)
	}
	f, err := decodeFields(raw, 3)
	if err != nil {
		return Succession{}, fmt.Errorf("succession: %w", err)
	}
	if err := (Signed{f[0], f[1]}).Verify(old, DomainSuccession); err != nil {
		return Succession{}, err
	}
	var m syncv1.SuccessionBody
	if err := proto.Unmarshal(f[0], &m); err != nil {
		return Succession{}, fmt.Errorf("succession: %v: %w", err, ErrUnreadable)
	}
	if len(m.Shard) != 16 || len(m.CertificateHash) != 32 || len(m.PublicKey) != ed25519.PublicKeySize || old.Equal(ed25519.PublicKey(m.PublicKey)) {
		return Succession{}, fmt.Errorf("succession: %w", ErrUnreadable)
	}
	if err := (Signed{f[0], f[2]}).Verify(m.PublicKey, DomainSuccession); err != nil {
		return Succession{}, fmt.Errorf("new key: %w", err)
	}
	return Succession{ShardID(m.Shard), Hash(m.CertificateHash), m.PublicKey, slices.Clone(raw)}, nil
}
