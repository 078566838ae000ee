// SPDX-License-Identifier: Apache-2.0

// Package causal names saves and says which of them somebody has.
//
// A dot is the name of one save: the replica that made it, its counter there,
// and the first eight bytes of its hash. The hash is part of the name because a
// cloned or restored tablet can make two different saves under one counter; with
// the hash in the name each reference says which history it means.
//
// The one invariant: values of this package never change after they are handed
// out. Every operation that looks like a change returns a new value.
//
// The package knows no clock, no storage and no record content.
package causal

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrMalformed is wrapped by every error of Parse and Decode functions here.
var ErrMalformed = errors.New("malformed")

// ReplicaID names one installation that saves. It is the first 16 bytes of the
// SHA-256 of the installation's Ed25519 public key, so nobody can claim the id
// of another key. The zero value names no replica.
type ReplicaID [16]byte

// ReplicaOf returns the id that belongs to a public key.
func ReplicaOf(key ed25519.PublicKey) ReplicaID {
	sum := sha256.Sum256(key)
	return ReplicaID(sum[:16])
}

// ParseReplicaID reads the 32 hexadecimal digits that String writes.
func ParseReplicaID(s string) (ReplicaID, error) {
	b, ok := parseHex(s, len(ReplicaID{}))
	if !ok {
		return ReplicaID{}, fmt.Errorf("replica id %q: %w", s, ErrMalformed)
	}
	return ReplicaID(b), nil
}

// parseHex reads size bytes written as lower-case digits.
func parseHex(s string, size int) ([]byte, bool) {
	b, err := hex.DecodeString(s)
	return b, err == nil && len(b) == size && s == strings.ToLower(s)
}

// String returns 32 lower-case hexadecimal digits.
func (r ReplicaID) String() string { return hex.EncodeToString(r[:]) }

// IsZero reports whether r names no replica.
func (r ReplicaID) IsZero() bool { return r == ReplicaID{} }

// Compare orders replica ids by their bytes.
func (r ReplicaID) Compare(o ReplicaID) int { return bytes.Compare(r[:], o[:]) }

// Hash8 is the first eight bytes of a revision's hash.
type Hash8 [8]byte

// Short cuts a full revision hash to the eight bytes that dots carry.
func Short(hash [32]byte) Hash8 { return Hash8(hash[:8]) }

// Dot names one save. Counters are dense from 1 in each history of a replica;
// the zero Dot names no save.
type Dot struct {
	Replica ReplicaID
	Counter uint64
	Hash    Hash8
}

// DotSize is the length of a dot in canonical bytes.
const DotSize = 16 + 8 + 8

// IsZero reports whether d names no save.
func (d Dot) IsZero() bool { return d.Counter == 0 }

// Compare orders dots by replica, counter, hash.
func (d Dot) Compare(o Dot) int {
	if d.Replica != o.Replica {
		return d.Replica.Compare(o.Replica)
	}
	if d.Counter != o.Counter {
		return cmp.Compare(d.Counter, o.Counter)
	}
	return cmp.Compare(binary.BigEndian.Uint64(d.Hash[:]), binary.BigEndian.Uint64(o.Hash[:]))
}

// Append adds the canonical 32 bytes of d to b: replica, counter (big-endian), hash.
func (d Dot) Append(b []byte) []byte {
	b = append(b, d.Replica[:]...)
	b = binary.BigEndian.AppendUint64(b, d.Counter)
	return append(b, d.Hash[:]...)
}

// DecodeDot reads one dot from the front of b and returns what follows it.
// DecodeDot(d.Append(nil)) gives d and no rest, for every d.
func DecodeDot(b []byte) (Dot, []byte, error) {
	if len(b) < DotSize {
		return Dot{}, nil, fmt.Errorf("dot of %d bytes: %w", len(b), ErrMalformed)
	}
	d := Dot{Replica: ReplicaID(b[:16]), Counter: binary.BigEndian.Uint64(b[16:24]), Hash: Hash8(b[24:32])}
	return d, b[DotSize:], nil
}

// String returns replica-counter-hash, for example
// 00112233445566778899aabbccddeeff-7-0102030405060708.
func (d Dot) String() string {
	return d.Replica.String() + "-" + strconv.FormatUint(d.Counter, 10) + "-" + hex.EncodeToString(d.Hash[:])
}

// ParseDot reads what String writes. ParseDot(d.String()) == d.
func ParseDot(s string) (Dot, error) {
	parts := strings.Split(s, "-")
	if len(parts) != 3 {
		return Dot{}, fmt.Errorf("dot %q: %w", s, ErrMalformed)
	}
	replica, err := ParseReplicaID(parts[0])
	if err != nil {
		return Dot{}, fmt.Errorf("dot %q: %w", s, err)
	}
	counter, err := strconv.ParseUint(parts[1], 10, 64)
	if err != nil || strconv.FormatUint(counter, 10) != parts[1] {
		return Dot{}, fmt.Errorf("dot %q: counter: %w", s, ErrMalformed)
	}
	hash, ok := parseHex(parts[2], len(Hash8{}))
	if !ok {
		return Dot{}, fmt.Errorf("dot %q: hash: %w", s, ErrMalformed)
	}
	return Dot{Replica: replica, Counter: counter, Hash: Hash8(hash)}, nil
}
