// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// badCall is a call that cannot be answered, and the reason that is given for it.
type badCall struct {
	name string
	request
	want string
}

// badCalls are what the wire can carry and nobody should send.
func badCalls(p *place) []badCall {
	const push, hello, pull = "SyncService/Push", "SyncService/Hello", "SyncService/Pull"
	const enrol, login, renew = "EnrolmentService/Enrol", "EnrolmentService/Login", "EnrolmentService/Renew"
	offer := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), nil) // two bytes on the wire, an OfferRun in memory
	return []badCall{
		{"garbage", request{method: push, message: []byte("garbage")}, "invalid"},
		{"a message that is cut", request{method: hello, message: p.inShard()[:5]}, "invalid"},
		{"a field that is cut", request{method: push, message: append(p.inShard(), field(4, 100)[:50]...)}, "invalid"},
		{"groups in groups", request{method: hello, message: bytes.Repeat([]byte{15<<3 | 3}, 60_000)}, "invalid"},
		{"nothing", request{method: hello}, "wrong_shard"},
		{"another county", request{method: push, message: field(1, 16)}, "wrong_shard"},
		{"a push over its limit", request{method: push, message: p.inShard(field(4, transport.MaxRequest))}, "too_much"},
		{"segments over theirs", request{method: push, message: p.inShard(field(4, session.MaxPushBytes+1))}, "too_much"},
		{"65 segments", request{method: push, message: p.inShard(bytes.Repeat(field(4, 1), 65))}, "too_much"},
		{"65 gap statements", request{method: push, message: p.inShard(bytes.Repeat(field(3, 1), 65))}, "too_much"},
		{"65 certificates", request{method: push, message: p.inShard(bytes.Repeat(field(2, 1), 65))}, "too_much"},
		{"a hello over its limit", request{method: hello, message: p.inShard(field(4, 600<<10))}, "too_much"},
		{"a renewal over its limit", request{method: renew, message: field(9, 65<<10)}, "too_much"},
		{"a code over its limit", request{method: enrol, message: field(2, 65<<10), stranger: true}, "too_much"},
		{"a vector of 250,000", request{method: hello, message: p.inShard(bytes.Repeat(offer, 250_000))}, "too_much"},
		{"a vector of 1,000,000", request{method: hello, message: p.inShard(bytes.Repeat(offer, 1_000_000))}, "too_much"},
		{"5,000 offers in one", request{method: hello, message: p.inShard(protowire.AppendBytes(
			protowire.AppendTag(nil, 5, protowire.BytesType), offers(5000)))}, "too_much"},
		{"offers that do not add up", request{method: hello, message: p.inShard(protowire.AppendBytes(
			protowire.AppendTag(nil, 5, protowire.BytesType), field(2, 31)))}, "invalid"},
		{"a cursor that is none", request{method: pull, message: p.inShard(field(2, 100))}, "invalid"},
		{"a cursor of 60,000 bytes", request{method: pull, message: p.inShard(field(2, 60_000))}, "invalid"},
		{"a bomb of 64 MiB", request{method: push, encoding: "zstd", message: bomb(4, 64<<20)}, "too_much"},
		{"a bomb of 512 MiB", request{method: push, encoding: "zstd", message: bomb(4, 512<<20)}, "too_much"},
		{"a bomb at the door", request{method: login, encoding: "zstd", message: bomb(2, 8<<20), stranger: true}, "too_much"},
		{"bombs one after the other", request{method: push, encoding: "zstd", message: bytes.Repeat(bomb(4, 1<<20), 64)}, "too_much"},
		// gRPC answers these by itself, in words of its own.
		{"a window of 256 MiB", request{method: push, encoding: "zstd", message: greedy()}, "internal"},
		{"what only calls itself zstd", request{method: push, encoding: "zstd", message: []byte("zstd")}, "internal"},
		{"an unknown compression", request{method: push, encoding: "rot13", message: []byte("zstd")}, "unimplemented"},
		{"4 GiB announced", request{method: push, message: p.inShard(), claims: 1<<32 - 1}, "too_much"},
		{"a tablet in the office", request{method: "RecordService/List", message: p.inShard()}, "rights"},
		{"nobody", request{method: push, message: p.inShard(), stranger: true}, "token"},
		{"an unknown method", request{method: "SyncService/Delete"}, "unimplemented"},
	}
}

// offers returns the fields of an OfferRun of so many segments.
func offers(n int) []byte {
	ones := bytes.Repeat([]byte{1}, n)
	b := append(field(1, 16), field(2, 32*n)...)
	for _, number := range []protowire.Number{3, 4} {
		b = protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), ones)
	}
	return b
}

// outcome returns the reason for which a call was refused, or the code when there is
// none, or "answered".
func outcome(err error) string {
	if err == nil {
		return "answered"
	}
	if r := transport.ReasonOf(err); r != syncv1.Reason_REASON_UNSPECIFIED {
		return transport.ReasonName(r)
	}
	return strings.ToLower(status.Code(err).String())
}

func TestBadCallsAreRefusedAndChangeNothing(t *testing.T) {
	p := newPlace(t)
	d := p.devices[0]
	p.devices[1].store(p.devices[1].residents(20)...)
	before := p.look()
	browser := p.browser()
	for _, row := range badCalls(p) {
		if got := outcome(row.post(t.Context(), browser, d)); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if !p.look().same(before) {
			t.Fatalf("%s has changed something", row.name)
		}
	}
	d.store(d.residents(3)...) // as if nothing had been
	p.wantSound()
}

// badSegment is a segment that is not as it should be, and what the centre says of it:
//
//	refused REASON    it takes no dot
//	gap N             it is not stored before counter N is
//	stored VERDICT…   one for each of its saves
type badSegment struct {
	name string
	make func(d *device) []byte
	want string
}

// resign returns a maker of a segment whose header the device has changed and signed.
func resign(change func(*syncv1.SegmentHeader)) func(*device) []byte {
	return func(d *device) []byte { return d.resigned(d.seal(d.residents(2)...), change) }
}

// spoil returns a maker of a segment with one save, which was changed before it was
// sealed.
func spoil(change func(*device, *draft)) func(*device) []byte {
	return func(d *device) []byte {
		r := d.resident("王")
		change(d, &r)
		return d.seal(r).Bytes()
	}
}

// flip returns a maker of a segment in which one bit is wrong, counted from the front,
// or from the end when at is negative.
func flip(at int) func(*device) []byte {
	return func(d *device) []byte {
		b := bytes.Clone(d.seal(d.residents(2)...).Bytes())
		b[(at+len(b))%len(b)] ^= 1
		return b
	}
}

// badSegments must be pushed in this order: the later ones follow the earlier.
func badSegments(p *place) []badSegment {
	other := p.devices[1]
	const header = 3 // where it begins
	return []badSegment{
		{"nothing", func(*device) []byte { return nil }, "refused unreadable"},
		{"a suite from the future", flip(0), "refused unreadable"},
		{"a header with a wrong bit", flip(header + 4), "refused wrong_shard"},
		{"a signature with a wrong bit", func(d *device) []byte {
			s := d.seal(d.residents(2)...)
			b := bytes.Clone(s.Bytes())
			_, n := protowire.ConsumeBytes(b[1:])
			b[1+n] ^= 1
			return b
		}, "refused signature"},
		{"a body with a wrong bit", flip(-1), "refused unreadable"},
		{"half of it", func(d *device) []byte { b := d.seal(d.residents(9)...).Bytes(); return b[:len(b)/2] }, "refused unreadable"},
		{"more than all of it", func(d *device) []byte { return append(bytes.Clone(d.seal(d.residents(2)...).Bytes()), 0) }, "refused unreadable"},
		{"over its size", func(d *device) []byte {
			return append(bytes.Clone(d.seal(d.residents(2)...).Bytes()), make([]byte, segment.MaxWire)...)
		}, "refused unreadable"},
		{"bodies taken out", func(d *device) []byte {
			s, err := d.seal(d.residents(2)...).Erase(0, 1)
			return must(d.t, s, err).Bytes()
		}, "refused unreadable"},
		{"another Merkle root, signed", resign(func(h *syncv1.SegmentHeader) { h.Root[7] ^= 1 }), "refused unreadable"},
		{"1,000,000 saves, signed", resign(func(h *syncv1.SegmentHeader) { h.Count = 1_000_000 }), "refused unreadable"},
		{"1,024 saves that are two, signed", resign(func(h *syncv1.SegmentHeader) { h.Count = 1024 }), "refused unreadable"},
		{"columns of 4 GiB, signed", resign(func(h *syncv1.SegmentHeader) { h.ColumnsSize = 1<<32 - 1 }), "refused unreadable"},
		{"the greatest counter there is, signed", resign(func(h *syncv1.SegmentHeader) { h.FirstCounter = 1<<64 - 1 }), "refused unreadable"},
		{"for another county, signed", resign(func(h *syncv1.SegmentHeader) { h.Shard[0] ^= 1 }), "refused wrong_shard"},
		{"in another's name, signed", resign(func(h *syncv1.SegmentHeader) { h.Replica = idOf(other) }), "refused unreadable"},
		{"by a key that is not certified", func(d *device) []byte {
			forger := *d
			public, key, err := ed25519.GenerateKey(rand.Reader)
			forger.key, forger.cert.PublicKey = must(d.t, key, err), public
			return forger.seal(d.residents(1)...).Bytes()
		}, "refused signature"},
		{"by another's certificate", resign(func(h *syncv1.SegmentHeader) { h.CertificateHash = other.cert.Hash[:] }), "refused signature"},
		{"by a certificate that nobody knows", resign(func(h *syncv1.SegmentHeader) { h.CertificateHash[0] ^= 1 }), "refused certificate"},
		{"the first one, after another", follow(0, never), "refused chain"},
		{"after one that never came", follow(8, never), "gap 1"},
		{"after a segment of another's", follow(other.counter, other.last), "refused chain"},

		{"one save as it should be", func(d *device) []byte { return d.seal(d.resident("王")).Bytes() }, "stored admitted"},
		{"three counters left out", func(d *device) []byte { return d.sealAfter(d.counter+3, d.last, d.resident("王")).Bytes() }, "refused chain"},
		{"three counters left out, after one that never came", func(d *device) []byte {
			return d.sealAfter(d.counter+3, never, d.resident("王")).Bytes()
		}, "gap 2"},
		{"a path with 10,000 steps", spoil(func(_ *device, r *draft) { r.shape = shape(0, 1, steps(10_000)) }), "stored held_malformed"},
		{"a path with nine steps", spoil(func(_ *device, r *draft) { r.shape = shape(0, 1, steps(9)) }), "stored held_malformed"},
		{"1,000,000 parents", spoil(func(_ *device, r *draft) { r.shape = shape(1_000_000, 1, steps(1)) }), "stored held_malformed"},
		{"1,000,000 changes", spoil(func(_ *device, r *draft) { r.shape = shape(0, 1_000_000, steps(1)) }), "stored held_malformed"},
		{"no change at all", spoil(func(_ *device, r *draft) { r.shape = shape(0, 0, nil) }), "stored held_malformed"},
		{"a body that is none", spoil(func(_ *device, r *draft) { r.body = []byte{0xff} }), "stored held_malformed"},
		{"an empty body", spoil(func(_ *device, r *draft) { r.body = []byte{} }), "stored held_malformed"},
		{"over the greatest size", spoil(func(_ *device, r *draft) {
			r.rev.Changes[1].Value = record.Of(make([]byte, record.MaxRevision))
		}), "stored held_too_large"},
		{"an author of 40,000 bytes", spoil(func(_ *device, r *draft) { r.rev.Author = strings.Repeat("x", 40_000) }), "stored held_malformed"},
		{"an author whom nobody named", spoil(func(_ *device, r *draft) { r.rev.Author = "wu" }), "stored held_author"},
		{"a village of others", spoil(func(_ *device, r *draft) { r.rev.Changes[0].Value = record.Of([]byte(elsewhere)) }), "stored held_scope"},
		{"a village that is no village", spoil(func(_ *device, r *draft) { r.rev.Changes[0].Value = record.Of([]byte("nowhere")) }), "stored held_malformed"},
		{"a kind from the future", spoil(func(_ *device, r *draft) { r.kind = 900 }), "stored held_unknown_kind"},
		{"an act of the office", spoil(func(_ *device, r *draft) { r.kind = syncengine.KindFence }), "stored held_not_centre"},
		{"a clock at its end", spoil(func(_ *device, r *draft) { r.rev.ClockMs = 1<<63 - 1; r.rev.Record = someRecord(p) }), "stored held_scope"},
		{"a scope that nobody has borne", spoil(func(d *device, r *draft) {
			r.rev.Record = someRecord(p)
			r.rev.ScopeSeen = record.ScopeSeen{Dot: causal.Dot{Replica: d.cert.Replica(), Counter: 1 << 40}, Division: village}
		}), "stored held_scope_unknown"},
		{"poison among the good", func(d *device) []byte {
			l := d.residents(3)
			l[1].shape = shape(0, 1, steps(10_000))
			return d.seal(l...).Bytes()
		}, "stored admitted held_malformed admitted"},
	}
}

func idOf(d *device) []byte { id := d.cert.Replica(); return id[:] }

// never is the hash of a segment that there is not.
var never = segment.Hash{9}

// follow returns a maker of a segment that claims to follow a counter and a segment.
func follow(counter uint64, previous segment.Hash) func(*device) []byte {
	return func(d *device) []byte { return d.sealAfter(counter, previous, d.resident("王")).Bytes() }
}

// someRecord returns a record that the other device made, or one of the good saves.
func someRecord(p *place) record.ID {
	p.t.Helper()
	for id, r := range p.look().records {
		if len(r.GetRegisters()) > 0 && r.GetKind() == uint32(care.KindResident) && len(r.GetFlags()) == 0 {
			return record.ID([]byte(id))
		}
	}
	p.t.Fatal("there is no record")
	return record.ID{}
}

// steps returns a path of so many fields, as bytes.
func steps(n int) []byte {
	var b []byte
	for i := range n {
		more := uint64(1)
		if i == n-1 {
			more = 0
		}
		b = binary.AppendUvarint(b, 10<<2|more)
	}
	return b
}

// shape returns a shape that claims so many parents and changes, and has one path.
func shape(parents, changes uint64, path []byte) []byte {
	b := binary.AppendUvarint(nil, parents)
	b = binary.AppendUvarint(b, changes)
	return append(append(b, path...), 0)
}

// verdictOf returns what the centre said of a segment, as badSegment writes it.
func verdictOf(r *syncv1.SegmentResult) string {
	switch r.GetOutcome() {
	case syncv1.Outcome_OUTCOME_REFUSED:
		return "refused " + r.GetReason()
	case syncv1.Outcome_OUTCOME_GAP:
		return "gap " + strconv.FormatUint(r.GetExpects(), 10)
	}
	words := []string{strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "OUTCOME_"))}
	for _, run := range r.GetVerdicts() {
		for range run.GetCount() {
			words = append(words, strings.ToLower(strings.TrimPrefix(run.GetVerdict().String(), "VERDICT_")))
		}
	}
	return strings.Join(words, " ")
}

func TestBadSegmentsAreRefusedOrHeldAndChangeNothingElse(t *testing.T) {
	p := newPlace(t)
	d := p.devices[0]
	p.devices[1].store(p.devices[1].residents(20)...)
	for _, row := range badSegments(p) {
		before, wire := p.look(), row.make(d)
		reply, err := d.sync.Push(d.context(), &syncv1.PushRequest{Shard: p.shard[:], Segments: [][]byte{wire}})
		got := verdictOf(must(t, reply, err).GetResults()[0])
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		now := p.look()
		if !strings.HasPrefix(got, "stored") {
			if !now.same(before) {
				t.Fatalf("%s was not stored and has changed something", row.name)
			}
			continue
		}
		stored, err := segment.Open(wire)
		d.sent(must(t, stored, err))
		if !now.keeps(before) || !p.extends(before) {
			t.Fatalf("%s has changed what was stored before", row.name)
		}
		if held := strings.Count(got, "held"); now.held != before.held+held {
			t.Errorf("%s: %d are listed as held, %d were", row.name, now.held, before.held)
		}
	}
	d.store(d.residents(3)...) // no counter was taken by what was refused
	p.wantNoForks()
	p.wantSound()
}

func (p *place) wantNoForks() {
	p.t.Helper()
	reply, err := p.office.records.ListReplicas(p.office.context(), &syncv1.ListReplicasRequest{Shard: p.shard[:]})
	for _, r := range must(p.t, reply, err).GetReplicas() {
		if len(r.GetForks()) > 0 {
			p.t.Errorf("%x has forks: %v", r.GetReplica(), r.GetForks())
		}
	}
}
