// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/xunzhen/xunzhen/transport"
)

// connectTimeout is how long one address may take to answer, handshake included:
// long enough for a bad line in the hills.
const connectTimeout = 20 * time.Second

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// dial tries the addresses in turn, first the one that answered last.
func (c *Centre) dial(ctx context.Context) (net.Conn, error) {
	c.mu.Lock()
	first := c.address
	c.pin = nil
	c.mu.Unlock()
	var errs []error
	for i := range c.cfg.Addresses {
		at := (first + i) % len(c.cfg.Addresses)
		conn, err := c.cfg.Dial(ctx, c.cfg.Addresses[at])
		if err == nil {
			c.mu.Lock()
			c.address = at
			c.mu.Unlock()
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// tls is the pinned configuration. It remembers what the pin said, because gRPC
// turns it into text.
func (c *Centre) tls() *tls.Config {
	cfg := transport.ClientTLS(c.cfg.Pin)
	check := cfg.VerifyConnection
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		err := check(cs)
		c.mu.Lock()
		c.pin = err
		c.mu.Unlock()
		return err
	}
	return cfg
}

// wrongServer returns why the last handshake failed because of the pin, nil when
// it did not. Another address may lead to the right one.
func (c *Centre) wrongServer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pin != nil {
		c.address = (c.address + 1) % len(c.cfg.Addresses)
	}
	return c.pin
}
