// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

const (
	countyCode = "130403"
	township   = "130403001"
	village    = "130403001001"
	elsewhere  = "130404001001"
)

// place is a county behind a server in a process of its own.
type place struct {
	t       *testing.T
	data    string
	shard   segment.ShardID
	pin     session.Pin
	key     ed25519.PrivateKey // the operator's
	server  *child
	devices []*device
	office  *peer

	standing []*peer // connections that attacks share
}

// newPlace makes a county with two certified devices, and starts its server.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, data: filepath.Join(t.TempDir(), "data")}
	s, err := server.New(t.Context(), config(p.data))
	must(t, s, err)
	one, err := s.County(t.Context(), countyCode)
	must(t, one, err)
	p.shard, p.pin = one.Shard(), s.Pin()
	p.key, err = county.OperatorKey(one.Dir)
	do(t, err)
	for range 2 {
		p.devices = append(p.devices, certified(t, one.Engine))
	}
	do(t, s.Close())
	p.server = startChild(t, p.data)
	p.office = p.stranger()
	p.office.login(p.key, &syncv1.LoginRequest{Who: &syncv1.LoginRequest_OperatorKey{OperatorKey: p.key.Public().(ed25519.PublicKey)}})
	for _, d := range p.devices {
		d.peer = p.stranger()
		d.login(d.key, &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: d.cert.Raw}})
	}
	return p
}

func certified(t *testing.T, e *syncengine.Engine) *device {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, key, err)
	cert, err := e.Certify(t.Context(), syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{"chen"}, Divisions: []record.Division{township},
		Classes: []record.Class{record.ClassGeneral},
	}, key.Public().(ed25519.PublicKey))
	return &device{t: t, key: key, cert: must(t, cert, err)}
}

// peer is one connection, with a session once it has logged in.
type peer struct {
	p         *place
	conn      *grpc.ClientConn
	sync      syncv1grpc.SyncServiceClient
	enrolment syncv1grpc.EnrolmentServiceClient
	records   syncv1grpc.RecordServiceClient
	token     string
}

// stranger returns a connection without a session.
func (p *place) stranger() *peer {
	p.t.Helper()
	conn, err := transport.Dial(p.server.address, p.pin)
	must(p.t, conn, err)
	p.t.Cleanup(func() { _ = conn.Close() })
	return &peer{
		p: p, conn: conn, sync: syncv1grpc.NewSyncServiceClient(conn),
		enrolment: syncv1grpc.NewEnrolmentServiceClient(conn), records: syncv1grpc.NewRecordServiceClient(conn),
	}
}

// context returns the context of calls in the peer's session. It ends with the test.
func (c *peer) context() context.Context {
	if c.token == "" {
		return c.p.t.Context()
	}
	return transport.WithToken(c.p.t.Context(), c.token)
}

func (c *peer) login(key ed25519.PrivateKey, who *syncv1.LoginRequest) {
	c.p.t.Helper()
	challenge, err := c.enrolment.Challenge(c.context(), &syncv1.ChallengeRequest{Shard: c.p.shard[:]})
	must(c.p.t, challenge, err)
	who.Shard, who.Challenge = c.p.shard[:], challenge.GetChallenge()
	who.Signature = ed25519.Sign(key, session.LoginMessage(c.p.shard, c.p.pin, who.GetChallenge()))
	reply, err := c.enrolment.Login(c.context(), who)
	c.token = must(c.p.t, reply, err).GetToken()
}

// picture is all that the office can see of a county.
type picture struct {
	checkpoint *syncv1.GetCheckpointResponse
	sums       *syncv1.ListSumsResponse
	records    map[string]*syncv1.Record
	held       int
}

func (p *place) look() picture {
	p.t.Helper()
	o, out := p.office, picture{records: map[string]*syncv1.Record{}}
	var err error
	out.checkpoint, err = o.records.GetCheckpoint(o.context(), &syncv1.GetCheckpointRequest{Shard: p.shard[:]})
	do(p.t, err)
	out.sums, err = o.records.ListSums(o.context(), &syncv1.ListSumsRequest{Shard: p.shard[:]})
	do(p.t, err)
	ask := &syncv1.ListRequest{Shard: p.shard[:], View: syncv1.RecordView_RECORD_VIEW_FULL, PageSize: 500}
	for {
		page, err := o.records.List(o.context(), ask)
		must(p.t, page, err)
		for _, r := range page.GetRecords() {
			out.records[string(r.GetId())] = r
		}
		if ask.PageToken = page.GetNextPageToken(); ask.GetPageToken() == "" {
			break
		}
	}
	held, err := o.records.ListHeld(o.context(), &syncv1.ListHeldRequest{Shard: p.shard[:], PageSize: 200})
	out.held = len(must(p.t, held, err).GetHeld())
	return out
}

// same reports whether nothing at all has changed since before.
func (now picture) same(before picture) bool {
	return proto.Equal(now.checkpoint, before.checkpoint) && proto.Equal(now.sums, before.sums) &&
		maps.EqualFunc(now.records, before.records, func(a, b *syncv1.Record) bool { return proto.Equal(a, b) }) && now.held == before.held
}

// keeps reports whether each record that was there is there with what was in it: a
// held save changes when a record was last touched, and that is all.
func (now picture) keeps(before picture) bool {
	for id, was := range before.records {
		is, ok := proto.Clone(now.records[id]).(*syncv1.Record)
		if !ok {
			return false
		}
		is.Position, is.Flags = was.GetPosition(), was.GetFlags()
		if !proto.Equal(is, was) {
			return false
		}
	}
	return true
}

// extends reports whether the ledger goes on from the one that was there: the server
// stops when it is shown a checkpoint that its ledger does not extend.
func (p *place) extends(before picture) bool {
	p.t.Helper()
	d := p.devices[1]
	reply, err := d.sync.Hello(d.context(), &syncv1.HelloRequest{Shard: p.shard[:], Checkpoint: before.checkpoint.GetCheckpoint()})
	return err == nil && bytes.Equal(reply.GetEpoch().GetName(), before.checkpoint.GetEpoch().GetName())
}

// wantSound stops the server, and has the whole county checked, replay included.
func (p *place) wantSound() {
	p.t.Helper()
	p.server.stop()
	s, err := server.New(p.t.Context(), config(p.data))
	must(p.t, s, err)
	r, err := s.Counties()[0].Engine.Verify(p.t.Context(), syncengine.VerifyOptions{Replay: true})
	if must(p.t, r, err); !r.OK() {
		p.t.Errorf("the county is broken: %v", r.Violations)
	}
	do(p.t, s.Close())
}

// wait lets a caller wait as long as it was told to.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
