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
//	cursor = version 1 | epoch number (uvarint) | epoch name (8) | part*
//	part   = class (1) | length (1) | prefix | position (uvarint) | leaf (uvarint)
type cursor struct {
	epoch ledger.Epoch
	parts []part
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
	bad := fmt.Errorf("cursor: %w", record.ErrMalformed)
	number, n := binary.Uvarint(b[1:])
	if b[0] != cursorVersion || n <= 0 || len(b) < 1+n+8 {
		return c, bad
	}
	c.epoch = ledger.Epoch{Number: number, Name: [8]byte(b[1+n:])}
	for b = b[1+n+8:]; len(b) > 0; {
		if len(b) < 2 || b[1] > 12 || len(b) < 2+int(b[1]) || len(c.parts) == maxCursorParts {
			return cursor{}, bad
		}
		p := part{class: record.Class(b[0]), prefix: record.Division(b[2 : 2+b[1]])}
		b = b[2+b[1]:]
		position, n := binary.Uvarint(b)
		if n <= 0 || !p.prefix.ValidPrefix() {
			return cursor{}, bad
		}
		leaf, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return cursor{}, bad
		}
		p.position, p.leaf = Position(position), ledger.Index(leaf)
		c.parts, b = append(c.parts, p), b[n+m:]
	}
	return c, nil
}

// narrow returns the cursor for what a certificate allows: each of its parts
// stands where the furthest part of c stands that covers it, or at the beginning.
// A cursor of another epoch, or one that says more than there is, begins anew.
func (c cursor) narrow(cert segment.Certificate, h head) cursor {
	out := cursor{epoch: h.epoch}
	for _, class := range slices.Sorted(slices.Values(cert.Classes)) {
		for _, prefix := range slices.Sorted(slices.Values(cert.Divisions)) {
			p := part{prefix: prefix, class: class}
			for _, o := range c.parts {
				if c.epoch == h.epoch && o.class == class && prefix.Within(o.prefix) && o.position <= h.position {
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
