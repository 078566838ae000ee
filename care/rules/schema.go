// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// The checks of the schema are written once for all kinds: a plan is what the
// options of a message say, read once, and a walk goes over a form by it.

// A plan is the fields of a message in the order of their numbers.
type plan struct {
	fields    []*planned
	named     map[string]*planned
	exclusive []*planned // single codes of lists with codes that stand alone
}

// A planned field.
type planned struct {
	desc       protoreflect.FieldDescriptor
	name       string
	kind       protoreflect.Kind
	isMap      bool
	isList     bool
	looked     bool // there is something to check
	options    *schemav1.FieldOptions
	parts      *plan           // of the message, or of the message in a map; nil for anything else
	codes      map[int32]bool  // of a code list; whether the code stands alone
	wants      map[string]bool // required_parts
	conditions []condition
}

type condition struct {
	field *planned
	codes []int32
	not   bool
}

func newPlan(desc protoreflect.MessageDescriptor) *plan { return plans{}.of(desc) }

// plans are those being made: a message that contains itself gets one plan.
type plans map[protoreflect.FullName]*plan

func (all plans) of(desc protoreflect.MessageDescriptor) *plan {
	if p, ok := all[desc.FullName()]; ok {
		return p
	}
	p := &plan{named: map[string]*planned{}}
	all[desc.FullName()] = p
	for i := range desc.Fields().Len() {
		f := all.field(desc.Fields().Get(i))
		p.fields = append(p.fields, f)
		p.named[f.name] = f
		if f.standsAlone() {
			p.exclusive = append(p.exclusive, f)
		}
	}
	slices.SortFunc(p.exclusive, func(a, b *planned) int { return cmp.Compare(a.desc.Number(), b.desc.Number()) })
	slices.SortFunc(p.fields, func(a, b *planned) int { return cmp.Compare(a.desc.Number(), b.desc.Number()) })
	for _, f := range p.fields {
		for _, c := range f.options.GetRequiredWhen() {
			if other := p.named[c.GetField()]; other != nil {
				f.conditions = append(f.conditions, condition{other, c.GetCodes(), c.GetNot()})
			}
		}
	}
	return p
}

func (all plans) field(desc protoreflect.FieldDescriptor) *planned {
	f := &planned{
		desc: desc, name: string(desc.Name()), kind: desc.Kind(), isMap: desc.IsMap(), isList: desc.IsList(),
		options: fieldOptions(desc), wants: map[string]bool{},
	}
	sub, enum := desc.Message(), desc.Enum()
	if desc.IsMap() {
		sub, enum = desc.MapValue().Message(), desc.MapValue().Enum()
	}
	if sub != nil {
		f.parts = all.of(sub)
	}
	if enum != nil {
		f.codes = codesOf(enum)
	}
	for _, name := range f.options.GetRequiredParts() {
		f.wants[name] = true
	}
	f.looked = f.isLooked()
	return f
}

// isLooked reports whether a check can find anything in the field.
func (f *planned) isLooked() bool {
	o := f.options
	return o != nil && (f.parts != nil || f.codes != nil || o.GetRequirement() != 0 || o.GetHard() != nil || o.GetWarn() != nil ||
		o.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE || o.GetMaxCharacters() > 0 || o.GetMaxEntries() > 0)
}

// standsAlone reports whether the field is a single code of a list in which a code stands alone.
func (f *planned) standsAlone() bool {
	if f.isList || f.isMap {
		return false
	}
	for _, exclusive := range f.codes {
		if exclusive {
			return true
		}
	}
	return false
}

// codesOf returns the codes of a list, without the one for "not answered".
func codesOf(enum protoreflect.EnumDescriptor) map[int32]bool {
	out := map[int32]bool{}
	for i := range enum.Values().Len() {
		v := enum.Values().Get(i)
		if v.Number() == 0 {
			continue
		}
		o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
		out[int32(v.Number())] = o.GetExclusive()
	}
	return out
}

// filled reports whether a field has something in it.
func (f *planned) filled(m protoreflect.Message) bool { return m.Has(f.desc) }

// holds reports whether a condition on another field of m holds.
func (c *condition) holds(m protoreflect.Message) bool {
	if len(c.codes) == 0 {
		return c.field.filled(m) != c.not
	}
	some := false
	eachCode(c.field.desc, m, func(code int32) { some = some || slices.Contains(c.codes, code) })
	return c.field.filled(m) && some != c.not
}

// eachCode visits the codes in a field of m, none for a field without a code list.
func eachCode(f protoreflect.FieldDescriptor, m protoreflect.Message, visit func(int32)) {
	switch {
	case f.Enum() == nil:
	case f.IsList():
		list := m.Get(f).List()
		for i := range list.Len() {
			visit(int32(list.Get(i).Enum()))
		}
	default:
		visit(int32(m.Get(f).Enum()))
	}
}
