// SPDX-License-Identifier: Apache-2.0

// Package remote is the centre as a tablet or a hub sees it over the network: a
// session.Centre over gRPC, with the calls of enrolment beside it.
//
// It connects only to the server whose authority the invitation pinned, signs in
// when it must, and repeats what was cut off, from the last page that was applied.
// The one invariant: a call is repeated only if that changes nothing, which is so
// of every call here; what it gives up on is said with a reason.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/xunzhen/xunzhen/api/xunzhen/office/v1/officev1grpc"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// Config says which centre and who calls. Addresses, Shard and Pin must be given,
// Identity for everything but Enrol.
type Config struct {
	Addresses []string // host:port, the best one first
	Shard     segment.ShardID
	Pin       session.Pin
	// Follow says that the server is the shard's own, which may show by a roster that it
	// is known by another pin now. A hub is known by its pin alone.
	Follow bool
	Roster session.Roster // the newest one seen; zero: none
	// Identity returns the certificate to sign in with and its key: asked anew at
	// every login, since a sync can change them.
	Identity func(context.Context) (certificate []byte, key segment.Signer, err error)
	// Dial connects to an address, several at once; nil: TCP.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Wait returns after d or with the context's error; nil: by the system's timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Tries is how often in a row a call may fail without getting any further; 0: 5.
	Tries int
}

// Centre is a session.Centre at the other end of a connection, which is made at
// the first call. It is safe for concurrent use.
type Centre struct {
	cfg       Config
	conn      *grpc.ClientConn
	sync      syncv1grpc.SyncServiceClient
	enrolment syncv1grpc.EnrolmentServiceClient
	hub       syncv1grpc.HubServiceClient
	findings  officev1grpc.FindingServiceClient

	mu      sync.Mutex
	token   string
	trust   session.Trust // by what the server is known, as of the last connection
	due     bool          // the server said at the last login that the certificate is to be renewed
	recoded bool          // and that it is before a pull
	address int           // of cfg.Addresses, the one that answered last
	pin     error         // why the last connection failed because of the pin, if it did
}

const defaultTries = 5

// authority is what the server is called on the connection, wherever it is.
const authority = "centre"

// Between two tries to connect, gRPC waits so long at least and at most; our own
// patience, which knows the call, comes on top.
const (
	firstReconnect = 50 * time.Millisecond
	lastReconnect  = time.Second
)

// New returns the centre that a configuration says. It does not connect.
func New(cfg Config) (*Centre, error) {
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("centre: no address")
	}
	if cfg.Dial == nil {
		cfg.Dial = dialTCP
	}
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	if cfg.Tries == 0 {
		cfg.Tries = defaultTries
	}
	c := &Centre{cfg: cfg, trust: session.Trust{Pin: cfg.Pin, Roster: cfg.Roster}}
	conn, err := transport.Dial(authority, cfg.Pin,
		grpc.WithTransportCredentials(handshaken{c.secure(new(session.Trust))}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return c.dial(ctx) }),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: firstReconnect, Multiplier: 2, Jitter: 0.2, MaxDelay: lastReconnect},
			MinConnectTimeout: c.dialPatience(),
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("centre: %w", err)
	}
	c.conn = conn
	c.sync, c.enrolment = syncv1grpc.NewSyncServiceClient(conn), syncv1grpc.NewEnrolmentServiceClient(conn)
	c.hub, c.findings = syncv1grpc.NewHubServiceClient(conn), officev1grpc.NewFindingServiceClient(conn)
	return c, nil
}

// Conn returns the connection, for services that are not those of a sync; whoever uses it signs in by itself.
func (c *Centre) Conn() *grpc.ClientConn { return c.conn }

// Close ends the connection and every call on it.
func (c *Centre) Close() error { return c.conn.Close() }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
