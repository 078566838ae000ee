// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// DomainFrame is what the signature of a frame is for.
const DomainFrame segment.Domain = "xunzhen/bundle/frame/1"

// kind says what a frame holds.
type kind byte

// The kinds. Those of each direction are listed in DESIGN.md.
const (
	kindHello       kind = 1
	kindPush        kind = 2
	kindAnswering   kind = 3
	kindPushReply   kind = 4
	kindCertificate kind = 5
	kindHelloReply  kind = 6
	kindPage        kind = 7
	kindEnd         kind = 255
)

// Limits of a frame's content, in bytes before it was compressed: those of the same
// message in a session over the network.
const (
	maxUp   = 1<<20 + 256<<10
	maxDown = 8 << 20
)

// limit returns how large the content of a frame may be; 0 for kinds that have no
// place in such a bundle.
func (k kind) limit(d Direction) int {
	switch {
	case k == kindHello && d == Up, k == kindPush && d == Up:
		return maxUp
	case k == kindCertificate && d == Down:
		return segment.MaxCertificate
	case k >= kindAnswering && k <= kindPage && d == Down:
		return maxDown
	}
	return 0
}

// prefixSize is that of kind, content size, stored size and signature.
const prefixSize = 1 + 4 + 4 + ed25519.SignatureSize

// prefix is what stands before the stored bytes of a frame.
type prefix struct {
	kind      kind
	size      uint32 // of the content
	stored    uint32 // of the compressed content that follows
	signature [ed25519.SignatureSize]byte
}

func (p prefix) encode() []byte {
	b := []byte{byte(p.kind)}
	b = binary.BigEndian.AppendUint32(b, p.size)
	b = binary.BigEndian.AppendUint32(b, p.stored)
	return append(b, p.signature[:]...)
}

// decodePrefix reads what encode writes and refuses what no frame of such a bundle can
// have: whatever stands in b, no more than a little over maxDown is read next. Its
// error wraps ErrDamaged.
func decodePrefix(b [prefixSize]byte, d Direction) (prefix, error) {
	p := prefix{
		kind: kind(b[0]), size: binary.BigEndian.Uint32(b[1:]), stored: binary.BigEndian.Uint32(b[5:]),
		signature: [ed25519.SignatureSize]byte(b[9:]),
	}
	if p.kind == kindEnd && p.size == 0 && p.stored == 0 {
		return p, nil
	}
	limit := p.kind.limit(d)
	if limit == 0 || uint64(p.size) > uint64(limit) || uint64(p.stored) > uint64(p.size)+uint64(p.size)/8+64 {
		return p, fmt.Errorf("frame of kind %d, %d bytes stored as %d: %w", p.kind, p.size, p.stored, ErrDamaged)
	}
	return p, nil
}

// chain is what the signatures of a bundle stand on: each frame's hash has that of all
// before it, and the first that of the header.
type chain [sha256.Size]byte

func chainOf(header []byte) chain { return sha256.Sum256(header) }

// next returns the chain with one more frame.
func (c chain) next(p prefix, stored []byte) chain {
	h := sha256.New()
	h.Write(c[:])
	h.Write(p.encode()[:9])
	h.Write(stored)
	return chain(h.Sum(nil))
}

// window is how far back compression looks, a power of two.
const window = 1 << 20

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxDown), zstd.WithDecoderMaxWindow(window))
}

// expand returns the content of a frame. Its error wraps ErrDamaged; whatever was
// stored, the result is no larger than the frame said.
func expand(d *zstd.Decoder, p prefix, stored []byte) ([]byte, error) {
	content, err := d.DecodeAll(stored, make([]byte, 0, min(int(p.size), maxDown)))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w: %w", ErrDamaged, err)
	}
	if len(content) != int(p.size) {
		return nil, fmt.Errorf("%d bytes where %d were written: %w", len(content), p.size, ErrDamaged)
	}
	return content, nil
}
