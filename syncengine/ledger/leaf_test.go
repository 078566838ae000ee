// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

func TestLeafIsReadAsItWasWritten(t *testing.T) {
	for name, l := range leaves(t) {
		t.Run(name, func(t *testing.T) {
			b := l.Encode()
			got, err := DecodeLeaf(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(l, got); diff != "" {
				t.Error(diff)
			}
			var m syncv1.Leaf
			if err := proto.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			again, err := proto.MarshalOptions{Deterministic: true}.Marshal(&m)
			if err != nil || !bytes.Equal(again, b) {
				t.Errorf("protobuf writes %x, not %x: %v", again, b, err)
			}
		})
	}
}

func TestAnyLeafComesBack(t *testing.T) {
	verdict := rapid.Custom(func(t *rapid.T) Verdict { return Verdict(rapid.IntRange(1, int(HeldBoundary)).Draw(t, "verdict")) })
	rapid.Check(t, func(t *rapid.T) {
		l := Leaf{
			Segment:    segment.Hash{rapid.ByteMin(1).Draw(t, "hash")},
			ReceivedAt: at(rapid.Int64Range(-1<<52, 1<<52).Draw(t, "ms")),
			Verdicts:   rapid.SliceOfN(verdict, 1, 40).Draw(t, "verdicts"),
			Changed: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Changed {
				return Changed{
					Record:  record.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "record")),
					Dot:     causal.Dot{Counter: rapid.Uint64Min(1).Draw(t, "counter")},
					Verdict: verdict.Draw(t, "verdict"),
				}
			}), 0, 5).Draw(t, "changed"),
		}
		l.ByRoot = len(l.Changed) > 0 && rapid.Bool().Draw(t, "by root")
		got, err := DecodeLeaf(l.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Changed) == 0 {
			l.Changed = nil
		}
		if diff := cmp.Diff(l, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestLeavesThatCannotBeAreRefused(t *testing.T) {
	run := func(v syncv1.Verdict, n uint32) *syncv1.VerdictRun { return &syncv1.VerdictRun{Verdict: v, Count: n} }
	statement := func() *syncv1.GapStatement {
		var m syncv1.GapStatement
		if err := proto.Unmarshal(gap(t), &m); err != nil {
			t.Fatal(err)
		}
		return &m
	}
	good := changed(1, Admitted)
	for name, m := range map[string]*syncv1.Leaf{
		"neither segment nor gap":   {Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"both":                      {SegmentHash: make([]byte, 32), Gap: statement(), Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"segment and gap":           {SegmentHash: bytes.Repeat([]byte{1}, 32), Gap: statement(), Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"half a hash":               {SegmentHash: make([]byte, 16), Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"half a hash beside a gap":  {SegmentHash: make([]byte, 16), Gap: statement()},
		"a hash of zeros":           {SegmentHash: make([]byte, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"a segment without verdict": {SegmentHash: bytes.Repeat([]byte{1}, 32)},
		"a gap with a verdict":      {Gap: statement(), Verdicts: []*syncv1.VerdictRun{run(1, 1)}},
		"a gap of nothing":          {Gap: &syncv1.GapStatement{}},
		"a gap of noise":            {Gap: &syncv1.GapStatement{Body: []byte("noise"), Signature: make([]byte, 64)}},
		"no verdict said":           {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(0, 1)}},
		"a verdict nobody knows":    {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(15, 1)}},
		"a verdict below zero":      {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(-1, 1)}},
		"a verdict for no save":     {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1), run(2, 0)}},
		"one run as two":            {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1), run(1, 1)}},
		"2^32 verdicts":             {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1<<32-1)}},
		"a run too many":            {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, segment.MaxCount), run(2, 1)}},
		"changed without dot":       {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1)}, Changed: []*syncv1.ChangedVerdict{{Record: good.Record[:], Verdict: 1}}},
		"changed under counter 0":   {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1)}, Changed: []*syncv1.ChangedVerdict{{Record: good.Record[:], Dot: make([]byte, 32), Verdict: 1}}},
		"changed without record":    {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1)}, Changed: []*syncv1.ChangedVerdict{{Dot: good.Dot.Append(nil), Verdict: 1}}},
		"changed without verdict":   {SegmentHash: bytes.Repeat([]byte{1}, 32), Verdicts: []*syncv1.VerdictRun{run(1, 1)}, Changed: []*syncv1.ChangedVerdict{{Record: good.Record[:], Dot: good.Dot.Append(nil)}}},
	} {
		b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeLeaf(b); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Bytes determine the leaf and the leaf its bytes, so a flipped byte is refused or
// makes another leaf, never the same one.
func TestLeafHasOneForm(t *testing.T) {
	for name, l := range leaves(t) {
		b := l.Encode()
		for i := range b {
			for bit := range 8 {
				other := slices.Clone(b)
				other[i] ^= 1 << bit
				got, err := DecodeLeaf(other)
				if err == nil && reflect.DeepEqual(got, l) {
					t.Errorf("%s: byte %d, bit %d: the same leaf in other bytes", name, i, bit)
				}
				if err != nil && !errors.Is(err, ErrUnreadable) {
					t.Errorf("%s: byte %d, bit %d: %v", name, i, bit, err)
				}
			}
		}
		for _, other := range [][]byte{append(slices.Clone(b), 0x18, 0), append(slices.Clone(b), 0x30, 1), b[:len(b)-1], nil} {
			if _, err := DecodeLeaf(other); !errors.Is(err, ErrUnreadable) {
				t.Errorf("%s: %x: %v", name, other, err)
			}
		}
	}
}

func TestVerdictsAreThoseOfTheProtocol(t *testing.T) {
	for n, name := range syncv1.Verdict_name {
		v := Verdict(n)
		if n == 0 {
			if v.Valid() || v.Admitted() || v.Held() || v.Waiting() {
				t.Error("nothing said, yet a verdict")
			}
			continue
		}
		if want := "VERDICT_" + upper(v.String()); want != name {
			t.Errorf("verdict %d is %s, in the protocol %s", n, want, name)
		}
		if got, err := ParseVerdict(v.String()); err != nil || got != v {
			t.Errorf("%s is read as %v: %v", v, got, err)
		}
		sorts := 0
		for _, is := range []bool{v.Admitted(), v.Held(), v.Waiting()} {
			if is {
				sorts++
			}
		}
		if !v.Valid() || sorts != 1 {
			t.Errorf("%s is of %d sorts", v, sorts)
		}
	}
	if len(verdictNames) != len(syncv1.Verdict_name) {
		t.Errorf("%d verdicts, the protocol has %d", len(verdictNames), len(syncv1.Verdict_name))
	}
	for _, v := range []Verdict{0, HeldBoundary + 1, 255} {
		if v.Valid() || v.Held() {
			t.Errorf("%v is valid", v)
		}
		if _, err := ParseVerdict(v.String()); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%v is read: %v", v, err)
		}
	}
	if _, err := ParseVerdict(""); !errors.Is(err, ErrUnreadable) {
		t.Errorf("no text is read: %v", err)
	}
}

func upper(s string) string { return string(bytes.ToUpper([]byte(s))) }
