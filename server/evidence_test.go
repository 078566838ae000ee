// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

func TestOfficeIsGivenAProofAndItsKey(t *testing.T) {
	o := newOffice(t)
	id := o.conflict()
	reply, err := o.Evidence.Prove(o.Context(), &syncv1.ProveRequest{Shard: o.shard, Record: id[:]})
	if err != nil {
		t.Fatal(err)
	}
	key, err := o.Evidence.GetShardKey(o.Context(), &syncv1.GetShardKeyRequest{Shard: o.shard})
	if err != nil {
		t.Fatal(err)
	}
	report, err := evidence.Check(reply.GetProof(), key.GetShardKey())
	if err != nil || len(report.Saves) != 3 || report.Record != id {
		t.Errorf("%+v, %v", report, err)
	}
	for name, q := range map[string]*syncv1.ProveRequest{
		"half an id":       {Shard: o.shard, Record: id[:8]},
		"half a dot":       {Shard: o.shard, Record: id[:], Only: make([]byte, 16)},
		"somebody unknown": {Shard: o.shard, Record: idBytes(record.DerivedID(servertest.Note, []byte("x")))},
	} {
		_, err := o.Evidence.Prove(o.Context(), q)
		if got := transport.ReasonOf(err); got != syncv1.Reason_REASON_INVALID && got != syncv1.Reason_REASON_NOT_FOUND {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func idBytes(id record.ID) []byte { return id[:] }

func TestOfficeReadsARecordAsItStood(t *testing.T) {
	o := newOffice(t)
	start := o.Clock.Now()
	d := o.Enrol(servertest.Doctor("zhang"))
	id, dot := d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	o.Clock.Move(5 * time.Minute)
	d.Edit(id, servertest.Village, dot, servertest.Set(servertest.Phone, "138", dot))
	d.PushSegments(d.Seal())
	for _, w := range []struct {
		moment *syncv1.Moment
		want   []string
		n      uint64
	}{
		{nil, []string{"138"}, 2},
		{&syncv1.Moment{ReceivedByMs: proto.Int64(start.UnixMilli())}, []string{"139"}, 1},
		{&syncv1.Moment{ReceivedByMs: proto.Int64(0)}, nil, 0},
		{&syncv1.Moment{CapturedByMs: proto.Int64(0)}, nil, 0},
	} {
		reply, err := o.Evidence.GetAsOf(o.Context(), &syncv1.GetAsOfRequest{Shard: o.shard, Record: id[:], Moment: w.moment})
		if err != nil {
			t.Fatal(err)
		}
		if got := values(&syncv1.Record{Registers: reply.GetRegisters()}, servertest.Phone); !slices.Equal(got, w.want) || reply.GetRevisions() != w.n {
			t.Errorf("%v: %v of %d revisions, want %v of %d", w.moment, got, reply.GetRevisions(), w.want, w.n)
		}
	}
	var dots [][]byte
	for token := ""; ; {
		page, err := o.Evidence.ListAsOf(o.Context(), &syncv1.ListAsOfRequest{Shard: o.shard, Record: id[:], PageSize: 1, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.GetRevisions() {
			dots = append(dots, r.GetDot())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if len(dots) != 2 || string(dots[0]) != string(dot.Append(nil)) {
		t.Errorf("%d revisions", len(dots))
	}
}
