// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

const stopping = syncv1.Reason_REASON_STOPPING

// gate holds up the writes of a store.
type gate struct {
	began chan struct{} // gets one for each write that waits
	open  chan struct{} // closed: writes go through
}

func newGate() *gate { return &gate{began: make(chan struct{}, 100), open: make(chan struct{})} }

// shut puts the gate into a server, where it stands open until everybody is enrolled.
func shut(g *gate, enrolled <-chan struct{}) func(*server.Config) {
	return func(c *server.Config) {
		inner := c.OpenStore
		c.OpenStore = func(path string, create bool) (syncengine.Store, error) {
			s, err := inner(path, create)
			return &switched{s, g, enrolled}, err
		}
	}
}

// switched is an ordinary store until a channel is closed, then the gate's.
type switched struct {
	syncengine.Store
	gate *gate
	now  <-chan struct{}
}

func (s *switched) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	select {
	case <-s.now:
		s.gate.began <- struct{}{}
		<-s.gate.open
	default:
	}
	return s.Store.Update(ctx, f)
}

func TestDrainLetsAPushEnd(t *testing.T) {
	g, enrolled := newGate(), make(chan struct{})
	s := servertest.Start(t, shut(g, enrolled))
	d := s.Enrol(servertest.Doctor("zhang"))
	close(enrolled)
	d.Create(servertest.Village, "139")
	seg := d.Seal()
	pushed := make(chan error, 1)
	go func() {
		reply, err := d.Push(session.PushRequest{Segments: [][]byte{seg.Bytes()}})
		if err == nil && reply.Results[0].Outcome != session.OutcomeStored {
			err = errors.New("not stored")
		}
		pushed <- err
	}()
	<-g.began
	stopped := s.StopLater()
	close(g.open)
	if err := <-pushed; err != nil {
		t.Errorf("a push in progress: %v", err)
	}
	<-stopped
	if _, err := d.Hello(session.HelloRequest{}); status.Code(err) != codes.Unavailable {
		t.Errorf("a call after the end: %v", err)
	}
}

func TestDrainEndsWatches(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	stream, err := d.Sync.Watch(d.Context(), &syncv1.WatchRequest{Shard: d.Cert.Shard[:]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	stopped := s.StopLater()
	_, err = stream.Recv()
	wantReason(t, "watch", err, stopping)
	if r, _ := transport.RefusalOf(err); !r.Retry {
		t.Error("not told to come again")
	}
	<-stopped
}

// A pull that is cut by a restart goes on where it was.
func TestPullGoesOnAfterARestart(t *testing.T) {
	data := t.TempDir()
	stores := &servertest.Stores{}
	again := func(c *server.Config) { c.Data, c.OpenStore = data, stores.Open }
	s := servertest.Start(t, again)
	d := s.Enrol(servertest.Doctor("zhang"), grpc.WithStaticStreamWindowSize(64<<10))
	fill(d)
	ask := session.PullRequest{PageRecords: 50}
	stream, err := d.Sync.Pull(d.Context(), sessionwire.PullRequestToWire(d.Cert.Shard, ask))
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	for first := true; ; first = false {
		m, err := stream.Recv()
		if err != nil {
			wantReason(t, "a pull while the server stops", err, stopping)
			break
		}
		p, err := sessionwire.PageFromWire(m)
		if err != nil || p.Last != nil {
			t.Fatalf("the pull came to its end: %v", err)
		}
		got += len(p.Bases)
		ask.Cursor = p.Cursor
		if first {
			defer func(stopped <-chan struct{}) { <-stopped }(s.StopLater())
			<-s.Stopping()
		}
	}
	s.Stop()

	s2 := servertest.Start(t, again)
	if s2.Pin() != s.Pin() || s2.County.Shard() != s.County.Shard() {
		t.Fatal("another server after the restart")
	}
	d2 := &servertest.Device{Caller: s2.Stranger(), Key: d.Key, Cert: d.Cert}
	if err := d2.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	pages, err := d2.Pull(ask)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		got += len(p.Bases)
	}
	if got != 600 {
		t.Errorf("%d records in both parts", got)
	}
}

func TestWatchHintsAfterCommits(t *testing.T) {
	s := servertest.Start(t)
	d, other := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	stream, err := other.Sync.Watch(other.Context(), &syncv1.WatchRequest{Shard: d.Cert.Shard[:]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	if _, err := stream.Recv(); err != nil {
		t.Errorf("after a commit: %v", err)
	}
}

func TestHealthAndReflectionAnswerStrangers(t *testing.T) {
	s := servertest.Start(t)
	c := s.Stranger()
	reply, err := healthpb.NewHealthClient(c.Conn).Check(c.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || reply.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("%v, %v", reply, err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(c.Conn).ServerReflectionInfo(c.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	services, err := stream.Recv()
	if err != nil || len(services.GetListServicesResponse().GetService()) < 4 {
		t.Errorf("%v, %v", services, err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// Streams of strangers do not last.
func TestStrangersStreamsEnd(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) {
		c.Limits = defaultLimits()
		c.Limits.Look = 50 * time.Millisecond
	})
	c := s.Stranger()
	stream, err := healthpb.NewHealthClient(c.Conn).Watch(c.Context(), &healthpb.HealthCheckRequest{})
	for err == nil {
		_, err = stream.Recv()
	}
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}
