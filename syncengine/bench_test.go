// SPDX-License-Identifier: Apache-2.0

package syncengine_test

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// BenchmarkPushNew takes new records of about 400 bytes in 24 fields, in segments
// of 100, into a store in memory: what the engine itself costs per record.
func BenchmarkPushNew(b *testing.B) {
	for _, each := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d segments a push", each), func(b *testing.B) { benchmarkPush(b, each, false) })
	}
}

// BenchmarkPushUpdate takes a second save of records that are stored.
func BenchmarkPushUpdate(b *testing.B) { benchmarkPush(b, 8, true) }

func benchmarkPush(b *testing.B, each int, update bool) {
	const perSegment = 100
	e, d := benchCounty(b)
	records := (b.N + perSegment - 1) / perSegment * perSegment
	var first, second [][]byte
	for range records / perSegment {
		s := d.segment(b, perSegment)
		first = append(first, s.Bytes())
		second = append(second, nil)
		if update {
			second[len(second)-1] = d.edit(b, s).Bytes()
			first = append(first, second[len(second)-1])
		}
	}
	push := func(segs [][]byte) {
		for len(segs) > 0 {
			n := min(each, len(segs))
			if r, err := e.Push(b.Context(), session.PushRequest{Segments: segs[:n]}); err != nil || r.Results[0].Outcome != session.OutcomeStored {
				b.Fatal(r, err)
			}
			segs = segs[n:]
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	push(first)
	if update {
		records *= 2
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
}

// benchCounty returns an engine in memory with one device.
func benchCounty(b *testing.B) (*syncengine.Engine, *benchDevice) {
	b.Helper()
	rnd := rand.NewChaCha8([32]byte{7})
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	seed := make([]byte, 32)
	rnd.Read(seed)
	e, err := syncengine.Create(b.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)),
		Clock: func() time.Time { return now }, Rand: rnd, Schema: &schema{},
	})
	if err != nil {
		b.Fatal(err)
	}
	rnd.Read(seed)
	d := &benchDevice{key: ed25519.NewKeyFromSeed(seed), rnd: rnd, now: now, shard: e.Shard()}
	d.cert, err = e.Certify(b.Context(), doctor("zhang", villageA), d.key.Public().(ed25519.PublicKey))
	if err != nil {
		b.Fatal(err)
	}
	return e, d
}

type benchDevice struct {
	key     ed25519.PrivateKey
	cert    segment.Certificate
	rnd     *rand.ChaCha8
	now     time.Time
	shard   segment.ShardID
	counter uint64
	last    segment.Hash
}

func (d *benchDevice) segment(b *testing.B, n int) *segment.Segment {
	revs := make([]segment.Sealable, n)
	for i := range revs {
		var salt [16]byte
		d.rnd.Read(salt[:])
		d.now = d.now.Add(time.Millisecond)
		id, err := record.MakeID(kindNote, d.now, d.cert.Replica(), salt)
		if err != nil {
			b.Fatal(err)
		}
		r := record.Revision{Record: id, Author: "zhang", ClockMs: d.now.UnixMilli(), Changes: []record.Change{set(record.PathScope, string(villageA))}}
		for f := range uint32(24) {
			v := make([]byte, 6+d.rnd.Uint64()%20)
			d.rnd.Read(v)
			r.Changes = append(r.Changes, set(record.Field(f+1), string(v)))
		}
		revs[i] = d.number(b, r, salt, i)
	}
	return d.seal(b, revs)
}

func (d *benchDevice) number(b *testing.B, r record.Revision, salt [16]byte, i int) segment.Sealable {
	r.Dot = causal.Dot{Replica: d.cert.Replica(), Counter: d.counter + uint64(i) + 1}
	r.Changes, _ = record.Normalise(r.Changes)
	r, _, err := r.Seal(salt[:])
	if err != nil {
		b.Fatal(err)
	}
	return segment.Sealable{Revision: r, Salt: salt}
}

func (d *benchDevice) edit(b *testing.B, s *segment.Segment) *segment.Segment {
	revs := make([]segment.Sealable, s.Len())
	for i := range revs {
		var salt [16]byte
		d.rnd.Read(salt[:])
		dot := s.Dot(i)
		revs[i] = d.number(b, record.Revision{
			Record: s.RecordID(i), Author: "zhang", ClockMs: d.now.UnixMilli(),
			Prev:      record.Prev{Counter: dot.Counter, Hash: dot.Hash},
			ScopeSeen: record.ScopeSeen{Dot: dot, Division: villageA},
			Changes: []record.Change{
				set(record.PathLife, "\x01"), set(record.Field(3), "edited", dot), set(record.Field(5), "edited", dot),
			},
		}, salt, i)
	}
	return d.seal(b, revs)
}

func (d *benchDevice) seal(b *testing.B, revs []segment.Sealable) *segment.Segment {
	s, err := segment.Seal(segment.KeySigner(d.key), segment.Header{
		Shard: d.shard, Certificate: d.cert.Hash, First: d.counter + 1, Previous: d.last,
	}, revs)
	if err != nil {
		b.Fatal(err)
	}
	d.counter, d.last = s.Last(), s.Hash()
	return s
}
