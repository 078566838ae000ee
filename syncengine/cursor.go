// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// cursor says how far a caller has come in each part of its scope. To the caller
// it is opaque. It carries no authority: parts outside the caller's certificate
// are dropped when it is read, so a wrong cursor costs its owner data, nobody else.
//
//	cursor = version 1 | epoch number (uvarint) | epoch name (8) | size (uvarint) | root (8) | part*
//	part   = class (1) | length (1) | prefix | position (uvarint) | leaf (uvarint)
//
// Size and root name the ledger that it was written over. Over another one, an
// older file that went on, its positions would pass what the caller never had.
type cursor struct {
	epoch ledger.Epoch
	over  ledgerMark
	parts []part
}

// ledgerMark names a ledger: how many leaves, and the first bytes of their root.
type ledgerMark struct {
	size ledger.Size
	root [8]byte
}

// part is one division prefix and privacy class: everything of it up to position,
// and the centre's segments up to leaf, has been sent.
type part struct {
	prefix   record.Division
	class    record.Class
	position Position
	leaf     ledger.Index // next office leaf to look at
}

const (
	cursorVersion  = 1
	maxCursorParts = 1024
)

func (c cursor) encode() []byte {
	b := binary.AppendUvarint([]byte{cursorVersion}, c.epoch.Number)
	b = append(b, c.epoch.Name[:]...)
	b = binary.AppendUvarint(b, uint64(c.over.size))
	b = append(b, c.over.root[:]...)
	for _, p := range c.parts {
		b = append(b, byte(p.class), byte(len(p.prefix)))
		b = append(b, p.prefix...)
		b = binary.AppendUvarint(b, uint64(p.position))
		b = binary.AppendUvarint(b, uint64(p.leaf))
	}
	return b
}

// decodeCursor reads what encode wrote. No bytes are a cursor at the beginning.
func decodeCursor(b []byte) (cursor, error) {
	var c cursor
	if len(b) == 0 {
		return c, nil
	}
	b, ok := c.decodeHead(b)
	for ok && len(b) > 0 && len(c.parts) < maxCursorParts {
		var p part
		p, b, ok = decodePart(b)
		c.parts = append(c.parts, p)
	}
	if !ok || len(b) > 0 {
		return cursor{}, fmt.Errorf("cursor: %w", record.ErrMalformed)
	}
	return c, nil
}

func (c *cursor) decodeHead(b []byte) (rest []byte, ok bool) {
	number, n := binary.Uvarint(b[1:])
	if b[0] != cursorVersion || n <= 0 || len(b) < 1+n+8 {
		return nil, false
	}
	c.epoch = ledger.Epoch{Number: number, Name: [8]byte(b[1+n:])}
	b = b[1+n+8:]
	size, n := binary.Uvarint(b)
	if n <= 0 || len(b) < n+8 {
		return nil, false
	}
	c.over = ledgerMark{ledger.Size(size), [8]byte(b[n:])}
	return b[n+8:], true
}

func decodePart(b []byte) (p part, rest []byte, ok bool) {
	if len(b) < 2 || b[1] > 12 || len(b) < 2+int(b[1]) {
		return p, nil, false
	}
	p = part{class: record.Class(b[0]), prefix: record.Division(b[2 : 2+b[1]])}
	b = b[2+b[1]:]
	position, n := binary.Uvarint(b)
	if n <= 0 || !p.prefix.ValidPrefix() {
		return p, nil, false
	}
	leaf, m := binary.Uvarint(b[n:])
	if m <= 0 {
		return p, nil, false
	}
	p.position, p.leaf = Position(position), ledger.Index(leaf)
	return p, b[n+m:], true
}

// holds reports whether the ledger in place can have come after the one that a
// cursor was written over.
func (c cursor) holds(r Reader, h head) (bool, error) {
	if c.epoch != h.epoch || c.over.size > h.size {
		return false, nil
	}
	root, err := ledger.Root(r, c.over.size)
	return [8]byte(root[:]) == c.over.root, err
}

// narrow returns the cursor for what a certificate allows: each of its parts
// stands where the furthest part of c stands that covers it, or at the beginning.
// One that says more than there is begins anew.
func (c cursor) narrow(cert segment.Certificate, h head) cursor {
	out := cursor{epoch: h.epoch}
	for _, class := range slices.Sorted(slices.Values(cert.Classes)) {
		for _, prefix := range slices.Sorted(slices.Values(cert.Divisions)) {
			p := part{prefix: prefix, class: class}
			for _, o := range c.parts {
				if o.class == class && prefix.Within(o.prefix) && o.position <= h.position {
					p.position, p.leaf = max(p.position, o.position), max(p.leaf, o.leaf)
				}
			}
			out.parts = append(out.parts, p)
		}
	}
	return out
}

// lagging returns the parts that have come least far, and how far they may go
// until others lag as well (0: no limit).
func (c cursor) lagging() (parts []int, upTo Position) {
	least := c.parts[0].position
	for _, p := range c.parts {
		least = min(least, p.position)
	}
	for i, p := range c.parts {
		if p.position == least {
			parts = append(parts, i)
		} else if upTo == 0 || p.position < upTo {
			upTo = p.position
		}
	}
	return parts, upTo
}
