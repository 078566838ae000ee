// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	idSize   = 16
	saltSize = 16
	hashSize = 32
)

// Field numbers of SegmentColumns.
const (
	colRecords protowire.Number = 1 + iota
	colPrevCounters
	colPrevHashes
	colClockDeltas
	colAuthors
	colAuthorRefs
	colScopes
	colScopeRefs
	colShapes
	colShapeRefs
	colSalts
	colBodySizes
	colBodies
	colErased
	colErasedHashes
)

// columns are the parts of a SegmentColumns message where they lie in the wire
// bytes; the tables of authors and scopes are taken apart, they are short.
type columns struct {
	records, prevHashes, salts, bodies, erasedHashes []byte
	prevCounters, clocks, authorRefs, scopeRefs      numbers
	shapeRefs, bodySizes, erased                     numbers
	authors                                          []string
	scopes                                           []record.ScopeSeen
	shapes                                           []shape
}

// scan finds the columns in b: known fields only, ascending, and only tables come
// in several pieces, at most one entry per revision. A table may hold entries
// that are doubled or unused: they change no revision, and refusing them would
// lose saves for the sake of tidiness.
func (c *columns) scan(b []byte, count int) error {
	var last protowire.Number
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n != 1 || typ != protowire.BytesType || num > colErasedHashes {
			return unreadable("columns: field")
		}
		v, m := protowire.ConsumeBytes(b[n:])
		if m != protowire.SizeBytes(len(v)) {
			return unreadable("columns: length of field %d", num)
		}
		if num < last || num == last && !isTable(num) {
			return unreadable("columns: field %d after %d", num, last)
		}
		if err := c.set(num, v[:len(v):len(v)], count); err != nil {
			return err
		}
		last, b = num, b[n+m:]
	}
	return nil
}

func isTable(num protowire.Number) bool {
	return num == colAuthors || num == colScopes || num == colShapes
}

func (c *columns) set(num protowire.Number, v []byte, count int) error {
	switch num {
	case colAuthors, colScopes, colShapes:
		return c.addEntry(num, v, count)
	case colRecords:
		c.records = v
	case colPrevCounters:
		c.prevCounters = v
	case colPrevHashes:
		c.prevHashes = v
	case colClockDeltas:
		c.clocks = v
	case colAuthorRefs:
		c.authorRefs = v
	case colScopeRefs:
		c.scopeRefs = v
	case colShapeRefs:
		c.shapeRefs = v
	case colSalts:
		c.salts = v
	case colBodySizes:
		c.bodySizes = v
	case colBodies:
		c.bodies = v
	case colErased:
		c.erased = v
	case colErasedHashes:
		c.erasedHashes = v
	}
	return nil
}

// addEntry adds v to a table. A shape holds a lock and so must not move later:
// the table is as long as it can get from its first entry on.
func (c *columns) addEntry(num protowire.Number, v []byte, count int) error {
	if c.tableLen(num) == count {
		return unreadable("columns: more than %d entries in table %d", count, num)
	}
	switch num {
	case colAuthors:
		c.authors = append(c.authors, string(v))
	case colScopes:
		var before record.Division
		if n := len(c.scopes); n > 0 {
			before = c.scopes[n-1].Division
		}
		seen, err := decodeScopeSeen(v, before)
		if err != nil {
			return err
		}
		c.scopes = append(c.scopes, seen)
	case colShapes:
		if c.shapes == nil {
			c.shapes = make([]shape, 0, count)
		}
		c.shapes = c.shapes[:len(c.shapes)+1]
		c.shapes[len(c.shapes)-1].raw = v
	}
	return nil
}

func (c *columns) tableLen(num protowire.Number) int {
	switch num {
	case colAuthors:
		return len(c.authors)
	case colScopes:
		return len(c.scopes)
	}
	return len(c.shapes)
}

// decodeScopeSeen reads a ScopeSeen message. Its dot must be one; its division is
// judged with the revision that names it, and shares memory with an equal one
// before it.
func decodeScopeSeen(b []byte, before record.Division) (record.ScopeSeen, error) {
	const tag, size = 1<<3 | byte(protowire.BytesType), causal.DotSize
	if len(b) < 2+size || b[0] != tag || b[1] != size {
		return record.ScopeSeen{}, unreadable("scope seen")
	}
	d, rest, _ := causal.DecodeDot(b[2:])
	if d.IsZero() {
		return record.ScopeSeen{}, unreadable("scope seen under no dot")
	}
	if len(rest) == 0 {
		return record.ScopeSeen{Dot: d}, nil
	}
	num, typ, n := protowire.ConsumeTag(rest)
	if n != 1 || num != 2 || typ != protowire.BytesType {
		return record.ScopeSeen{}, unreadable("division seen")
	}
	v, m := protowire.ConsumeBytes(rest[1:])
	if len(v) == 0 || m != len(rest)-1 || m != protowire.SizeBytes(len(v)) {
		return record.ScopeSeen{}, unreadable("division seen")
	}
	if string(v) == string(before) {
		return record.ScopeSeen{Dot: d, Division: before}, nil
	}
	return record.ScopeSeen{Dot: d, Division: record.Division(v)}, nil
}

// readRows puts the rows together. Every column must hold exactly what they need.
func (c *columns) readRows(count int) ([]row, error) {
	if len(c.records) != idSize*count || len(c.salts) != saltSize*count {
		return nil, unreadable("columns: %d bytes of records, %d of salts for %d revisions", len(c.records), len(c.salts), count)
	}
	rows := make([]row, count)
	rest := *c
	clock, ok := int64(0), true
	for i := range rows {
		r := &rows[i]
		r.id = record.ID(c.records[idSize*i : idSize*(i+1)])
		r.prev, ok = rest.takePrev(ok)
		clock += protowire.DecodeZigZag(rest.clocks.take(&ok))
		r.clockMs = clock
		r.author = rest.authorRefs.below(len(c.authors), &ok)
		r.scope = rest.scopeRefs.below(len(c.scopes)+1, &ok)
		r.shape = rest.shapeRefs.below(len(c.shapes), &ok)
		size := rest.bodySizes.below(len(rest.bodies)+1, &ok)
		if !ok {
			return nil, unreadable("columns: revision %d of %d", i, count)
		}
		r.body, rest.bodies = rest.bodies[:size:size], rest.bodies[size:]
	}
	if err := rest.takeErased(rows, c.salts); err != nil {
		return nil, err
	}
	return rows, rest.spent()
}

func (c *columns) takePrev(ok bool) (record.Prev, bool) {
	p := record.Prev{Counter: c.prevCounters.take(&ok)}
	if p.Counter == 0 {
		return p, ok
	}
	if len(c.prevHashes) < len(p.Hash) {
		return p, false
	}
	p.Hash = causal.Hash8(c.prevHashes[:len(p.Hash)])
	c.prevHashes = c.prevHashes[len(p.Hash):]
	return p, ok
}

// takeErased sets the body hashes of erased revisions. Nothing of an erased body
// may be left: with its salt a short one could be guessed.
func (c *columns) takeErased(rows []row, salts []byte) error {
	ok, next := true, 0
	for len(c.erased) > 0 && ok {
		i := c.erased.below(len(rows), &ok)
		if !ok || i < next || len(c.erasedHashes) < hashSize || len(rows[i].body) > 0 || [saltSize]byte(salts[saltSize*i:]) != [saltSize]byte{} {
			return unreadable("columns: erased revision %d", i)
		}
		rows[i].bodyHash = c.erasedHashes[:hashSize:hashSize]
		c.erasedHashes, next = c.erasedHashes[hashSize:], i+1
	}
	return nil
}

// spent returns an error when the rows have left something over.
func (c *columns) spent() error {
	left := len(c.prevCounters) + len(c.prevHashes) + len(c.clocks) + len(c.authorRefs) + len(c.scopeRefs) +
		len(c.shapeRefs) + len(c.bodySizes) + len(c.bodies) + len(c.erasedHashes)
	if left > 0 {
		return unreadable("columns: %d bytes for no revision", left)
	}
	return nil
}

// numbers is a packed list of varints without needless bytes, taken from the front.
type numbers []byte

// take returns the next number; it sets ok to false when there is none.
func (n *numbers) take(ok *bool) uint64 {
	b := *n
	if len(b) > 0 && b[0] < 0x80 {
		*n = b[1:]
		return uint64(b[0])
	}
	v, size := binary.Uvarint(b)
	if size <= 0 || b[size-1] == 0 {
		*ok = false
		return 0
	}
	*n = b[size:]
	return v
}

// below is take of a number that must be less than limit.
func (n *numbers) below(limit int, ok *bool) int {
	v := n.take(ok)
	if v >= uint64(limit) {
		*ok = false
		return 0
	}
	return int(v)
}
