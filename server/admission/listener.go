// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Arrivals bound the connections that a Listener lets in.
type Arrivals struct {
	// Total may be open, PerAddress from one address. One who owns an IPv6 network owns
	// its 2^64 addresses, which count as one.
	Total, PerAddress int
	// Rate is how many may come from one address over time: a handshake costs the server
	// as much as a push.
	Rate Budget
	// Hold is how long one too many stays open, unanswered: who comes again at once comes
	// no more often. Held is how many may; others are closed at once.
	Hold time.Duration
	Held int
}

// Listener accepts connections within Arrivals. What is too many is taken all the same,
// so that the queue of the operating system does not fill up with strangers while others
// wait behind them.
type Listener struct {
	net.Listener
	limits Arrivals
	rates  *Rates[netip.Prefix]
	clock  func() time.Time

	mu   sync.Mutex
	open int
	from map[netip.Prefix]int
	held int
	away uint64 // turned away since the start
}

// maxArriving is how many addresses are remembered.
const maxArriving = 4 << 10

// NewListener returns a Listener over inner.
func NewListener(inner net.Listener, limits Arrivals, clock func() time.Time) *Listener {
	return &Listener{
		Listener: inner, limits: limits, clock: clock,
		rates: NewRates[netip.Prefix](limits.Rate, maxArriving), from: map[netip.Prefix]int{},
	}
}

// Accept returns the next connection within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := Network(addressOf(c))
		if l.rates.Spend(from, l.clock(), 1) == nil && l.enter(from) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		l.turnAway(c)
	}
}

func addressOf(c net.Conn) netip.Addr {
	if tcp, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// Network returns what counts as one address: an IPv4 address, or an IPv6 network.
func Network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// turnAway closes a connection, now or later. The stranger learns nothing else.
func (l *Listener) turnAway(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away++
	if l.held >= l.limits.Held {
		_ = c.Close()
		return
	}
	l.held++
	time.AfterFunc(l.limits.Hold, func() {
		_ = c.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.held--
	})
}

func (l *Listener) enter(from netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= l.limits.Total || l.from[from] >= l.limits.PerAddress {
		return false
	}
	l.open++
	l.from[from]++
	return true
}

func (l *Listener) leave(from netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// Open returns the number of open connections that were let in.
func (l *Listener) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// TurnedAway returns how many connections were too many, since the start.
func (l *Listener) TurnedAway() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away
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
