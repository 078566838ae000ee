// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Hash is a SHA-256: of a segment's signed part, or of a certificate's body. The
// zero value names nothing.
type Hash [32]byte

// String returns 64 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h names nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads what String writes; its error wraps ErrUnreadable.
func ParseHash(s string) (Hash, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Hash{}) {
		return Hash{}, fmt.Errorf("hash %q: %w", s, ErrUnreadable)
	}
	return Hash(b), nil
}

// ShardID names one shard. It is the first 16 bytes of the SHA-256 of the shard's
// Ed25519 public key, so nobody can claim the id of another key.
type ShardID [16]byte

// ShardOf returns the id that belongs to a shard's public key.
func ShardOf(pub ed25519.PublicKey) ShardID {
	sum := sha256.Sum256(pub)
	return ShardID(sum[:16])
}

// ParseShardID reads what String writes; its error wraps ErrUnreadable.
func ParseShardID(s string) (ShardID, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(ShardID{}) {
		return ShardID{}, fmt.Errorf("shard id %q: %w", s, ErrUnreadable)
	}
	return ShardID(b), nil
}

// String returns 32 lower-case hexadecimal digits.
func (s ShardID) String() string { return hex.EncodeToString(s[:]) }

// IsZero reports whether s names no shard.
func (s ShardID) IsZero() bool { return s == ShardID{} }
