// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Compressed messages come from anybody: whatever they hold, no more than the limit is
// read, and the next message is not touched by it.
func FuzzUnpack(f *testing.F) {
	c := newCompressor()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, message := range [][]byte{nil, []byte("visit"), bytes.Repeat([]byte("checkup "), 4000), make([]byte, 4<<20)} {
		frame := encoder.EncodeAll(message, nil)
		f.Add(frame)
		f.Add(frame[:len(frame)/2])
		f.Add(append(bytes.Clone(frame), frame...))
	}
	after := encoder.EncodeAll([]byte("after it"), nil)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, _ := unpack(c, raw, MaxRequest); len(got) > MaxRequest {
			t.Fatalf("%d bytes", len(got))
		}
		if got, err := unpack(c, after, MaxRequest); err != nil || string(got) != "after it" {
			t.Fatalf("the next message: %q, %v", got, err)
		}
	})
}
