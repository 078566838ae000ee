// SPDX-License-Identifier: Apache-2.0

package sessionwire_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// What a stranger sends is refused, or says the same when it is sent on.
func FuzzFromWire(f *testing.F) {
	for _, m := range []proto.Message{
		sessionwire.HelloRequestToWire(shard, session.HelloRequest{Offers: []session.Offer{
			{Hash: segment.Hash{1}, Replica: one, First: 1, Last: 2},
		}}),
		sessionwire.HelloReplyToWire(session.HelloReply{Epoch: epoch, Gaps: causal.Ranges{{Replica: one, From: 1, To: 2}}}),
		sessionwire.PushReplyToWire(session.PushReply{Results: []session.SegmentResult{{Outcome: session.OutcomeGap, Expects: 2}}}),
		sessionwire.PageToWire(session.Page{Epoch: epoch, Bases: []session.Base{
			{ID: record.ID{1}, Class: 1, Position: 4, Divisions: []record.Division{"532301000001"}, State: form(1)},
		}, Last: &session.Summary{Extends: 1}}),
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var hello syncv1.HelloRequest
		var reply syncv1.HelloResponse
		var pushed syncv1.PushResponse
		var page syncv1.PullResponse
		if proto.Unmarshal(raw, &hello) == nil {
			again(t, &hello, sessionwire.HelloRequestFromWire, func(q session.HelloRequest) *syncv1.HelloRequest {
				return sessionwire.HelloRequestToWire(shard, q)
			})
		}
		if proto.Unmarshal(raw, &reply) == nil {
			again(t, &reply, sessionwire.HelloReplyFromWire, sessionwire.HelloReplyToWire)
		}
		if proto.Unmarshal(raw, &pushed) == nil {
			again(t, &pushed, sessionwire.PushReplyFromWire, sessionwire.PushReplyToWire)
		}
		if proto.Unmarshal(raw, &page) == nil {
			again(t, &page, sessionwire.PageFromWire, sessionwire.PageToWire)
		}
	})
}

func again[M, V any](t *testing.T, m M, from func(M) (V, error), to func(V) M) {
	t.Helper()
	v, err := from(m)
	if err != nil {
		return
	}
	w, err := from(to(v))
	if diff := cmp.Diff(v, w); err != nil || diff != "" {
		t.Fatalf("%v\n%s", err, diff)
	}
}
