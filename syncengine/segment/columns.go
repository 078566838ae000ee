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
	colAuthors // table
	colAuthorRefs
	colScopes // table
	colScopeRefs
	colShapes // table
	colShapeRefs
	colSalts
	colBodySizes
	colBodies
	colErased
	colErasedHashes
	colEnd
)

// columns are the parts of a SegmentColumns message. Plain ones are where they lie
// in the wire bytes; the tables of authors and scopes are taken apart, they are short.
type columns struct {
	plain   [colEnd]column // by field number
	authors []string
	scopes  []record.ScopeSeen
	shapes  []shape
}

// scan finds the columns in b: known fields only, ascending, and only tables come
// in several pieces, at most one entry per revision. A table may hold entries
// that are doubled or unused: they change no revision, and refusing them would
// lose saves for the sake of tidiness.
func (c *columns) scan(b []byte, count int) error {
	var last protowire.Number
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n != 1 || typ != protowire.BytesType || num >= colEnd {
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

// set takes a plain column, or the next entry of a table.
func (c *columns) set(num protowire.Number, v []byte, count int) error {
	switch num {
	case colAuthors:
		c.authors = append(c.authors, string(v))
	case colScopes:
		seen, err := decodeScopeSeen(v, c.scopes)
		if err != nil {
			return err
		}
		c.scopes = append(c.scopes, seen)
	case colShapes:
		c.addShape(v, count)
	default:
		c.plain[num] = v
	}
	if max(len(c.authors), len(c.scopes), len(c.shapes)) > count {
		return unreadable("columns: more than %d entries in table %d", count, num)
	}
	return nil
}

// addShape adds an entry to the table of shapes. Entries hold a lock and so must
// not move later: the table has room for all from its first entry on.
func (c *columns) addShape(v []byte, count int) {
	if c.shapes == nil {
		c.shapes = make([]shape, 0, count+1)
	}
	c.shapes = c.shapes[:len(c.shapes)+1]
	c.shapes[len(c.shapes)-1].raw = v
}

// decodeScopeSeen reads a ScopeSeen message. Its dot must be one; its division is
// judged with the revision that names it, and shares memory with an equal one
// just before.
func decodeScopeSeen(b []byte, before []record.ScopeSeen) (record.ScopeSeen, error) {
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
	if k := len(before); k > 0 && string(v) == string(before[k-1].Division) {
		return record.ScopeSeen{Dot: d, Division: before[k-1].Division}, nil
	}
	return record.ScopeSeen{Dot: d, Division: record.Division(v)}, nil
}

// readRows puts the rows together. Every column must hold exactly what they need.
func (c *columns) readRows(count int) ([]row, error) {
	records, salts := c.plain[colRecords], c.plain[colSalts]
	if len(records) != idSize*count || len(salts) != saltSize*count {
		return nil, unreadable("columns: %d bytes of records, %d of salts for %d revisions", len(records), len(salts), count)
	}
	rows := make([]row, count)
	rest, clock, ok := c.plain, int64(0), true
	for i := range rows {
		r := &rows[i]
		copy(r.id[:], rest[colRecords].cut(idSize, &ok))
		if r.prev.Counter = rest[colPrevCounters].take(&ok); r.prev.Counter > 0 {
			copy(r.prev.Hash[:], rest[colPrevHashes].cut(len(r.prev.Hash), &ok))
		}
		clock += protowire.DecodeZigZag(rest[colClockDeltas].take(&ok))
		r.clockMs = clock
		r.author = rest[colAuthorRefs].below(len(c.authors), &ok)
		r.scope = rest[colScopeRefs].below(len(c.scopes)+1, &ok)
		r.shape = rest[colShapeRefs].below(len(c.shapes), &ok)
		r.salt = rest[colSalts].cut(saltSize, &ok)
		r.body = rest[colBodies].cut(rest[colBodySizes].below(MaxSize, &ok), &ok)
		if !ok {
			return nil, unreadable("columns: revision %d of %d", i, count)
		}
		c.shapes[r.shape].users++
	}
	if err := takeErased(&rest, rows); err != nil {
		return nil, err
	}
	return rows, spent(&rest)
}

// takeErased sets the body hashes of erased revisions. Nothing of an erased body
// may be left: with its salt a short one could be guessed.
func takeErased(rest *[colEnd]column, rows []row) error {
	next, ok := 0, true
	for len(rest[colErased]) > 0 {
		i := rest[colErased].below(len(rows), &ok)
		hash := rest[colErasedHashes].cut(hashSize, &ok)
		if !ok || i < next || len(rows[i].body) > 0 || [saltSize]byte(rows[i].salt) != [saltSize]byte{} {
			return unreadable("columns: erased revision %d", i)
		}
		rows[i].bodyHash, next = hash, i+1
	}
	return nil
}

// spent returns an error when the rows have left something over.
func spent(rest *[colEnd]column) error {
	for num, left := range rest {
		if len(left) > 0 {
			return unreadable("columns: %d bytes too many in field %d", len(left), num)
		}
	}
	return nil
}

// column is what is left of a plain column: bytes, or a packed list of varints
// without needless bytes. Its methods take from the front, and set ok to false
// when there is not enough.
type column []byte

// cut takes n bytes; nil when there are fewer.
func (c *column) cut(n int, ok *bool) []byte {
	b := *c
	if len(b) < n {
		*ok = false
		return nil
	}
	*c = b[n:]
	return b[:n:n]
}

// take takes a number.
func (c *column) take(ok *bool) uint64 {
	b := *c
	if len(b) > 0 && b[0] < 0x80 {
		*c = b[1:]
		return uint64(b[0])
	}
	v, size := binary.Uvarint(b)
	if size <= 0 || b[size-1] == 0 {
		*ok = false
		return 0
	}
	*c = b[size:]
	return v
}

// below takes a number that must be less than limit.
func (c *column) below(limit int, ok *bool) int {
	v := c.take(ok)
	if v >= uint64(limit) {
		*ok = false
		return 0
	}
	return int(v)
}
