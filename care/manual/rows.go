// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"cmp"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// A row is a field of a form, or of a message in it.
type row struct {
	field   protoreflect.FieldDescriptor
	inner   protoreflect.FieldDescriptor // what one entry of a map is; else the field
	options *schemav1.FieldOptions
	section string // the heading it stands under; fields of a message stand under that of the form's field
	path    string // by names: "medications[key].dose_unit"

	// What merges as one begins at this row under this path by numbers: "34[key]". Empty
	// for the parts of a register, and for a message whose fields merge one by one.
	register string
	byField  bool
	depth    int  // how many messages are around it, without the form
	wanted   bool // by the field around it
}

// rowsOf returns the fields of a form in the order of the form, each with the fields
// of its message behind it. A message in itself is not followed.
func rowsOf(form protoreflect.MessageDescriptor) []row {
	w := walk{}
	w.message(form, row{byField: true}, nil)
	return w.rows
}

type walk struct {
	rows []row
}

func (w *walk) message(m protoreflect.MessageDescriptor, around row, above []protoreflect.FullName) {
	if slices.Contains(above, m.FullName()) {
		return
	}
	section := around.section
	for _, f := range inOrder(m) {
		r := around.part(f)
		if r.depth == 0 {
			section = cmp.Or(r.options.GetSection(), section)
		}
		r.section = section
		w.rows = append(w.rows, r)
		if sub := r.inner.Message(); sub != nil {
			w.message(sub, r, append(above, m.FullName()))
		}
	}
}

// inOrder returns the fields of a message as a form shows them.
func inOrder(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	out := make([]protoreflect.FieldDescriptor, m.Fields().Len())
	for i := range out {
		out[i] = m.Fields().Get(i)
	}
	place := func(f protoreflect.FieldDescriptor) uint32 {
		return cmp.Or(optionsOf(f).GetOrder(), uint32(f.Number()))
	}
	slices.SortFunc(out, func(a, b protoreflect.FieldDescriptor) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.Number(), b.Number()))
	})
	return out
}

func optionsOf(f protoreflect.FieldDescriptor) *schemav1.FieldOptions {
	options, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return options
}

// part returns the row of a field of the message in r. An empty r is the form.
func (r row) part(f protoreflect.FieldDescriptor) row {
	out := row{field: f, inner: f, options: optionsOf(f), path: string(f.Name())}
	if r.field != nil {
		out.path = r.path + "." + out.path
		out.depth = r.depth + 1
		out.wanted = slices.Contains(r.options.GetRequiredParts(), string(f.Name()))
	}
	key := ""
	switch {
	case f.IsMap():
		out.inner, key = f.MapValue(), "[key]"
	case f.IsList() && f.Message() != nil:
		out.path += "[]"
	}
	out.path += key
	out.byField = r.byField && out.options.GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS
	if r.byField {
		out.register = r.number() + fmt.Sprint(registerNumber(f)) + key
	}
	return out
}

// number returns what stands before the numbers of the fields in r.
func (r row) number() string {
	if r.register == "" {
		return ""
	}
	return r.register + "."
}

// registerNumber returns the number of the register that f is, or is in: the members
// of a oneof are one, under the lowest of their numbers.
func registerNumber(f protoreflect.FieldDescriptor) protoreflect.FieldNumber {
	out := f.Number()
	for _, other := range alternatives(f) {
		out = min(out, other.Number())
	}
	return out
}

// alternatives returns the members of the oneof that f is in, f among them; nil where
// it is in none.
func alternatives(f protoreflect.FieldDescriptor) []protoreflect.FieldDescriptor {
	one := f.ContainingOneof()
	if one == nil || one.IsSynthetic() {
		return nil
	}
	out := make([]protoreflect.FieldDescriptor, one.Fields().Len())
	for i := range out {
		out[i] = one.Fields().Get(i)
	}
	return out
}

// label returns what people call a field, its name where it has no label.
func labelOf(f protoreflect.FieldDescriptor, l language) string {
	o := optionsOf(f)
	return cmp.Or(l.say(o.GetZh(), o.GetEn()), string(f.Name()))
}
