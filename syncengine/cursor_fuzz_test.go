// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"bytes"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A cursor comes back from whoever was given it, or from anybody: what is read has at
// most so many parts, and decode(encode(c)) is c.
func FuzzDecodeCursor(f *testing.F) {
	whole := cursor{
		epoch: ledger.Epoch{Number: 3, Name: [8]byte{1, 2}}, over: ledgerMark{300, [8]byte{9}},
		parts: []part{{"130403001", record.ClassGeneral, 70_000, 5}, {"", record.ClassSensitive, 0, 0}},
	}
	f.Add(whole.encode())
	f.Add(cursor{}.encode())
	f.Add([]byte(nil))
	f.Add([]byte{cursorVersion})
	f.Add(whole.encode()[:20])
	f.Add(append(whole.encode(), 1, 13))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := decodeCursor(raw)
		if err != nil || len(raw) == 0 {
			return
		}
		if len(c.parts) > maxCursorParts {
			t.Fatalf("%d parts", len(c.parts))
		}
		again, err := decodeCursor(c.encode())
		if err != nil || !bytes.Equal(again.encode(), c.encode()) {
			t.Fatalf("%+v comes back as %+v: %v", c, again, err)
		}
	})
}
