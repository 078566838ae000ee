// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

func anyDot() *rapid.Generator[causal.Dot] {
	return rapid.Custom(func(t *rapid.T) causal.Dot {
		counter := rapid.Uint64Range(1, 4)
		if rapid.IntRange(0, 9).Draw(t, "far") == 0 {
			counter = rapid.Uint64Min(1)
		}
		return causal.Dot{
			Replica: causal.ReplicaID{rapid.ByteRange(1, 3).Draw(t, "replica")},
			Counter: counter.Draw(t, "counter"),
			Hash:    causal.Hash8{rapid.ByteRange(0, 2).Draw(t, "hash")},
		}
	})
}

func anyStoredValue(t *rapid.T) Value {
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return Value{}
	case 1:
		return Value{Form: Erased}
	}
	return Of(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes"))
}

// anyState is any state that has the order and the references of one, reachable or not.
func anyState() *rapid.Generator[State] {
	return rapid.Custom(func(t *rapid.T) State {
		s := State{VV: causal.NewVector(rapid.SliceOfN(anyDot(), 0, 8).Draw(t, "vv")...)}
		for _, d := range s.VV {
			if rapid.IntRange(0, 3).Draw(t, "held") == 0 {
				s.Held = append(s.Held, d)
				continue
			}
			clock := rapid.Int64().Draw(t, "clock")
			for _, p := range anyPaths(t) {
				s.Live = append(s.Live, Entry{Dot: d, Path: p, ClockMs: clock, Value: anyStoredValue(t)})
			}
		}
		dots := causal.NewVector(rapid.SliceOfN(anyDot(), 0, 3).Draw(t, "marked")...)
		for _, d := range dots {
			for _, p := range anyPaths(t) {
				if !s.Applied(d) {
					s.Marks = append(s.Marks, Mark{d, p})
				}
			}
		}
		return s
	})
}

func anyPaths(t *rapid.T) []Path {
	paths := rapid.SliceOfNDistinct(anyPath(), 0, 5, rapid.ID[Path]).Draw(t, "paths")
	slices.Sort(paths)
	return paths
}

// anyRevision is one that an honest saver could have made.
func anyRevision() *rapid.Generator[Revision] {
	return rapid.Custom(func(t *rapid.T) Revision {
		r := Revision{
			Dot:     anyDot().Draw(t, "dot"),
			Record:  DerivedID(rapid.SampledFrom([]Kind{1, 20, 4095}).Draw(t, "kind"), []byte{1}),
			ClockMs: rapid.Int64().Draw(t, "clock"),
			Author:  rapid.StringN(1, 8, 128).Draw(t, "author"),
		}
		r.Dot.Hash = causal.Hash8{}
		if r.Dot.Counter > 1 && rapid.Bool().Draw(t, "later") {
			r.Prev = Prev{rapid.Uint64Range(1, r.Dot.Counter-1).Draw(t, "prev"), causal.Hash8{7}}
		}
		if rapid.Bool().Draw(t, "saw") {
			r.ScopeSeen = ScopeSeen{anyDot().Draw(t, "scope dot"), "370683101001"}
		}
		for len(r.Changes) == 0 {
			for _, p := range anyPaths(t) {
				c := Change{Path: p, Value: anyStoredValue(t), Parents: rapid.SliceOfN(anyDot(), 0, 4).Draw(t, "parents")}
				if c.Value.Form == Erased {
					c.Value = Value{}
				}
				r.Changes = append(r.Changes, c)
			}
			if out, err := Normalise(r.Changes); err == nil {
				r.Changes = out
			} else {
				r.Changes = nil // one path within another: draw again
			}
		}
		return r
	})
}

// DecodeState(s.Append(nil)) == s, and equal states have equal bytes.
func TestStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := anyState().Draw(t, "state")
		b := s.Append([]byte("before"))
		back, err := DecodeState(b[6:])
		if err != nil || !same(back, s) {
			t.Fatalf("%x: %v", b[6:], err)
		}
		if again := back.Append(nil); !bytes.Equal(again, b[6:]) {
			t.Fatalf("%x encodes again to %x", b[6:], again)
		}
	})
}

func TestSkeletonAndBodyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRevision().Draw(t, "revision")
		skeleton, body := r.AppendSkeleton(nil), AppendBody(nil, r.Changes)
		back, err := DecodeSkeleton(skeleton)
		if err != nil {
			t.Fatalf("%x: %v", skeleton, err)
		}
		if back.Changes, err = DecodeBody(back.Changes, body); err != nil {
			t.Fatalf("%x: %v", body, err)
		}
		if !sameRevision(back, r) {
			t.Fatalf("%+v came back as %+v", r, back)
		}
		if !bytes.Equal(back.AppendSkeleton(nil), skeleton) || !bytes.Equal(AppendBody(nil, back.Changes), body) {
			t.Fatal("other bytes the second time")
		}
	})
}

func sameRevision(a, b Revision) bool {
	same := slices.EqualFunc(a.Changes, b.Changes, func(x, y Change) bool {
		return x.Path == y.Path && x.Value.Equal(y.Value) && slices.Equal(x.Parents, y.Parents)
	})
	return same && a.Dot == b.Dot && a.Record == b.Record && a.Prev == b.Prev && a.ClockMs == b.ClockMs &&
		a.Author == b.Author && a.ScopeSeen == b.ScopeSeen
}

// strict fails unless b is refused or is what its own content encodes to.
func strict(t interface{ Fatalf(string, ...any) }, format string, b []byte) {
	again, err := decode(format, b)
	if err == nil && !bytes.Equal(again, b) {
		t.Fatalf("%s %x is taken, but its content encodes to %x", format, b, again)
	}
}

// Whatever is done to canonical bytes, the result is refused or canonical itself.
func TestDamagedBytesAreRefusedOrCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRevision().Draw(t, "revision")
		whole := map[string][]byte{
			"state":    anyState().Draw(t, "state").Append(nil),
			"skeleton": r.AppendSkeleton(nil),
			"shape":    AppendShape(nil, r.Changes),
			"body":     AppendBody(nil, r.Changes[:min(2, len(r.Changes))]),
		}
		for _, format := range []string{"state", "skeleton", "shape", "body"} {
			for range 20 {
				strict(t, format, damaged(t, whole[format]))
			}
		}
	})
}

func damaged(t *rapid.T, b []byte) []byte {
	at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
	x := rapid.OneOf(rapid.ByteRange(0, 4), rapid.Byte()).Draw(t, "byte")
	switch rapid.IntRange(0, 4).Draw(t, "damage") {
	case 0:
		return b[:at]
	case 1:
		return slices.Insert(slices.Clone(b), at, x)
	case 2:
		return slices.Delete(slices.Clone(b), at, at+1)
	case 3:
		to := min(len(b), at+rapid.IntRange(1, 40).Draw(t, "run"))
		return slices.Insert(slices.Clone(b), at, b[at:to]...) // a piece twice
	}
	b = slices.Clone(b)
	b[at] = x
	return b
}
