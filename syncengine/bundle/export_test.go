// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bufio"
	"bytes"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	HeaderSize = headerSize
	PrefixSize = prefixSize
	MaxUp      = maxUp
	MaxDown    = maxDown
)

// Frames is a reader of what stands inside the encryption.
func Frames(h Header, plain []byte) (*Reader, error) {
	d, err := newDecoder()
	return &Reader{header: h, source: &source{r: bufio.NewReader(bytes.NewReader(nil))}, opened: bytes.NewReader(plain), decoder: d, chain: chainOf(h.Encode())}, err
}

// Frame signs a frame of any kind and content, as its first one.
func Frame(h Header, signer segment.Signer, k byte, size uint32, stored []byte) []byte {
	p := prefix{kind: kind(k), size: size, stored: uint32(len(stored))}
	c := chainOf(h.Encode()).next(p, stored)
	p.signature = [64]byte(signer.Sign(DomainFrame.Message(c[:])))
	return append(p.encode(), stored...)
}

// Compress is how contents are stored.
func Compress(content []byte) []byte {
	e, err := newEncoder()
	if err != nil {
		panic(err)
	}
	return e.EncodeAll(content, nil)
}

// EncodeSaid and DecodeSaid are those of frames.
func EncodeSaid(shard segment.ShardID, s session.Said) (byte, []byte, error) {
	k, b, err := encodeSaid(shard, s)
	return byte(k), b, err
}

func DecodeSaid(k byte, content []byte) (session.Said, error) { return decodeSaid(kind(k), content) }
