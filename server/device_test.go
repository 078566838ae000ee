// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"testing"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// deviceOffice is an operator's session of DeviceService.
type deviceOffice struct {
	*servertest.Caller
	t     *testing.T
	s     *servertest.Server
	calls syncv1grpc.DeviceServiceClient
}

func newDeviceOffice(t *testing.T, s *servertest.Server) deviceOffice {
	t.Helper()
	c := s.Operator()
	return deviceOffice{c, t, s, syncv1grpc.NewDeviceServiceClient(c.Conn)}
}

func (o deviceOffice) shard() []byte {
	id := o.s.County.Shard()
	return id[:]
}

// device returns what the list, read in pages of one, says of d.
func (o deviceOffice) device(d *servertest.Device) *syncv1.Device {
	o.t.Helper()
	id := d.Cert.Replica()
	q := &syncv1.ListDevicesRequest{Shard: o.shard(), PageSize: 1}
	for {
		page, err := o.calls.ListDevices(o.Context(), q)
		if err != nil || len(page.GetDevices()) != 1 {
			o.t.Fatalf("%v, %v", page, err)
		}
		if one := page.GetDevices()[0]; bytes.Equal(one.GetReplica(), id[:]) {
			return one
		}
		if q.PageToken = page.GetNextPageToken(); q.PageToken == "" {
			o.t.Fatal("not listed")
		}
	}
}

func TestDevicesAreListedWithAllThatIsKnown(t *testing.T) {
	s := servertest.Start(t)
	o, d := newDeviceOffice(t, s), s.Enrol(servertest.Doctor("li", servertest.Village))
	enrolled := s.Clock.Now()
	d.Create(servertest.Village, "1")
	d.Create(servertest.Village2, "not ours")
	d.PushSegments(d.Seal())
	d.Create(servertest.Village, "2")
	lost := d.Seal()
	d.Create(servertest.Village, "3")
	s.Clock.Move(10 * time.Minute)
	if reply, err := d.Push(session.PushRequest{Segments: [][]byte{d.Seal().Bytes()}}); err != nil || reply.Results[0].Outcome != session.OutcomeGap {
		t.Fatalf("%+v, %v", reply, err)
	}
	got := o.device(d)
	if got.GetHeld() != 1 || got.GetLastCounter() != 2 || got.GetCertificate().GetStaff()[0] != "li" || len(got.GetFences()) != 0 {
		t.Errorf("%v", got)
	}
	if m := got.GetMissing(); m.GetFromCounter() != 3 || m.GetToCounter() != 3 {
		t.Errorf("missing %v", m)
	}
	if got.GetLastReceivedMs() != enrolled.UnixMilli() || got.GetLastHeardMs() != enrolled.UnixMilli() {
		t.Errorf("received %d, heard %d", got.GetLastReceivedMs(), got.GetLastHeardMs())
	}
	if err := d.LoginAgain(); err != nil {
		t.Fatal(err)
	}
	d.PushSegments(lost)
	if got := o.device(d); got.GetMissing() != nil || got.GetLastHeardMs() != s.Clock.Now().UnixMilli() {
		t.Errorf("%v", got)
	}
}

func TestRevocationIsPlannedDoneExemptedAndLifted(t *testing.T) {
	s := servertest.Start(t)
	o, d := newDeviceOffice(t, s), s.Enrol(servertest.Doctor("li", servertest.Village))
	id := d.Cert.Replica()
	push := func() *segment.Segment {
		d.Create(servertest.Village, "1")
		seg := d.Seal()
		d.PushSegments(seg)
		return seg
	}
	push()
	s.Clock.Move(10 * time.Minute)
	since := s.Clock.Now().UnixMilli()
	push()
	plan, err := o.calls.PlanRevocation(o.Context(), &syncv1.PlanRevocationRequest{Shard: o.shard(), Replica: id[:], SinceMs: since})
	if err != nil || plan.GetSavesBefore() != 1 || plan.GetSavesAfter() != 1 || plan.GetSavesCut() != 1 || plan.GetRecordsCut() != 1 {
		t.Errorf("%v, %v", plan, err)
	}
	revoke := &syncv1.RevokeRequest{Shard: o.shard(), Replica: id[:], SinceMs: since, Reason: "stolen"}
	_, err = o.calls.Revoke(o.Context(), revoke)
	wantReason(t, "nobody decided", err, syncv1.Reason_REASON_INVALID)
	revoke.Author = "wang"
	if _, err := o.calls.Revoke(o.Context(), revoke); err != nil {
		t.Fatal(err)
	}
	late := push()
	got := o.device(d)
	if got.GetHeld() != 2 || len(got.GetFences()) != 1 || got.GetFences()[0].GetAuthor() != "wang" || got.GetFences()[0].GetReason() != "stolen" {
		t.Errorf("%v", got)
	}
	end := late.Hash()
	exempt := &syncv1.ExemptRequest{Shard: o.shard(), Replica: id[:], SegmentHash: end[:5], Author: "wang"}
	_, err = o.calls.Exempt(o.Context(), exempt)
	wantReason(t, "half a hash", err, syncv1.Reason_REASON_INVALID)
	exempt.SegmentHash = end[:]
	if _, err := o.calls.Exempt(o.Context(), exempt); err != nil {
		t.Fatal(err)
	}
	push()
	if got := o.device(d).GetHeld(); got != 1 {
		t.Errorf("%d held after the exemption and one more save", got)
	}
	lift := &syncv1.LiftRevocationRequest{Shard: o.shard(), Replica: id[:], Author: "wang"}
	if _, err := o.calls.LiftRevocation(o.Context(), lift); err != nil {
		t.Fatal(err)
	}
	if got := o.device(d); got.GetHeld() != 0 || len(got.GetFences()) != 0 {
		t.Errorf("%v", got)
	}
	_, err = o.calls.LiftRevocation(o.Context(), lift)
	wantReason(t, "lifted already", err, syncv1.Reason_REASON_NOT_FOUND)
}

func TestForksAreListedWithBothHistories(t *testing.T) {
	s := servertest.Start(t)
	o, d := newDeviceOffice(t, s), s.Enrol(servertest.Doctor("li", servertest.Village))
	clone := d.Clone()
	d.Create(servertest.Village, "1")
	d.PushSegments(d.Seal())
	s.Clock.Move(time.Minute)
	clone.Create(servertest.Village, "2")
	clone.Create(servertest.Village, "3")
	theirs := clone.Seal()
	clone.PushSegments(theirs)
	list, err := o.calls.ListForks(o.Context(), &syncv1.ListForksRequest{Shard: o.shard()})
	if err != nil || len(list.GetForked()) != 1 || list.GetNextPageToken() != "" {
		t.Fatalf("%v, %v", list, err)
	}
	f, end := list.GetForked()[0], theirs.Hash()
	if len(f.GetPairs()) != 1 || !bytes.Equal(f.GetPairs()[0].GetSecond().GetSegmentHash(), end[:]) {
		t.Errorf("%v", f.GetPairs())
	}
	long := f.GetHistories()[0]
	if len(f.GetHistories()) != 2 || long.GetSaves() != 2 || long.GetEnd().GetReceivedAtMs() != s.Clock.Now().UnixMilli() {
		t.Errorf("%v", f.GetHistories())
	}
	if o.device(d).GetForks() != 1 {
		t.Error("the list of devices says nothing of it")
	}
}
