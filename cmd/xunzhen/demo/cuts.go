// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
)

// Bounds of how much a bad line lets through before it breaks, both ways together:
// more than a handshake, so that something gets through, and less than most syncs.
const (
	leastBeforeCut = 4 << 10
	mostBeforeCut  = 24 << 10
)

// badLine is the connection between tablets and server: it hands bytes on, and while
// it is bad it breaks connections off in the middle, so often and no more.
type badLine struct {
	listener net.Listener
	running  sync.WaitGroup

	mu     sync.Mutex
	rnd    *rand.Rand
	to     string // the server; "" not yet known
	left   int    // how many connections may still be broken
	made   int    // how many were
	open   map[net.Conn]bool
	closed bool
}

// newBadLine listens on this machine; it is good until Spoil.
func newBadLine(ctx context.Context, rnd *rand.Rand) (*badLine, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("line: %w", err)
	}
	b := &badLine{listener: l, rnd: rnd, open: map[net.Conn]bool{}}
	b.running.Go(b.accept)
	return b, nil
}

func (b *badLine) address() string { return b.listener.Addr().String() }

// lead says where the line ends.
func (b *badLine) lead(to string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.to = to
}

// spoil lets the line break n connections more.
func (b *badLine) spoil(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
}

// mend makes the line good.
func (b *badLine) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = 0
}

// cuts returns how many connections were broken in the middle.
func (b *badLine) cuts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made
}

func (b *badLine) accept() {
	for {
		from, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.running.Go(func() { b.carry(from) })
	}
}

// carry hands on one connection until one side ends it or the line breaks.
func (b *badLine) carry(from net.Conn) {
	to, err := b.dial()
	if err != nil {
		_ = from.Close()
		return
	}
	if !b.keep(from, to) {
		return
	}
	defer b.drop(from, to)
	left := b.allowance()
	var both sync.WaitGroup
	both.Go(func() { b.copy(to, from, left); b.drop(from, to) })
	both.Go(func() { b.copy(from, to, left); b.drop(from, to) })
	both.Wait()
}

func (b *badLine) dial() (net.Conn, error) {
	b.mu.Lock()
	to := b.to
	b.mu.Unlock()
	if to == "" {
		return nil, errors.New("the line leads nowhere yet")
	}
	return net.Dial("tcp", to)
}

// keep remembers open connections, so that Close ends them.
func (b *badLine) keep(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.closed {
			_ = c.Close()
			continue
		}
		b.open[c] = true
	}
	return !b.closed
}

func (b *badLine) drop(conns ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(b.open, c)
	}
}

// allowance is how many bytes a connection may carry, both ways together.
type allowance struct {
	mu      sync.Mutex
	limited bool
	left    int
	spent   bool
}

// allowance draws one: unlimited while the line is good.
func (b *badLine) allowance() *allowance {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return &allowance{}
	}
	return &allowance{limited: true, left: leastBeforeCut + b.rnd.IntN(mostBeforeCut-leastBeforeCut)}
}

// take takes n bytes, and returns how many of them still get through and whether it
// is these that were one too many.
func (a *allowance) take(n int) (pass int, over bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.limited {
		return n, false
	}
	pass = min(n, a.left)
	a.left -= pass
	over = a.left == 0 && !a.spent
	a.spent = a.spent || over
	return pass, over
}

// forgive lets the rest through: enough is broken already.
func (a *allowance) forgive() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limited = false
}

// copy hands bytes on until the source ends or the line breaks.
func (b *badLine) copy(to io.Writer, from io.Reader, left *allowance) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		pass, over := left.take(n)
		if over {
			if b.breakOff() {
				return
			}
			left.forgive()
			pass = n
		}
		if _, werr := to.Write(buffer[:pass]); werr != nil || err != nil || pass < n {
			return
		}
	}
}

// breakOff counts a break and reports whether it may happen.
func (b *badLine) breakOff() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left == 0 {
		return false
	}
	b.left--
	b.made++
	return true
}

// Close ends the line with all connections on it.
func (b *badLine) Close() error {
	err := b.listener.Close()
	b.mu.Lock()
	b.closed = true
	for c := range b.open {
		_ = c.Close()
	}
	b.mu.Unlock()
	b.running.Wait()
	return err
}
