// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// window is enough to look back over a whole segment, a power of two.
const window = 128 << 10

// Compressor makes segments small for storage. It is safe for concurrent use and
// meant to be shared: it keeps working memory for each processor.
type Compressor struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

// NewCompressor returns a compressor. It works on as many segments at a time as
// there are processors; further callers wait. Its level is the fastest: the next one
// makes segments 7 % smaller (190 instead of 205 bytes a record) at four times the
// price, a fifth of all that receiving a record costs.
func NewCompressor() *Compressor {
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(false), // the segment's own root says more
		zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(fmt.Sprintf("segment: options of the encoder: %v", err))
	}
	decoder, err := zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(0),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxWire),
		zstd.WithDecoderMaxWindow(window))
	if err != nil {
		panic(fmt.Sprintf("segment: options of the decoder: %v", err))
	}
	return &Compressor{encoder, decoder}
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
