// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Scope is what a caller may see.
type Scope struct {
	Divisions []record.Division // prefixes; an empty one: everything, and what is nowhere
	Classes   []record.Class
}

// sees reports whether what is in these divisions and of this class is in the scope.
func (s Scope) sees(class record.Class, divisions []record.Division) bool {
	if !slices.Contains(s.Classes, class) {
		return false
	}
	return slices.Contains(s.Divisions, "") ||
		slices.ContainsFunc(divisions, func(d record.Division) bool { return d.WithinAny(s.Divisions) })
}

// id names the scope: another one has another id, whatever the order.
func (s Scope) id() [8]byte {
	h := sha256.New()
	for _, d := range slices.Compact(slices.Sorted(slices.Values(s.Divisions))) {
		h.Write([]byte(d + "/"))
	}
	for _, c := range slices.Compact(slices.Sorted(slices.Values(s.Classes))) {
		h.Write([]byte{byte(c)})
	}
	return [8]byte(h.Sum(nil))
}

// cursor says how far a caller has come. To the caller it is opaque. It carries no authority:
// what is sent depends on the scope alone, so a wrong one costs its owner rows, nobody else.
//
//	cursor = version 1 | file (16) | scope (8) | position (uvarint) | fresh (uvarint)
type cursor struct {
	file     [16]byte
	scope    [8]byte
	position Position
	fresh    Position // the caller began anew when the file stood here: of what was closed before, it has nothing
}

const (
	cursorVersion = 1
	cursorHead    = 1 + 16 + 8
)

func (c cursor) encode() []byte {
	b := append([]byte{cursorVersion}, c.file[:]...)
	b = append(b, c.scope[:]...)
	b = binary.AppendUvarint(b, uint64(c.position))
	return binary.AppendUvarint(b, uint64(c.fresh))
}

// decodeCursor reads what encode wrote, with ok; no bytes are none. Other bytes are an error
// with syncengine.ReasonInvalid.
func decodeCursor(b []byte) (c cursor, ok bool, err error) {
	if len(b) == 0 {
		return c, false, nil
	}
	wrong := &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "cursor of findings", Err: fmt.Errorf("%d bytes: %w", len(b), record.ErrMalformed)}
	if len(b) < cursorHead || b[0] != cursorVersion {
		return c, false, wrong
	}
	copy(c.file[:], b[1:])
	copy(c.scope[:], b[17:])
	rest := b[cursorHead:]
	for _, v := range []*Position{&c.position, &c.fresh} {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > maxPosition {
			return cursor{}, false, wrong
		}
		*v, rest = Position(n), rest[size:]
	}
	if len(rest) > 0 {
		return cursor{}, false, wrong
	}
	return c, true, nil
}

// maxPosition is the greatest one that SQLite can hold.
const maxPosition = 1<<63 - 1

// holds reports whether a cursor goes on in a file as it stands, for a scope.
func (c cursor) holds(h header, s Scope) bool {
	return c.file == h.file && c.scope == s.id() && c.position <= h.last && c.fresh <= h.last
}
