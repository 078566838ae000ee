// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

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

func (e Entry) key() Mark { return Mark{e.Dot, e.Path} }

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
		i, _ := s.VV.Index(d)
		b = binary.AppendUvarint(b, uint64(i))
	}
	b = s.appendLive(b)
	b = binary.AppendUvarint(b, uint64(len(s.Marks)))
	for _, m := range s.Marks {
		b = append(m.Dot.Append(b), m.Path...)
	}
	return b
}

func appendVector(b []byte, v causal.Vector) []byte {
	b = binary.AppendUvarint(b, uint64(replicas(v)))
	for len(v) > 0 {
		n := 1
		for n < len(v) && v[n].Replica == v[0].Replica {
			n++
		}
		b = append(b, v[0].Replica[:]...)
		b = binary.AppendUvarint(b, uint64(n))
		for _, d := range v[:n] {
			b = binary.AppendUvarint(b, d.Counter)
			b = append(b, d.Hash[:]...)
		}
		v = v[n:]
	}
	return b
}

func replicas(v causal.Vector) int {
	n := 0
	for i := range v {
		if i == 0 || v[i-1].Replica != v[i].Replica {
			n++
		}
	}
	return n
}

func (s State) appendLive(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(liveDots(s.Live)))
	for live := s.Live; len(live) > 0; {
		n := 1
		for n < len(live) && live[n].Dot == live[0].Dot {
			n++
		}
		i, _ := s.VV.Index(live[0].Dot)
		b = binary.AppendUvarint(b, uint64(i))
		b = binary.BigEndian.AppendUint64(b, uint64(live[0].ClockMs))
		b = binary.AppendUvarint(b, uint64(n))
		for _, e := range live[:n] {
			b = append(b, e.Path...)
			b = binary.AppendUvarint(b, e.Value.token())
			b = append(b, e.Value.Bytes...)
		}
		live = live[n:]
	}
	return b
}

func liveDots(live []Entry) int {
	n := 0
	for i := range live {
		if i == 0 || live[i-1].Dot != live[i].Dot {
			n++
		}
	}
	return n
}

// DecodeState reads canonical bytes. It takes only what Append gives for some
// state; everything else wraps ErrMalformed. Values share memory with b.
// DecodeState(s.Append(nil)) gives s, and the bytes of the result are b.
func DecodeState(b []byte) (State, error) {
	r := reader{rest: b, text: string(b)}
	if r.byte() != stateFormat {
		r.fail("state format")
	}
	s := State{VV: r.vector()}
	for last, n := -1, r.count(len(s.VV)); n > 0; n-- {
		last = r.index(len(s.VV), last)
		if r.err != nil {
			return State{}, r.err
		}
		s.Held = append(s.Held, s.VV[last])
	}
	s.Live = r.live(s)
	s.Marks = r.marks(s)
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the state")
	}
	if r.err != nil {
		return State{}, r.err
	}
	return s, nil
}

func (r *reader) vector() causal.Vector {
	var v causal.Vector
	for n := r.count(len(r.rest)); n > 0; n-- {
		replica := causal.ReplicaID(r.array16())
		dots := r.count(len(r.rest))
		if dots == 0 {
			r.fail("replica without dots")
		}
		v = slices.Grow(v, dots)
		for i := range dots {
			d := causal.Dot{Replica: replica, Counter: r.uvarint(), Hash: causal.Hash8(r.array8())}
			if r.err != nil {
				return nil
			}
			if k := len(v); d.Counter == 0 || k > 0 && (v[k-1].Compare(d) >= 0 || i == 0 && v[k-1].Replica == replica) {
				r.fail("vector order")
				return nil
			}
			v = append(v, d)
		}
	}
	return v
}

func (r *reader) live(s State) []Entry {
	var out []Entry
	for last, n := -1, r.count(len(s.VV)); n > 0; n-- {
		last = r.index(len(s.VV), last)
		clock := int64(r.uint64())
		entries := r.count(len(r.rest))
		if r.err == nil && (entries == 0 || s.Held.Has(s.VV[last])) {
			r.fail("live dot")
		}
		if r.err != nil {
			return nil
		}
		out = slices.Grow(out, entries)
		first := len(out)
		for range entries {
			e := Entry{Dot: s.VV[last], ClockMs: clock, Path: r.path(), Value: r.value()}
			if k := len(out); k > first && cmpPath(out[k-1].Path, e.Path) >= 0 {
				r.fail("live order")
			}
			out = append(out, e)
		}
	}
	return out
}

func (r *reader) value() Value {
	token := r.uvarint()
	if token < 2 {
		return Value{Form: Form(token)}
	}
	if token-2 > uint64(len(r.rest)) {
		r.fail("value")
		return Value{}
	}
	return Of(r.take(int(token - 2)))
}

func (r *reader) marks(s State) []Mark {
	n := r.count(len(r.rest))
	if n == 0 {
		return nil
	}
	var out []Mark
	for range n {
		m := Mark{r.dot(), r.path()}
		if r.err != nil {
			return nil
		}
		if k := len(out); k > 0 && out[k-1].compare(m) >= 0 || s.Applied(m.Dot) {
			r.fail("marks")
			return nil
		}
		out = append(out, m)
	}
	return out
}

// Fingerprint returns SHA-256(record id ‖ canonical state bytes). Sums of these
// modulo 2^256 compare whole scopes; they guard against accident, the ledger
// guards against an adversary.
func Fingerprint(id ID, state []byte) [32]byte {
	h := sha256.New()
	h.Write(id[:])
	h.Write(state)
	return [32]byte(h.Sum(nil))
}
