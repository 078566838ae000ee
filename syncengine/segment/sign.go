// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"crypto/ed25519"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Signer is an Ed25519 key that may live elsewhere. Sign must give the 64-byte
// signature of message under Public; signers that can fail panic or hand out
// something that does not verify.
type Signer interface {
	Public() ed25519.PublicKey
	Sign(message []byte) []byte
}

// KeySigner returns a signer for a key in memory.
func KeySigner(key ed25519.PrivateKey) Signer { return keySigner{key} }

type keySigner struct{ key ed25519.PrivateKey }

func (s keySigner) Public() ed25519.PublicKey  { return s.key.Public().(ed25519.PublicKey) }
func (s keySigner) Sign(message []byte) []byte { return ed25519.Sign(s.key, message) }

// Domain says what a signature is for. What is signed is the domain, a zero byte
// and the body, so that a signature under one domain is none under another.
type Domain string

// The domains of this package.
const (
	DomainSegment     Domain = "xunzhen/segment/1"
	DomainCertificate Domain = "xunzhen/certificate/1"
	DomainSuccession  Domain = "xunzhen/succession/1"
	DomainGap         Domain = "xunzhen/gap/1"
	DomainEnvelope    Domain = "xunzhen/envelope/1"
)

// Message returns the bytes that are signed for a body given in parts.
func (d Domain) Message(parts ...[]byte) []byte {
	b := append([]byte(d), 0)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// Signed is a body with a signature: the frame of every signed message but the
// segment. As bytes it is a protobuf message with body = 1 and signature = 2.
type Signed struct {
	Body      []byte
	Signature []byte
}

// SignBody signs body for a domain.
func SignBody(signer Signer, d Domain, body []byte) Signed {
	return Signed{body, signer.Sign(d.Message(body))}
}

// Verify returns an error that wraps ErrSignature unless pub signed s for d.
func (s Signed) Verify(pub ed25519.PublicKey, d Domain) error {
	if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, d.Message(s.Body), s.Signature) {
		return fmt.Errorf("%s: %w", d, ErrSignature)
	}
	return nil
}

// Encode returns the frame's bytes.
func (s Signed) Encode() []byte { return encodeFields(s.Body, s.Signature) }

// DecodeSigned reads what Encode writes and nothing else; its error wraps
// ErrUnreadable. The result shares memory with raw.
func DecodeSigned(raw []byte) (Signed, error) {
	f, err := decodeFields(raw, 2)
	if err != nil {
		return Signed{}, err
	}
	return Signed{f[0], f[1]}, nil
}

// encodeFields writes a protobuf message of the non-empty byte fields 1, 2, ….
func encodeFields(fields ...[]byte) []byte {
	var b []byte
	for i, f := range fields {
		b = protowire.AppendTag(b, protowire.Number(i+1), protowire.BytesType)
		b = protowire.AppendBytes(b, f)
	}
	return b
}

// decodeFields reads the n byte fields of such a message, none of them empty, in
// order, each once, and nothing else.
func decodeFields(raw []byte, n int) ([][]byte, error) {
	out := make([][]byte, n)
	rest := raw
	for i := range out {
		num, typ, size := protowire.ConsumeTag(rest)
		if size != 1 || num != protowire.Number(i+1) || typ != protowire.BytesType {
			return nil, fmt.Errorf("field %d of a signed message: %w", i+1, ErrUnreadable)
		}
		v, m := protowire.ConsumeBytes(rest[1:])
		if m < 0 || len(v) == 0 || m != protowire.SizeBytes(len(v)) {
			return nil, fmt.Errorf("field %d of a signed message: %w", i+1, ErrUnreadable)
		}
		out[i], rest = v[:len(v):len(v)], rest[1+m:]
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes after a signed message: %w", len(rest), ErrUnreadable)
	}
	return out, nil
}
