// SPDX-License-Identifier: Apache-2.0

package care

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A layout says where the registers of a message lie. The message is a form, or a
// section of one: a message whose fields merge one by one.
type layout struct {
	slots []slot // in the order of their paths' numbers
	at    map[protowire.Number]*slot
	exact map[record.Path]place // the registers that are no entries of a map, those of its sections included
}

// A slot is a field, or the members of a oneof, which are one register. The keys
// of a map are strings: a test of the forms sees to it.
type slot struct {
	path   record.Path
	fields []protoreflect.FieldDescriptor // in the order of their numbers; more than one in a oneof only
	parts  *layout                        // of a section; else nil
}

func (s *slot) field() protoreflect.FieldDescriptor { return s.fields[0] }
func (s *slot) keyed() bool                         { return s.field().IsMap() }

// newLayout reads the layout of a message that stands at prefix, "" for a form.
func newLayout(desc protoreflect.MessageDescriptor, prefix record.Path) *layout {
	l := &layout{at: map[protowire.Number]*slot{}, exact: map[record.Path]place{}}
	for _, fields := range registersOf(desc) {
		s := slot{path: prefix.Field(uint32(fields[0].Number())), fields: fields}
		if mergesByField(fields[0]) {
			s.parts = newLayout(fields[0].Message(), s.path)
		}
		l.slots = append(l.slots, s)
	}
	for i := range l.slots {
		l.index(&l.slots[i])
	}
	return l
}

func (l *layout) index(s *slot) {
	for _, f := range s.fields {
		l.at[f.Number()] = s
	}
	switch {
	case s.parts != nil:
		for path, p := range s.parts.exact {
			p.wraps = append([]protowire.Number{s.field().Number()}, p.wraps...)
			l.exact[path] = p
		}
	case !s.keyed():
		l.exact[s.path] = place{number: s.field().Number(), around: l, slot: s}
	}
}

// registersOf returns the fields of desc by number, the members of a oneof
// together at the place of the lowest.
func registersOf(desc protoreflect.MessageDescriptor) [][]protoreflect.FieldDescriptor {
	var out [][]protoreflect.FieldDescriptor
	place := map[protoreflect.Name]int{}
	for _, f := range byNumber(desc.Fields()) {
		one := f.ContainingOneof()
		if one == nil || one.IsSynthetic() {
			out = append(out, []protoreflect.FieldDescriptor{f})
			continue
		}
		i, ok := place[one.Name()]
		if !ok {
			i = len(out)
			place[one.Name()] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], f)
	}
	return out
}

func byNumber(fields protoreflect.FieldDescriptors) []protoreflect.FieldDescriptor {
	out := make([]protoreflect.FieldDescriptor, fields.Len())
	for i := range out {
		out[i] = fields.Get(i)
	}
	slices.SortFunc(out, func(a, b protoreflect.FieldDescriptor) int { return cmp.Compare(a.Number(), b.Number()) })
	return out
}

func mergesByField(f protoreflect.FieldDescriptor) bool {
	return fieldOptions(f).GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS
}

func fieldOptions(f protoreflect.FieldDescriptor) *schemav1.FieldOptions {
	options, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return options
}

// boundary says whether p is a register of the form.
func (l *layout) boundary(p record.Path) record.Boundary {
	if _, ok := l.exact[p]; ok {
		return record.BoundaryExact
	}
	_, b := l.resolve(p)
	return b
}

// A place is where a path leads.
type place struct {
	wraps  []protowire.Number // the sections, or unknown messages, around the field; outermost first
	number protowire.Number   // the field
	key    *string            // the map key, if the path ends in one
	around *layout            // of the message that holds the field; nil in a message that is not known
	slot   *slot              // nil for a field that is not known
}

// resolve follows p through the form's layout. The place is of use only where
// the boundary is not wrong and p no register of the header.
func (l *layout) resolve(p record.Path) (place, record.Boundary) {
	steps, err := p.Steps()
	if err != nil {
		return place{}, record.BoundaryWrong
	}
	if isHeader(p) {
		return place{}, record.BoundaryExact
	}
	at := place{around: l}
	for i, step := range steps {
		rest := steps[i+1:]
		at.number = protowire.Number(step.Number)
		at.slot = at.around.at[at.number]
		switch s := at.slot; {
		case step.IsKey:
			return at, record.BoundaryWrong
		case s == nil:
			return at.unknown(rest), record.BoundaryUnknown
		case s.parts == nil:
			return at.register(rest)
		}
		at.wraps = append(at.wraps, at.number)
		at.around = at.slot.parts
	}
	return at, record.BoundaryWrong // a section is no register
}

// register ends a path at a known field that is no section.
func (at place) register(rest []record.Step) (place, record.Boundary) {
	s := at.slot
	exact := at.number == s.field().Number() && len(rest) == 0
	if s.keyed() {
		if exact = len(rest) == 1 && rest[0].IsKey && utf8.ValidString(rest[0].Key); exact {
			at.key = &rest[0].Key
		}
	}
	if !exact {
		return at, record.BoundaryWrong
	}
	return at, record.BoundaryExact
}

// unknown follows the rest of a path below a field that is not known.
func (at place) unknown(rest []record.Step) place {
	for _, step := range rest {
		if step.IsKey {
			at.key = &step.Key
			continue
		}
		at.wraps = append(at.wraps, at.number)
		at.number, at.around, at.key = protowire.Number(step.Number), nil, nil
	}
	return at
}

// isHeader reports whether p is a register that every record has.
func isHeader(p record.Path) bool {
	return p == record.PathSubject || p == record.PathScope || p == record.PathLife
}
