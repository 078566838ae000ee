// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/sha256"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

func TestNormalise(t *testing.T) {
	in := []Change{
		{Path: weight, Parents: []causal.Dot{dot(2, 1), dot(1, 1), dot(2, 1)}},
		{Path: phone},
	}
	out, err := Normalise(in)
	if err != nil || len(out) != 2 || out[0].Path != phone || !slices.Equal(out[1].Parents, []causal.Dot{dot(1, 1), dot(2, 1)}) {
		t.Errorf("%v, %v", out, err)
	}
	if in[0].Path != weight || len(in[0].Parents) != 3 {
		t.Error("the argument changed")
	}
}

func TestNormaliseRefuses(t *testing.T) {
	at := func(paths ...Path) []Change {
		var out []Change
		for _, p := range paths {
			out = append(out, Change{Path: p})
		}
		return out
	}
	var many []Change
	for n := range uint32(maxChanges + 1) {
		many = append(many, Change{Path: Field(n + 1)})
	}
	heavy := Change{Path: Field(1).Key(strings.Repeat("k", 500))}
	for n := range uint64(400) {
		heavy.Parents = append(heavy.Parents, dot(1, n+1))
	}
	for _, c := range []struct {
		name    string
		changes []Change
		want    error
	}{
		{"no change", nil, ErrMalformed},
		{"a path twice", at(phone, weight, phone), ErrMalformed},
		{"no path", at(""), ErrMalformed},
		{"an invalid path", at("\x05"), ErrMalformed},
		{"a path within another", at(Field(3, 7), Field(3)), ErrMalformed},
		{"an entry within its map", at(Field(3).Key("a"), Field(3)), ErrMalformed},
		{"deep within", at(Field(3).Key("a").Field(1), Field(3).Key("a"), Field(4)), ErrMalformed},
		{"within a header register", at(PathSubject, Field(0, 1, 5)), ErrMalformed},
		{"within, with paths between", at(Field(32), Field(32, 1), "\x80\x02", "\x80\x03"), ErrMalformed},
		{"too many changes", many, ErrTooLarge},
		{"paths too long for their parents", []Change{heavy}, ErrTooLarge},
	} {
		if out, err := Normalise(c.changes); !errors.Is(err, c.want) || out != nil {
			t.Errorf("%s: %d changes, %v", c.name, len(out), err)
		}
	}
	side := at(PathSubject, PathScope, PathLife, Field(3, 7), Field(3, 8), Field(3).Key("7"), Field(30), Field(32), Field(33, 1))
	if _, err := Normalise(side); err != nil {
		t.Errorf("side by side: %v", err)
	}
}

// 4,096 nested paths are checked in the time it takes to sort them.
func TestOverlapCheckIsNotSquare(t *testing.T) {
	var changes []Change
	for n := range uint32(maxChanges) {
		changes = append(changes, Change{Path: Field(n/64+1, n%64+1, 1, 1, 1, 1, 1, 1)})
	}
	began := time.Now()
	if _, err := Normalise(changes); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %s", took)
	}
}

func TestCheck(t *testing.T) {
	id := DerivedID(16, []byte("resident"))
	good := func() Revision {
		return save(dot(1, 5), dot(1, 3), 1, set(phone, "p"),
			Change{Path: PathSubject, Value: Of(id[:])}, set(PathScope, "370683101001"), Change{Path: PathLife, Value: Active()})
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	header := func(p Path, v Value) func(*Revision) {
		return func(r *Revision) { r.Changes = []Change{{Path: p, Value: v}} }
	}
	seen := ScopeSeen{Dot: dot(9, 1), Division: "370683101001"}
	for _, c := range []struct {
		name   string
		ok     bool
		change func(*Revision)
	}{
		{"the first save", true, func(r *Revision) { r.Prev = Prev{} }},
		{"the greatest counter", true, func(r *Revision) { r.Dot.Counter = math.MaxUint64 }},
		{"a scope seen", true, func(r *Revision) { r.ScopeSeen = seen }},
		{"an unknown header register", true, header(Field(0, 9), Of([]byte("x")))},
		{"erased header registers", true, header(PathScope, Value{Form: Erased})},
		{"a cleared subject", true, header(PathSubject, Value{})},
		{"a void", true, header(PathLife, Voided("twice"))},

		{"no record", false, func(r *Revision) { r.Record = ID{} }},
		{"an id without kind", false, func(r *Revision) { r.Record[6], r.Record[7] = 0x70, 0 }},
		{"counter 0", false, func(r *Revision) { r.Dot.Counter, r.Prev = 0, Prev{} }},
		{"prev is itself", false, func(r *Revision) { r.Prev.Counter = r.Dot.Counter }},
		{"prev is later", false, func(r *Revision) { r.Prev.Counter = r.Dot.Counter + 1 }},
		{"a hash of no prev", false, func(r *Revision) { r.Prev.Counter = 0 }},
		{"no author", false, func(r *Revision) { r.Author = "" }},
		{"an author too long", false, func(r *Revision) { r.Author = strings.Repeat("x", 129) }},
		{"an author not in UTF-8", false, func(r *Revision) { r.Author = "\xff" }},
		{"a scope seen without division", false, func(r *Revision) { r.ScopeSeen = ScopeSeen{Dot: dot(9, 1)} }},
		{"a scope seen without dot", false, func(r *Revision) { r.ScopeSeen = ScopeSeen{Division: seen.Division} }},
		{"a prefix seen as scope", false, func(r *Revision) { r.ScopeSeen = ScopeSeen{dot(9, 1), "370683"} }},
		{"a short subject", false, header(PathSubject, Of([]byte("short")))},
		{"a subject that is no id", false, header(PathSubject, Of(make([]byte, 16)))},
		{"a scope of letters", false, header(PathScope, Of([]byte("37068310100x")))},
		{"a cleared scope", false, header(PathScope, Value{})},
		{"a life unheard of", false, header(PathLife, Of([]byte{9}))},
	} {
		r := good()
		c.change(&r)
		if err := r.Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSealNamesTheBytes(t *testing.T) {
	r := save(dot(1, 5), dot(1, 3), 7, set(phone, "p", dot(2, 1)), set(weight, "w"))
	salt := []byte("sixteen bytes ok")
	sealed, hash, err := r.Seal(salt)
	if err != nil || sealed.Dot.Hash != causal.Short(hash) {
		t.Fatalf("%s, %x, %v", sealed.Dot, hash, err)
	}
	body := sha256.Sum256(slices.Concat(salt, AppendBody(nil, r.Changes)))
	if want := sha256.Sum256(slices.Concat([]byte{0}, r.AppendSkeleton(nil), body[:])); hash != want {
		t.Errorf("hash %x, want %x", hash, want)
	}
	other := r
	other.Changes = slices.Clone(r.Changes)
	other.Changes[0].Value = Of([]byte("q"))
	if o, _, _ := other.Seal(salt); o.Dot == sealed.Dot {
		t.Error("another value, the same name")
	}
	if o, _, _ := r.Seal([]byte("another 16 bytes")); o.Dot == sealed.Dot {
		t.Error("another salt, the same name")
	}
	if o, _, _ := sealed.Seal(salt); o.Dot != sealed.Dot {
		t.Error("the hash is no part of what is hashed")
	}
}

func TestSealRefusesTheTooLarge(t *testing.T) {
	r := save(dot(1, 1), causal.Dot{}, 7, set(phone, ""))
	overhead := len(r.AppendSkeleton(nil)) + len(AppendBody(nil, r.Changes)) + 2 // two more bytes in the token
	r.Changes[0].Value = Of(make([]byte, MaxRevision-overhead))
	if _, _, err := r.Seal(nil); err != nil {
		t.Errorf("just fits: %v", err)
	}
	r.Changes[0].Value = Of(make([]byte, MaxRevision-overhead+1))
	if _, _, err := r.Seal(nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}
