// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func noise(n int) []byte {
	out := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(out)
	return out
}

func TestCompressedSegmentComesBackToTheByte(t *testing.T) {
	c := NewCompressor()
	for name, wire := range map[string][]byte{
		"a segment": sealed(t, 50).Bytes(), "nothing": {}, "noise": noise(MaxSize), "the most there is": noise(MaxWire),
		"the most there is, all alike": make([]byte, MaxWire),
	} {
		stored := c.Compress(wire)
		got, err := c.Decompress(stored)
		if err != nil || !bytes.Equal(got, wire) {
			t.Errorf("%s: %d bytes, %d stored, %d back: %v", name, len(wire), len(stored), len(got), err)
		}
	}
}

func TestCompressorServesManyAtOnce(t *testing.T) {
	c := NewCompressor()
	var wg sync.WaitGroup
	for i := range 16 {
		wire := noise(1000 * (i + 1))
		wg.Go(func() {
			got, err := c.Decompress(c.Compress(wire))
			if err != nil || !bytes.Equal(got, wire) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// bombs are small and claim to be, or are, large.
func bombs(t testing.TB) map[string][]byte {
	pack := func(wire []byte, options ...zstd.EOption) []byte {
		e, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		return e.EncodeAll(wire, nil)
	}
	large := pack(make([]byte, 64<<20))
	var streamed bytes.Buffer
	e, err := zstd.NewWriter(&streamed, zstd.WithWindowSize(64<<10))
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := e.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	many := bytes.Repeat(pack(make([]byte, MaxWire)), 50)
	return map[string][]byte{
		"64 MiB, size stated":          large,
		"64 MiB, size not stated":      streamed.Bytes(),
		"one byte too many":            pack(make([]byte, MaxWire+1)),
		"many frames":                  many,
		"a size of 2^63, nothing more": {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0},
		"a window of 2 GiB":            {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0},
		"noise":                        noise(1000),
		"more than any could take":     make([]byte, 2*MaxWire),
		"cut short":                    pack(noise(1000))[:500],
	}
}

func TestCompressionBombsCostLittle(t *testing.T) {
	c := NewCompressor()
	for name, stored := range bombs(t) {
		var err error
		allocated, took := cost(func() { _, err = c.Decompress(stored) })
		t.Logf("%s: %d bytes stored, %d KiB allocated, %v: %v", name, len(stored), allocated>>10, took, err)
		if !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
		if allocated > 8*MaxWire {
			t.Errorf("%s: %d bytes allocated", name, allocated)
		}
	}
}
