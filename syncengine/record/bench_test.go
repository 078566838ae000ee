// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// form returns a save of a form with 30 fields, as a checkup or a follow-up has
// them, that replaces what parent wrote there; a zero parent is the first save.
func form(dot, parent causal.Dot) Revision {
	r := Revision{Dot: dot, Record: DerivedID(20, []byte("form")), ClockMs: 1_700_000_000_000, Author: "dr-wang"}
	add := func(p Path, value []byte) {
		c := Change{Path: p, Value: Of(value)}
		if !parent.IsZero() {
			c.Parents = []causal.Dot{parent}
		}
		r.Changes = append(r.Changes, c)
	}
	add(PathSubject, make([]byte, 16))
	add(PathScope, []byte("370683101001"))
	add(PathLife, Active().Bytes)
	for n := range uint32(27) {
		add(Field(n+1), []byte{byte(n<<3 + 2), 6, 1, 2, 3, 4, 5, 6})
	}
	r.Changes, _ = Normalise(r.Changes)
	return r
}

// A new record: a 30-field save applied to nothing, and its canonical bytes.
func BenchmarkCreate(b *testing.B) {
	r, buf := form(dot(1, 1), causal.Dot{}), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = State{}.Apply(r, true).Append(buf[:0])
	}
}

// A second save of every field: stored bytes decoded, applied to, and encoded.
func BenchmarkUpdate(b *testing.B) {
	stored := State{}.Apply(form(dot(1, 1), causal.Dot{}), true).Append(nil)
	r, buf := form(dot(2, 1), dot(1, 1)), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		s, err := DecodeState(stored)
		if err != nil {
			b.Fatal(err)
		}
		buf = s.Apply(r, true).Append(buf[:0])
	}
}

// A concurrent save of every field: siblings appear everywhere.
func BenchmarkConflict(b *testing.B) {
	first := form(dot(1, 1), causal.Dot{})
	stored := State{}.Apply(first, true).Apply(form(dot(2, 1), first.Dot), true).Append(nil)
	r, buf := form(dot(3, 1), first.Dot), make([]byte, 0, 8192)
	b.ReportAllocs()
	for b.Loop() {
		s, err := DecodeState(stored)
		if err != nil {
			b.Fatal(err)
		}
		buf = s.Apply(r, true).Append(buf[:0])
	}
}

func BenchmarkDecodeShape(b *testing.B) {
	shape := AppendShape(nil, form(dot(2, 1), dot(1, 1)).Changes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeShape(shape); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeBody(b *testing.B) {
	changes := form(dot(2, 1), dot(1, 1)).Changes
	body := AppendBody(nil, changes)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBody(changes, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	r, salt := form(dot(2, 1), dot(1, 1)), make([]byte, 16)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := r.Seal(salt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRegisters(b *testing.B) {
	s := State{}.Apply(form(dot(1, 1), causal.Dot{}), true)
	b.ReportAllocs()
	for b.Loop() {
		s.Registers()
	}
}

// What the engine asks of every state it commits.
func BenchmarkConflicts(b *testing.B) {
	first := form(dot(1, 1), causal.Dot{})
	s := State{}.Apply(first, true).Apply(form(dot(2, 1), first.Dot), true).Apply(form(dot(3, 1), first.Dot), true)
	b.ReportAllocs()
	for b.Loop() {
		s.Conflicts()
	}
}
