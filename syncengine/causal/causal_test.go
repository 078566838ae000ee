// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func dot(replica byte, counter uint64, hash byte) Dot {
	return Dot{Replica: ReplicaID{replica}, Counter: counter, Hash: Hash8{hash}}
}

func TestDotTextAndBytesRoundTrip(t *testing.T) {
	for _, d := range []Dot{dot(1, 1, 1), dot(255, math.MaxUint64, 9), dot(0, 7, 0)} {
		got, err := ParseDot(d.String())
		if err != nil || got != d {
			t.Errorf("ParseDot(%s) = %v, %v", d, got, err)
		}
		b := d.Append(nil)
		got, rest, err := DecodeDot(append(b, 1, 2))
		if err != nil || got != d || !bytes.Equal(rest, []byte{1, 2}) {
			t.Errorf("DecodeDot(%s) = %v, %v, %v", d, got, rest, err)
		}
		if len(b) != DotSize {
			t.Errorf("a dot takes %d bytes, want %d", len(b), DotSize)
		}
	}
}

func TestParseDotRefuses(t *testing.T) {
	good := dot(1, 1, 1).String()
	for name, s := range map[string]string{
		"empty":                 "",
		"a part too few":        good[:len(good)-17],
		"a counter with zeros":  "01000000000000000000000000000000-01-0100000000000000",
		"a negative counter":    "01000000000000000000000000000000--1-0100000000000000",
		"a short hash":          good[:len(good)-2],
		"upper-case digits":     "AB" + good[2:],
		"a replica not in hex":  "zz" + good[2:],
		"a counter beyond 2^64": "01000000000000000000000000000000-18446744073709551616-0100000000000000",
	} {
		if _, err := ParseDot(s); err == nil {
			t.Errorf("%s: accepted %q", name, s)
		}
	}
}

// Byte order and Compare agree, so a sorted vector is sorted in canonical bytes too.
func TestCompareAgreesWithBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := dot(byte(rnd.IntN(3)), rnd.Uint64()>>uint(rnd.IntN(64)), byte(rnd.IntN(3)))
		b := dot(byte(rnd.IntN(3)), rnd.Uint64()>>uint(rnd.IntN(64)), byte(rnd.IntN(3)))
		if got, want := a.Compare(b), bytes.Compare(a.Append(nil), b.Append(nil)); got != want {
			t.Fatalf("Compare(%s, %s) = %d, bytes say %d", a, b, got, want)
		}
	}
}

// A vector behaves as the set of its dots and never changes under its holder.
func TestVectorIsASet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var v Vector
	set := map[Dot]bool{}
	for range 3000 {
		d := dot(byte(rnd.IntN(3)), uint64(rnd.IntN(12)+1), byte(rnd.IntN(2)))
		before := slices.Clone(v)
		old := v
		if rnd.IntN(3) == 0 {
			v = v.Without(d)
			delete(set, d)
		} else {
			v = v.With(d)
			set[d] = true
		}
		if !slices.Equal(old, before) {
			t.Fatal("a vector changed in place")
		}
		if len(v) != len(set) || !slices.IsSortedFunc(v, Dot.Compare) {
			t.Fatalf("vector %v, set of %d", v, len(set))
		}
		for d := range set {
			if !v.Has(d) {
				t.Fatalf("lost %s", d)
			}
		}
	}
}

func TestMaximaAreTheHighestOfEachReplica(t *testing.T) {
	v := NewVector(dot(2, 1, 1), dot(1, 3, 1), dot(1, 2, 9), dot(2, 1, 2))
	want := []Dot{dot(1, 3, 1), dot(2, 1, 2)}
	if got := v.Maxima(); !slices.Equal(got, want) {
		t.Errorf("maxima %v, want %v", got, want)
	}
	if Vector(nil).Maxima() != nil {
		t.Error("an empty vector has no maxima")
	}
}

func TestContains(t *testing.T) {
	v := NewVector(dot(1, 1, 1), dot(1, 2, 1))
	if !v.Contains(NewVector(dot(1, 2, 1))) || v.Contains(NewVector(dot(1, 2, 2))) || !v.Contains(nil) {
		t.Error("containment goes by dot, hash included")
	}
}

// Ranges behaves as the set of counters put in, and stays sorted, disjoint and apart.
func TestRangesAreASet(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		var s Ranges
		set := map[[2]uint64]bool{}
		for range 12 {
			r, from := byte(rnd.IntN(2)), uint64(rnd.IntN(30))
			to := from + uint64(rnd.IntN(5))
			s = s.With(Range{ReplicaID{r}, from, to})
			for c := from; from > 0 && c <= to; c++ {
				set[[2]uint64{uint64(r), c}] = true
			}
		}
		for r := range uint64(2) {
			for c := range uint64(40) {
				if s.Has(ReplicaID{byte(r)}, c) != set[[2]uint64{r, c}] {
					t.Fatalf("replica %d counter %d: %v", r, c, s)
				}
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i-1].Replica == s[i].Replica && s[i].From <= s[i-1].To+1 {
				t.Fatalf("ranges touch: %v", s)
			}
		}
	}
}

func TestRangesCover(t *testing.T) {
	r := ReplicaID{1}
	s := Ranges{}.With(Range{r, 3, 5}).With(Range{r, math.MaxUint64, math.MaxUint64})
	if !s.Covers(r, 3, 5) || !s.Covers(r, 4, 3) || s.Covers(r, 3, 6) || s.Covers(ReplicaID{2}, 3, 3) {
		t.Error("covers every counter of the run, or an empty run")
	}
	if len(s.With(Range{r, 6, 5})) != 2 || len(s.With(Range{r, 0, 9})) != 2 {
		t.Error("an empty range adds nothing")
	}
}
