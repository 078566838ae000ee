// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

const stateFormat = 1

// Entry is one live value: nobody admitted has replaced it. Several entries at
// one path are siblings.
type Entry struct {
	Dot     causal.Dot
	Path    Path
	ClockMs int64 // its saver's clock, for display
	Value   Value
}

// Mark remembers that the value of Dot at Path was replaced before it was applied.
type Mark struct {
	Dot  causal.Dot
	Path Path
}

// State is what a record is after a set of revisions. The zero State is a record
// nobody saved. A State is never changed in place.
type State struct {
	VV    causal.Vector // received, admitted or not
	Held  causal.Vector // received but not admitted; part of VV
	Live  []Entry       // sorted by dot, then path
	Marks []Mark        // sorted by dot, then path; their dots are held or not received
}

// Received reports whether d is in the state, admitted or held.
func (s State) Received(d causal.Dot) bool { return s.VV.Has(d) }

// Applied reports whether d is received and not held.
func (s State) Applied(d causal.Dot) bool { return s.VV.Has(d) && !s.Held.Has(d) }

func (e *Entry) compare(m Mark) int {
	if c := e.Dot.Compare(m.Dot); c != 0 {
		return c
	}
	return cmpPath(e.Path, m.Path)
}

func (m Mark) compare(o Mark) int {
	if c := m.Dot.Compare(o.Dot); c != 0 {
		return c
	}
	return cmpPath(m.Path, o.Path)
}

// Append adds the canonical bytes of s to b. Equal states have equal bytes on
// every replica and in every language; DESIGN.md has the byte table.
func (s State) Append(b []byte) []byte {
	b = append(b, stateFormat)
	b = appendVector(b, s.VV)
	b = binary.AppendUvarint(b, uint64(len(s.Held)))
	for _, d := range s.Held {
		b = s.appendPlace(b, d)
	}
	b = s.appendLive(b)
	return appendMarks(b, s.Marks)
}

// appendPlace adds the place of d, which must be received, in the vector.
func (s State) appendPlace(b []byte, d causal.Dot) []byte {
	i, _ := s.VV.Index(d)
	return binary.AppendUvarint(b, uint64(i))
}

func appendVector(b []byte, v causal.Vector) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	for len(v) > 0 {
		n := run(v, func(a, b *causal.Dot) bool { return a.Replica == b.Replica })
		b = append(b, v[0].Replica[:]...)
		b = binary.AppendUvarint(b, uint64(n))
		for i := range v[:n] {
			b = binary.AppendUvarint(b, v[i].Counter)
			b = append(b, v[i].Hash[:]...)
		}
		v = v[n:]
	}
	return b
}

func (s State) appendLive(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(s.Live)))
	for live := s.Live; len(live) > 0; {
		n := run(live, func(a, b *Entry) bool { return a.Dot == b.Dot })
		b = s.appendPlace(b, live[0].Dot)
		b = binary.BigEndian.AppendUint64(b, uint64(live[0].ClockMs))
		b = binary.AppendUvarint(b, uint64(n))
		for i := range live[:n] {
			b = append(b, live[i].Path...)
			b = binary.AppendUvarint(b, live[i].Value.token())
			b = live[i].Value.appendBytes(b)
		}
		live = live[n:]
	}
	return b
}

func appendMarks(b []byte, marks []Mark) []byte {
	b = binary.AppendUvarint(b, uint64(len(marks)))
	for len(marks) > 0 {
		n := run(marks, func(a, b *Mark) bool { return a.Dot == b.Dot })
		b = marks[0].Dot.Append(b)
		b = binary.AppendUvarint(b, uint64(n))
		for i := range marks[:n] {
			b = append(b, marks[i].Path...)
		}
		marks = marks[n:]
	}
	return b
}

// run returns how many items at the front of s, which is not empty, are the same
// as the first.
func run[T any](s []T, same func(a, b *T) bool) int {
	n := 1
	for n < len(s) && same(&s[0], &s[n]) {
		n++
	}
	return n
}

// Bytes that one item of each list takes at least.
const (
	minDot   = 1 + 8 // counter, hash
	minEntry = 1 + 1 // path, token
	minMark  = 1     // path
)

// DecodeState reads canonical bytes. It takes only what Append gives for some
// state; everything else wraps ErrMalformed. Values share memory with b.
// DecodeState(s.Append(nil)) gives s, and the bytes of the result are b.
func DecodeState(b []byte) (State, error) { return DecodeStateIn(nil, b) }

// DecodeStateIn is DecodeState with the live values in the memory of room.
func DecodeStateIn(room *Room, b []byte) (State, error) {
	r := reader{rest: b, text: string(b)}
	if r.byte() != stateFormat {
		r.fail("state format")
	}
	s := State{VV: r.vector()}
	s.Held = r.held(s.VV)
	s.Live = r.live(s, room)
	s.Marks = r.marks(s)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the state")
	}
	if r.err != nil {
		return State{}, r.err
	}
	return s, nil
}

// DecodeVector reads the vector of a state from its canonical bytes, of which it does not look
// at the rest. Its error wraps ErrMalformed.
func DecodeVector(state []byte) (causal.Vector, error) {
	r := reader{rest: state}
	if r.byte() != stateFormat {
		r.fail("state format")
	}
	v := r.vector()
	return v, r.err
}

func (r *reader) vector() causal.Vector {
	left := r.count(math.MaxInt, minDot)
	if left == 0 {
		return nil
	}
	v := make(causal.Vector, 0, left)
	for len(v) < cap(v) && r.err == nil {
		replica := causal.ReplicaID(r.array16())
		if k := len(v); k > 0 && v[k-1].Replica.Compare(replica) >= 0 {
			r.fail("replicas not ascending")
		}
		for n := r.group(cap(v) - len(v)); n > 0; n-- {
			d := causal.Dot{Replica: replica, Counter: r.uvarint(), Hash: causal.Hash8(r.array8())}
			if k := len(v); d.Counter == 0 || k > 0 && v[k-1].Compare(d) >= 0 {
				r.fail("vector order")
			}
			v = append(v, d)
		}
	}
	return v
}

// group reads the number of items that share a head: at least 1, at most left.
func (r *reader) group(left int) int {
	n := r.count(left, 1)
	if n == 0 {
		r.fail("empty group")
	}
	return n
}

func (r *reader) held(v causal.Vector) causal.Vector {
	var held causal.Vector
	for last, n := -1, r.count(len(v), 1); n > 0; n-- {
		if last = r.index(len(v), last); r.err != nil {
			return nil
		}
		held = append(held, v[last])
	}
	return held
}

func (r *reader) live(s State, room *Room) []Entry {
	total := r.count(math.MaxInt, minEntry)
	if total == 0 {
		return nil
	}
	out := room.take(total)
	for last := -1; len(out) < total; {
		if last = r.index(len(s.VV), last); r.err != nil {
			return nil
		}
		e := Entry{Dot: s.VV[last], ClockMs: int64(r.uint64())}
		if s.Held.Has(e.Dot) {
			r.fail("live value of a held save")
		}
		n := r.group(total - len(out))
		for i := range n {
			e.Path, e.Value = r.path(), r.sized(r.uvarint())
			if k := len(out); i > 0 && cmpPath(out[k-1].Path, e.Path) >= 0 {
				r.fail("live values not ascending")
			}
			out = append(out, e)
		}
		if r.err != nil {
			return nil
		}
	}
	return out
}

func (r *reader) marks(s State) []Mark {
	total := r.count(math.MaxInt, minMark)
	if total == 0 {
		return nil
	}
	out := make([]Mark, 0, total)
	for len(out) < total {
		m := Mark{Dot: r.dot()}
		if k := len(out); s.Applied(m.Dot) || k > 0 && out[k-1].Dot.Compare(m.Dot) >= 0 {
			r.fail("marks")
		}
		n := r.group(total - len(out))
		for i := range n {
			m.Path = r.path()
			if k := len(out); i > 0 && cmpPath(out[k-1].Path, m.Path) >= 0 {
				r.fail("marks not ascending")
			}
			out = append(out, m)
		}
		if r.err != nil {
			return nil
		}
	}
	return out
}

// Fingerprint returns SHA-256(record id ‖ canonical state bytes). Sums of these
// modulo 2^256 compare whole scopes; they guard against accident, the ledger
// guards against an adversary.
func Fingerprint(id ID, state []byte) [32]byte {
	var room [1024]byte // most states fit, and cost no memory
	return sha256.Sum256(append(append(room[:0], id[:]...), state...))
}
