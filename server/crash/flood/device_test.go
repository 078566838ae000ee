// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// residentName is the number of a resident's name in its form.
const residentName = 10

// device has a key and a certificate, and no manners.
type device struct {
	*peer
	t    judge
	key  ed25519.PrivateKey
	cert segment.Certificate

	counter uint64       // of the last save that the centre took
	last    segment.Hash // of the segment with it
}

// draft is a save that somebody may spoil before it is sealed.
type draft struct {
	kind record.Kind
	rev  record.Revision
	salt [16]byte
	// When given, they stand in the place of the bytes that rev would have.
	shape, body []byte
}

// resident returns a new resident in the device's village.
func (d *device) resident(name string) draft {
	r := draft{kind: care.KindResident, rev: record.Revision{
		Author: "chen", ClockMs: time.Now().UnixMilli(), Changes: []record.Change{
			{Path: record.PathScope, Value: record.Of([]byte(village))},
			{Path: record.Field(residentName), Value: record.Of(protowire.AppendString(protowire.AppendTag(nil, residentName, protowire.BytesType), name))},
		},
	}}
	rand.Read(r.salt[:])
	return r
}

// residents returns so many of them.
func (d *device) residents(n int) []draft {
	out := make([]draft, n)
	for i := range out {
		out[i] = d.resident("居民" + strconv.Itoa(i))
	}
	return out
}

func (r draft) raw(t judge, dot causal.Dot) segment.Raw {
	t.Helper()
	var err error
	r.rev.Dot = dot
	if r.rev.Record.IsZero() {
		r.rev.Record, err = record.MakeID(r.kind, time.UnixMilli(r.rev.ClockMs), dot.Replica, r.salt)
		do(t, err)
	}
	r.rev.Changes, err = record.Normalise(r.rev.Changes)
	do(t, err)
	raw := segment.Sealable{Revision: r.rev, Salt: r.salt}.Raw()
	if r.shape != nil {
		raw.Shape = r.shape
	}
	if r.body != nil {
		raw.Body = r.body
	}
	return raw
}

// seal seals saves that follow what the centre has; sent says when it has these, too.
func (d *device) seal(drafts ...draft) *segment.Segment {
	d.t.Helper()
	return d.sealAfter(d.counter, d.last, drafts...)
}

// sealAfter seals saves as if they followed a counter and a segment.
func (d *device) sealAfter(counter uint64, previous segment.Hash, drafts ...draft) *segment.Segment {
	d.t.Helper()
	var raws []segment.Raw
	for i, r := range drafts {
		raws = append(raws, r.raw(d.t, causal.Dot{Replica: d.cert.Replica(), Counter: counter + 1 + uint64(i)}))
	}
	s, err := segment.SealRaw(segment.KeySigner(d.key), segment.Header{
		Shard: d.cert.Shard, Certificate: d.cert.Hash, First: counter + 1, Previous: previous,
	}, raws)
	return must(d.t, s, err)
}

func (d *device) sent(s *segment.Segment) { d.counter, d.last = s.Last(), s.Hash() }

// store pushes new saves and wants them stored.
func (d *device) store(drafts ...draft) {
	d.t.Helper()
	s := d.seal(drafts...)
	reply, err := d.sync.Push(d.context(), &syncv1.PushRequest{Shard: d.p.shard[:], Segments: [][]byte{s.Bytes()}})
	if must(d.t, reply, err).GetResults()[0].GetOutcome() != syncv1.Outcome_OUTCOME_STORED {
		d.t.Fatalf("not stored: %v", reply)
	}
	d.sent(s)
}

// resigned returns a segment with another header, which the device has signed.
func (d *device) resigned(s *segment.Segment, change func(*syncv1.SegmentHeader)) []byte {
	d.t.Helper()
	wire := s.Bytes()
	header, n := protowire.ConsumeBytes(wire[1:])
	columns := wire[1+n+ed25519.SignatureSize:]
	var m syncv1.SegmentHeader
	do(d.t, proto.Unmarshal(header, &m))
	change(&m)
	header, err := proto.MarshalOptions{Deterministic: true}.Marshal(&m)
	must(d.t, header, err)
	suite := wire[:1]
	signature := ed25519.Sign(d.key, segment.DomainSegment.Message(suite, header))
	return bytes.Join([][]byte{protowire.AppendBytes(bytes.Clone(suite), header), signature, columns}, nil)
}
