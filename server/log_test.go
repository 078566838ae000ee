// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Whatever is called and however it ends, the log has one line about it, and nothing
// of what was said.
func TestLogHasOneLineACallAndNothingPersonal(t *testing.T) {
	o := newOffice(t)
	const staff, phone, where, why, label = "zhang-wei", "13912345678", "7 Willow Lane", "neighbour complained", "clinic of Dr Zhang"
	rights := servertest.Doctor(staff)
	rights.Label = label
	d := o.Enrol(rights)
	id, dot := d.Create(servertest.Village, phone)
	d.Edit(id, servertest.Village, dot, servertest.Set(servertest.Address, where))
	d.PushSegments(d.Seal())
	begun := strings.Count(o.Log.String(), "\n")

	_, err := d.Pull(session.PullRequest{})
	if err != nil {
		t.Fatal(err)
	}
	get := &syncv1.GetRequest{Shard: o.shard, Record: id[:], HistorySize: 10}
	if _, err := o.Records.Get(o.Context(), get); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		second(o.Records.Void(o.Context(), &syncv1.VoidRequest{Shard: o.shard, Record: id[:], Author: staff, Reason: why})),
		second(o.Records.Void(o.Context(), &syncv1.VoidRequest{Shard: o.shard, Record: id[:9], Author: staff, Reason: why})),
		second(d.Records.Get(d.Context(), get)),
		second(d.Push(session.PushRequest{Segments: [][]byte{[]byte(phone)}})),
		second(d.Enrolment.Enrol(d.Context(), &syncv1.EnrolRequest{Shard: o.shard, Code: phone, PublicKey: make([]byte, 32)})),
		second(d.Enrolment.Enrol(d.Context(), &syncv1.EnrolRequest{Shard: []byte(phone)})),
	} {
		_ = err // refused or not: the log is what counts
	}
	o.Stop()
	lines := 0
	for scan := bufio.NewScanner(strings.NewReader(o.Log.String())); scan.Scan(); {
		var line struct{ Level, Msg, Method, Outcome string }
		if err := json.Unmarshal(scan.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.Msg == "call" && (line.Method == "" || line.Outcome == "" || line.Level != "INFO") {
			t.Errorf("line %s", scan.Text())
		}
		lines++
	}
	if got := lines - begun; got != 8 {
		t.Errorf("%d lines about 8 calls:\n%s", got, o.Log)
	}
	for _, personal := range []string{staff, phone, where, why, label, d.Token} {
		if strings.Contains(o.Log.String(), personal) {
			t.Errorf("the log has %q", personal)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// fragile panics in the middle of a question or of a transaction when it is told to.
type fragile struct {
	syncengine.Store
	breaks *fracture
}

type fracture struct{ view, update atomic.Bool }

func (f fragile) View(ctx context.Context, do func(syncengine.Reader) error) error {
	if f.breaks.view.Swap(false) {
		panic("phone 139")
	}
	return f.Store.View(ctx, do)
}

func (f fragile) Update(ctx context.Context, do func(syncengine.Tx) error) error {
	return f.Store.Update(ctx, func(tx syncengine.Tx) error {
		if f.breaks.update.Swap(false) {
			panic("phone 139")
		}
		return do(tx)
	})
}

func TestPanicEndsOneCallOnly(t *testing.T) {
	var breaks fracture
	s := servertest.Start(t, func(c *server.Config) {
		inner := c.OpenStore
		c.OpenStore = func(path string, create bool) (syncengine.Store, error) {
			store, err := inner(path, create)
			return fragile{store, &breaks}, err
		}
	})
	d := s.Enrol(servertest.Doctor("zhang"))
	breaks.view.Store(true)
	_, err := d.Hello(session.HelloRequest{})
	wantReason(t, "a question", err, syncv1.Reason_REASON_INTERNAL)
	if _, err := d.Hello(session.HelloRequest{}); err != nil {
		t.Errorf("the next: %v", err)
	}
	d.Create(servertest.Village, "139")
	saved := d.Seal()
	breaks.update.Store(true)
	_, err = d.Push(session.PushRequest{Segments: [][]byte{saved.Bytes()}})
	wantReason(t, "a push", err, syncv1.Reason_REASON_INTERNAL)
	d.PushSegments(saved)
	log := s.Log.String()
	if strings.Contains(log, "phone 139") || !strings.Contains(log, "a call panicked") || !strings.Contains(log, "an update panicked") {
		t.Error(log)
	}
	if strings.Count(log, "fragile.View") != 1 || strings.Count(log, "fragile.Update") == 0 {
		t.Error("the log does not say where")
	}
}
