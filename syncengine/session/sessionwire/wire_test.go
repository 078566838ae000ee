// SPDX-License-Identifier: Apache-2.0

package sessionwire_test

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

var (
	shard = segment.ShardID{15: 7}
	one   = causal.ReplicaID{1}
	two   = causal.ReplicaID{2}
	epoch = ledger.Epoch{Number: 3, Name: [8]byte{1, 2, 3}}
)

// carried returns m as it arrives.
func carried[M proto.Message](t *testing.T, m, into M) M {
	t.Helper()
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
	return into
}

func same[V any](t *testing.T, want V, got V, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrived changed (-sent +arrived):\n%s", diff)
	}
}

func TestHelloRequestArrivesAsSent(t *testing.T) {
	for name, q := range map[string]session.HelloRequest{
		"empty": {},
		"full": {
			Epoch: epoch, Checkpoint: []byte("signed"), Cursor: []byte{9}, Certificates: [][]byte{{1}, {2, 2}},
			Offers: []session.Offer{
				{Hash: segment.Hash{1}, Replica: one, First: 1, Last: 4},
				{Hash: segment.Hash{2}, Replica: one, First: 5, Last: 5},
				{Hash: segment.Hash{3}, Replica: two, First: 1, Last: 1000},
				{Hash: segment.Hash{4}, Replica: one, First: 6, Last: segment.MaxCounter},
			},
			Asks: []segment.Hash{{5}, {6}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := carried(t, sessionwire.HelloRequestToWire(shard, q), &syncv1.HelloRequest{})
			got, err := sessionwire.HelloRequestFromWire(m)
			same(t, q, got, err)
			if id, err := sessionwire.ShardFromWire(m.GetShard()); err != nil || id != shard {
				t.Errorf("shard %s, %v", id, err)
			}
		})
	}
}

func TestHelloReplyArrivesAsSent(t *testing.T) {
	r := session.HelloReply{
		Epoch: epoch, CursorHolds: true, Wants: []segment.Hash{{7}, {8}}, Acks: []byte("acks"), Marks: [][]byte{{1}},
		OwnHeads:     []session.Head{{Last: 9, Hash: segment.Hash{9}}},
		Gaps:         causal.Ranges{{Replica: one, From: 3, To: 4}, {Replica: one, From: 8, To: 8}},
		Certificates: [][]byte{{3}}, Revoked: true,
	}
	m := carried(t, sessionwire.HelloReplyToWire(r), &syncv1.HelloResponse{})
	got, err := sessionwire.HelloReplyFromWire(m)
	same(t, r, got, err)
	if m.GetLimits().GetOffers() != session.MaxOffers || m.GetLimits().GetPushBytes() != session.MaxPushBytes {
		t.Errorf("limits %v", m.GetLimits())
	}
}

func TestPushArrivesAsSent(t *testing.T) {
	q := session.PushRequest{
		Certificates: [][]byte{{1}}, Gaps: [][]byte{{2}}, Segments: [][]byte{{3}, {}}, Envelopes: [][]byte{{4}},
	}
	m := carried(t, sessionwire.PushRequestToWire(shard, q), &syncv1.PushRequest{})
	same(t, q, sessionwire.PushRequestFromWire(m), nil)
}

func TestPushReplyArrivesAsSent(t *testing.T) {
	r := session.PushReply{
		Acks: []byte("acks"), Gaps: []session.Outcome{session.OutcomeStored, session.OutcomeRefused},
		Results: []session.SegmentResult{
			{
				Hash: segment.Hash{1}, Outcome: session.OutcomeStored, Index: 4, Position: 9, Fork: true,
				Verdicts: []ledger.Verdict{ledger.Admitted, ledger.Admitted, ledger.HeldScope, ledger.Admitted},
			},
			{Hash: segment.Hash{2}, Outcome: session.OutcomeGap, Expects: 7},
			{Outcome: session.OutcomeRefused, Reason: "unreadable"},
		},
	}
	got, err := sessionwire.PushReplyFromWire(carried(t, sessionwire.PushReplyToWire(r), &syncv1.PushResponse{}))
	same(t, r, got, err)
}

func TestPullRequestArrivesAsSent(t *testing.T) {
	q := session.PullRequest{
		Cursor: []byte{1}, CheckpointSize: 12, PageRecords: 50,
		Borrows: true, Borrowed: []session.LoanName{{1}, {2}},
	}
	got, err := sessionwire.PullRequestFromWire(carried(t, sessionwire.PullRequestToWire(shard, q), &syncv1.PullRequest{}))
	same(t, q, got, err)
}

func TestPageArrivesAsSent(t *testing.T) {
	const here, there = record.Division("532301000001"), record.Division("532301000002")
	for name, p := range map[string]session.Page{
		"empty": {},
		"middle": {
			Epoch: epoch, Cursor: []byte{5}, Segments: [][]byte{{1}},
			Bases: []session.Base{
				{ID: record.ID{1}, Class: 1, Position: 4, Divisions: []record.Division{here}, State: form(1)},
				{ID: record.ID{2}, Class: 2, Position: 5, Divisions: []record.Division{here, there}, State: form(2, record.Field(3))},
				{ID: record.ID{3}, Class: 1, Position: math.MaxUint64, Divisions: []record.Division{}, State: record.State{}.Append(nil)},
				{ID: record.ID{4}, Class: 1, Position: 2, Divisions: []record.Division{there}, State: form(3, record.Field(3))},
			},
			Departures: []session.Departure{{ID: record.ID{5}, Position: 6}},
			Loans:      []session.Loan{{Part: []byte{1}, Certificate: []byte{2}}, {Part: []byte{3}, Certificate: []byte{4}}},
		},
		"last of a hub that lends nothing now": {Last: &session.Summary{Lends: true}},
		"last of a hub that lends":             {Last: &session.Summary{Lends: true, Lent: []session.LoanName{{7}, {8}}}},
		"last": {Epoch: epoch, Last: &session.Summary{
			Checkpoint: []byte("signed"), Extends: 3, Proof: []tlog.Hash{{1}, {2}}, Position: 8,
			Sums:  []session.Sum{{Division: here, Class: 1, Count: 2, Total: [32]byte{31: 1}}},
			Marks: [][]byte{{1}, {2}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := sessionwire.PageFromWire(carried(t, sessionwire.PageToWire(p), &syncv1.PullResponse{}))
			same(t, p, got, err)
		})
	}
}

func TestWhatDoesNotFitIsMalformed(t *testing.T) {
	hello := func(run *syncv1.OfferRun) error {
		_, err := sessionwire.HelloRequestFromWire(&syncv1.HelloRequest{Offers: []*syncv1.OfferRun{run}})
		return err
	}
	page := func(m *syncv1.PullResponse) error {
		_, err := sessionwire.PageFromWire(m)
		return err
	}
	push := func(r *syncv1.SegmentResult) error {
		_, err := sessionwire.PushReplyFromWire(&syncv1.PushResponse{Results: []*syncv1.SegmentResult{r}})
		return err
	}
	base := func(change func(*syncv1.Bases)) error {
		m := &syncv1.Bases{
			Records: make([]byte, 16), PositionDeltas: []int64{1}, Classes: []uint32{1}, Divisions: []string{"532301000001"},
			DivisionCounts: []uint32{1}, DivisionRefs: []uint32{0}, States: [][]byte{form(1)},
		}
		change(m)
		return page(&syncv1.PullResponse{Bases: m})
	}
	ok := make([]byte, 32)
	for name, err := range map[string]error{
		"replica id cut":             hello(&syncv1.OfferRun{Replica: []byte{1}}),
		"half a hash":                hello(&syncv1.OfferRun{Replica: one[:], SegmentHashes: make([]byte, 33)}),
		"a counter too few":          hello(&syncv1.OfferRun{Replica: one[:], SegmentHashes: ok, Counts: []uint64{1}}),
		"no revisions":               hello(&syncv1.OfferRun{Replica: one[:], SegmentHashes: ok, FirstCounters: []uint64{1}, Counts: []uint64{0}}),
		"counters overflow":          hello(&syncv1.OfferRun{Replica: one[:], SegmentHashes: ok, FirstCounters: []uint64{2}, Counts: []uint64{math.MaxUint64}}),
		"epoch's name cut":           page(&syncv1.PullResponse{Epoch: &syncv1.Epoch{Name: []byte{1}}}),
		"record id cut":              base(func(m *syncv1.Bases) { m.Records = m.Records[1:] }),
		"a class too many":           base(func(m *syncv1.Bases) { m.Classes = append(m.Classes, 1) }),
		"class above 255":            base(func(m *syncv1.Bases) { m.Classes[0] = 256 }),
		"a division beyond":          base(func(m *syncv1.Bases) { m.DivisionRefs[0] = 1 }),
		"a division of nobody":       base(func(m *syncv1.Bases) { m.DivisionCounts[0] = 0 }),
		"more divisions than named":  base(func(m *syncv1.Bases) { m.DivisionCounts[0] = math.MaxUint32 }),
		"division with letters":      base(func(m *syncv1.Bases) { m.Divisions[0] = "53230100000x" }),
		"departure without a record": page(&syncv1.PullResponse{Departures: []*syncv1.Departure{{}}}),
		"sum cut":                    page(&syncv1.PullResponse{Summary: &syncv1.Summary{Sums: []*syncv1.PileSum{{Division: "532301000001"}}}}),
		"proof cut":                  page(&syncv1.PullResponse{Summary: &syncv1.Summary{Proof: []byte{1}}}),
		"checkpoint size negative":   page(&syncv1.PullResponse{Summary: &syncv1.Summary{ExtendsSize: math.MaxUint64}}),
		"names of loans cut":         page(&syncv1.PullResponse{Summary: &syncv1.Summary{Loans: &syncv1.Loans{Names: ok[:17]}}}),
		"no outcome":                 push(&syncv1.SegmentResult{}),
		"outcome of the future":      push(&syncv1.SegmentResult{Outcome: 99}),
		"verdict bomb": push(&syncv1.SegmentResult{Outcome: 1, Verdicts: []*syncv1.VerdictRun{
			{Verdict: 1, Count: 1000}, {Verdict: 2, Count: math.MaxUint32},
		}}),
		"verdict unknown": push(&syncv1.SegmentResult{Outcome: 1, Verdicts: []*syncv1.VerdictRun{{Verdict: 99, Count: 1}}}),
	} {
		if !errors.Is(err, sessionwire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The enums of the protocol and the engine's numbers are the same.
func TestNumbersAreThoseOfTheProtocol(t *testing.T) {
	for v := range syncv1.Verdict_name {
		if v != 0 && !ledger.Verdict(v).Valid() {
			t.Errorf("verdict %d is none", v)
		}
	}
	if ledger.Verdict(len(syncv1.Verdict_name)).Valid() {
		t.Error("a verdict is missing in the protocol")
	}
	if got := len(syncv1.Outcome_name) - 1; got != int(session.OutcomeRefused) {
		t.Errorf("%d outcomes in the protocol", got)
	}
}
