// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	"encoding/binary"

	"github.com/xunzhen/xunzhen/syncengine/session"
)

// The first byte of a state: which form it has. The comment of message Bases has
// the byte table of a packed state.
const (
	canonicalForm = 1 // as record/DESIGN.md says
	packedForm    = 2
)

// The bits of a path's step beside its number (record/DESIGN.md, "Path").
const (
	stepMore = 1
	stepKey  = 2
)

// moreBytes is the bit of a varint's byte that says that another one follows.
const moreBytes = 0x80

const (
	replicaSize = 16
	hash8Size   = 8
	clockSize   = 8
)

// maxPageStates is the greatest number of bytes that the canonical states of one page
// have: a page ends with the state that reaches MaxPageBytes.
const maxPageStates = session.MaxPageBytes + session.MaxState

// cutter takes the bytes of a state apart, canonical or packed. It checks nothing
// but lengths. After the first thing that is not there, bad is set, nothing is
// left, and every method returns zero values or moves no further.
type cutter struct {
	b   []byte
	at  int // what comes before it was taken
	bad bool
}

func (c *cutter) fail() { c.at, c.bad = len(c.b), true }

// left returns what was not taken.
func (c *cutter) left() []byte { return c.b[c.at:] }

// since returns what was taken from a place on.
func (c *cutter) since(at int) []byte { return c.b[at:c.at] }

func (c *cutter) uvarint() uint64 {
	if c.at < len(c.b) && c.b[c.at] < moreBytes {
		c.at++
		return uint64(c.b[c.at-1])
	}
	return c.long()
}

// long is uvarint for what has more than a byte.
func (c *cutter) long() uint64 {
	v, n := binary.Uvarint(c.b[c.at:])
	if n <= 0 {
		c.fail()
		return 0
	}
	c.at += n
	return v
}

func (c *cutter) skip(n uint64) {
	if n > uint64(len(c.b)-c.at) {
		c.fail()
		return
	}
	c.at += int(n)
}

// take returns the next n bytes, or none when there are fewer.
func (c *cutter) take(n uint64) []byte {
	at := c.at
	if c.skip(n); c.bad {
		return nil
	}
	return c.since(at)
}

// group reads how many of left things share a head: at least 1.
func (c *cutter) group(left uint64) uint64 {
	n := c.uvarint()
	if n == 0 || n > left {
		c.fail()
		return 0
	}
	return n
}

// path takes a path and reports whether a map key is in it.
func (c *cutter) path() (path []byte, keyed bool) {
	at := c.at
	for {
		head := c.uvarint()
		if head&stepKey != 0 {
			keyed = true
			c.skip(head >> 2)
		}
		if head&stepMore == 0 {
			return c.since(at), keyed
		}
	}
}

// value takes a token and the value that it announces: 0 clear, 1 erased, else of
// two bytes less.
func (c *cutter) value() []byte {
	at := c.at
	if token := c.uvarint(); token > 2 {
		c.skip(token - 2)
	}
	return c.since(at)
}

// dots takes n dots of one replica, each a counter and a hash.
func (c *cutter) dots(n uint64) []byte {
	at := c.at
	for ; n > 0 && !c.bad; n-- {
		c.uvarint()
		c.skip(hash8Size)
	}
	return c.since(at)
}

// held takes the list of held dots, its length first.
func (c *cutter) held() []byte {
	at := c.at
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		c.uvarint()
	}
	return c.since(at)
}

// values takes n tokens, each with its value.
func (c *cutter) values(n uint64) []byte {
	at := c.at
	for ; n > 0 && !c.bad; n-- {
		c.value()
	}
	return c.since(at)
}
