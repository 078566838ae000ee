// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	"bytes"
	"encoding/binary"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// statesFromWire returns the states of m, canonical each, in order. They have at
// most maxPageStates bytes in all.
func statesFromWire(m *syncv1.Bases) ([][]byte, error) {
	u := unpacker{replicas: m.GetReplicas(), left: maxPageStates}
	if len(u.replicas)%replicaSize != 0 {
		return nil, malformed("table of replicas of %d bytes", len(u.replicas))
	}
	for _, paths := range m.GetShapes() {
		n, err := countPaths(paths)
		if err != nil {
			return nil, err
		}
		u.shapes = append(u.shapes, shape{paths, n})
	}
	out := make([][]byte, len(m.GetStates()))
	for i, b := range m.GetStates() {
		state, err := u.state(b)
		if err != nil {
			return nil, err
		}
		out[i] = state
	}
	return out, nil
}

// shape is a list of paths, one after the other.
type shape struct {
	paths []byte
	n     uint64
}

func countPaths(paths []byte) (n uint64, err error) {
	c := cutter{b: paths}
	for ; c.at < len(paths); n++ {
		c.path()
	}
	if c.bad {
		return 0, malformed("shape of %d bytes", len(paths))
	}
	return n, nil
}

// unpacker unpacks the states of one page.
type unpacker struct {
	replicas []byte
	shapes   []shape
	left     int // bytes that the states to come may have
	out      []byte
	room     record.Room
}

// state returns the canonical bytes of b, which is packed or as it is.
func (u *unpacker) state(b []byte) ([]byte, error) {
	state := b
	if len(b) > 0 && b[0] == packedForm {
		if !u.unpack(b[1:]) {
			return nil, malformed("packed state of %d bytes", len(b))
		}
		state = bytes.Clone(u.out)
	}
	if len(state) > u.left {
		return nil, malformed("states of more than %d bytes", maxPageStates)
	}
	u.left -= len(state)
	defer u.room.Clear()
	if _, err := record.DecodeStateIn(&u.room, state); err != nil {
		return nil, malformed("state of %d bytes: %v", len(state), err)
	}
	return state, nil
}

// unpack writes a packed state to out, and reports whether it could be read and has
// room. Whether it is canonical then, the caller looks.
func (u *unpacker) unpack(packed []byte) bool {
	c := cutter{b: packed}
	u.out = append(u.out[:0], canonicalForm)
	u.vector(&c)
	u.out = append(u.out, c.held()...)
	u.live(&c)
	u.out = append(u.out, c.left()...)
	return !c.bad
}

func (u *unpacker) number(v uint64) uint64 {
	u.out = binary.AppendUvarint(u.out, v)
	return v
}

func (u *unpacker) vector(c *cutter) {
	for left := u.number(c.uvarint()); left > 0 && !c.bad; {
		at := c.uvarint()
		if at >= uint64(len(u.replicas)/replicaSize) {
			c.fail()
			return
		}
		u.out = append(u.out, u.replicas[at*replicaSize:][:replicaSize]...)
		n := u.number(c.group(left))
		u.out = append(u.out, c.dots(n)...)
		left -= n
	}
}

func (u *unpacker) live(c *cutter) {
	for left := u.number(c.uvarint()); left > 0 && !c.bad; {
		u.number(c.uvarint())
		u.out = append(u.out, c.take(clockSize)...)
		n := u.number(c.group(left))
		u.entries(c, n)
		left -= n
	}
}

// entries writes a group of n live values: those at the paths of a shape and the
// record's own, in order of their paths.
func (u *unpacker) entries(c *cutter, n uint64) {
	at := c.uvarint()
	if at >= uint64(len(u.shapes)) || u.shapes[at].n > n || len(u.out)+len(u.shapes[at].paths) > u.left {
		c.fail()
		return
	}
	shared := column{cutter{b: u.shapes[at].paths}, cutter{b: c.values(u.shapes[at].n)}}
	for own := n - u.shapes[at].n; own > 0 && !c.bad; own-- {
		path, _ := c.path()
		u.out = append(shared.appendUpTo(u.out, path), path...)
		u.out = append(u.out, c.value()...)
	}
	u.out = shared.appendUpTo(u.out, nil)
}

// column is what has not been written yet of the values at the paths of a shape.
type column struct{ paths, values cutter }

// appendUpTo adds to b the values whose paths are not above path; nil: all.
func (l *column) appendUpTo(b, path []byte) []byte {
	for len(l.paths.left()) > 0 {
		start := l.paths.at
		next, _ := l.paths.path()
		if path != nil && bytes.Compare(next, path) > 0 {
			l.paths.at = start
			break
		}
		b = append(append(b, next...), l.values.value()...)
	}
	return b
}
