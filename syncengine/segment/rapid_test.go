// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// drawSaves makes saves of one replica such as nobody's form would: any paths,
// parents, clocks, values, authors, and few enough to fit.
func drawSaves(t *rapid.T, first uint64) []Sealable {
	replica := causal.ReplicaOf(key("tablet").Public())
	out := make([]Sealable, rapid.IntRange(1, 12).Draw(t, "saves"))
	for i := range out {
		counter := first + uint64(i)
		r := record.Revision{
			Dot:     causal.Dot{Replica: replica, Counter: counter},
			Record:  record.DerivedID(record.Kind(rapid.IntRange(1, 30).Draw(t, "kind")), rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "record")),
			ClockMs: rapid.Int64().Draw(t, "clock"),
			Author:  rapid.SampledFrom([]string{"a", "医生", "doctor with a rather long staff id"}).Draw(t, "author"),
			Changes: drawChanges(t),
		}
		if counter > 1 && rapid.Bool().Draw(t, "edit") {
			r.Prev = record.Prev{Counter: rapid.Uint64Range(1, counter-1).Draw(t, "prev"), Hash: causal.Hash8{byte(i)}}
		}
		if rapid.Bool().Draw(t, "scope seen") {
			r.ScopeSeen = record.ScopeSeen{Dot: drawDot(t), Division: rapid.SampledFrom([]record.Division{"512301001001", "512301001002"}).Draw(t, "division")}
		}
		salt := [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt"))
		var err error
		if out[i].Revision, _, err = r.Seal(salt[:]); err != nil {
			t.Fatal(err)
		}
		out[i].Salt = salt
	}
	return out
}

func drawDot(t *rapid.T) causal.Dot {
	return causal.Dot{
		Replica: causal.ReplicaID{rapid.Byte().Draw(t, "replica")},
		Counter: rapid.Uint64Min(1).Draw(t, "counter"),
		Hash:    causal.Hash8{rapid.Byte().Draw(t, "hash")},
	}
}

func drawChanges(t *rapid.T) []record.Change {
	path := rapid.Custom(func(t *rapid.T) record.Path {
		p := record.Field(rapid.Uint32Range(1, 40).Draw(t, "field"))
		if rapid.Bool().Draw(t, "keyed") {
			p = p.Key(rapid.StringN(0, 5, 10).Draw(t, "key"))
		}
		return p
	})
	value := rapid.OneOf(rapid.Just(record.Value{}), rapid.Custom(func(t *rapid.T) record.Value {
		return record.Of(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "value"))
	}))
	change := rapid.Custom(func(t *rapid.T) record.Change {
		return record.Change{
			Path:    path.Draw(t, "path"),
			Value:   value.Draw(t, "value"),
			Parents: rapid.SliceOfN(rapid.Custom(drawDot), 0, 4).Draw(t, "parents"),
		}
	})
	drawn := rapid.SliceOfNDistinct(change, 1, 10, func(c record.Change) record.Path { return c.Path }).Draw(t, "changes")
	whole := slices.DeleteFunc(slices.Clone(drawn), func(c record.Change) bool {
		return slices.ContainsFunc(drawn, func(o record.Change) bool { return c.Path.Extends(o.Path) })
	})
	changes, err := record.Normalise(whole)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

// Open(Seal(revs)) has exactly revs, whatever they are, erased or not.
func TestAnySavesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := rapid.OneOf(rapid.Just(uint64(1)), rapid.Uint64Range(1, math.MaxInt64-20)).Draw(t, "first")
		revs := drawSaves(t, first)
		h := header()
		h.First = first
		made, err := Seal(key("tablet"), h, revs)
		if err != nil {
			t.Fatal(err)
		}
		if n := Plan(revs); n != len(revs) {
			t.Fatalf("Plan: %d of %d", n, len(revs))
		}
		opened, err := Open(made.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		gone := rapid.SliceOfDistinct(rapid.IntRange(0, len(revs)-1), rapid.ID).Draw(t, "gone")
		erased, err := opened.Erase(gone...)
		if err != nil {
			t.Fatal(err)
		}
		var buf []record.Change
		for i, want := range revisions(t, opened) {
			sameRevision(t, want, revs[i].Revision)
			got, err := erased.RevisionIn(i, buf)
			if err != nil {
				t.Fatal(err)
			}
			buf = got.Changes
			if got.Dot != want.Dot || got.Prev != want.Prev || len(got.Changes) != len(want.Changes) {
				t.Fatalf("revision %d erased is %v", i, got)
			}
			if !slices.Contains(gone, i) {
				sameRevision(t, got, want)
			}
		}
	})
}

// decodeBody is record.DecodeBody, for all bytes.
func TestBodiesAreReadAsRecordReadsThem(t *testing.T) {
	var buf []record.Change
	rapid.Check(t, func(t *rapid.T) {
		shared := drawChanges(t)
		for i := range shared {
			shared[i].Value = record.Value{}
		}
		body := record.AppendBody(nil, drawValues(t, shared))
		if rapid.Bool().Draw(t, "spoil") && len(body) > 0 {
			at := rapid.IntRange(0, min(len(body), 2*len(shared))-1).Draw(t, "at")
			body = slices.Concat(body[:at], rapid.SliceOfN(rapid.Byte(), 0, 3).Draw(t, "instead"), body[at+1:])
		}
		want, wantErr := record.DecodeBody(shared, body)
		got, err := decodeBody(buf, shared, body)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: %v, record says %v", body, err, wantErr)
		}
		if err != nil {
			return
		}
		buf = got
		sameRevision(t, record.Revision{Changes: got}, record.Revision{Changes: want})
		if again := record.AppendBody(nil, got); !bytes.Equal(again, body) {
			t.Fatalf("%x is read, but as %x", body, again)
		}
	})
}

func drawValues(t *rapid.T, shared []record.Change) []record.Change {
	out := slices.Clone(shared)
	for i := range out {
		if rapid.Bool().Draw(t, "present") {
			out[i].Value = record.Of(rapid.SliceOfN(rapid.Byte(), 0, 150).Draw(t, "value"))
		}
	}
	return out
}
