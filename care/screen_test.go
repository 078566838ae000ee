// SPDX-License-Identifier: Apache-2.0

package care

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A tester is what tests and properties have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
}

// A screen is what a form was opened on, and what saves do to it.
type screen []record.Register

// dot names the n-th save of a test.
func dot(n uint64) causal.Dot { return causal.Dot{Replica: causal.ReplicaID{7}, Counter: n} }

// save applies changes as a revision with dot n, whose author saw this screen.
func (s screen) save(n uint64, changes []record.Change) screen {
	out := slices.Clone(s)
	for _, c := range changes {
		i := slices.IndexFunc(out, func(g record.Register) bool { return g.Path == c.Path })
		if i < 0 {
			out = append(out, record.Register{Path: c.Path})
			i = len(out) - 1
		}
		left := slices.DeleteFunc(slices.Clone(out[i].Siblings), func(b record.Sibling) bool { return slices.Contains(c.Parents, b.Dot) })
		out[i].Siblings = append([]record.Sibling{{Dot: dot(n), ClockMs: int64(n), Value: c.Value}}, left...)
	}
	slices.SortFunc(out, func(a, b record.Register) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// beside adds a concurrent value that is not displayed.
func (s screen) beside(n uint64, p record.Path, v record.Value, held bool) screen {
	out := slices.Clone(s)
	for i := range out {
		if out[i].Path == p {
			out[i].Siblings = append(slices.Clone(out[i].Siblings), record.Sibling{Dot: dot(n), Value: v, Held: held})
		}
	}
	return out
}

// with adds a register with one value.
func (s screen) with(n uint64, p record.Path, b []byte) screen {
	return s.save(n, []record.Change{{Path: p, Value: record.Of(b)}})
}

func diff(t tester, kind record.Kind, s screen, edited proto.Message) []record.Change {
	t.Helper()
	changes, err := Diff(kind, s, edited)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func message[M proto.Message](t tester, kind record.Kind, s screen) M {
	t.Helper()
	m, err := Message(kind, s)
	if err != nil {
		t.Fatal(err)
	}
	return m.(M)
}

func path(t tester, kind record.Kind, name string) record.Path {
	t.Helper()
	p, err := ParsePath(kind, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// unknownField is a field that no message of this package has.
func unknownField(text string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 9999, protowire.BytesType), text)
}
