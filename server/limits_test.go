// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	busy    = syncv1.Reason_REASON_BUSY
	tooMuch = syncv1.Reason_REASON_TOO_MUCH
)

// limited changes the limits of a server.
func limited(change func(*rpc.Limits)) func(*server.Config) {
	return func(c *server.Config) {
		c.Limits = rpc.DefaultLimits()
		change(&c.Limits)
	}
}

// raw sends requests as the bytes they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = bytes.Clone(b); return nil }

func (raw) Name() string { return "proto" }

func sendRaw(c *servertest.Caller, method string, request []byte, opts ...grpc.CallOption) error {
	var reply []byte
	return c.Conn.Invoke(c.Context(), "/xunzhen.sync.v1."+method, request, &reply, append(opts, grpc.ForceCodec(raw{}))...)
}

func TestUnknownMethodsAndServicesAreRefused(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"))
	if err := sendRaw(d.Caller, "SyncService/Delete", nil); status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
}

func TestWhoSendsTooMuchWaitsAndOthersDoNot(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) {
		l.Device = admission.Budget{PerSecond: rpc.CallCost, Burst: 5 * rpc.CallCost}
	}))
	flood, other := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	var err error
	calls := 0
	for ; err == nil && calls < 100; calls++ {
		_, err = flood.Hello(session.HelloRequest{})
	}
	wantReason(t, "the flood", err, busy)
	if calls > 10 {
		t.Errorf("refused after %d calls only", calls)
	}
	refusal, _ := transport.RefusalOf(err)
	if !refusal.Retry || refusal.RetryAfter == 0 {
		t.Errorf("refusal %+v", refusal)
	}
	if _, err := other.Hello(session.HelloRequest{}); err != nil {
		t.Errorf("the other: %v", err)
	}
	s.Clock.Move(refusal.RetryAfter + time.Second)
	if _, err := flood.Hello(session.HelloRequest{}); err != nil {
		t.Errorf("when told to come again: %v", err)
	}
}

// A large request is paid for afterwards.
func TestBytesCountAgainstTheBudget(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) {
		l.Device = admission.Budget{PerSecond: 1 << 10, Burst: 64 << 10}
	}))
	d := s.Enrol(servertest.Doctor("zhang"))
	if _, err := d.Push(session.PushRequest{Certificates: [][]byte{make([]byte, 200<<10)}}); err != nil {
		t.Fatal(err)
	}
	_, err := d.Push(session.PushRequest{})
	wantReason(t, "the next", err, busy)
	if refusal, _ := transport.RefusalOf(err); refusal.RetryAfter < 2*time.Minute {
		t.Errorf("to come again in %v", refusal.RetryAfter)
	}
}

func TestGuessingAtTheDoorIsSlow(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) { l.Door = admission.Budget{PerSecond: 1, Burst: 10} }))
	c, shard := s.Stranger(), s.County.Shard()
	tries, err := 0, error(nil)
	for ; tries < 100; tries++ {
		_, err = c.Enrolment.Enrol(c.Context(), &syncv1.EnrolRequest{
			Shard: shard[:], Code: fmt.Sprintf("AAAA-BBBB-CCCC-%04d", tries), PublicKey: make([]byte, 32),
		})
		if transport.ReasonOf(err) == busy {
			break
		}
	}
	if tries > 11 {
		t.Errorf("%d codes could be tried in a moment: %v", tries, err)
	}
}

func TestOneCallerHasSoManyCallsAtATime(t *testing.T) {
	s := servertest.Start(t)
	d, other := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	watch := func(d *servertest.Device) error {
		stream, err := d.Sync.Watch(d.Context(), &syncv1.WatchRequest{Shard: d.Cert.Shard[:]})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	if err := errors.Join(watch(d), watch(d)); err != nil {
		t.Fatal(err)
	}
	wantReason(t, "a third watch", watch(d), busy)
	if err := watch(other); err != nil {
		t.Errorf("the other: %v", err)
	}
	d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal()) // other calls go on
}

func TestConnectionsAreCounted(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) {
		c.Arrivals = server.DefaultArrivals()
		c.Arrivals.PerAddress, c.Arrivals.Held = 2, 0
	})
	for range 2 {
		s.Enrol(servertest.Doctor("zhang"))
	}
	c := s.Stranger()
	shard := s.County.Shard()
	_, err := c.Enrolment.Challenge(c.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
	if status.Code(err) != codes.Unavailable || transport.ReasonOf(err) != unspecified {
		t.Errorf("a third connection: %v", err)
	}
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	s := servertest.Start(t, func(c *server.Config) { c.Handshake = 50 * time.Millisecond })
	for name, first := range map[string]string{"says nothing": "", "speaks HTTP/1": "GET / HTTP/1.1\r\n", "stops in the handshake": "\x16\x03\x01"} {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one that %s is still open", name)
		}
	}
}

// A request that is announced and does not come is given up.
func TestSlowRequestIsGivenUp(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) { l.Push, l.Read = 50*time.Millisecond, 50*time.Millisecond }))
	d := s.Enrol(servertest.Doctor("zhang"))
	for _, method := range []string{"SyncService/Push", "SyncService/Hello", "EnrolmentService/Login"} {
		stream, err := d.Conn.NewStream(d.Context(), &grpc.StreamDesc{ClientStreams: true}, "/xunzhen.sync.v1."+method)
		if err != nil {
			t.Fatal(err)
		}
		wantReason(t, method, stream.RecvMsg(&syncv1.PushResponse{}), syncv1.Reason_REASON_TIMEOUT)
	}
}

// A client that asks and does not read is given up, and holds up nobody meanwhile.
func TestClientThatDoesNotReadIsGivenUp(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) {
		l.Stall = 200 * time.Millisecond
		l.PullTurns = 1
	}))
	d := s.Enrol(servertest.Doctor("zhang"), grpc.WithStaticStreamWindowSize(64<<10))
	fill(d)
	ended := s.Log.Seen("SyncService/Pull", d.Cert.Replica().String())
	stream, err := d.Sync.Pull(d.Context(), &syncv1.PullRequest{Shard: d.Cert.Shard[:], PageRecords: 50})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enrol(servertest.Doctor("li")).Pull(session.PullRequest{}); err != nil {
		t.Errorf("the other: %v", err)
	}
	<-ended // while nobody reads
	for err == nil {
		_, err = stream.Recv()
	}
	wantReason(t, "who did not read", err, syncv1.Reason_REASON_TIMEOUT)
}

// A client that leaves while something is sent to it is no fault of the server's.
func TestClientThatLeavesIsNoError(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("zhang"), grpc.WithStaticStreamWindowSize(64<<10))
	fill(d)
	ended := s.Log.Seen("SyncService/Pull", d.Cert.Replica().String())
	ctx, leave := context.WithCancel(d.Context())
	stream, err := d.Sync.Pull(ctx, &syncv1.PullRequest{Shard: d.Cert.Shard[:], PageRecords: 50})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	leave()
	<-ended
	if log := s.Log.String(); strings.Contains(log, "ERROR") {
		t.Errorf("the log calls it one: %s", log)
	}
}

// fill stores about a megabyte of records.
func fill(d *servertest.Device) {
	for range 12 {
		for range 50 {
			d.Create(servertest.Village, fmt.Sprintf("%0800d", 139))
		}
		d.PushSegments(d.Seal())
	}
}

// A flood from one tablet is refused where it is too much; what the others save
// meanwhile is stored, all of it.
func TestFloodFromOneLosesNothingOfTheOthers(t *testing.T) {
	s := servertest.Start(t, limited(func(l *rpc.Limits) { l.Device = admission.Budget{PerSecond: 1 << 20, Burst: 4 << 20} }))
	flood, other := s.Enrol(servertest.Doctor("zhang")), s.Enrol(servertest.Doctor("li"))
	heavy := [][]byte{make([]byte, 900<<10)}
	ctx, stop := context.WithCancel(flood.Context())
	refused := make(chan struct{}, 1)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				_, err := flood.Sync.Push(ctx, &syncv1.PushRequest{Shard: flood.Cert.Shard[:], Segments: heavy})
				if transport.ReasonOf(err) == busy {
					select {
					case refused <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	for i := range 50 {
		other.Create(servertest.Village, fmt.Sprint(i))
		other.PushSegments(other.Seal())
	}
	<-refused
	stop()
	group.Wait()
	pages, err := other.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got := pages[len(pages)-1].Last.Sums[0].Count; got != 50 {
		t.Errorf("%d of 50 records are there", got)
	}
}
