// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// places are the bits of a set, ascending.
func places(set, n int) (out []int) {
	for i := range n {
		if set>>i&1 == 1 {
			out = append(out, i)
		}
	}
	return out
}

// OpenPart(s.Part(places)) has the revisions at those places and nothing of the others.
func TestAPartHasItsRevisionsAndNothingOfTheOthers(t *testing.T) {
	s := sealed(t, 6)
	for set := range 1 << 6 {
		in := places(set, 6)
		wire := s.Part(in...)
		p, err := OpenPart(wire)
		if err != nil {
			t.Fatalf("%v: %v", in, err)
		}
		if p.Hash() != s.Hash() || p.Header() != s.Header() || p.Verify(key("tablet").Public()) != nil || len(p.Revisions()) != len(in) {
			t.Fatalf("%v: %d revisions of %v", in, len(p.Revisions()), p.Hash())
		}
		for k, i := range in {
			got := p.Revisions()[k]
			if got.Revision.Dot != s.Dot(i) || got.Salt != s.Salt(i) {
				t.Fatalf("%v: revision %d is %v", in, i, got.Revision.Dot)
			}
			if _, leaf, err := got.Revision.Seal(got.Salt[:]); err != nil || leaf != s.Leaf(i) {
				t.Fatalf("revision %d is not the one that was signed: %v", i, err)
			}
		}
		for i := range 6 {
			id, salt := s.RecordID(i), s.Salt(i)
			shared := slices.ContainsFunc(in, func(k int) bool { return s.RecordID(k) == id })
			if set>>i&1 == 0 && (bytes.Contains(wire, s.Body(i)) || bytes.Contains(wire, salt[:]) || !shared && bytes.Contains(wire, id[:])) {
				t.Fatalf("%v: something of revision %d is there", in, i)
			}
		}
	}
}

func TestAPartHasNothingErased(t *testing.T) {
	s, err := sealed(t, 3).Erase(1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := OpenPart(s.Part(0, 1, 2))
	if err != nil || len(p.Revisions()) != 2 || p.Revisions()[1].Revision.Dot != s.Dot(2) {
		t.Fatalf("%d revisions, %v", len(p.Revisions()), err)
	}
}

// Every byte of a part is under the segment's signature.
func TestAnAlteredPartIsRefused(t *testing.T) {
	wire := sealed(t, 4).Part(1, 3)
	for i := range wire {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(wire)
			bad[i] ^= bit
			p, err := OpenPart(bad)
			if err != nil && !errors.Is(err, ErrUnreadable) {
				t.Fatal(err)
			}
			if err == nil && p.Verify(key("tablet").Public()) == nil {
				t.Fatalf("byte %d of %d is not looked at", i, len(wire))
			}
		}
		if _, err := OpenPart(wire[:i]); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for _, more := range [][]byte{append(bytes.Clone(wire), 0), make([]byte, MaxPart+1)} {
		if _, err := OpenPart(more); !errors.Is(err, ErrUnreadable) {
			t.Fatalf("%d bytes: %v", len(more), err)
		}
	}
	if _, err := Open(wire); err == nil {
		t.Fatal("a part is taken for a segment")
	}
}

func FuzzOpenPart(f *testing.F) {
	f.Fuzz(func(t *testing.T, wire []byte) {
		p, err := OpenPart(wire)
		if err != nil {
			if !errors.Is(err, ErrUnreadable) {
				t.Fatal(err)
			}
			return
		}
		for _, r := range p.Revisions() {
			if again, _, err := r.Revision.Seal(r.Salt[:]); err != nil || again.Dot != r.Revision.Dot {
				t.Fatalf("%v is read, but not the one that was signed: %v", r.Revision.Dot, err)
			}
		}
	})
}
