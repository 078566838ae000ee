// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport/remote"
)

func hello(t *testing.T, c *remote.Centre) error {
	t.Helper()
	_, err := c.Hello(t.Context(), session.HelloRequest{})
	return err
}

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	if remote.ReasonOf(err) != reason {
		t.Fatalf("%v: reason %q, want %q", err, remote.ReasonOf(err), reason)
	}
}

func unavailable() error { return status.Error(codes.Unavailable, "cable pulled") }

func TestASessionThatIsOverIsOpenedAnew(t *testing.T) {
	f := newFake(t)
	c, w := f.centre(nil)
	for range 2 {
		if err := hello(t, c); err != nil {
			t.Fatal(err)
		}
	}
	if f.logins != 1 {
		t.Fatalf("%d logins for one session", f.logins)
	}
	f.logins = 7 // as after a restart of the server
	if err := hello(t, c); err != nil {
		t.Fatal(err)
	}
	if f.logins != 8 || len(w.all) > 0 {
		t.Fatalf("%d logins, waits %v", f.logins, w.all)
	}
}

func TestASuccessorSignsInItself(t *testing.T) {
	f := newFake(t)
	c, _ := f.centre(nil)
	if cert, err := c.Succeed(t.Context(), nil); err != nil || string(cert) != "next" {
		t.Fatalf("%q, %v", cert, err)
	}
	if err := hello(t, c); err != nil || f.logins != 2 {
		t.Fatalf("%d logins, %v", f.logins, err)
	}
}

func TestWhatMaySucceedLaterIsTriedAgain(t *testing.T) {
	const ms = time.Millisecond
	busy := func(after time.Duration) error { return refusal(syncv1.Reason_REASON_BUSY, true, after) }
	for name, c := range map[string]struct {
		answers []error
		waits   []time.Duration
		reason  string
	}{
		"a line that broke twice": {[]error{unavailable(), unavailable()}, []time.Duration{250 * ms, 500 * ms}, ""},
		"a line that keeps breaking": {
			[]error{unavailable(), unavailable(), unavailable(), unavailable(), unavailable()},
			[]time.Duration{250 * ms, 500 * ms, 1000 * ms, 2000 * ms},
			"unreachable",
		},
		"a server that asks for patience":  {[]error{busy(3 * time.Second)}, []time.Duration{3 * time.Second}, ""},
		"one that asks for too much of it": {[]error{busy(time.Minute)}, nil, "busy"},
		"a refusal for good":               {[]error{refusal(syncv1.Reason_REASON_RIGHTS, false, 0)}, nil, "rights"},
		"a server that is too old":         {[]error{status.Error(codes.Unimplemented, "what?")}, nil, "protocol"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.hellos = c.answers
			centre, w := f.centre(nil)
			err := hello(t, centre)
			wantReason(t, err, c.reason)
			if c.reason == "" && err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(w.all, c.waits) {
				t.Fatalf("waits %v, want %v", w.all, c.waits)
			}
		})
	}
}

// page is what the fake sends.
func page(n int, last bool) *syncv1.PullResponse {
	m := &syncv1.PullResponse{Cursor: []byte{byte(n)}}
	if last {
		m.Summary = &syncv1.Summary{}
	}
	return m
}

func send(then error, pages ...*syncv1.PullResponse) func(grpc.ServerStreamingServer[syncv1.PullResponse]) error {
	return func(s grpc.ServerStreamingServer[syncv1.PullResponse]) error {
		for _, p := range pages {
			if err := s.Send(p); err != nil {
				return err
			}
		}
		return then
	}
}

func TestABrokenPullGoesOnBehindTheLastPage(t *testing.T) {
	f := newFake(t)
	f.pulls = append(f.pulls,
		send(unavailable(), page(1, false), page(2, false)),
		send(unavailable()),
		send(unavailable(), page(3, false)),
		send(nil, page(4, true)),
	)
	c, w := f.centre(func(cfg *remote.Config) { cfg.Tries = 3 })
	var got []byte
	err := c.Pull(t.Context(), session.PullRequest{Cursor: []byte{0}}, func(p session.Page) error {
		got = append(got, p.Cursor...)
		return nil
	})
	if err != nil || !slices.Equal(got, []byte{1, 2, 3, 4}) {
		t.Fatalf("pages %v, %v", got, err)
	}
	if asked := fmt.Sprint(f.asked); asked != "[[0] [2] [2] [3]]" {
		t.Fatalf("asked from %s", asked)
	}
	if len(w.all) != 3 || w.all[1] != 2*w.all[0] || w.all[2] != w.all[0] {
		t.Fatalf("waits %v: whoever gets further is patient anew", w.all)
	}
}

func TestAPullEndsWhereItMust(t *testing.T) {
	no := errors.New("no")
	for name, c := range map[string]struct {
		stream func(grpc.ServerStreamingServer[syncv1.PullResponse]) error
		page   error
		want   error
		reason string
	}{
		"a page that is refused":      {stream: send(nil, page(1, false), page(2, true)), page: no, want: no},
		"a stream without its end":    {stream: send(nil, page(1, false)), reason: "protocol"},
		"a page that makes no sense":  {stream: send(nil, &syncv1.PullResponse{Epoch: &syncv1.Epoch{Name: []byte{1}}}), reason: "protocol"},
		"an error behind the summary": {stream: send(unavailable(), page(1, true))},
		"an expired certificate":      {stream: send(refusal(syncv1.Reason_REASON_EXPIRED, false, 0)), reason: "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.pulls = append(f.pulls, c.stream)
			centre, _ := f.centre(nil)
			err := centre.Pull(t.Context(), session.PullRequest{}, func(session.Page) error { return c.page })
			wantReason(t, err, c.reason)
			if c.reason == "" && !errors.Is(err, c.want) {
				t.Fatal(err)
			}
		})
	}
}

func TestOnlyThePinnedServerIsSpokenTo(t *testing.T) {
	f := newFake(t)
	c, _ := f.centre(func(cfg *remote.Config) { cfg.Pin[0]++ })
	wantReason(t, hello(t, c), "pin")
	if f.logins != 0 {
		t.Fatal("it signed in there")
	}
}

func TestAnotherAddressIsTried(t *testing.T) {
	f := newFake(t)
	var dialled []string
	c, _ := f.centre(func(cfg *remote.Config) {
		cfg.Addresses = []string{"one:1", "two:2"}
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			if dialled = append(dialled, address); address == "one:1" {
				return nil, errors.New("nobody there")
			}
			return f.listener.DialContext(ctx)
		}
	})
	if err := hello(t, c); err != nil || !slices.Equal(dialled, []string{"one:1", "two:2"}) {
		t.Fatalf("dialled %v, %v", dialled, err)
	}
}

func TestWhatTheCallerEndsIsNotTriedAgain(t *testing.T) {
	f := newFake(t)
	c, w := f.centre(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := c.Hello(ctx, session.HelloRequest{})
	if !errors.Is(err, context.Canceled) || len(w.all) > 0 {
		t.Fatalf("%v, waits %v", err, w.all)
	}
	locked := errors.New("the key is not there")
	c, w = f.centre(func(cfg *remote.Config) {
		cfg.Identity = func(context.Context) ([]byte, segment.Signer, error) { return nil, nil, locked }
	})
	if err := hello(t, c); !errors.Is(err, locked) || len(w.all) > 0 {
		t.Fatalf("%v, waits %v", err, w.all)
	}
}

func TestAnEnrolmentMustBeWhatWasInvited(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	county := segment.KeySigner(private)
	cert, err := segment.IssueCertificate(county, segment.Certificate{PublicKey: public, Role: segment.RoleTablet, Staff: []string{"zhang"}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	whole := func() *syncv1.EnrolResponse {
		return &syncv1.EnrolResponse{Certificate: cert.Raw, ShardKey: county.Public(), TlsPin: f.pin[:]}
	}
	c, _ := f.centre(func(cfg *remote.Config) { cfg.Shard = segment.ShardOf(county.Public()) })
	for name, change := range map[string]func(*syncv1.EnrolResponse){
		"all is well":             func(*syncv1.EnrolResponse) {},
		"another county's key":    func(m *syncv1.EnrolResponse) { m.ShardKey = public },
		"no key":                  func(m *syncv1.EnrolResponse) { m.ShardKey = nil },
		"another pin":             func(m *syncv1.EnrolResponse) { m.TlsPin = make([]byte, 32) },
		"no certificate":          func(m *syncv1.EnrolResponse) { m.Certificate = nil },
		"somebody else's answer":  func(m *syncv1.EnrolResponse) { m.Certificate = other(t, county) },
		"a certificate of nobody": func(m *syncv1.EnrolResponse) { m.Certificate = []byte("nobody") },
	} {
		f.enrol = func(*syncv1.EnrolRequest) (*syncv1.EnrolResponse, error) {
			m := whole()
			change(m)
			return m, nil
		}
		e, err := c.Enrol(t.Context(), "code", public)
		if name == "all is well" {
			if err != nil || e.Certificate.Hash != cert.Hash {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if remote.ReasonOf(err) != "protocol" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// other is a certificate of the same county for another key.
func other(t *testing.T, county segment.Signer) []byte {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, err := segment.IssueCertificate(county, segment.Certificate{PublicKey: public, Role: segment.RoleTablet})
	if err != nil {
		t.Fatal(err)
	}
	return c.Raw
}
