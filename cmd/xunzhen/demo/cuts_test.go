// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
)

// echo is a server that sends back what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	return l.Addr().String()
}

func newLine(t *testing.T) *badLine {
	t.Helper()
	b, err := newBadLine(t.Context(), rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	b.lead(echo(t))
	return b
}

// through sends much through the line and returns what came back.
func through(t *testing.T, b *badLine, much []byte) []byte {
	t.Helper()
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		if _, err := c.Write(much); err == nil {
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	back, _ := io.ReadAll(c) // a line that broke ends with an error or without
	return back
}

func TestALineBreaksSoOftenAndNoMore(t *testing.T) {
	b := newLine(t)
	much := bytes.Repeat([]byte("0123456789"), mostBeforeCut/5)
	b.spoil(3)
	for i := range 3 {
		if back := through(t, b, much); len(back) >= len(much) || !bytes.HasPrefix(much, back) {
			t.Fatalf("connection %d: %d bytes of %d came back", i+1, len(back), len(much))
		}
	}
	if b.cuts() != 3 {
		t.Errorf("%d cuts", b.cuts())
	}
	b.mend()
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for part := range slices.Chunk(much, 1000) {
		if _, err := c.Write(part); err != nil {
			t.Fatal(err)
		}
		back := make([]byte, len(part))
		if _, err := io.ReadFull(c, back); err != nil || !bytes.Equal(back, part) {
			t.Fatalf("a good line: %v", err)
		}
	}
	if b.cuts() != 3 {
		t.Errorf("%d cuts after it was mended", b.cuts())
	}
}

func TestALineThatEndsLeavesNoConnectionOpen(t *testing.T) {
	b := newLine(t)
	c, err := net.Dial("tcp", b.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("still open")
	}
}
