// SPDX-License-Identifier: Apache-2.0

package sessionwire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// maxPageStates is how many bytes the states of a page may have, as the comment of
// message Bases says.
const maxPageStates = 5 << 20

var statePaths = []record.Path{
	record.PathSubject, record.PathScope, record.PathLife, record.Field(1), record.Field(2), record.Field(31),
	record.Field(32), record.Field(7, 1), record.Field(7, 2, 40), record.Field(9).Key("metformin"),
	record.Field(9).Key(""), record.Field(9).Key(strings.Repeat("k", 200)).Field(3), record.Field(1 << 28),
}

// anyState draws any state there can be, or a record that nobody saved.
func anyState(t *rapid.T) []byte {
	var s record.State
	for _, d := range rapid.SliceOfN(rapid.Custom(anyDot), 0, 5).Draw(t, "dots") {
		s.VV = s.VV.With(d)
	}
	for _, d := range s.VV {
		if rapid.IntRange(0, 3).Draw(t, "held") == 0 {
			s.Held = s.Held.With(d)
			s.Marks = appendMarks(t, s.Marks, d)
			continue
		}
		clock := rapid.Int64().Draw(t, "clock")
		for _, p := range anyPaths(t, 0) {
			s.Live = append(s.Live, record.Entry{Dot: d, Path: p, ClockMs: clock, Value: anyValue(t)})
		}
	}
	if d := (causal.Dot{Replica: causal.ReplicaID{0xff}, Counter: 1}); rapid.Bool().Draw(t, "a parent is missing") {
		s.Marks = appendMarks(t, s.Marks, d)
	}
	return s.Append(nil)
}

func anyDot(t *rapid.T) causal.Dot {
	return causal.Dot{
		Replica: causal.ReplicaID{rapid.ByteRange(1, 4).Draw(t, "replica")},
		Counter: rapid.Uint64Min(1).Draw(t, "counter"),
		Hash:    causal.Hash8{rapid.Byte().Draw(t, "hash")},
	}
}

// anyPaths draws at least as many paths, ascending.
func anyPaths(t *rapid.T, least int) []record.Path {
	paths := rapid.SliceOfNDistinct(rapid.SampledFrom(statePaths), least, len(statePaths), rapid.ID[record.Path]).Draw(t, "paths")
	slices.Sort(paths)
	return paths
}

func anyValue(t *rapid.T) record.Value {
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return record.Value{Form: record.Clear}
	case 1:
		return record.Value{Form: record.Erased}
	}
	return record.Of(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes"))
}

func appendMarks(t *rapid.T, marks []record.Mark, d causal.Dot) []record.Mark {
	for _, p := range anyPaths(t, 0) {
		marks = append(marks, record.Mark{Dot: d, Path: p})
	}
	return marks
}

// basesOf returns bases with these states.
func basesOf(states ...[]byte) []session.Base {
	out := make([]session.Base, len(states))
	for i, s := range states {
		out[i] = session.Base{ID: record.ID{byte(i)}, Position: session.Position(i + 1), State: s}
	}
	return out
}

// arriving returns the states of a page that arrives as m.
func arriving(t testing.TB, m *syncv1.Bases) ([][]byte, error) {
	t.Helper()
	n := len(m.GetStates())
	m.Records, m.PositionDeltas = make([]byte, 16*n), make([]int64, n)
	m.Classes, m.DivisionCounts = make([]uint32, n), make([]uint32, n)
	raw, err := proto.Marshal(&syncv1.PullResponse{Bases: m})
	if err != nil {
		t.Fatal(err)
	}
	var arrived syncv1.PullResponse
	if err := proto.Unmarshal(raw, &arrived); err != nil {
		t.Fatal(err)
	}
	p, err := sessionwire.PageFromWire(&arrived)
	var states [][]byte
	for _, b := range p.Bases {
		states = append(states, b.State)
	}
	return states, err
}

// sending returns what a page with these states has of them on the wire.
func sending(states ...[]byte) *syncv1.Bases {
	m := sessionwire.PageToWire(session.Page{Bases: basesOf(states...)}).GetBases()
	return &syncv1.Bases{States: m.GetStates(), Replicas: m.GetReplicas(), Shapes: m.GetShapes()}
}

func TestAnyStatesArriveByteForByte(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		states := rapid.SliceOfN(rapid.Custom(anyState), 1, 8).Draw(r, "states")
		states = append(states, states...) // so that there is something to share
		got, err := arriving(t, sending(states...))
		if err != nil || !slices.EqualFunc(got, states, bytes.Equal) {
			r.Fatalf("%v\nsent    %x\narrived %x", err, states, got)
		}
	})
}

// form returns the state of a form that one tablet saved, with values at the paths.
func form(counter uint64, paths ...record.Path) []byte {
	d := causal.Dot{Replica: causal.ReplicaID{15: 1}, Counter: counter, Hash: causal.Hash8{byte(counter)}}
	s := record.State{VV: causal.NewVector(d)}
	for _, p := range paths {
		s.Live = append(s.Live, record.Entry{Dot: d, Path: p, ClockMs: 1_700_000_000_000, Value: record.Of([]byte{byte(counter), 7})})
	}
	return s.Append(nil)
}

func TestWhatFormsHaveInCommonTravelsOnce(t *testing.T) {
	key := record.Field(9).Key("metformin")
	states := [][]byte{}
	plain := 0
	for i := range 100 {
		paths := []record.Path{record.PathScope, record.PathLife, record.Field(3), record.Field(4), record.Field(4, 2)}
		if i%2 == 0 {
			paths = append(paths, key)
		}
		slices.Sort(paths)
		states = append(states, form(uint64(i+1), paths...))
		plain += len(states[i])
	}
	m := sending(states...)
	if len(m.GetReplicas()) != 16 || len(m.GetShapes()) != 1 || bytes.Contains(m.GetShapes()[0], []byte("metformin")) {
		t.Errorf("replicas %x, shapes %x", m.GetReplicas(), m.GetShapes())
	}
	paths := 2*2 + 1 + 1 + 2 // bytes of the five paths that all have
	if want := plain - 100*(15+paths-1); len(bytes.Join(m.GetStates(), nil)) != want {
		t.Errorf("%d bytes of states, %d packed, want %d", plain, len(bytes.Join(m.GetStates(), nil)), want)
	}
}

func TestAPageWithNothingToShareGoesAsItIs(t *testing.T) {
	state := form(1, record.Field(3), record.Field(4))
	m := sending(state)
	if !bytes.Equal(m.GetStates()[0], state) || m.GetReplicas() != nil || m.GetShapes() != nil {
		t.Errorf("%x, replicas %x, shapes %x", m.GetStates(), m.GetReplicas(), m.GetShapes())
	}
}

// Whoever sends bytes that are no state has something wrong; the others arrive.
func TestBytesThatAreNoStateAreNotPacked(t *testing.T) {
	good := form(1, record.Field(3), record.Field(4))
	for _, bad := range [][]byte{{}, {2}, {1}, {1, 1}, good[:len(good)-2], append([]byte{3}, good[1:]...)} {
		m := sending(good, bad, good, good)
		if !bytes.Equal(m.GetStates()[1], bad) || m.GetReplicas() == nil {
			t.Errorf("%x went as %x, replicas %x", bad, m.GetStates()[1], m.GetReplicas())
		}
		if _, err := arriving(t, m); !errors.Is(err, sessionwire.ErrMalformed) {
			t.Errorf("%x: %v", bad, err)
		}
	}
}

// A bomb is a table of one long shape and a state that has values at its paths once
// for each of some dots.
func bomb(dots byte) (*syncv1.Bases, []byte) {
	paths := make([]string, 2000)
	for i := range paths {
		paths[i] = string(record.Field(9).Key(strings.Repeat("k", 400)).Field(uint32(i + 1)))
	}
	slices.Sort(paths)
	state := []byte{2, dots, 0, dots}
	for i := range dots {
		state = append(state, i+1, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	state = append(state, 0)
	state = binary.AppendUvarint(state, uint64(dots)*uint64(len(paths)))
	for i := range dots {
		state = append(state, i, 0, 0, 0, 0, 0, 0, 0, 0)
		state = append(binary.AppendUvarint(state, uint64(len(paths))), 0)
		state = append(state, make([]byte, len(paths))...) // all clear
	}
	shape := []byte(strings.Join(paths, ""))
	return &syncv1.Bases{Replicas: make([]byte, 16), Shapes: [][]byte{shape}}, append(state, 0)
}

func TestAPageDoesNotUnpackToMoreThanAPageMayHave(t *testing.T) {
	m, state := bomb(1)
	m.States = slices.Repeat([][]byte{state}, maxPageStates/len(m.Shapes[0])-1)
	if _, err := arriving(t, m); err != nil {
		t.Fatal(err)
	}
	m.States = slices.Repeat([][]byte{state}, maxPageStates/len(m.Shapes[0])+1)
	if _, err := arriving(t, m); !errors.Is(err, sessionwire.ErrMalformed) {
		t.Errorf("%d states of more than %d bytes: %v", len(m.States), len(m.Shapes[0]), err)
	}
}

func TestABombIsRefusedBeforeItIsLarge(t *testing.T) {
	m, state := bomb(120)
	m.States = [][]byte{state}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := arriving(t, m)
	runtime.ReadMemStats(&after)
	took := after.TotalAlloc - before.TotalAlloc
	if !errors.Is(err, sessionwire.ErrMalformed) || took > 16*maxPageStates {
		t.Errorf("%d bytes that unpack to %d took %d bytes: %v", len(state), 120*len(m.Shapes[0]), took, err)
	}
}

func TestAPageMayHaveStatesUpToTheLimit(t *testing.T) {
	d := causal.Dot{Replica: causal.ReplicaID{1}, Counter: 1}
	state := func(n int) []byte {
		return record.State{VV: causal.NewVector(d), Live: []record.Entry{
			{Dot: d, Path: record.Field(1), Value: record.Of(make([]byte, n))},
		}}.Append(nil)
	}
	more := len(state(maxPageStates-100)) - (maxPageStates - 100)
	whole := state(maxPageStates - more)
	if _, err := arriving(t, &syncv1.Bases{States: [][]byte{whole}}); err != nil || len(whole) != maxPageStates {
		t.Errorf("%d bytes: %v", len(whole), err)
	}
	over := state(maxPageStates - more + 1)
	if _, err := arriving(t, &syncv1.Bases{States: [][]byte{over}}); !errors.Is(err, sessionwire.ErrMalformed) {
		t.Errorf("%d bytes: %v", len(over), err)
	}
}
