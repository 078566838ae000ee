// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrWrongForm is wrapped when a message is not the form of the kind it is given for.
var ErrWrongForm = errors.New("not a form of this kind")

// Diff returns what a person changed: the registers in which edited differs in
// meaning from the form shown, sorted by path; nil when there are none. For a new
// record shown is nil. Each change names as parents the dots of all values that
// were shown in its register, the person's own held ones included. A register
// that was filled and is empty now is cleared; an empty message counts as none.
//
// Only fields that this build knows are named. What it does not know stays: a
// register of its own because it is not named, and an unknown part of a changed
// register because it goes over into the new value.
//
// Diff keeps and changes neither argument. It returns an error that wraps
// ErrUnknownKind or ErrWrongForm, or what protobuf says of text that is not UTF-8.
func Diff(kind record.Kind, shown []record.Register, edited proto.Message) ([]record.Change, error) {
	f, err := formOf(kind)
	if err != nil {
		return nil, err
	}
	after := edited.ProtoReflect()
	if got, want := after.Descriptor().FullName(), f.typ.Descriptor().FullName(); got != want {
		return nil, fmt.Errorf("%s for a %s: %w", got, want, ErrWrongForm)
	}
	if len(shown) == 0 {
		return f.create(edited)
	}
	return f.diff(shown, after)
}

func (f *form) diff(shown []record.Register, after protoreflect.Message) ([]record.Change, error) {
	before, _ := f.message(shown)
	d := differ{parents: make(map[record.Path][]causal.Dot, len(shown))}
	for _, g := range shown {
		d.parents[g.Path] = g.Parents()
	}
	d.section(f.layout, before, after)
	if d.err != nil {
		return nil, fmt.Errorf("%s: %w", f.info.Name, d.err)
	}
	slices.SortFunc(d.changes, func(a, b record.Change) int { return cmp.Compare(a.Path, b.Path) })
	return d.changes, nil
}

// A differ gathers changes; after an error it gathers no more.
type differ struct {
	parents map[record.Path][]causal.Dot
	changes []record.Change
	err     error
}

func (d *differ) section(l *layout, before, after protoreflect.Message) {
	for i := range l.slots {
		switch s := &l.slots[i]; {
		case !s.filled(before) && !s.filled(after):
		case s.parts != nil:
			d.section(s.parts, before.Get(s.field()).Message(), after.Get(s.field()).Message())
		case s.keyed():
			d.entries(s, before, after)
		default:
			d.register(s, before, after)
		}
	}
}

func (s *slot) filled(m protoreflect.Message) bool { return slices.ContainsFunc(s.fields, m.Has) }

// register compares a slot that is one register. A message that showed nothing,
// since this build knows nothing of what is in it, is not cleared by being left out.
func (d *differ) register(s *slot, before, after protoreflect.Message) {
	if field := s.field(); isSingle(field) && !after.Has(field) && !hasKnown(before.Get(field).Message()) {
		return
	}
	d.compare(s.path, only(s, before), carried(s, before, after))
}

// entries compares a map, one register an entry.
func (d *differ) entries(s *slot, before, after protoreflect.Message) {
	field := s.field()
	was, is := only(s, before).Get(field).Map(), carried(s, before, after).Get(field).Map()
	for _, key := range keys(was, is) {
		d.compare(s.path.Key(key), entryOf(before.New(), field, was, key), entryOf(after.New(), field, is, key))
	}
}

// entryOf puts the entry of from with this key into m, if there is one.
func entryOf(m protoreflect.Message, field protoreflect.FieldDescriptor, from protoreflect.Map, key string) protoreflect.Message {
	k := protoreflect.ValueOfString(key).MapKey()
	if v := from.Get(k); v.IsValid() {
		m.Mutable(field).Map().Set(k, v)
	}
	return m
}

// compare adds a change unless both messages, which hold the one register at p,
// mean the same.
func (d *differ) compare(p record.Path, before, after protoreflect.Message) {
	was, is := d.value(before), d.value(after)
	if bytes.Equal(was, is) {
		return
	}
	v := record.Value{Form: record.Clear}
	if len(is) > 0 {
		v = record.Of(is)
	}
	d.changes = append(d.changes, record.Change{Path: p, Value: v, Parents: d.parents[p]})
}

// value returns the bytes of m, equal for equal meaning. There are none when m
// holds nothing, or one message that holds nothing.
func (d *differ) value(m protoreflect.Message) []byte {
	empty := true
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		empty = isSingle(f) && proto.Size(v.Message().Interface()) == 0
		return false
	})
	if empty {
		return nil
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	d.err = cmp.Or(d.err, err)
	return b
}

// isSingle reports whether f is one message, and empty when that message is: in a
// oneof even an empty message says which member was chosen.
func isSingle(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && !f.IsList() && !f.IsMap() && f.ContainingOneof() == nil
}

// keys returns the keys of both maps, sorted.
func keys(a, b protoreflect.Map) []string {
	var out []string
	add := func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		out = append(out, k.String())
		return true
	}
	a.Range(add)
	b.Range(add)
	slices.Sort(out)
	return slices.Compact(out)
}
