// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
	"github.com/xunzhen/xunzhen/transport/remote"
)

// fake is a server that does what a test tells it.
type fake struct {
	syncv1grpc.UnimplementedSyncServiceServer
	syncv1grpc.UnimplementedEnrolmentServiceServer
	t        *testing.T
	pin      session.Pin
	listener *bufconn.Listener
	key      ed25519.PrivateKey // the caller's

	mu     sync.Mutex
	logins int
	hellos []error // what the next ones say; then all is well
	pulls  []func(grpc.ServerStreamingServer[syncv1.PullResponse]) error
	asked  [][]byte // cursors
	pushes []error  // what the next ones say; then all is well
	pushed int
	enrol  func(*syncv1.EnrolRequest) (*syncv1.EnrolResponse, error)
}

var shard = segment.ShardID{15: 7}

func newFake(t *testing.T) *fake {
	t.Helper()
	chain, pin := newChain(t)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	transport.RegisterCompressor()
	f := &fake{t: t, pin: pin, listener: bufconn.Listen(1 << 16), key: key}
	s := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{chain}, MinVersion: tls.VersionTLS13})))
	syncv1grpc.RegisterSyncServiceServer(s, f)
	syncv1grpc.RegisterEnrolmentServiceServer(s, f)
	served := make(chan error, 1)
	go func() { served <- s.Serve(f.listener) }()
	t.Cleanup(func() {
		s.Stop()
		<-served
	})
	return f
}

// newChain makes an authority with a server certificate of it.
func newChain(t *testing.T) (tls.Certificate, session.Pin) {
	t.Helper()
	authority, authorityKey := certificate(t, &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := certificate(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, authority, authorityKey)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw, authority.Raw}, PrivateKey: key}, transport.PinOf(authority)
}

func certificate(t *testing.T, c, by *x509.Certificate, with *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore, c.NotAfter = big.NewInt(1), time.Unix(0, 0), time.Unix(1, 0) // long over: dates do not count
	if by == nil {
		by, with = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, by, key.Public(), with)
	if err != nil {
		t.Fatal(err)
	}
	out, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return out, key
}

func (f *fake) Challenge(context.Context, *syncv1.ChallengeRequest) (*syncv1.ChallengeResponse, error) {
	return &syncv1.ChallengeResponse{Challenge: []byte("challenge")}, nil
}

func (f *fake) Login(_ context.Context, q *syncv1.LoginRequest) (*syncv1.LoginResponse, error) {
	message := session.LoginMessage(shard, f.pin, []byte("challenge"))
	if !ed25519.Verify(f.key.Public().(ed25519.PublicKey), message, q.GetSignature()) || string(q.GetCertificate()) != "certificate" {
		return nil, refusal(syncv1.Reason_REASON_LOGIN, false, 0)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logins++
	return &syncv1.LoginResponse{Token: fmt.Sprint("token ", f.logins)}, nil
}

// inSession refuses calls that are not of the last session.
func (f *fake) inSession(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if transport.Token(ctx) != fmt.Sprint("token ", f.logins) {
		return refusal(syncv1.Reason_REASON_TOKEN, false, 0)
	}
	return nil
}

func (f *fake) Hello(ctx context.Context, _ *syncv1.HelloRequest) (*syncv1.HelloResponse, error) {
	if err := f.inSession(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.hellos) > 0 {
		err := f.hellos[0]
		f.hellos = f.hellos[1:]
		return nil, err
	}
	return &syncv1.HelloResponse{CursorHolds: true}, nil
}

func (f *fake) Pull(q *syncv1.PullRequest, s grpc.ServerStreamingServer[syncv1.PullResponse]) error {
	f.mu.Lock()
	f.asked = append(f.asked, q.GetCursor())
	next := f.pulls[0]
	f.pulls = f.pulls[1:]
	f.mu.Unlock()
	return next(s)
}

func (f *fake) Succeed(context.Context, *syncv1.SucceedRequest) (*syncv1.SucceedResponse, error) {
	return &syncv1.SucceedResponse{Certificate: []byte("next")}, nil
}

func (f *fake) Enrol(_ context.Context, q *syncv1.EnrolRequest) (*syncv1.EnrolResponse, error) {
	return f.enrol(q)
}

func refusal(reason syncv1.Reason, retry bool, after time.Duration) error {
	r := &transport.Refusal{Reason: reason, Retry: retry, RetryAfter: after, Text: "no", Code: 9}
	return r.GRPCStatus().Err()
}

// centre is a Centre of the fake, and what it waited for.
func (f *fake) centre(change func(*remote.Config)) (*remote.Centre, *waits) {
	f.t.Helper()
	w := &waits{}
	cfg := remote.Config{
		Addresses: []string{"one:1"}, Shard: shard, Pin: f.pin, Wait: w.wait,
		Dial: func(ctx context.Context, _ string) (net.Conn, error) { return f.listener.DialContext(ctx) },
		Identity: func(context.Context) ([]byte, segment.Signer, error) {
			return []byte("certificate"), segment.KeySigner(f.key), nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := remote.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	return c, w
}

// waits is patience without time.
type waits struct{ all []time.Duration }

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.all = append(w.all, d)
	return ctx.Err()
}
