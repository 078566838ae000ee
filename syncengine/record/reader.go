// SPDX-License-Identifier: Apache-2.0

package record

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// reader takes canonical bytes apart. Its first error stays; after it every
// method returns zero values. What it returns as slices shares memory with rest,
// what it returns as paths with text, a copy of the whole input; a reader that
// reads no paths needs none.
type reader struct {
	rest []byte
	text string
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w", what, ErrMalformed)
		r.rest = nil
	}
}

func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.rest) {
		r.fail("cut short")
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) array8() (out [8]byte)   { copy(out[:], r.take(8)); return }
func (r *reader) array16() (out [16]byte) { copy(out[:], r.take(16)); return }

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) uvarint() uint64 {
	v, n := uvarint(r.rest)
	if r.err != nil || n <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads a number of things that are to follow: at most limit, and at most as
// many as the bytes left have room for when each takes at least size of them. So
// a lie costs no memory.
func (r *reader) count(limit, size int) int {
	v := r.uvarint()
	if v > uint64(limit) || v > uint64(len(r.rest)/size) {
		r.fail("count")
		return 0
	}
	return int(v)
}

// index reads the place of something in a table of n, greater than last.
func (r *reader) index(n, last int) int {
	v := r.uvarint()
	if r.err != nil || v >= uint64(n) || int(v) <= last {
		r.fail("index")
		return 0
	}
	return int(v)
}

// sized reads the value that a token announces.
func (r *reader) sized(token uint64) Value {
	if token < 2 {
		return Value{Form: Form(token)}
	}
	if token-2 > uint64(len(r.rest)) {
		r.fail("value cut short")
		return Value{}
	}
	return Of(r.take(int(token - 2)))
}

func (r *reader) dot() causal.Dot {
	b := r.take(causal.DotSize)
	if b == nil {
		return causal.Dot{}
	}
	d, _, _ := causal.DecodeDot(b)
	if d.Counter == 0 {
		r.fail("dot with counter 0")
	}
	return d
}

func (r *reader) path() Path {
	if r.err != nil {
		return ""
	}
	p, rest, err := cutPath(r.text[len(r.text)-len(r.rest):])
	if err != nil {
		r.fail(err.Error())
		return ""
	}
	r.rest = r.rest[len(r.rest)-len(rest):]
	return p
}

func cmpPath(a, b Path) int { return strings.Compare(string(a), string(b)) }
