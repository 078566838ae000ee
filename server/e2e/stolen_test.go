// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
)

// theOffice is a session of the operator's key over the wire.
type theOffice struct {
	t       *testing.T
	shard   []byte
	token   string
	devices syncv1grpc.DeviceServiceClient
	records syncv1grpc.RecordServiceClient
}

func (w *world) dial() *grpc.ClientConn {
	w.t.Helper()
	conn, err := transport.Dial(w.server.Address(), w.server.Pin())
	must(w.t, conn, err)
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// login opens a session of an operator's key and returns its token.
func (w *world) login(key ed25519.PrivateKey) (string, error) {
	w.t.Helper()
	shard, enrolment := w.county.Shard(), syncv1grpc.NewEnrolmentServiceClient(w.dial())
	challenge, err := enrolment.Challenge(w.t.Context(), &syncv1.ChallengeRequest{Shard: shard[:]})
	must(w.t, challenge, err)
	login, err := enrolment.Login(w.t.Context(), &syncv1.LoginRequest{
		Shard: shard[:], Who: &syncv1.LoginRequest_OperatorKey{OperatorKey: key.Public().(ed25519.PublicKey)},
		Challenge: challenge.GetChallenge(),
		Signature: ed25519.Sign(key, session.LoginMessage(shard, w.server.Pin(), challenge.GetChallenge())),
	})
	return login.GetToken(), err
}

func (w *world) office() *theOffice {
	w.t.Helper()
	key, err := county.OperatorKey(w.county.Dir)
	must(w.t, key, err)
	token, err := w.login(key)
	conn, shard := w.dial(), w.county.Shard()
	return &theOffice{
		t: w.t, shard: shard[:], token: must(w.t, token, err),
		devices: syncv1grpc.NewDeviceServiceClient(conn), records: syncv1grpc.NewRecordServiceClient(conn),
	}
}

func (o *theOffice) ctx() context.Context { return transport.WithToken(o.t.Context(), o.token) }

// held returns the held saves as the office reads them, by the name that each wrote.
func (o *theOffice) held() map[string]*syncv1.HeldRevision {
	o.t.Helper()
	list, err := o.records.ListHeld(o.ctx(), &syncv1.ListHeldRequest{Shard: o.shard})
	must(o.t, list, err)
	out := map[string]*syncv1.HeldRevision{}
	for _, h := range list.GetHeld() {
		for _, c := range h.GetRevision().GetChanges() {
			text, err := care.FormatValue(record.ID(h.GetRecord()).Kind(), record.Path(c.GetPath()), record.Of(c.GetValue().GetPresent()))
			if err == nil && len(text) > 2 && value(o.t, string(text), "name") != nil {
				out[value(o.t, string(text), "name").(string)] = h
			}
		}
	}
	return out
}

func (x *tab) replica() causal.ReplicaID {
	x.t.Helper()
	id, err := x.Identity()
	r, err := causal.ParseReplicaID(must(x.t, id, err).Replica)
	return must(x.t, r, err)
}

// A tablet is stolen and cut off while it is offline; whoever has it goes on saving.
func TestAStolenTablet(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village)
	early := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	id, o := a.replica(), w.office()
	w.clock.forward(time.Minute)
	_, err := o.devices.Revoke(o.ctx(), &syncv1.RevokeRequest{Shard: o.shard, Replica: id[:], Author: "wang", Reason: "stolen"})
	do(t, err)

	// Offline: the tablet does not know, and saves.
	ill := a.add("resident", "", "", `{"name": "李四"}`)
	visit := a.add("home_visit", ill.ID, "", `{}`)
	edit := a.save(a.show(early.ID).Form, `{"name": "王改国"}`)

	// Sealed in envelopes while it is locked, then by itself: it is held by any path.
	do(t, a.Lock())
	r, err := a.SyncLocked(t.Context(), nil)
	must(t, r, err)
	_, err = a.Unlock(secret)
	do(t, err)
	more := a.add("resident", "", "", `{"name": "陈五"}`)
	r, err = a.Sync(t.Context(), nil)
	if must(t, r, err); !r.Revoked || r.Received != 0 {
		t.Fatalf("report %+v", r)
	}
	for _, s := range []*tablet.Saved{ill, visit, edit, more} {
		state, err := a.State(s.ID, s.Dot)
		if must(t, state, err) != "held:held_fence" {
			t.Errorf("%s of %s", state, s.ID)
		}
	}
	a.wantState(early.ID, tablet.StateHeld, "held_fence") // by its edit; the first save stands
	b.run()
	if got := value(t, b.show(early.ID).JSON, "name"); got != "王建国" {
		t.Errorf("others see %v", got)
	}

	// Both ends see what is held, and why.
	held := o.held()
	for _, name := range []string{"李四", "王改国", "陈五"} {
		if h := held[name]; h.GetRevision().GetVerdict() != syncv1.Verdict_VERDICT_HELD_FENCE {
			t.Errorf("the office reads of %s: %v", name, h.GetRevision().GetVerdict())
		}
	}
	if mine, err := a.Held(); must(t, mine, err).Len() != 4 {
		t.Errorf("the tablet lists %d", mine.Len())
	}

	// One save is believed, then all that came so far; what comes later is not.
	one := held["李四"]
	_, err = o.records.Release(o.ctx(), &syncv1.ReleaseRequest{
		Shard: o.shard, Record: one.GetRecord(), Dot: one.GetRevision().GetDot(), Author: "wang", Reason: "seen on paper",
	})
	do(t, err)
	b.run()
	b.wantState(ill.ID, tablet.StateReceived, "")
	_, err = o.devices.Exempt(o.ctx(), &syncv1.ExemptRequest{Shard: o.shard, Replica: id[:], Author: "wang", Reason: "it was the doctor"})
	do(t, err)
	last := a.add("resident", "", "", `{"name": "赵六"}`)
	r, err = a.Sync(t.Context(), nil)
	if must(t, r, err); !r.Revoked {
		t.Errorf("no longer cut off: %+v", r)
	}
	b.run()
	if got := value(t, b.show(early.ID).JSON, "name"); got != "王改国" {
		t.Errorf("exempted, and others see %v", got)
	}
	if r, err := b.Get(last.ID); err == nil && strings.Contains(r.JSON, "赵六") {
		t.Error("saved after the exemption, and shown to others")
	}
	if left := o.held(); len(left) != 1 || left["赵六"] == nil {
		t.Errorf("%d held", len(left))
	}
	o.wantDevice(id, 1, "it was the doctor")

	_, err = o.devices.LiftRevocation(o.ctx(), &syncv1.LiftRevocationRequest{Shard: o.shard, Replica: id[:], Author: "wang", Reason: "returned"})
	do(t, err)
	a.run()
	a.wantState(last.ID, tablet.StateCentre, "")
	w.wantSound()
}

// wantDevice fails the test unless the list says this of a device that is cut off.
func (o *theOffice) wantDevice(id causal.ReplicaID, held uint32, reason string) {
	o.t.Helper()
	list, err := o.devices.ListDevices(o.ctx(), &syncv1.ListDevicesRequest{Shard: o.shard})
	must(o.t, list, err)
	i := slices.IndexFunc(list.GetDevices(), func(d *syncv1.Device) bool { return causal.ReplicaID(d.GetReplica()) == id })
	if i < 0 {
		o.t.Fatal("not listed")
	}
	d := list.GetDevices()[i]
	if d.GetHeld() != held || len(d.GetFences()) != 1 || d.GetFences()[0].GetReason() != reason {
		o.t.Errorf("%v", d)
	}
}
