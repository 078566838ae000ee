// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"testing"
)

// A cursor of findings comes back from whoever was given it, or from anybody: decode(encode(c)) is
// c, and what else is read holds in no file by chance.
func FuzzDecodeFindingCursor(f *testing.F) {
	whole := cursor{file: [16]byte{1, 2}, scope: [8]byte{9}, position: 70_000, fresh: 5}
	f.Add(whole.encode())
	f.Add(cursor{}.encode())
	f.Add([]byte(nil))
	f.Add([]byte{cursorVersion})
	f.Add(whole.encode()[:cursorHead])
	f.Add(append(whole.encode(), 1))
	f.Add(append(cursor{}.encode()[:cursorHead], bytes.Repeat([]byte{0xff}, 20)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, ok, err := decodeCursor(raw)
		if err != nil || !ok {
			if ok || err == nil && len(raw) > 0 {
				t.Fatalf("%x: %v, %v", raw, ok, err)
			}
			return
		}
		if c.position > maxPosition || c.fresh > maxPosition {
			t.Fatalf("position %d, fresh %d", c.position, c.fresh)
		}
		again, ok, err := decodeCursor(c.encode())
		if err != nil || !ok || again != c {
			t.Fatalf("%+v comes back as %+v: %v", c, again, err)
		}
		if c.holds(header{}, Scope{}) && c.file != [16]byte{} {
			t.Fatalf("%+v holds in another file", c)
		}
	})
}
