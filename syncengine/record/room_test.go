// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// grow applies n saves of a wide form and returns the canonical bytes after each.
func grow(room *Room, n int) (out [][]byte) {
	var s State
	var before []causal.Dot
	for i := range n {
		r := Revision{Dot: causal.Dot{Replica: causal.ReplicaID{1}, Counter: uint64(i + 1)}}
		for f := range uint32(60) {
			r.Changes = append(r.Changes, Change{Path: Field(f + 1), Value: Of([]byte{byte(i), byte(f)}), Parents: before})
		}
		before = []causal.Dot{r.Dot}
		s = s.ApplyIn(room, r, true)
		out = append(out, s.Append(nil))
	}
	return out
}

// A state is the same wherever its live values lie, in used memory too.
func TestStatesInARoomAreTheSame(t *testing.T) {
	want := grow(nil, 300)
	var room Room
	for use := range 3 {
		for i, b := range grow(&room, 300) {
			if !bytes.Equal(b, want[i]) {
				t.Fatalf("use %d: save %d gives another state", use, i)
			}
			s, err := DecodeStateIn(&room, b)
			if err != nil || !bytes.Equal(s.Append(nil), b) {
				t.Fatalf("use %d: state %d is read as another: %v", use, i, err)
			}
		}
		room.Clear()
	}
}

// What a room lends is empty, apart from what else it lent, and holds on to nothing
// once it was taken back.
func TestRoomLendsApart(t *testing.T) {
	var room Room
	var lent [][]Entry
	for n := range roomChunk {
		e := room.take(n % 90)
		if len(e) != 0 || cap(e) != n%90 {
			t.Fatalf("asked for %d, got %d of %d", n%90, len(e), cap(e))
		}
		for range n % 90 {
			e = append(e, Entry{ClockMs: int64(n)})
		}
		lent = append(lent, e)
	}
	for n, e := range lent {
		for i := range e {
			if e[i].ClockMs != int64(n) {
				t.Fatalf("loan %d has a value of loan %d", n, e[i].ClockMs)
			}
		}
	}
	room.Clear()
	if len(room.spare) != roomKept {
		t.Fatalf("%d pieces are kept, want %d", len(room.spare), roomKept)
	}
	for _, c := range room.spare {
		for _, e := range c[:cap(c)] {
			if e.ClockMs != 0 {
				t.Fatal("a piece that was taken back still holds a value")
			}
		}
	}
}
