// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/hub"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
)

// Whoever is named as a hub must show that it is one, before it is given anything.
func TestOnlyAHubOfTheCountyIsGivenAnything(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	l := newLine()
	c, abroad := w.clinic(township), other.clinic(township)
	a := w.tablet("zhang", village).knows(l)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	with := func(name string) error {
		a.sync.With = name
		_, err := a.Sync(t.Context(), a.sync)
		return err
	}
	add := func(i session.HubInvitation, name string) error {
		_, err := a.AddHub(i.String(), name)
		return err
	}
	good := c.Invitation(c.server.Addresses(), c.server.Pin())

	wantReason(t, add(abroad.Invitation(abroad.server.Addresses(), abroad.server.Pin()), ""), "other_shard")
	_, err := a.AddHub(w.invite(divisions(village), "zhang"), "")
	wantReason(t, err, "invitation")
	wantReason(t, add(good, tablet.CentreName), "taken_hub")
	wantReason(t, with("nobody"), "unknown_hub")
	wantReason(t, a.RemoveHub("nobody"), "unknown_hub")

	wrong := good
	wrong.Pin[0]++
	do(t, add(wrong, "wrong pin"))
	wantReason(t, with("wrong pin"), "pin")
	// A hub of another county, and the centre itself, under names of this one's hubs.
	do(t, add(session.HubInvitation{
		Addresses: abroad.server.Addresses(), Shard: w.county.Shard(), Pin: abroad.server.Pin(),
	}, "foreign"))
	wantReason(t, with("foreign"), "wrong_shard")
	do(t, add(session.HubInvitation{Addresses: w.server.Addresses(), Shard: w.county.Shard(), Pin: w.server.Pin()}, "no hub"))
	wantReason(t, with("no hub"), "not_hub")
	a.wantState(s.ID, tablet.StateTablet, "")

	do(t, add(good, "clinic"))
	wantReason(t, add(session.HubInvitation{Addresses: []string{"a:1"}, Shard: w.county.Shard()}, "clinic"), "taken_hub")
	if err := with("clinic"); err != nil {
		t.Fatal(err)
	}
	a.wantState(s.ID, tablet.StateClinic, "")
	if hubs, err := a.Hubs(); must(t, hubs, err).Len() != 4 || hubs.At(3).Label != "clinic" || hubs.At(3).LastMs == 0 {
		t.Fatalf("hubs %+v", hubs.At(3))
	}

	// The office cuts the hub off: who has heard so gives it nothing more.
	cert, err := c.Certificate(t.Context())
	must(t, cert, err)
	do(t, w.county.Engine.Fence(t.Context(), "office", cert.Replica(), "stolen"))
	a.sync.With = tablet.CentreName
	a.run()
	wantReason(t, with("clinic"), "not_hub")
	if r := c.up(); !r.Revoked {
		t.Fatalf("the hub's sync %+v", r)
	}
	if s, err := c.Status(t.Context()); !must(t, s, err).Revoked {
		t.Fatal("the hub does not say so")
	}
}

func TestAnInvitationForATabletMakesNoHub(t *testing.T) {
	w := newWorld(t)
	h, err := hub.Open(t.Context(), hub.Config{
		Dir: filepath.Join(t.TempDir(), "hub"), Schema: care.Kinds(), Clock: w.clock.read, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	defer must(t, h, err).Close()
	if _, err := h.Sync(t.Context()); !errors.Is(err, hub.ErrNotJoined) {
		t.Fatal(err)
	}
	if err := h.Join(t.Context(), w.hubInvitation(segment.RoleTablet, township)); !errors.Is(err, hub.ErrRole) {
		t.Fatal(err)
	}
	if _, err := h.Certificate(t.Context()); !errors.Is(err, hub.ErrNotJoined) {
		t.Fatal(err)
	}
	do(t, h.Join(t.Context(), w.hubInvitation(segment.RoleHub, township)))
	if r, err := h.Sync(t.Context()); !must(t, r, err).Complete {
		t.Fatalf("sync %+v", r)
	}
}

// What only the centre does, a hub does not.
func TestWhatAHubDoesNotDo(t *testing.T) {
	w := newWorld(t)
	c := w.clinic(township)
	conn, err := transport.Dial(c.listen, c.server.Pin())
	defer must(t, conn, err).Close()
	enrolment, shard := syncv1grpc.NewEnrolmentServiceClient(conn), w.county.Shard()
	reason := func(err error) syncv1.Reason { return transport.ReasonOf(err) }

	_, err = enrolment.Enrol(t.Context(), &syncv1.EnrolRequest{Shard: shard[:], Code: "AAAA", PublicKey: make([]byte, 32)})
	if reason(err) != syncv1.Reason_REASON_NOT_CENTRE {
		t.Errorf("enrol: %v", err)
	}
	login := func(q *syncv1.LoginRequest, key ed25519.PrivateKey, pin session.Pin) (*syncv1.LoginResponse, error) {
		ch, err := enrolment.Challenge(t.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
		must(t, ch, err)
		q.Shard, q.Challenge = shard[:], ch.GetChallenge()
		q.Signature = ed25519.Sign(key, session.LoginMessage(shard, pin, ch.GetChallenge()))
		return enrolment.Login(t.Context(), q)
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	must(t, key, err)
	_, err = login(&syncv1.LoginRequest{Who: &syncv1.LoginRequest_OperatorKey{OperatorKey: pub}}, key, c.server.Pin())
	if reason(err) != syncv1.Reason_REASON_LOGIN {
		t.Errorf("an operator at a hub: %v", err)
	}
	cert := certify(t, w, pub)
	who := func() *syncv1.LoginRequest {
		return &syncv1.LoginRequest{Who: &syncv1.LoginRequest_Certificate{Certificate: cert}}
	}
	if _, err = login(who(), key, w.server.Pin()); reason(err) != syncv1.Reason_REASON_LOGIN {
		t.Errorf("signed for the centre, used at the hub: %v", err)
	}
	opened, err := login(who(), key, c.server.Pin())
	ctx := transport.WithToken(t.Context(), must(t, opened, err).GetToken())
	_, err = enrolment.Renew(ctx, &syncv1.RenewRequest{Shard: shard[:]})
	if reason(err) != syncv1.Reason_REASON_NOT_CENTRE {
		t.Errorf("renew: %v", err)
	}
	_, err = enrolment.Succeed(ctx, &syncv1.SucceedRequest{Shard: shard[:]})
	if reason(err) != syncv1.Reason_REASON_NOT_CENTRE {
		t.Errorf("succeed: %v", err)
	}
	_, err = syncv1grpc.NewRecordServiceClient(conn).List(ctx, &syncv1.ListRequest{Shard: shard[:]})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("the office at a hub: %v", err)
	}
	_, err = syncv1grpc.NewDeviceServiceClient(conn).ListDevices(ctx, &syncv1.ListDevicesRequest{Shard: shard[:]})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("the office's devices at a hub: %v", err)
	}
	if err := c.server.Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	hints, err := syncv1grpc.NewSyncServiceClient(conn).Watch(watching, &syncv1.WatchRequest{Shard: shard[:]})
	must(t, hints, err)
	if _, err := hints.Recv(); err != nil {
		t.Errorf("watch: %v", err)
	}
}

func certify(t *testing.T, w *world, pub ed25519.PublicKey) []byte {
	t.Helper()
	i, err := session.ParseInvitation(w.invite(divisions(village), "wang"))
	must(t, i, err)
	cert, err := w.county.Engine.Enrol(t.Context(), i.Code, pub)
	return must(t, cert, err).Raw
}

// Expiry is the centre's to judge: a hub goes by what it last heard of the centre's
// clock, never by its own.
func TestAHubKnowsTheCentresClockOnly(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village).knows(l, c)
	s := b.add("resident", "", "", `{"name": "王建国"}`)
	b.run()
	c.up()
	w.clock.forward(101 * 24 * time.Hour) // a hundred days without the centre, or a clock that is wrong
	a.by(c)
	a.wantState(s.ID, tablet.StateReceived, "")
	if r := c.up(); r.Revoked {
		t.Fatalf("the hub's sync %+v", r)
	}
	late := a.add("resident", "", "", `{"name": "李四"}`)
	a.sync.With = c.listen
	_, err := a.Sync(t.Context(), a.sync)
	wantReason(t, err, "expired")
	a.wantState(late.ID, tablet.StateClinic, "") // pushing still works
	a.sync.With = ""
	if r := a.run(); !r.Renewed {
		t.Fatalf("report %+v", r)
	}
	a.by(c)
}

func TestATabletThatIsCutOffGetsNothingFromAHub(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a, b := w.tablet("zhang", village).knows(l, c), w.tablet("li", village).knows(l, c)
	a.run()
	b.run()
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.by(c)
	id, err := b.Identity()
	replica, err := causal.ParseReplicaID(must(t, id, err).Replica)
	do(t, w.county.Engine.Fence(t.Context(), "office", must(t, replica, err), "lost"))
	c.up()
	late := b.add("resident", "", "", `{"name": "李四"}`)
	b.sync.With = c.listen
	if r, err := b.Sync(t.Context(), b.sync); !must(t, r, err).Revoked || r.Received != 0 {
		t.Fatalf("report %+v", r)
	}
	if _, err := b.Get(s.ID); tablet.ReasonOf(err) != "unknown_record" {
		t.Fatalf("it came down: %v", err)
	}
	c.up()
	held, _, err := w.county.Engine.Held(t.Context(), syncengine.HeldPlace{}, 10)
	if len(must(t, held, err)) != 1 || held[0].Record.String() != late.ID {
		t.Fatalf("held %+v", held)
	}
}

// Only the centre opens what a locked tablet sends.
func TestALockedTabletGoesToTheCentre(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a := w.tablet("zhang", village).knows(l, c)
	a.run()
	a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Lock())
	a.sync.With = c.listen
	_, err := a.SyncLocked(t.Context(), a.sync)
	wantReason(t, err, "locked")
	a.sync.With = ""
	if r, err := a.SyncLocked(t.Context(), a.sync); must(t, r, err).With != tablet.CentreName || r.Acks != 1 {
		t.Fatalf("report %+v", r)
	}
}
