// SPDX-License-Identifier: Apache-2.0

// Package sessionwire turns what package session says into the messages of
// xunzhen.sync.v1 and back. Server and tablet both use it, so the two directions
// stand side by side and are tested as each other's inverse:
// FromWire(ToWire(v)) == v, but for nil and empty slices, which are alike.
//
// FromWire functions take what a stranger sent. They check that lengths and
// counts fit and allocate in proportion to the message; limits of a call are the
// engine's to check. Their errors wrap ErrMalformed. Results share memory with the
// message.
//
// States are the most of a page, and those of one kind of form are much alike: the
// replica that saved them and the paths they have values at. So these stand once in a
// page (the comment of message Bases has the byte table), and a page takes a tenth less
// on the wire. What arrives is the canonical bytes, which is checked, because
// fingerprints are of them.
//
// The package knows no network.
package sessionwire

import (
	"errors"
	"fmt"
	"math"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// ErrMalformed is wrapped when a message does not say what it should.
var ErrMalformed = errors.New("malformed message")

func malformed(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrMalformed)...)
}

// ShardFromWire reads a shard id.
func ShardFromWire(b []byte) (segment.ShardID, error) {
	if len(b) != len(segment.ShardID{}) {
		return segment.ShardID{}, malformed("shard of %d bytes", len(b))
	}
	return segment.ShardID(b), nil
}

// ReplicaFromWire reads a replica id.
func ReplicaFromWire(b []byte) (causal.ReplicaID, error) {
	if len(b) != len(causal.ReplicaID{}) {
		return causal.ReplicaID{}, malformed("replica of %d bytes", len(b))
	}
	return causal.ReplicaID(b), nil
}

// EpochToWire writes an epoch; the zero epoch is nil.
func EpochToWire(e ledger.Epoch) *syncv1.Epoch {
	if e == (ledger.Epoch{}) {
		return nil
	}
	return &syncv1.Epoch{Number: e.Number, Name: e.Name[:]}
}

// EpochFromWire reads an epoch; nil is the zero epoch.
func EpochFromWire(m *syncv1.Epoch) (ledger.Epoch, error) {
	if m == nil {
		return ledger.Epoch{}, nil
	}
	if len(m.GetName()) != 8 {
		return ledger.Epoch{}, malformed("epoch's name of %d bytes", len(m.GetName()))
	}
	return ledger.Epoch{Number: m.GetNumber(), Name: [8]byte(m.GetName())}, nil
}

const hashSize = 32

// joinHashes writes hashes one after the other.
func joinHashes[H ~[hashSize]byte](hashes []H) []byte {
	if len(hashes) == 0 {
		return nil
	}
	b := make([]byte, 0, len(hashes)*hashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	return b
}

// splitHashes reads what joinHashes writes.
func splitHashes[H ~[hashSize]byte](b []byte) ([]H, error) {
	if len(b)%hashSize != 0 {
		return nil, malformed("hashes of %d bytes", len(b))
	}
	if len(b) == 0 {
		return nil, nil
	}
	out := make([]H, 0, len(b)/hashSize)
	for ; len(b) > 0; b = b[hashSize:] {
		out = append(out, H(b[:hashSize]))
	}
	return out, nil
}

// hashFromWire reads one hash; no bytes are the zero hash.
func hashFromWire(b []byte) (segment.Hash, error) {
	switch len(b) {
	case 0:
		return segment.Hash{}, nil
	case hashSize:
		return segment.Hash(b), nil
	}
	return segment.Hash{}, malformed("hash of %d bytes", len(b))
}

func hashToWire(h segment.Hash) []byte {
	if h.IsZero() {
		return nil
	}
	return h[:]
}

// int63 reads a count or index that Go keeps as int64.
func int63(v uint64, what string) (int64, error) {
	if v > math.MaxInt64 {
		return 0, malformed("%s %d", what, v)
	}
	return int64(v), nil
}
