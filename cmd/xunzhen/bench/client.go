// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

// A device says what a tablet says to the server, and keeps no records: so it takes
// little of the processors that the server runs on.
type device struct {
	*author
	server *process

	conn       *grpc.ClientConn
	sync       syncv1grpc.SyncServiceClient
	enrolment  syncv1grpc.EnrolmentServiceClient
	token      string
	shardKey   ed25519.PublicKey
	plain      bool // calls are not compressed
	cursor     []byte
	checkpoint []byte
	size       ledger.Size
	epoch      ledger.Epoch

	sent, received atomic.Int64 // bytes on the wire, TLS included
}

// connect makes a new connection, over which the device signs in anew.
func (d *device) connect() error {
	d.disconnect()
	conn, err := transport.Dial(d.server.address, d.server.pin, grpc.WithContextDialer(d.dial))
	if err != nil {
		return err
	}
	d.conn, d.token = conn, ""
	d.sync, d.enrolment = syncv1grpc.NewSyncServiceClient(conn), syncv1grpc.NewEnrolmentServiceClient(conn)
	return nil
}

func (d *device) disconnect() {
	if d.conn != nil {
		_ = d.conn.Close()
		d.conn = nil
	}
}

func (d *device) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	return counted{conn, d}, err
}

// counted counts what goes over a connection.
type counted struct {
	net.Conn
	d *device
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.d.received.Add(int64(n))
	return n, err
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.d.sent.Add(int64(n))
	return n, err
}

func (d *device) options() []grpc.CallOption {
	if d.plain {
		return nil
	}
	return []grpc.CallOption{transport.Compressed()}
}

func (d *device) enrol(ctx context.Context, code string) error {
	r, err := d.enrolment.Enrol(ctx, &syncv1.EnrolRequest{Shard: d.server.shard[:], Code: code, PublicKey: d.publicKey()})
	if err != nil {
		return fmt.Errorf("enrol: %w", err)
	}
	d.shardKey = r.GetShardKey()
	d.cert, err = segment.ParseCertificate(r.GetCertificate(), d.shardKey)
	return err
}

// signedIn returns ctx for a call in a session.
func (d *device) signedIn(ctx context.Context) (context.Context, error) {
	if d.token == "" {
		c, err := d.enrolment.Challenge(ctx, &syncv1.ChallengeRequest{Shard: d.server.shard[:]})
		if err != nil {
			return ctx, fmt.Errorf("challenge: %w", err)
		}
		message := session.LoginMessage(d.server.shard, d.server.pin, c.GetChallenge())
		r, err := d.enrolment.Login(ctx, &syncv1.LoginRequest{
			Shard: d.server.shard[:], Who: &syncv1.LoginRequest_Certificate{Certificate: d.cert.Raw},
			Challenge: c.GetChallenge(), Signature: ed25519.Sign(d.key, message),
		})
		if err != nil {
			return ctx, fmt.Errorf("sign in: %w", err)
		}
		d.token = r.GetToken()
	}
	return transport.WithToken(ctx, d.token), nil
}

// push hands over one segment and returns where the feed stood after its commit. It
// wants every save admitted.
func (d *device) push(ctx context.Context, wire []byte) (session.Position, error) {
	ctx, err := d.signedIn(ctx)
	if err != nil {
		return 0, err
	}
	m, err := d.sync.Push(ctx, sessionwire.PushRequestToWire(d.server.shard, session.PushRequest{Segments: [][]byte{wire}}), d.options()...)
	if err != nil {
		return 0, fmt.Errorf("push: %w", err)
	}
	r, err := sessionwire.PushReplyFromWire(m)
	if err != nil {
		return 0, err
	}
	if len(r.Results) != 1 || r.Results[0].Outcome != session.OutcomeStored || len(r.Acks) == 0 {
		return 0, fmt.Errorf("push: not stored: %v", m)
	}
	for _, v := range r.Results[0].Verdicts {
		if !v.Admitted() {
			return 0, fmt.Errorf("push: a save was not admitted: verdict %d", v)
		}
	}
	return r.Results[0].Position, nil
}

// hello compares, as every sync does first.
func (d *device) hello(ctx context.Context) error {
	ctx, err := d.signedIn(ctx)
	if err != nil {
		return err
	}
	m, err := d.sync.Hello(ctx, sessionwire.HelloRequestToWire(d.server.shard, session.HelloRequest{
		Epoch: d.epoch, Checkpoint: d.checkpoint, Cursor: d.cursor,
	}), d.options()...)
	if err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	_, err = sessionwire.HelloReplyFromWire(m)
	return err
}

// pull takes what is new and returns how many records that were.
func (d *device) pull(ctx context.Context) (int, error) {
	ctx, err := d.signedIn(ctx)
	if err != nil {
		return 0, err
	}
	stream, err := d.sync.Pull(ctx, sessionwire.PullRequestToWire(d.server.shard, session.PullRequest{
		Cursor: d.cursor, CheckpointSize: d.size,
	}), d.options()...)
	if err != nil {
		return 0, fmt.Errorf("pull: %w", err)
	}
	records := 0
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, fmt.Errorf("pull: %w", err)
		}
		records += len(m.GetBases().GetStates())
		d.cursor = m.GetCursor()
		if s := m.GetSummary(); s != nil {
			if err := d.finish(m); err != nil {
				return records, err
			}
		}
	}
}

func (d *device) finish(m *syncv1.PullResponse) error {
	p, err := sessionwire.PageFromWire(m)
	if err != nil {
		return err
	}
	c, err := ledger.OpenCheckpoint(p.Last.Checkpoint, d.shardKey)
	d.epoch, d.checkpoint, d.size = p.Epoch, p.Last.Checkpoint, c.Size
	return err
}

// forget makes the device one that has nothing yet.
func (d *device) forget() { d.cursor, d.checkpoint, d.size, d.epoch = nil, nil, 0, ledger.Epoch{} }
