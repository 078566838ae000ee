// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"crypto/ed25519"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// suite 1 is Ed25519 and SHA-256.
const suite = 1

// maxHeader is above the longest header: four hashes, two ids, three numbers.
const maxHeader = 192

// Header is the signed part of a segment.
type Header struct {
	Shard       ShardID
	Replica     causal.ReplicaID
	Certificate Hash   // SHA-256 of the body of the certificate it is judged by
	First       uint64 // counter of the first revision, from 1
	Count       int    // revisions, from 1
	Previous    Hash   // the replica's previous segment; zero in the first
	Root        Hash   // of the RFC 6962 tree over the revisions' hashes
	ColumnsSize int    // bytes of the columns as sealed
}

// head is a header with its bytes as received and its signature.
type head struct {
	Header
	bytes     []byte
	signature []byte
}

// message returns what the replica signs.
func (h head) message() []byte { return DomainSegment.Message([]byte{suite}, h.bytes) }

// size returns the length of everything before the columns.
func (h head) size() int {
	return 1 + protowire.SizeBytes(len(h.bytes)) + ed25519.SignatureSize
}

// encode returns the canonical bytes of h: a protobuf SegmentHeader with fields
// in order and nothing that says zero.
func (h Header) encode() []byte {
	b := make([]byte, 0, maxHeader)
	b = appendBytes(b, 1, h.Shard[:])
	b = appendBytes(b, 2, h.Replica[:])
	b = appendBytes(b, 3, h.Certificate[:])
	b = appendNumber(b, 4, h.First)
	b = appendNumber(b, 5, uint64(h.Count))
	if !h.Previous.IsZero() {
		b = appendBytes(b, 6, h.Previous[:])
	}
	b = appendBytes(b, 7, h.Root[:])
	return appendNumber(b, 8, uint64(h.ColumnsSize))
}

// cutHead reads what stands before the columns and returns the columns.
func cutHead(wire []byte) (head, []byte, error) {
	if len(wire) > MaxWire {
		return head{}, nil, unreadable("%d bytes, at most %d", len(wire), MaxWire)
	}
	if len(wire) == 0 || wire[0] != suite {
		return head{}, nil, unreadable("unknown suite")
	}
	raw, n := protowire.ConsumeBytes(wire[1:])
	if n < 0 || n != protowire.SizeBytes(len(raw)) || len(raw) > maxHeader || len(wire) < 1+n+ed25519.SignatureSize {
		return head{}, nil, unreadable("header")
	}
	h, err := decodeHeader(raw)
	if err != nil {
		return head{}, nil, err
	}
	rest := wire[1+n:]
	return head{h, raw, rest[:ed25519.SignatureSize]}, rest[ed25519.SignatureSize:], nil
}

func decodeHeader(raw []byte) (Header, error) {
	var m syncv1.SegmentHeader
	if err := proto.Unmarshal(raw, &m); err != nil {
		return Header{}, unreadable("header: %v", err)
	}
	if len(m.Shard) != 16 || len(m.Replica) != 16 || len(m.CertificateHash) != 32 || len(m.Root) != 32 || len(m.Previous) != 0 && len(m.Previous) != 32 {
		return Header{}, unreadable("header: length of a field")
	}
	if m.Count == 0 || m.Count > MaxCount || m.ColumnsSize > MaxSize {
		return Header{}, unreadable("header: %d revisions in %d bytes", m.Count, m.ColumnsSize)
	}
	if m.FirstCounter == 0 || m.FirstCounter > MaxCounter-uint64(m.Count) {
		return Header{}, unreadable("header: first counter %d", m.FirstCounter)
	}
	h := Header{
		Shard:       ShardID(m.Shard),
		Replica:     causal.ReplicaID(m.Replica),
		Certificate: Hash(m.CertificateHash),
		First:       m.FirstCounter,
		Count:       int(m.Count),
		Root:        Hash(m.Root),
		ColumnsSize: int(m.ColumnsSize),
	}
	copy(h.Previous[:], m.Previous)
	if !bytes.Equal(h.encode(), raw) {
		return Header{}, unreadable("header: not canonical")
	}
	return h, nil
}

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendNumber(b []byte, num protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), v)
}
