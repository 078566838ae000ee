// SPDX-License-Identifier: Apache-2.0

package bundle_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/xunzhen/xunzhen/syncengine/bundle"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// What a file begins with is refused, or is a header that is written the same again.
func FuzzDecodeHeader(f *testing.F) {
	p := newParties(f)
	f.Add(p.up().Encode())
	f.Add(p.down().Encode())
	f.Add([]byte("xunzhen-bundle"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := bundle.DecodeHeader(raw)
		if err == nil && !bytes.HasPrefix(raw, h.Encode()) {
			t.Fatalf("%x is written %x", raw, h.Encode())
		}
	})
}

// A file of anything ends well or with an error that says what it is.
func FuzzReader(f *testing.F) {
	p := newParties(f)
	whole := p.write(p.up(), saidUp()[0])
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(p.write(p.down(), saidDown()...))
	f.Fuzz(func(t *testing.T, file []byte) {
		q := p
		q.TB = t
		_, err := q.read(bytes.NewReader(file))
		for _, known := range []error{nil, bundle.ErrNotBundle, bundle.ErrNewer, bundle.ErrNotForHere, bundle.ErrCut, bundle.ErrDamaged} {
			if errors.Is(err, known) {
				return
			}
		}
		t.Fatal(err)
	})
}

// Inside the encryption: frames of anything, unsigned and signed.
func FuzzFrames(f *testing.F) {
	p := newParties(f)
	h := p.up()
	f.Add(bundle.Frame(h, p.signer(h), 2, 0, bundle.Compress(nil)), byte(2), uint32(0))
	f.Add(bundle.Frame(h, p.signer(h), 255, 0, nil), byte(255), uint32(1))
	f.Add(bundle.Compress(make([]byte, 1<<20)), byte(2), uint32(1<<20))
	f.Fuzz(func(t *testing.T, raw []byte, k byte, size uint32) {
		for _, plain := range [][]byte{raw, bundle.Frame(h, p.signer(h), k, size, raw)} {
			r, err := bundle.Frames(h, plain)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := readAll(r); err != nil && !errors.Is(err, bundle.ErrDamaged) && !errors.Is(err, bundle.ErrCut) {
				t.Fatal(err)
			}
		}
	})
}

// The content of a frame is refused, or says the same when it is written again.
func FuzzDecodeSaid(f *testing.F) {
	for _, s := range append(saidUp()[:1], saidDown()...) {
		k, content, err := bundle.EncodeSaid(segment.ShardID{1}, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(k, content)
	}
	f.Fuzz(func(t *testing.T, k byte, content []byte) {
		s, err := bundle.DecodeSaid(k, content)
		if err != nil || k == 5 && len(content) == 0 {
			return
		}
		k2, again, err := bundle.EncodeSaid(segment.ShardID{1}, s)
		if err != nil || k2 != k {
			t.Fatalf("kind %d is written as %d: %v", k, k2, err)
		}
		s2, err := bundle.DecodeSaid(k2, again)
		if diff := cmp.Diff(s, s2); err != nil || diff != "" {
			t.Fatalf("%v\n%s", err, diff)
		}
	})
}
