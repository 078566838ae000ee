// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/encoding"
)

// Compression is the name of the compressor in gRPC headers.
const Compression = "zstd"

// RegisterCompressor makes Compression known to gRPC; again it does nothing. It must
// be called before a connection is dialled or served that uses it.
func RegisterCompressor() { registerOnce() }

var registerOnce = sync.OnceFunc(func() { encoding.RegisterCompressor(newCompressor()) })

// Windows in bytes. A decoder holds what a frame claims to need, so a stranger may
// claim no more than other libraries' usual level does. Messages are cut off at
// their own limit by gRPC, however far a frame would expand.
const (
	ownWindow = 1 << 20
	maxWindow = 2 << 20
)

// compressor packs whole messages. Frames are of level "fastest": on messages like
// ours the next level saves 3 % at twice the price.
type compressor struct {
	encoder  *zstd.Encoder
	buffers  sync.Pool // of *packing
	decoders sync.Pool // of *unpacking
}

func newCompressor() *compressor {
	// The options are constants that the library accepts.
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(ownWindow),
		zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err)
	}
	return &compressor{encoder: encoder}
}

// Name returns Compression.
func (c *compressor) Name() string { return Compression }

// Compress returns a writer that writes one frame to w when it is closed.
func (c *compressor) Compress(w io.Writer) (io.WriteCloser, error) {
	p, ok := c.buffers.Get().(*packing)
	if !ok {
		p = &packing{c: c}
	}
	p.to = w
	return p, nil
}

// packing collects one message.
type packing struct {
	c   *compressor
	to  io.Writer
	in  bytes.Buffer
	out []byte
}

func (p *packing) Write(b []byte) (int, error) { return p.in.Write(b) }

// maxKept is how large a buffer may be to be used again.
const maxKept = 2 << 20

func (p *packing) Close() error {
	p.out = p.c.encoder.EncodeAll(p.in.Bytes(), p.out[:0])
	_, err := p.to.Write(p.out)
	if p.to = nil; p.in.Cap()+cap(p.out) <= maxKept {
		p.in.Reset()
		p.c.buffers.Put(p)
	}
	return err
}

// Decompress returns a reader of what the frames in r hold. Closing it makes room
// for the next.
func (c *compressor) Decompress(r io.Reader) (io.Reader, error) {
	if u, ok := c.decoders.Get().(*unpacking); ok {
		if err := u.Reset(r); err != nil {
			return nil, err
		}
		return u, nil
	}
	d, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return &unpacking{Decoder: d, c: c}, nil
}

// unpacking reads one message.
type unpacking struct {
	*zstd.Decoder
	c *compressor
}

// Close gives the decoder back. It must be called once, after the last Read.
func (u *unpacking) Close() error {
	if err := u.Reset(nil); err != nil {
		return err
	}
	u.c.decoders.Put(u)
	return nil
}
