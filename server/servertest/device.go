// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

// Registers of a note.
var (
	Phone   = record.Field(1)
	Address = record.Field(2)
)

// Caller is one connection with a session.
type Caller struct {
	Conn      *grpc.ClientConn
	Sync      syncv1grpc.SyncServiceClient
	Enrolment syncv1grpc.EnrolmentServiceClient
	Records   syncv1grpc.RecordServiceClient
	Evidence  syncv1grpc.EvidenceServiceClient
	Token     string

	s *Server
}

// Stranger returns a caller without a session.
func (s *Server) Stranger(more ...grpc.DialOption) *Caller {
	conn := s.Dial(more...)
	return &Caller{
		Conn:      conn,
		Sync:      syncv1grpc.NewSyncServiceClient(conn),
		Enrolment: syncv1grpc.NewEnrolmentServiceClient(conn),
		Records:   syncv1grpc.NewRecordServiceClient(conn),
		Evidence:  syncv1grpc.NewEvidenceServiceClient(conn),
		s:         s,
	}
}

// Context returns the context of a call in the caller's session. It ends with the
// test, or after a minute.
func (c *Caller) Context() context.Context {
	ctx, cancel := context.WithTimeout(c.s.t.Context(), time.Minute)
	c.s.t.Cleanup(cancel)
	if c.Token != "" {
		ctx = transport.WithToken(ctx, c.Token)
	}
	return ctx
}

// Login opens a session of whoever key belongs to; who is filled in already.
func (c *Caller) Login(key ed25519.PrivateKey, who *syncv1.LoginRequest) error {
	shard := c.s.County.Shard()
	challenge, err := c.Enrolment.Challenge(c.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
	if err != nil {
		return err
	}
	who.Shard, who.Challenge = shard[:], challenge.GetChallenge()
	who.Signature = ed25519.Sign(key, session.LoginMessage(shard, c.s.Pin(), who.GetChallenge()))
	reply, err := c.Enrolment.Login(c.Context(), who)
	c.Token = reply.GetToken()
	return err
}

// Operator returns a caller with a session of the office.
func (s *Server) Operator(more ...grpc.DialOption) *Caller {
	s.t.Helper()
	c := s.Stranger(more...)
	key, err := county.OperatorKey(s.County.Dir)
	if err != nil {
		s.t.Fatal(err)
	}
	who := &syncv1.LoginRequest{Who: &syncv1.LoginRequest_OperatorKey{OperatorKey: key.Public().(ed25519.PublicKey)}}
	if err := c.Login(key, who); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// Device is a tablet made by hand, so that it can also send what no tablet would.
type Device struct {
	*Caller
	Key  ed25519.PrivateKey
	Cert segment.Certificate

	t       testing.TB
	counter uint64
	last    segment.Hash
	prev    map[record.ID]causal.Dot
	pending []segment.Sealable
}

// Enrol enrols a device over the wire and opens its session.
func (s *Server) Enrol(rights syncengine.Rights, more ...grpc.DialOption) *Device {
	s.t.Helper()
	d := &Device{Caller: s.Stranger(more...), Key: newKey(s.t), t: s.t, prev: map[record.ID]causal.Dot{}}
	i, err := s.Invite(s.t.Context(), s.County, rights, time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	reply, err := d.Enrolment.Enrol(d.Context(), &syncv1.EnrolRequest{
		Shard: i.Shard[:], Code: i.Code, PublicKey: d.Key.Public().(ed25519.PublicKey), Role: syncv1.Role(rights.Role),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if d.Cert, err = segment.ParseCertificate(reply.GetCertificate(), reply.GetShardKey()); err != nil {
		s.t.Fatal(err)
	}
	if err := d.LoginAgain(); err != nil {
		s.t.Fatal(err)
	}
	return d
}

// Clone returns a copy of the device as it stands, with the same key and session.
func (d *Device) Clone() *Device {
	c := *d
	c.prev, c.pending = maps.Clone(d.prev), slices.Clone(d.pending)
	return &c
}

// LoginAgain opens another session.
func (d *Device) LoginAgain() error {
	return d.Login(d.Key, &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: d.Cert.Raw}})
}

// Save adds a revision to what Seal seals. A zero id makes a record of the kind.
func (d *Device) Save(kind record.Kind, r record.Revision) (record.ID, causal.Dot) {
	d.t.Helper()
	var salt [16]byte
	rand.Read(salt[:])
	var err error
	if r.Record.IsZero() {
		if r.Record, err = record.MakeID(kind, d.s.Clock.Now(), d.Cert.Replica(), salt); err != nil {
			d.t.Fatal(err)
		}
	}
	if r.Author == "" {
		r.Author = d.Cert.Staff[0]
	}
	d.counter++
	r.ClockMs = d.s.Clock.Now().UnixMilli() + int64(d.counter)
	r.Dot = causal.Dot{Replica: d.Cert.Replica(), Counter: d.counter}
	if p, ok := d.prev[r.Record]; ok {
		r.Prev = record.Prev{Counter: p.Counter, Hash: p.Hash}
	}
	if r.Changes, err = record.Normalise(r.Changes); err != nil {
		d.t.Fatal(err)
	}
	if r, _, err = r.Seal(salt[:]); err != nil {
		d.t.Fatal(err)
	}
	d.prev[r.Record] = r.Dot
	d.pending = append(d.pending, segment.Sealable{Revision: r, Salt: salt})
	return r.Record, r.Dot
}

// Create saves a new note in a village.
func (d *Device) Create(village record.Division, phone string) (record.ID, causal.Dot) {
	d.t.Helper()
	return d.Save(Note, record.Revision{Changes: []record.Change{Set(record.PathScope, string(village)), Set(Phone, phone)}})
}

// Edit saves changes of a record that was seen in a village by the dot scope.
func (d *Device) Edit(id record.ID, village record.Division, scope causal.Dot, changes ...record.Change) causal.Dot {
	d.t.Helper()
	_, dot := d.Save(0, record.Revision{
		Record: id, ScopeSeen: record.ScopeSeen{Dot: scope, Division: village}, Changes: changes,
	})
	return dot
}

// Set is a change to a present value.
func Set(p record.Path, v string, parents ...causal.Dot) record.Change {
	return record.Change{Path: p, Value: record.Of([]byte(v)), Parents: parents}
}

// Seal makes a segment of what was saved.
func (d *Device) Seal() *segment.Segment {
	d.t.Helper()
	s, err := segment.Seal(segment.KeySigner(d.Key), segment.Header{
		Shard: d.Cert.Shard, Certificate: d.Cert.Hash, First: d.counter - uint64(len(d.pending)) + 1, Previous: d.last,
	}, d.pending)
	if err != nil {
		d.t.Fatal(err)
	}
	d.pending, d.last = nil, s.Hash()
	return s
}

// Push pushes and returns what came of it.
func (d *Device) Push(q session.PushRequest, opts ...grpc.CallOption) (session.PushReply, error) {
	m, err := d.Sync.Push(d.Context(), sessionwire.PushRequestToWire(d.Cert.Shard, q), opts...)
	if err != nil {
		return session.PushReply{}, err
	}
	return sessionwire.PushReplyFromWire(m)
}

// PushSegments pushes segments and wants them stored.
func (d *Device) PushSegments(segments ...*segment.Segment) session.PushReply {
	d.t.Helper()
	var q session.PushRequest
	for _, s := range segments {
		q.Segments = append(q.Segments, s.Bytes())
	}
	reply, err := d.Push(q)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, r := range reply.Results {
		if r.Outcome != session.OutcomeStored {
			d.t.Fatalf("segment %s: outcome %d, reason %s", r.Hash, r.Outcome, r.Reason)
		}
	}
	return reply
}

// Hello says hello.
func (d *Device) Hello(q session.HelloRequest) (session.HelloReply, error) {
	m, err := d.Sync.Hello(d.Context(), sessionwire.HelloRequestToWire(d.Cert.Shard, q))
	if err != nil {
		return session.HelloReply{}, err
	}
	return sessionwire.HelloReplyFromWire(m)
}

// Pull returns all pages from a cursor on.
func (d *Device) Pull(q session.PullRequest, opts ...grpc.CallOption) ([]session.Page, error) {
	stream, err := d.Sync.Pull(d.Context(), sessionwire.PullRequestToWire(d.Cert.Shard, q), opts...)
	if err != nil {
		return nil, err
	}
	var pages []session.Page
	for {
		m, err := stream.Recv()
		if err != nil {
			return pages, err
		}
		p, err := sessionwire.PageFromWire(m)
		if err != nil {
			return pages, err
		}
		if pages = append(pages, p); p.Last != nil {
			return pages, nil
		}
	}
}
