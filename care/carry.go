// SPDX-License-Identifier: Apache-2.0

package care

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A form that went through JSON, or through a program of its own, has lost what
// this build does not know. The unknown parts that the shown value of a register
// had go over into the edited one, so that an untouched register stays untouched
// and a changed one loses nothing.

// only returns a message with the fields of s as m has them, and nothing else. It
// shares them with m.
func only(s *slot, m protoreflect.Message) protoreflect.Message {
	out := m.New()
	for _, f := range s.fields {
		if m.Has(f) {
			out.Set(f, m.Get(f))
		}
	}
	return out
}

// carried returns a copy of the fields of s in after, with the unknown parts that
// they have in before.
func carried(s *slot, before, after protoreflect.Message) protoreflect.Message {
	out := proto.Clone(only(s, after).Interface()).ProtoReflect()
	for _, f := range s.fields {
		carryField(f, before, out)
	}
	return out
}

func carryField(f protoreflect.FieldDescriptor, from, to protoreflect.Message) {
	switch {
	case !from.Has(f) || !to.Has(f):
	case f.IsMap():
		carryMap(f, from.Get(f).Map(), to.Get(f).Map())
	case f.Message() == nil:
	case f.IsList():
		carryList(from.Get(f).List(), to.Get(f).List())
	default:
		carry(from.Get(f).Message(), to.Get(f).Message())
	}
}

// carry fills the unknown fields of to, which is not read-only, from those of
// from. A message that was emptied stays empty, unless it had nothing but unknown
// fields: then nobody could see that there was something to empty.
func carry(from, to protoreflect.Message) {
	if len(to.GetUnknown()) == 0 && (hasKnown(to) || !hasKnown(from)) {
		to.SetUnknown(from.GetUnknown())
	}
	to.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		carryField(f, from, to)
		return true
	})
}

func carryMap(f protoreflect.FieldDescriptor, from, to protoreflect.Map) {
	if f.MapValue().Message() == nil {
		return
	}
	to.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if old := from.Get(k); old.IsValid() {
			carry(old.Message(), v.Message())
		}
		return true
	})
}

// carryList pairs elements whose known parts are equal, and those that are left
// by their places if both lists are of one length.
func carryList(from, to protoreflect.List) {
	places := map[string][]int{}
	for j := range from.Len() {
		known := knownBytes(from.Get(j).Message())
		places[known] = append(places[known], j)
	}
	var left []int
	for i := range to.Len() {
		known := knownBytes(to.Get(i).Message())
		if len(places[known]) == 0 {
			left = append(left, i)
			continue
		}
		carry(from.Get(places[known][0]).Message(), to.Get(i).Message())
		places[known] = places[known][1:]
	}
	if from.Len() != to.Len() {
		return
	}
	free := slices.Concat(slices.Collect(maps.Values(places))...)
	slices.Sort(free)
	for _, i := range left {
		if _, ok := slices.BinarySearch(free, i); ok {
			carry(from.Get(i).Message(), to.Get(i).Message())
		}
	}
}

// knownBytes returns what this build knows of m as bytes that are equal for equal
// meaning, "" if it cannot be written.
func knownBytes(m protoreflect.Message) string {
	b, _ := proto.MarshalOptions{Deterministic: true}.Marshal(knownPart(m))
	return string(b)
}

// knownPart returns a copy of m without the fields this build does not know.
func knownPart(m protoreflect.Message) proto.Message {
	out := proto.Clone(m.Interface())
	discardUnknown(out.ProtoReflect())
	return out
}

func discardUnknown(m protoreflect.Message) {
	m.SetUnknown(nil)
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap():
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				if f.MapValue().Message() != nil {
					discardUnknown(v.Message())
				}
				return true
			})
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				discardUnknown(v.List().Get(i).Message())
			}
		default:
			discardUnknown(v.Message())
		}
		return true
	})
}

// hasKnown reports whether m has anything in it that this build knows.
func hasKnown(m protoreflect.Message) bool {
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		single := f.Message() != nil && !f.IsList() && !f.IsMap()
		found = !single || hasKnown(v.Message())
		return !found
	})
	return found
}
