// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// wide returns a leaf that changed n verdicts.
func wide(n int) Leaf {
	l := Leaf{Segment: segment.Hash{9}, ReceivedAt: at(1), Verdicts: []Verdict{Admitted}, ByRoot: n > 0}
	for i := range n {
		l.Changed = append(l.Changed, changed(byte(i+1), HeldFence))
	}
	return l
}

func TestHashedFormHidesWhatALeafChanged(t *testing.T) {
	for n := range 20 {
		l := wide(n)
		raw := l.Encode()
		form := Hashed(raw)
		shown, err := OpenHashed(form)
		if err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		if shown.Hash() != LeafHash(raw) || shown.Hidden != n || !shown.Names(l.Segment) {
			t.Errorf("%d: shown as %+v", n, shown)
		}
		for i, c := range l.Changed {
			if bytes.Contains(form, c.Record[:]) || bytes.Contains(form, c.Dot.Append(nil)) {
				t.Errorf("%d: the form shows entry %d", n, i)
			}
			proofs, err := ProveChanged(raw, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := shown.CheckChanged(c, i, proofs[0]); err != nil {
				t.Error(err)
			}
			c.Verdict = Admitted
			if err := shown.CheckChanged(c, i, proofs[0]); !errors.Is(err, ErrProof) {
				t.Errorf("another verdict at %d of %d: %v", i, n, err)
			}
		}
	}
}

func TestLeavesOfOlderBuildsAreTheirOwnForm(t *testing.T) {
	l := wide(3)
	l.ByRoot = false
	raw := l.Encode()
	if !bytes.Equal(Hashed(raw), raw) {
		t.Error("another form")
	}
	shown, err := OpenHashed(raw)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l, shown.Leaf); diff != "" || shown.Hidden != 0 {
		t.Error(diff)
	}
	if proofs, err := ProveChanged(raw, 0); proofs != nil || err != nil {
		t.Errorf("%v, %v", proofs, err)
	}
}

func TestALeafIsNotTakenForAForm(t *testing.T) {
	raw := wide(2).Encode()
	if _, err := OpenHashed(raw); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a leaf as its form: %v", err)
	}
	if _, err := DecodeLeaf(Hashed(raw)); !errors.Is(err, ErrUnreadable) {
		t.Errorf("a form as a leaf: %v", err)
	}
	if _, err := ProveChanged(raw, 2); err == nil {
		t.Error("an entry that is not there")
	}
}

func TestEveryByteOfAHashedFormCounts(t *testing.T) {
	form := Hashed(wide(2).Encode())
	want := LeafHash(wide(2).Encode())
	for i := range form {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(form)
			bad[i] ^= bit
			if shown, err := OpenHashed(bad); err == nil && shown.Hash() == want {
				t.Errorf("byte %d", i)
			}
		}
	}
	for cut := range form {
		if shown, err := OpenHashed(form[:cut]); err == nil && shown.Hash() == want {
			t.Errorf("cut at %d", cut)
		}
	}
}

func FuzzOpenHashed(f *testing.F) {
	f.Fuzz(func(t *testing.T, form []byte) {
		shown, err := OpenHashed(form)
		if err != nil {
			return
		}
		if shown.Hidden == 0 && !bytes.Equal(shown.Encode(), form) {
			t.Errorf("%x is not the form of its leaf", form)
		}
	})
}
