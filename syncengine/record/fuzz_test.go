// SPDX-License-Identifier: Apache-2.0

package record

import (
	"testing"

	"pgregory.net/rapid"
)

func FuzzDecodeState(f *testing.F)    { fuzzFormat(f, "state") }
func FuzzDecodeSkeleton(f *testing.F) { fuzzFormat(f, "skeleton") }
func FuzzDecodeShape(f *testing.F)    { fuzzFormat(f, "shape") }
func FuzzDecodeBody(f *testing.F)     { fuzzFormat(f, "body") }

func fuzzFormat(f *testing.F, format string) {
	f.Fuzz(func(t *testing.T, b []byte) { strict(t, format, b) })
}

// A path has text and steps whatever its bytes are, and what is cut from the
// front of any bytes is a valid path.
func FuzzPath(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		p, rest, err := cutPath(s)
		if err == nil && (string(p)+rest != s || p.Valid() != nil) {
			t.Fatalf("cut %x and %x from %x", string(p), rest, s)
		}
		if valid := Path(s).Valid() == nil; valid != (err == nil && rest == "") {
			t.Fatalf("%x: valid %t", s, valid)
		}
		if Path(s).String() == "" || Path(s).Extends(Path(s)) || Path(s).Valid() == nil && !Path(s).Field(1).Extends(Path(s)) {
			t.Fatalf("%x: text or extension", s)
		}
	})
}

// Text that is read is written the same.
func FuzzParseID(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if id, err := ParseID(s); err == nil && (id.String() != s || !id.Valid()) {
			t.Fatalf("%q is taken for %s", s, id)
		}
	})
}

// The village of the random tests, steered by the fuzzer.
func FuzzVillage(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		v := live(t)
		if other := v.inAnotherOrder(t, by("the rules", merge)); !same(other.state, v.centre.state) {
			t.Fatal("another order of arrival gives another state")
		}
	}))
}
