// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"net"
	"net/netip"
	"sync"
)

// Listener accepts connections up to a number in all and a number from one address.
// One too many is closed at once, so that the queue of the operating system does not
// fill up with strangers while others wait behind them.
type Listener struct {
	net.Listener
	total, perAddress int

	mu   sync.Mutex
	open int
	from map[netip.Addr]int
}

// NewListener returns a Listener over inner.
func NewListener(inner net.Listener, total, perAddress int) *Listener {
	return &Listener{Listener: inner, total: total, perAddress: perAddress, from: map[netip.Addr]int{}}
}

// Accept returns the next connection within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := addressOf(c)
		if l.enter(address) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(address) })}, nil
		}
		// The stranger learns nothing but that it is closed.
		_ = c.Close()
	}
}

func addressOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *Listener) enter(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.total || l.from[a] >= l.perAddress {
		return false
	}
	l.open++
	l.from[a]++
	return true
}

func (l *Listener) leave(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[a]--; l.from[a] == 0 {
		delete(l.from, a)
	}
}

// Open returns the number of open connections.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
