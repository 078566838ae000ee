// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

func drawDot(t *rapid.T) causal.Dot {
	return causal.Dot{
		Replica: causal.ReplicaID{rapid.Byte().Draw(t, "replica")},
		Counter: rapid.Uint64Range(1, 9).Draw(t, "counter"),
		Hash:    causal.Hash8{rapid.Byte().Draw(t, "hash")},
	}
}

func drawForm(t *rapid.T) form {
	f := form{shown: replica.Shown{Record: record.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))}}
	if rapid.Bool().Draw(t, "scoped") {
		f.shown.Scope = record.ScopeSeen{Dot: drawDot(t), Division: "130403001001"}
	}
	paths := map[record.Path]bool{}
	for range rapid.IntRange(0, 5).Draw(t, "registers") {
		p := rapid.SampledFrom([]record.Path{
			record.PathLife, record.PathScope, record.Field(10), record.Field(15), record.Field(36).Key("k7f3q2xw"), record.Field(50, 1),
		}).Draw(t, "path")
		if paths[p] {
			continue
		}
		paths[p] = true
		g := record.Register{Path: p}
		for range rapid.IntRange(1, 3).Draw(t, "siblings") {
			s := record.Sibling{Dot: drawDot(t), Held: rapid.Bool().Draw(t, "held")}
			switch rapid.IntRange(0, 2).Draw(t, "value") {
			case 0:
				s.Value.Form = record.Erased
			case 1:
				s.Value = record.Of(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes"))
			}
			g.Siblings = append(g.Siblings, s)
		}
		f.registers = append(f.registers, g)
	}
	slices.SortFunc(f.registers, func(a, b record.Register) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return f
}

func TestATokenComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawForm(t)
		got, err := parseForm(f.token())
		if err != nil {
			t.Fatal(err)
		}
		if got.token() != f.token() || got.shown.Record != f.shown.Record || got.shown.Scope != f.shown.Scope {
			t.Fatalf("%+v came back as %+v", f, got)
		}
		if !slices.Equal(got.shown.Life, f.parents(record.PathLife)) {
			t.Fatalf("life shown %v", got.shown.Life)
		}
		for i, g := range f.registers {
			for k, s := range g.Siblings {
				o := got.registers[i].Siblings[k]
				if o.Dot != s.Dot || o.Held != s.Held || !o.Value.Equal(s.Value) {
					t.Fatalf("%+v came back as %+v", s, o)
				}
			}
		}
	})
}

func TestADamagedTokenIsNoForm(t *testing.T) {
	f := form{registers: []record.Register{{Path: record.PathLife, Siblings: []record.Sibling{{Value: record.Active()}}}}}
	token := f.token()
	for i := range len(token) {
		if _, err := parseForm(token[:i]); !errors.Is(err, errForm) {
			t.Fatalf("cut to %d characters: %v", i, err)
		}
		other := []byte(token)
		if other[i] = 'A'; token[i] == 'A' {
			other[i] = 'B'
		}
		if _, err := parseForm(string(other)); !errors.Is(err, errForm) {
			t.Fatalf("character %d changed: %v", i, err)
		}
	}
}

// FuzzForm reads tokens whose check was made good again, as a program might that
// makes its own.
func FuzzForm(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{formVersion}, 60))
	one := form{registers: []record.Register{{Path: record.PathLife, Siblings: []record.Sibling{{Value: record.Active(), Held: true}}}}}
	f.Add(one.bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := parseForm(encodeForm(raw))
		if err != nil {
			if !errors.Is(err, errForm) {
				t.Fatal(err)
			}
			return
		}
		again, err := parseForm(got.token())
		if err != nil || again.token() != got.token() {
			t.Fatalf("%+v does not come back: %v", got, err)
		}
	})
}
