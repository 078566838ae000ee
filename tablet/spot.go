// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// A spot is the place of a form that a path leads to, as findings and proposals write
// it: "blood_pressure.systolic_mmhg", "medications[k7f3q2xw].name".
type spot struct {
	holder protoreflect.Message // the message around the field; read-only where it is not filled
	field  protoreflect.FieldDescriptor
	entry  string // what stood in brackets behind the field, "" nothing
	zh, en string // the labels on the way
}

// spotAt follows a path. It reports false where the path leaves the form; the labels
// that it came by are there all the same.
func spotAt(m protoreflect.Message, path string) (s spot, ok bool) {
	var zh, en []string
	defer func() { s.zh, s.en = strings.Join(zh, "·"), strings.Join(en, ", ") }()
	for step := range strings.SplitSeq(path, ".") {
		if s.field != nil {
			if m, ok = s.inner(); !ok {
				return s, false
			}
		}
		name, entry, _ := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
		if f == nil {
			return s, false
		}
		s.holder, s.field, s.entry = m, f, entry
		zh, en = append(zh, fieldOptions(f).GetZh()), append(en, fieldOptions(f).GetEn())
	}
	return s, true
}

// inner returns the message in the field.
func (s spot) inner() (protoreflect.Message, bool) {
	v, ok := s.value()
	if !ok || s.message() == nil {
		return nil, false
	}
	return v.Message(), true
}

func (s spot) message() protoreflect.MessageDescriptor {
	if s.field.IsMap() {
		return s.field.MapValue().Message()
	}
	return s.field.Message()
}

// value returns what stands there; false for an entry that is not there, and for a list
// or map without the name of an entry.
func (s spot) value() (protoreflect.Value, bool) {
	v := s.holder.Get(s.field)
	switch {
	case s.field.IsMap():
		v = v.Map().Get(protoreflect.ValueOfString(s.entry).MapKey())
		return v, v.IsValid()
	case s.field.IsList():
		i, err := strconv.Atoi(s.entry)
		if err != nil || i < 0 || i >= v.List().Len() {
			return v, false
		}
		return v.List().Get(i), true
	}
	return v, s.entry == ""
}

// number returns the whole number that stands there.
func (s spot) number() (int64, bool) {
	k := s.field.Kind()
	v, ok := s.value()
	if !ok || k != protoreflect.Int32Kind && k != protoreflect.Int64Kind && k != protoreflect.Sint32Kind && k != protoreflect.Sint64Kind {
		return 0, false
	}
	return v.Int(), true
}

func fieldOptions(f protoreflect.FieldDescriptor) *schemav1.FieldOptions {
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return o
}
