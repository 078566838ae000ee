// SPDX-License-Identifier: Apache-2.0

package sessionwire

import (
	"bytes"
	"encoding/binary"
	"slices"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// statesToWire writes the states of bases, which are canonical, with their tables,
// into m. Where that saves nothing, as with few records, they go as they are.
func statesToWire(m *syncv1.Bases, bases []session.Base) {
	plain := 0
	for i := range bases {
		plain += len(bases[i].State)
	}
	p := packer{
		replicaAt: make(map[causal.ReplicaID]uint64),
		shapeAt:   make(map[string]uint64),
		out:       make([]byte, 0, plain),
		paths:     make([]byte, 0, 256),
	}
	m.States = make([][]byte, len(bases))
	size := 0
	for i := range bases {
		m.States[i] = p.pack(bases[i].State)
		size += len(m.States[i])
	}
	if size+p.tables() < plain {
		m.Replicas, m.Shapes = p.replicas, p.shapes
		return
	}
	for i := range bases {
		m.States[i] = bases[i].State
	}
}

// packer packs the states of one page.
type packer struct {
	replicas  []byte
	replicaAt map[causal.ReplicaID]uint64
	shapes    [][]byte
	shapeAt   map[string]uint64
	out       []byte // packed states, one after the other

	// Of the group of live values at hand: the paths that go to a shape, and the
	// record's own values.
	paths, own []byte
}

// tables returns how many bytes the tables take on the wire, or a few more.
func (p *packer) tables() int {
	size := len(p.replicas)
	for _, s := range p.shapes {
		size += len(s) + 3 // tag, length
	}
	return size
}

// pack returns the packed form of state, or state itself if it is none. The result
// stays as it is when others are packed.
func (p *packer) pack(state []byte) []byte {
	c := cutter{b: state}
	if form := c.take(1); c.bad || form[0] != canonicalForm {
		return state
	}
	start := len(p.out)
	p.out = append(p.out, packedForm)
	p.vector(&c)
	p.out = append(p.out, c.held()...)
	p.live(&c)
	if c.bad {
		p.out = p.out[:start]
		return state
	}
	p.out = append(p.out, c.left()...)
	return p.out[start:len(p.out):len(p.out)]
}

func (p *packer) number(v uint64) uint64 {
	p.out = binary.AppendUvarint(p.out, v)
	return v
}

func (p *packer) vector(c *cutter) {
	for left := p.number(c.uvarint()); left > 0 && !c.bad; {
		p.number(p.replica(c.take(replicaSize)))
		n := p.number(c.group(left))
		p.out = append(p.out, c.dots(n)...)
		left -= n
	}
}

// replica returns the place of a replica in the table.
func (p *packer) replica(id []byte) uint64 {
	if len(id) != replicaSize {
		return 0
	}
	at, ok := p.replicaAt[causal.ReplicaID(id)]
	if !ok {
		at = uint64(len(p.replicaAt))
		p.replicaAt[causal.ReplicaID(id)] = at
		p.replicas = append(p.replicas, id...)
	}
	return at
}

func (p *packer) live(c *cutter) {
	for left := p.number(c.uvarint()); left > 0 && !c.bad; {
		p.number(c.uvarint())
		p.out = append(p.out, c.take(clockSize)...)
		n := p.number(c.group(left))
		p.entries(c, n)
		left -= n
	}
}

// entries packs the values of one group: those at paths that every such form has,
// then those under a map key, which is this record's own.
func (p *packer) entries(c *cutter, n uint64) {
	out, paths, own := p.out, p.paths[:0], p.own[:0]
	for ; n > 0 && !c.bad; n-- {
		if k, size := short(c.left()); size > 0 {
			at := c.at
			c.at += k + size
			paths = append(paths, c.b[at], c.b[at+1])[:len(paths)+k]
			out = appendShort(out, c.b[at+k:], size)
			continue
		}
		path, keyed := c.path()
		value := c.value()
		if keyed {
			own = append(append(own, path...), value...)
			continue
		}
		paths = append(paths, path...)
		out = append(out, value...)
	}
	var room [binary.MaxVarintLen64]byte
	shape := binary.AppendUvarint(room[:0], p.shape(paths))
	out = slices.Insert(out, len(p.out), shape...)
	p.out, p.paths, p.own = append(out, own...), paths, own
}

// short returns the lengths of the path and the value, with its token, at the front
// of b if they are what most are: a path of a small field number or two, a value of
// less than 126 bytes. Otherwise size is 0.
func short(b []byte) (path, size int) {
	if len(b) < 3 {
		return 0, 0
	}
	more := b[0] & stepMore
	path = 1 + int(more)
	token := b[path]
	if (b[0]&(stepKey|moreBytes) | b[1]&-more&(stepMore|stepKey|moreBytes) | token&moreBytes) != 0 {
		return 0, 0
	}
	size = max(int(token)-1, 1)
	if path+size > len(b) {
		return 0, 0
	}
	return path, size
}

// appendShort adds the first n bytes of from to b. It is made for the many values of
// a few bytes.
func appendShort(b, from []byte, n int) []byte {
	const room = 16
	if at := len(b); n <= room && len(from) >= room && cap(b)-at >= room {
		*(*[room]byte)(b[at : at+room]) = [room]byte(from) // what is too many is written over
		return b[:at+n]
	}
	return append(b, from[:n]...)
}

// shape returns the place of a list of paths in the table.
func (p *packer) shape(paths []byte) uint64 {
	at, ok := p.shapeAt[string(paths)]
	if !ok {
		at = uint64(len(p.shapes))
		p.shapeAt[string(paths)] = at
		p.shapes = append(p.shapes, bytes.Clone(paths))
	}
	return at
}
