// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bufio"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Reader reads one bundle. It holds one frame in memory at a time.
type Reader struct {
	header  Header
	source  *source
	opened  io.Reader
	decoder *zstd.Decoder
	chain   chain
	end     error // what Next goes on returning
}

// NewReader reads the header and opens what follows with the identities that pick
// returns for it. Errors: ErrNotBundle, ErrNewer, ErrNotForHere for one that none of
// them opens, ErrCut, ErrDamaged, pick's, r's. Close it.
func NewReader(r io.Reader, pick func(Header) ([]age.Identity, error)) (*Reader, error) {
	src := &source{r: bufio.NewReaderSize(r, 64<<10)}
	h, raw, err := readHeader(src)
	if err != nil {
		return nil, src.say(err)
	}
	ids, err := pick(h)
	if err != nil {
		return nil, err
	}
	out := &Reader{header: h, source: src, chain: chainOf(raw)}
	if out.opened, err = unseal(src, ids); err != nil {
		return nil, src.say(err)
	}
	out.decoder, err = newDecoder()
	return out, err
}

func unseal(src *source, ids []age.Identity) (io.Reader, error) {
	if len(ids) == 0 {
		return nil, ErrNotForHere
	}
	opened, err := age.Decrypt(src, ids...)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return nil, ErrNotForHere
	case err != nil:
		return nil, src.broken(err)
	}
	return opened, nil
}

// Header returns the header. That its key is who the reader thinks is for the reader
// to see.
func (r *Reader) Header() Header { return r.header }

// Next returns what the next frame says, io.EOF after the last one. Errors: ErrCut,
// ErrDamaged, or that of the reader below. What was returned before an error is good.
func (r *Reader) Next() (session.Said, error) {
	if r.end != nil {
		return session.Said{}, r.end
	}
	s, err := r.next()
	if err != nil {
		r.end = r.source.say(err)
	}
	return s, r.end
}

func (r *Reader) next() (session.Said, error) {
	var raw [prefixSize]byte
	if err := r.fill(raw[:]); err != nil {
		return session.Said{}, err
	}
	p, err := decodePrefix(raw, r.header.Direction)
	if err != nil {
		return session.Said{}, err
	}
	stored := make([]byte, p.stored)
	if err := r.fill(stored); err != nil {
		return session.Said{}, err
	}
	r.chain = r.chain.next(p, stored)
	if !ed25519.Verify(r.header.Key, DomainFrame.Message(r.chain[:]), p.signature[:]) {
		return session.Said{}, fmt.Errorf("signature of a frame: %w", ErrDamaged)
	}
	if p.kind == kindEnd {
		return session.Said{}, r.atEnd()
	}
	content, err := expand(r.decoder, p, stored)
	if err != nil {
		return session.Said{}, err
	}
	return decodeSaid(p.kind, content)
}

// fill reads exactly len(b) bytes.
func (r *Reader) fill(b []byte) error {
	_, err := io.ReadFull(r.opened, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrCut
	}
	if err != nil {
		return r.source.broken(err)
	}
	return nil
}

// atEnd returns io.EOF unless something stands behind the end.
func (r *Reader) atEnd() error {
	n, err := r.opened.Read(make([]byte, 1))
	if n > 0 || !errors.Is(err, io.EOF) {
		return fmt.Errorf("bytes behind the end: %w", ErrDamaged)
	}
	return io.EOF
}

// Close lets go what decompression needs.
func (r *Reader) Close() error {
	r.decoder.Close()
	return nil
}

// source is the file below. It tells its own errors, and its end, from those of what
// is in it.
type source struct {
	r     *bufio.Reader
	ended bool
	err   error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	switch {
	case errors.Is(err, io.EOF):
		s.ended = true
	case err != nil:
		s.err = err
	}
	return n, err
}

// broken says what it means that encrypted bytes do not open. Where the source has
// ended, its last part may be a piece of one only, or damaged: nobody can tell, and
// the error wraps ErrCut and ErrDamaged.
func (s *source) broken(err error) error {
	if s.ended {
		return fmt.Errorf("%w: %w: %w", ErrCut, ErrDamaged, err)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}

// say returns what an error really is: the source's own, if it had one.
func (s *source) say(err error) error {
	switch {
	case s.err != nil:
		return fmt.Errorf("bundle: %w", s.err)
	case err == io.EOF: //nolint:errorlint // the end, and nothing that wraps it
		return io.EOF
	}
	return fmt.Errorf("bundle: %w", err)
}
