// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine"
)

// place is where a list goes on. To callers it is opaque:
//
//	place = version 1 | request (8) | after (uvarint) | skip (uvarint) | key
//
// with the first bytes of a hash of the request, so that a token of one list is not
// taken for another.
type place struct {
	after uint64 // feed position, or ledger leaf
	skip  uint64 // place in the segment at that leaf
	key   []byte // or the key of the last item, or of the next one at that position
}

const placeVersion = 1

// errToken: a token that was not given out for this request.
var errToken = &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "page token", Err: errors.New("of another request")}

// pageBytes is about where a page of a list ends, in bytes of its contents.
const pageBytes = 1 << 20

func (p place) token(request proto.Message) string {
	id := requestID(request)
	b := append([]byte{placeVersion}, id[:]...)
	b = binary.AppendUvarint(b, p.after)
	b = binary.AppendUvarint(b, p.skip)
	return base64.RawURLEncoding.EncodeToString(append(b, p.key...))
}

// parsePlace reads what token writes for the same request; no token is the beginning.
func parsePlace(request proto.Message, token string) (place, error) {
	if token == "" {
		return place{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(token)
	id := requestID(request)
	if err != nil || len(b) < 1+len(id) || b[0] != placeVersion || [8]byte(b[1:]) != id {
		return place{}, errToken
	}
	var p place
	b = b[1+len(id):]
	for _, v := range []*uint64{&p.after, &p.skip} {
		n := 0
		if *v, n = binary.Uvarint(b); n <= 0 {
			return place{}, errToken
		}
		b = b[n:]
	}
	p.key = b
	return p, nil
}

// requestID names a request without its page: what kind it is and what it selects.
func requestID(request proto.Message) [8]byte {
	m := proto.Clone(request).ProtoReflect()
	for _, name := range []protoreflect.Name{"page_size", "page_token", "history_size", "history_token"} {
		if f := m.Descriptor().Fields().ByName(name); f != nil {
			m.Clear(f)
		}
	}
	h := sha256.New()
	h.Write([]byte(m.Descriptor().FullName()))
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err == nil { // a message that was decoded can be encoded
		h.Write(raw)
	}
	return [8]byte(h.Sum(nil))
}

// pageSize is how many items a page has when so many are wanted.
func pageSize(wanted uint32, usual, most int) int {
	if wanted == 0 {
		return usual
	}
	return int(min(uint64(wanted), uint64(most)))
}
