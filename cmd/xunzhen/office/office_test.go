// SPDX-License-Identifier: Apache-2.0

package office_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

func connect(t *testing.T, s *servertest.Server, key ed25519.PrivateKey) *office.Office {
	t.Helper()
	o, err := office.Connect(office.Config{Address: s.Address(), Pin: s.Pin(), Shard: s.County.Shard(), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}

func operator(t *testing.T, s *servertest.Server) ed25519.PrivateKey {
	t.Helper()
	key, err := county.OperatorKey(s.County.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	s := servertest.Start(t)
	const notes = 450 // more than two pages
	d := s.Enrol(servertest.Doctor("li", servertest.Village))
	for i := range notes {
		d.Create(servertest.Village, fmt.Sprint(i))
	}
	id, dot := d.Create(servertest.Village, "edited")
	for range 210 {
		dot = d.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "again", dot))
	}
	d.PushSegments(d.Seal())
	o := connect(t, s, operator(t, s))
	seen := map[string]bool{}
	if err := o.Records(t.Context(), servertest.Note, func(r *syncv1.Record) error {
		seen[string(r.GetId())] = len(r.GetRegisters()) > 0
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != notes+1 {
		t.Errorf("%d records", len(seen))
	}
	rec, history, err := o.Get(t.Context(), id)
	if err != nil || record.ID(rec.GetId()) != id || len(history) != 211 {
		t.Errorf("%d revisions, %v", len(history), err)
	}
	replicas, err := o.Replicas(t.Context())
	if err != nil || len(replicas) != 2 {
		t.Errorf("%d replicas, %v", len(replicas), err)
	}
}

func TestAnErrorOfTheCallerEndsAList(t *testing.T) {
	s := servertest.Start(t)
	d := s.Enrol(servertest.Doctor("li", servertest.Village))
	d.Create(servertest.Village, "1")
	d.PushSegments(d.Seal())
	enough := errors.New("enough")
	o := connect(t, s, operator(t, s))
	if err := o.Records(t.Context(), 0, func(*syncv1.Record) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

func TestConflictsAndWhatIsHeldAreListed(t *testing.T) {
	s := servertest.Start(t)
	a, b := s.Enrol(servertest.Doctor("li", servertest.Village)), s.Enrol(servertest.Doctor("wang", servertest.Village))
	id, dot := a.Create(servertest.Village, "1")
	a.PushSegments(a.Seal())
	a.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "2", dot))
	b.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "3", dot))
	b.Create(servertest.Village2, "not ours")
	a.PushSegments(a.Seal())
	b.PushSegments(b.Seal())
	o := connect(t, s, operator(t, s))
	conflicts, err := o.Conflicts(t.Context())
	if err != nil || len(conflicts) != 1 || len(conflicts[0].GetRegisters()) != 1 {
		t.Errorf("%v, %v", conflicts, err)
	}
	held, err := o.Held(t.Context())
	if err != nil || len(held) != 1 || held[0].GetRevision().GetVerdict() != syncv1.Verdict_VERDICT_HELD_SCOPE {
		t.Errorf("%v, %v", held, err)
	}
}

func TestASessionThatIsOverIsOpenedAgain(t *testing.T) {
	s := servertest.Start(t)
	o := connect(t, s, operator(t, s))
	for range 3 {
		if _, err := o.Held(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Verify(t.Context(), true, func(uint64, uint64) {}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Move(auth.SessionLife + time.Minute)
	}
}

func TestOneWalkAfterTheOther(t *testing.T) {
	s := servertest.Start(t)
	o := connect(t, s, operator(t, s))
	for i := range 20 {
		report, err := o.Verify(t.Context(), i%2 == 0, func(uint64, uint64) {})
		if err != nil || report.GetReplayed() != (i%2 == 0) || len(report.GetViolations()) > 0 {
			t.Fatalf("walk %d: %v, %v", i+1, report, err)
		}
	}
}

func TestAnotherKeyIsNotLetIn(t *testing.T) {
	s := servertest.Start(t)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s, key).Held(t.Context()); transport.ReasonOf(err) != syncv1.Reason_REASON_LOGIN {
		t.Errorf("%v", err)
	}
}

func TestAnInvitationIsWhatWasAskedFor(t *testing.T) {
	s := servertest.Start(t)
	text, until, err := connect(t, s, operator(t, s)).Invite(t.Context(), office.Rights{
		Role: segment.RoleHub, Staff: []string{"li"}, Divisions: []record.Division{servertest.Code}, Classes: []record.Class{record.ClassGeneral},
		Life: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	i, err := session.ParseInvitation(text)
	if err != nil || i.Pin != s.Pin() || !until.Equal(s.Clock.Now().Add(time.Hour)) {
		t.Errorf("%v, until %s, %v", i, until, err)
	}
}

// busy is a server that is busy for a while.
type busy struct {
	syncv1grpc.UnimplementedRecordServiceServer
	syncv1grpc.UnimplementedEnrolmentServiceServer
	left int
}

func (b *busy) Challenge(context.Context, *syncv1.ChallengeRequest) (*syncv1.ChallengeResponse, error) {
	return &syncv1.ChallengeResponse{}, nil
}

func (b *busy) Login(context.Context, *syncv1.LoginRequest) (*syncv1.LoginResponse, error) {
	return &syncv1.LoginResponse{Token: "x"}, nil
}

func (b *busy) ListHeld(context.Context, *syncv1.ListHeldRequest) (*syncv1.ListHeldResponse, error) {
	if b.left--; b.left >= 0 {
		return nil, &transport.Refusal{Reason: syncv1.Reason_REASON_BUSY, Retry: true, RetryAfter: 3 * time.Second, Code: 8}
	}
	return &syncv1.ListHeldResponse{}, nil
}

func TestABusyServerIsWaitedForButNotForEver(t *testing.T) {
	for left, ok := range map[int]bool{0: true, 2: true, 7: true, 8: false, 100: false} {
		t.Run(fmt.Sprint(left), func(t *testing.T) {
			authority, err := auth.OpenAuthority(t.TempDir(), []string{"127.0.0.1"}, time.Now, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s, b := grpc.NewServer(grpc.Creds(credentials.NewTLS(authority.ServerTLS()))), &busy{left: left}
			syncv1grpc.RegisterRecordServiceServer(s, b)
			syncv1grpc.RegisterEnrolmentServiceServer(s, b)
			go func() { _ = s.Serve(l) }()
			t.Cleanup(s.Stop)
			var waited time.Duration
			o, err := office.Connect(office.Config{
				Address: l.Addr().String(), Pin: authority.Pin(), Key: ed25519.NewKeyFromSeed(make([]byte, 32)),
				Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer o.Close()
			if _, err := o.Held(t.Context()); (err == nil) != ok {
				t.Errorf("%v", err)
			}
			if want := time.Duration(min(left, 7)) * 3 * time.Second; waited != want {
				t.Errorf("waited %s, want %s", waited, want)
			}
		})
	}
}

func TestServingIsWrittenWithoutTheInvitation(t *testing.T) {
	s := servertest.Start(t)
	at := office.ServingOf(s.Server, t.TempDir(), s.Address())
	at.Invitation = "XZ1:secret"
	if err := at.Write(); err != nil {
		t.Fatal(err)
	}
	got, err := office.ReadServing(at.Data)
	if err != nil || got.Invitation != "" || got.Address != at.Address || got.Counties[0] != at.Counties[0] {
		t.Errorf("%+v, %v", got, err)
	}
	o, err := got.Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if _, err := o.Held(t.Context()); err != nil {
		t.Error(err)
	}
	var which *office.WhichCountyError
	if _, err := got.Connect("431124"); !errors.As(err, &which) || which.Codes != servertest.Code {
		t.Errorf("%v", err)
	}
	if err := os.Remove(filepath.Join(got.Counties[0].Dir, "operator.key")); err != nil {
		t.Fatal(err)
	}
	var key *office.KeyError
	if _, err := got.Connect(""); !errors.As(err, &key) || key.File != got.Counties[0].OperatorKey {
		t.Errorf("%v", err)
	}
	if err := at.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := office.ReadServing(at.Data); !errors.Is(err, office.ErrNotServing) {
		t.Errorf("%v", err)
	}
}
