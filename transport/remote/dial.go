// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	// connectTimeout is how long one address may take to answer, handshake included:
	// long enough for a bad line in the hills.
	connectTimeout = 20 * time.Second
	// headStart is how long an address is waited for before the next one is tried
	// beside it.
	headStart = 500 * time.Millisecond
)

// errWrongServer is wrapped when whoever answers is not the server of the pin.
var errWrongServer = errors.New("not the server of the invitation")

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// answer is what became of one address.
type answer struct {
	at   int // in cfg.Addresses
	conn *verified
	err  error
}

// dial returns a connection to the first address at which the pinned server
// answers. The one that answered last goes first; each of the others follows when
// the one before has failed or its head start is over. An address has its whole
// connectTimeout for itself, and is remembered only when it was the right server.
func (c *Centre) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends those that are still trying
	n, first := len(c.cfg.Addresses), c.answeredLast()
	answers := make(chan answer)
	next := time.NewTimer(0)
	defer next.Stop()
	var errs []error
	for started := 0; len(errs) < n; {
		select {
		case <-next.C:
			go c.try(ctx, (first+started)%n, answers)
			if started++; started < n {
				next.Reset(headStart)
			}
		case a := <-answers:
			if a.err == nil {
				c.remember(a.at, nil)
				c.believe(a.conn.trust)
				return a.conn, nil
			}
			if errs = append(errs, a.err); started < n {
				next.Reset(0)
			}
		case <-ctx.Done():
			return nil, errors.Join(append(errs, ctx.Err())...)
		}
	}
	err := errors.Join(errs...)
	c.remember(first, err)
	return nil, err
}

// dialPatience is how long dial may take at most.
func (c *Centre) dialPatience() time.Duration {
	return connectTimeout + time.Duration(len(c.cfg.Addresses))*headStart
}

// try says what became of an address, or lets the connection go when nobody asks
// any more.
func (c *Centre) try(ctx context.Context, at int, answers chan<- answer) {
	conn, err := c.connect(ctx, c.cfg.Addresses[at])
	select {
	case answers <- answer{at, conn, err}:
	case <-ctx.Done():
		if conn != nil {
			_ = conn.Close() // nobody hears of it
		}
	}
}

// connect connects to one address and makes sure that it is the right server.
func (c *Centre) connect(ctx context.Context, address string) (*verified, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	raw, err := c.cfg.Dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	met := c.Trust()
	conn, info, err := c.secure(&met).ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return &verified{conn, info, met}, nil
}

// remember keeps the address to begin with and whether the last attempts failed
// because of the pin: gRPC turns that into text.
func (c *Centre) remember(at int, failed error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.address, c.pin = at, nil
	if errors.Is(failed, errWrongServer) {
		c.pin = failed
	}
}

func (c *Centre) answeredLast() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.address
}

// Address returns the address at which the centre answered last, or the first one.
func (c *Centre) Address() string { return c.cfg.Addresses[c.answeredLast()] }

// wrongServer returns why the last connection failed because of the pin, nil when
// it did not.
func (c *Centre) wrongServer() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pin
}

// secure is TLS to the pinned server, or, where it is followed, to the one that its
// shard's roster names. met is what is trusted before, and after the handshake.
func (c *Centre) secure(met *session.Trust) credentials.TransportCredentials {
	cfg := transport.ClientTLS(c.cfg.Pin)
	check := cfg.VerifyConnection
	if c.cfg.Follow {
		check = func(cs tls.ConnectionState) (err error) {
			*met, err = transport.MeetServer(*met, c.cfg.Shard, cs.PeerCertificates)
			return err
		}
	}
	cfg.VerifyConnection = func(cs tls.ConnectionState) error {
		if err := check(cs); err != nil {
			return fmt.Errorf("%w: %w", errWrongServer, err)
		}
		return nil
	}
	return credentials.NewTLS(cfg)
}

// Trust returns by what the server is known as of the last connection: keep it for the
// next Config.
func (c *Centre) Trust() session.Trust {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trust
}

func (c *Centre) believe(t session.Trust) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trust = t
}

// verified is a connection to the pinned server, after the handshake.
type verified struct {
	net.Conn
	info  credentials.AuthInfo
	trust session.Trust
}

// handshaken are the credentials of connections that dial has verified.
type handshaken struct {
	credentials.TransportCredentials
}

// ClientHandshake returns what the handshake has shown.
func (handshaken) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	v, ok := conn.(*verified)
	if !ok {
		return nil, nil, errWrongServer
	}
	return v.Conn, v.info, nil
}

// Clone returns h: it has no state.
func (h handshaken) Clone() credentials.TransportCredentials { return h }
