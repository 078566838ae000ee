// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Writer writes one bundle. What was written is a bundle that breaks off until Close
// has returned nil.
type Writer struct {
	header  Header
	signer  segment.Signer
	sealed  io.WriteCloser
	encoder *zstd.Encoder
	chain   chain
}

// NewWriter writes the header, with the signer's key, and returns a writer of frames
// that only who the bundle is for can read. Who calls closes w after it.
func NewWriter(w io.Writer, h Header, signer segment.Signer, to age.Recipient) (*Writer, error) {
	h.Key = signer.Public()
	if err := h.check(); err != nil {
		return nil, err
	}
	raw := h.Encode()
	if _, err := w.Write(raw); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	encoder, err := newEncoder()
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return &Writer{header: h, signer: signer, sealed: sealed, encoder: encoder, chain: chainOf(raw)}, nil
}

// Header returns the header as it was written.
func (w *Writer) Header() Header { return w.header }

// Write adds one frame.
func (w *Writer) Write(s session.Said) error {
	k, content, err := encodeSaid(w.header.Shard, s)
	if err != nil {
		return err
	}
	if limit := k.limit(w.header.Direction); len(content) > limit {
		return fmt.Errorf("bundle: %d bytes of kind %d, at most %d, going %s", len(content), k, limit, w.header.Direction)
	}
	return w.frame(k, len(content), w.encoder.EncodeAll(content, nil))
}

func (w *Writer) frame(k kind, size int, stored []byte) error {
	p := prefix{kind: k, size: uint32(size), stored: uint32(len(stored))}
	w.chain = w.chain.next(p, stored)
	p.signature = [64]byte(w.signer.Sign(DomainFrame.Message(w.chain[:])))
	if _, err := w.sealed.Write(append(p.encode(), stored...)); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	return nil
}

// Close writes the end.
func (w *Writer) Close() error {
	return errors.Join(w.frame(kindEnd, 0, nil), w.sealed.Close(), w.encoder.Close())
}
