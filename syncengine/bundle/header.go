// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

var (
	// ErrNotBundle is wrapped for a file that is something else.
	ErrNotBundle = errors.New("not a bundle")
	// ErrNewer is wrapped for a bundle of a format that this program does not know.
	ErrNewer = errors.New("a bundle of a newer format")
	// ErrNotForHere is wrapped for a bundle that is encrypted to somebody else.
	ErrNotForHere = errors.New("a bundle for somebody else")
	// ErrCut is wrapped where a bundle ends before its end.
	ErrCut = errors.New("the bundle breaks off")
	// ErrDamaged is wrapped where a bundle is not as it was written.
	ErrDamaged = errors.New("the bundle is damaged")
)

// Direction says which way a bundle goes.
type Direction byte

const (
	// Up: what a replica says, to the centre.
	Up Direction = 1
	// Down: what the centre says, to a replica.
	Down Direction = 2
)

func (d Direction) String() string {
	switch d {
	case Up:
		return "up"
	case Down:
		return "down"
	}
	return fmt.Sprintf("direction %d", byte(d))
}

// Header is what everybody can read of a bundle. Nothing in it is about a person.
type Header struct {
	Direction Direction
	Shard     segment.ShardID
	Replica   causal.ReplicaID  // that wrote it, or that it is for
	ID        [16]byte          // random
	MadeAt    time.Time         // by the clock of who wrote it, in whole milliseconds
	Key       ed25519.PublicKey // that signed it: the replica's, or the shard's
}

// Sizes and places of a header, as DESIGN.md lists them.
const (
	magic      = "xunzhen-bundle"
	format     = 1
	headerSize = len(magic) + 2 + 16 + 16 + 16 + 8 + ed25519.PublicKeySize
)

// Encode writes h.
func (h Header) Encode() []byte {
	b := append([]byte(magic), format, byte(h.Direction))
	b = append(b, h.Shard[:]...)
	b = append(b, h.Replica[:]...)
	b = append(b, h.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(h.MadeAt.UnixMilli()))
	return append(b, h.Key...)
}

// DecodeHeader reads what Encode writes, from the front of b. Its error wraps
// ErrNotBundle or ErrNewer. DecodeHeader(h.Encode()) == h for every header whose key
// is that of its replica, going up, or of its shard, going down.
func DecodeHeader(b []byte) (Header, error) {
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok || len(rest) == 0 {
		return Header{}, fmt.Errorf("header: %w", ErrNotBundle)
	}
	if rest[0] != format {
		return Header{}, fmt.Errorf("format %d, this program reads %d: %w", rest[0], format, ErrNewer)
	}
	if len(b) < headerSize {
		return Header{}, fmt.Errorf("header of %d bytes: %w", len(b), ErrNotBundle)
	}
	h := Header{
		Direction: Direction(rest[1]), Shard: segment.ShardID(rest[2:18]), Replica: causal.ReplicaID(rest[18:34]),
		ID: [16]byte(rest[34:50]), MadeAt: time.UnixMilli(int64(binary.BigEndian.Uint64(rest[50:58]))).UTC(),
		Key: ed25519.PublicKey(bytes.Clone(rest[58 : 58+ed25519.PublicKeySize])),
	}
	return h, h.check()
}

// check returns an error unless the key is that of who may write such a bundle.
func (h Header) check() error {
	switch {
	case h.Direction == Up && causal.ReplicaOf(h.Key) == h.Replica:
		return nil
	case h.Direction == Down && segment.ShardOf(h.Key) == h.Shard:
		return nil
	}
	return fmt.Errorf("header: %s, by another key: %w", h.Direction, ErrNotBundle)
}

// ReadHeader reads the header at the front of a file. Its error wraps ErrNotBundle or
// ErrNewer, or is r's.
func ReadHeader(r io.Reader) (Header, error) {
	h, _, err := readHeader(r)
	return h, err
}

func readHeader(r io.Reader) (Header, []byte, error) {
	raw := make([]byte, headerSize)
	n, err := io.ReadFull(r, raw)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Header{}, nil, fmt.Errorf("header: %w", err)
	}
	h, err := DecodeHeader(raw[:n])
	return h, raw[:n], err
}

// FileName is how a bundle is called where a person does not say otherwise, such as
// xunzhen-up-5f3a9c01-20260301-081500-a1b2.xzb: the replica, the header's time in UTC,
// and of its id so much that two in one second differ.
func (h Header) FileName() string {
	return fmt.Sprintf("xunzhen-%s-%.8s-%s-%x.xzb", h.Direction, h.Replica, h.MadeAt.UTC().Format("20060102-150405"), h.ID[:2])
}
