// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// residentName is the number of a resident's name in its form.
const residentName = 10

// B20: a save over the size limit is refused on the tablet before it takes a dot. One
// that another program signed all the same is held by the centre, listed, and blocks
// nothing.
func TestB20RevisionOverTheSizeLimit(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	first := a.add("resident", "", "", `{"name": "王建国"}`)
	_, err := a.Add("resident", "", "", fmt.Sprintf(`{"name": %q}`, strings.Repeat("王", record.MaxRevision/3)), "")
	wantReason(t, err, "too_large")
	next := a.add("resident", "", "", `{"name": "李四"}`)
	if d, n := dotOf(t, first.Dot), dotOf(t, next.Dot); n.Counter != d.Counter+1 {
		t.Fatalf("the refused save took a dot: %s, then %s", d, n)
	}
	a.run()
	a.wantState(next.ID, "centre", "")

	s := w.sealRaw(record.MaxRevision+1, 10)
	reply, err := w.county.Engine.Push(t.Context(), session.PushRequest{Segments: [][]byte{s.Bytes()}})
	if got := must(t, reply, err).Results[0].Verdicts; !slices.Equal(got, []ledger.Verdict{ledger.HeldTooLarge, ledger.Admitted}) {
		t.Fatalf("verdicts %v", got)
	}
	held, _, err := w.county.Engine.Held(t.Context(), syncengine.HeldPlace{}, 100)
	if must(t, held, err); len(held) != 1 || held[0].Record != s.RecordID(0) || held[0].Verdict != ledger.HeldTooLarge {
		t.Fatalf("listed as held: %v", held)
	}
	a.run()
	a.wantState(s.RecordID(1).String(), "received", "")
	w.wantSound()
}

func dotOf(t *testing.T, text string) causal.Dot {
	t.Helper()
	d, err := causal.ParseDot(text)
	return must(t, d, err)
}

// sealRaw signs new residents whose names have so many bytes, as a program without
// manners would.
func (w *world) sealRaw(sizes ...int) *segment.Segment {
	w.t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	must(w.t, key, err)
	cert, err := w.county.Engine.Certify(w.t.Context(), syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{"chen"}, Divisions: divisions(village), Classes: []record.Class{record.ClassGeneral},
	}, key.Public().(ed25519.PublicKey))
	must(w.t, cert, err)
	var raws []segment.Raw
	for i, size := range sizes {
		r := record.Revision{Dot: causal.Dot{Replica: cert.Replica(), Counter: uint64(i) + 1}, Author: "chen", ClockMs: w.clock.NowMs()}
		salt := [16]byte{byte(i)}
		r.Record, err = record.MakeID(care.KindResident, w.clock.read(), cert.Replica(), salt)
		must(w.t, r, err)
		name := protowire.AppendString(protowire.AppendTag(nil, residentName, protowire.BytesType), strings.Repeat("x", size))
		r.Changes, err = record.Normalise([]record.Change{
			{Path: record.PathScope, Value: record.Of([]byte(village))}, {Path: record.Field(residentName), Value: record.Of(name)},
		})
		must(w.t, r, err)
		raws = append(raws, segment.Sealable{Revision: r, Salt: salt}.Raw())
	}
	s, err := segment.SealRaw(segment.KeySigner(key), segment.Header{Shard: cert.Shard, Certificate: cert.Hash, First: 1}, raws)
	return must(w.t, s, err)
}
