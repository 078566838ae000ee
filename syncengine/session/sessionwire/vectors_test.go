// SPDX-License-Identifier: Apache-2.0

package sessionwire_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

var update = flag.Bool("update", false, "write the conformance vectors and the fuzz corpus of packed states anew")

const vectorDir = "../../../proto/vectors/page"

// hexed is bytes as lower-case hexadecimal digits.
type hexed []byte

func (h hexed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexed) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// pageVector is a row of the vectors; proto/vectors/README.md says what it means.
type pageVector struct {
	Name     string  `json:"name"`
	Replicas hexed   `json:"replicas"`
	Shapes   []hexed `json:"shapes"`
	Packed   []hexed `json:"packed"`
	States   []hexed `json:"states,omitempty"`
}

func vectorOf(name string, m *syncv1.Bases, states ...[]byte) pageVector {
	v := pageVector{Name: name, Replicas: m.GetReplicas(), Shapes: []hexed{}, Packed: []hexed{}}
	for _, b := range m.GetShapes() {
		v.Shapes = append(v.Shapes, b)
	}
	for _, b := range m.GetStates() {
		v.Packed = append(v.Packed, b)
	}
	for _, b := range states {
		v.States = append(v.States, b)
	}
	return v
}

func (v pageVector) message() *syncv1.Bases {
	m := &syncv1.Bases{Replicas: v.Replicas}
	for _, b := range v.Shapes {
		m.Shapes = append(m.Shapes, b)
	}
	for _, b := range v.Packed {
		m.States = append(m.States, b)
	}
	return m
}

// pages are the states of each vector.
func pages() map[string][][]byte {
	fields := []record.Path{record.PathScope, record.PathLife, record.Field(3), record.Field(4, 2)}
	drug := func(key string) []record.Path {
		return append(slices.Clone(fields), record.Field(4).Key(key), record.Field(300))
	}
	sorted := func(paths []record.Path) []record.Path {
		slices.Sort(paths)
		return paths
	}
	return map[string][][]byte{
		"1 three forms of one kind":                {form(1, fields...), form(2, fields...), form(300, fields...)},
		"2 other values stand between a shape's":   {form(1, sorted(drug("a"))...), form(2, sorted(drug("bcd"))...), form(3, sorted(drug(""))...)},
		"3 two kinds of form and a record unsaved": {form(1, fields...), form(2, fields[:2]...), record.State{}.Append(nil), form(4, fields...), form(5, fields[:2]...)},
		"4 siblings, a held save, marks, no value": {tangled(), tangled(), form(9, fields...)},
		"5 one form, which goes as it is":          {form(1, fields...)},
		"6 nothing but values under keys":          {form(1, record.Field(9).Key("x")), form(2, record.Field(9).Key("y")), form(3, record.Field(9).Key("z"))},
	}
}

// tangled is a state with everything that there can be.
func tangled() []byte {
	a := causal.Dot{Replica: causal.ReplicaID{15: 1}, Counter: 1, Hash: causal.Hash8{1}}
	b := causal.Dot{Replica: causal.ReplicaID{15: 1}, Counter: 200, Hash: causal.Hash8{2}}
	c := causal.Dot{Replica: causal.ReplicaID{15: 2}, Counter: 1, Hash: causal.Hash8{3}}
	lost := causal.Dot{Replica: causal.ReplicaID{15: 3}, Counter: 4, Hash: causal.Hash8{4}}
	clear, erased := record.Value{Form: record.Clear}, record.Value{Form: record.Erased}
	return record.State{
		VV: causal.NewVector(a, b, c), Held: causal.NewVector(b),
		Live: []record.Entry{
			{Dot: a, Path: record.Field(3), ClockMs: -1, Value: record.Of([]byte("here"))},
			{Dot: a, Path: record.Field(4), ClockMs: -1, Value: clear},
			{Dot: c, Path: record.Field(3), ClockMs: 1 << 40, Value: record.Of(bytes.Repeat([]byte("there"), 30))},
			{Dot: c, Path: record.Field(5), ClockMs: 1 << 40, Value: erased},
			{Dot: c, Path: record.Field(6), ClockMs: 1 << 40, Value: record.Of(nil)},
		},
		Marks: []record.Mark{{Dot: b, Path: record.Field(4)}, {Dot: lost, Path: record.Field(3)}, {Dot: lost, Path: record.Field(4).Key("k")}},
	}.Append(nil)
}

func pageVectors() []pageVector {
	var out []pageVector
	all := pages()
	for _, name := range names(all) {
		out = append(out, vectorOf(name[2:], sending(all[name]...), all[name]...))
	}
	return out
}

// refusedVectors are pages of which one thing is wrong. The first state of the page
// they are made from is
//
//	02 | 01 00 01 01 hash | 00 | 04 00 clock 04 00 (token bytes)… | 00
func refusedVectors() []pageVector {
	sound := func() pageVector { return pageVectors()[0] }
	var out []pageVector
	add := func(name string, change func(*pageVector)) {
		v := sound()
		v.Name, v.States = name, nil
		change(&v)
		out = append(out, v)
	}
	set := func(at int, b byte) func(*pageVector) { return func(v *pageVector) { v.Packed[0][at] = b } }
	add("a state of a third form", set(0, 3))
	add("a state without bytes", func(v *pageVector) { v.Packed[0] = hexed{} })
	add("canonical bytes cut short", func(v *pageVector) { v.Packed[0] = hexed{1, 0, 0, 0} })
	add("more dots than follow", set(1, 2))
	add("a replica beyond the table", set(2, 1))
	add("a replica without dots", set(3, 0))
	add("a dot with counter 0", set(4, 0))
	add("held dots that are not there", set(13, 1))
	add("more values than follow", set(14, 5))
	add("a value of a dot that is not there", set(15, 1))
	add("no values in a group", set(24, 0))
	add("fewer values than the shape has paths", set(24, 3))
	add("a shape beyond the table", set(25, 1))
	add("a value cut short", set(26, 0x7f))
	add("marks cut short", func(v *pageVector) { v.Packed[0] = v.Packed[0][:len(v.Packed[0])-1] })
	add("bytes after the marks", func(v *pageVector) { v.Packed[0] = append(v.Packed[0], 0) })
	add("a number longer than it must be", func(v *pageVector) { v.Packed[0] = slices.Insert(v.Packed[0], 1, 0x81, 0)[:len(v.Packed[0])+1] })
	add("the table of replicas cut short", func(v *pageVector) { v.Replicas = v.Replicas[:15] })
	add("a shape cut short", func(v *pageVector) { v.Shapes[0] = v.Shapes[0][:1] })
	add("paths of a shape not ascending", func(v *pageVector) { v.Shapes[0][3] = 0x04 })
	add("a path of a shape that is none", func(v *pageVector) { v.Shapes[0][4] = 0x02 })
	add("a path that the shape has, too", func(v *pageVector) {
		v.Packed[0][14], v.Packed[0][24] = 5, 5
		v.Packed[0] = slices.Insert(v.Packed[0], len(v.Packed[0])-1, 0x0c, 0)
	})
	return out
}

func names[V any](m map[string]V) (out []string) {
	for name := range m {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// vectorFile holds a file of vectors to what the code gives today, or writes it, and
// returns what stands in it.
func vectorFile(t *testing.T, name string, vectors []pageVector) (out []pageVector) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(vectors); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(vectorDir, name)
	if *update {
		if err := errors.Join(os.MkdirAll(vectorDir, 0o755), os.WriteFile(path, b.Bytes(), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the code gives: a format that others have must not change (%v)", name, err)
	}
	if err := json.Unmarshal(got, &out); err != nil || len(out) != len(vectors) {
		t.Fatalf("%s: %d vectors, %v", name, len(out), err)
	}
	return out
}

func TestPagesAreAsTheVectorsSay(t *testing.T) {
	for _, v := range vectorFile(t, "pages.json", pageVectors()) {
		got, err := arriving(t, v.message())
		if err != nil || !slices.EqualFunc(got, v.States, func(a []byte, b hexed) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%s: %v\nwant %x\ngot  %x", v.Name, err, v.States, got)
		}
	}
}

func TestPagesThatTheVectorsRefuseAreRefused(t *testing.T) {
	for _, v := range vectorFile(t, "refused.json", refusedVectors()) {
		if got, err := arriving(t, v.message()); !errors.Is(err, sessionwire.ErrMalformed) {
			t.Errorf("%s: %v, states %x", v.Name, err, got)
		}
	}
}

// What unpacks is canonical, within the limit, and arrives again when it is sent on;
// everything else is refused.
func FuzzStatesFromWire(f *testing.F) {
	f.Fuzz(func(t *testing.T, replicas, shape, more, state, next []byte) {
		states, err := arriving(t, &syncv1.Bases{Replicas: replicas, Shapes: [][]byte{shape, more}, States: [][]byte{state, next, state}})
		if err != nil {
			return
		}
		for _, s := range states {
			if _, err := record.DecodeState(s); err != nil {
				t.Fatalf("%x: %v", s, err)
			}
		}
		again, err := arriving(t, sending(states...))
		if err != nil || !slices.EqualFunc(again, states, bytes.Equal) {
			t.Fatalf("%v\nsent    %x\narrived %x", err, states, again)
		}
	})
}

// Seeds are files, so that other tools can use them too.
func TestSeedsOfPackedStatesAreCommitted(t *testing.T) {
	dir := filepath.Join("testdata", "fuzz", "FuzzStatesFromWire")
	for i, v := range append(pageVectors(), refusedVectors()...) {
		m := v.message()
		m.Shapes, m.States = append(m.Shapes, nil, nil), append(m.States, nil)
		text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n[]byte(%q)\n[]byte(%q)\n[]byte(%q)\n[]byte(%q)\n",
			m.Replicas, m.Shapes[0], m.Shapes[1], m.States[0], m.States[1])
		path := filepath.Join(dir, fmt.Sprintf("seed-%02d", i))
		if *update {
			if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("%s is not the page %q: %v; run with -update", path, v.Name, err)
		}
	}
}
