// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// window is enough to look back over a whole segment, a power of two.
const window = 128 << 10

// Compressor makes segments small for storage. It is safe for concurrent use and
// meant to be shared: it keeps a few hundred KiB of working memory per lane.
type Compressor struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// NewCompressor returns a compressor that works on at most lanes segments at a
// time each way; further callers wait. It takes less than 1 as 1.
func NewCompressor(lanes int) (*Compressor, error) {
	lanes = max(lanes, 1)
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderConcurrency(lanes),
		zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(false), // the segment's own root says more
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("segment compressor: %w", err)
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(lanes),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxWire),
		zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, fmt.Errorf("segment decompressor: %w", err)
	}
	return &Compressor{encoder, decoder}, nil
}

// Compress returns wire in compressed form. Decompress(Compress(wire)) gives wire,
// for every wire of at most MaxWire bytes.
func (c *Compressor) Compress(wire []byte) []byte {
	return c.encoder.EncodeAll(wire, make([]byte, 0, len(wire)/2+64))
}

// Decompress returns what was compressed. Its error wraps ErrUnreadable; whatever
// stored is, the result has at most MaxWire bytes.
func (c *Compressor) Decompress(stored []byte) ([]byte, error) {
	if len(stored) > MaxWire+MaxWire/8 {
		return nil, unreadable("%d bytes compressed", len(stored))
	}
	wire, err := c.decoder.DecodeAll(stored, nil)
	if err != nil {
		return nil, unreadable("decompress: %v", err)
	}
	if len(wire) > MaxWire {
		return nil, unreadable("%d bytes decompressed", len(wire))
	}
	return wire, nil
}
