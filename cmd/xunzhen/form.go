// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// formReader writes forms for people, with the labels, units and codes that the
// schema has for each field.
type formReader struct{ lang words.Language }

// formLine is one line of a form: a value, or the heading of a section.
type formLine struct {
	depth int
	label string
	text  string
}

// read returns the lines of a form that is given as JSON.
func (r formReader) read(kind, json string) ([]formLine, error) {
	number, ok := care.KindNamed(kind)
	if !ok {
		return nil, fmt.Errorf("kind %s: %w", kind, care.ErrUnknownKind)
	}
	m, err := care.ParseJSON(number, []byte(json))
	if err != nil {
		return nil, err
	}
	return r.lines(m.ProtoReflect(), 0), nil
}

func (r formReader) lines(m protoreflect.Message, depth int) []formLine {
	var out []formLine
	for _, f := range filled(m) {
		v := m.Get(f)
		switch {
		case f.IsMap():
			out = append(out, formLine{depth, r.label(f), ""})
			v.Map().Range(func(k protoreflect.MapKey, entry protoreflect.Value) bool {
				out = append(out, formLine{depth + 1, "[" + k.String() + "]", r.value(f.MapValue(), entry)})
				return true
			})
		case f.Message() != nil && !f.IsList() && optionsOf(f).GetMerge() == schemav1.MergePolicy_MERGE_POLICY_FIELDS:
			out = append(out, formLine{depth, r.label(f), ""})
			out = append(out, r.lines(v.Message(), depth+1)...)
		default:
			out = append(out, formLine{depth, r.label(f), r.list(f, v)})
		}
	}
	return out
}

// filled returns the fields of m that have a value, in the order of their numbers.
func filled(m protoreflect.Message) []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	m.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		all = append(all, f)
		return true
	})
	slices.SortFunc(all, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return all
}

func (r formReader) list(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if !f.IsList() {
		return r.value(f, v)
	}
	var texts []string
	for i := range v.List().Len() {
		texts = append(texts, r.value(f, v.List().Get(i)))
	}
	return strings.Join(texts, r.comma())
}

// value writes one value of a field.
func (r formReader) value(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	o := optionsOf(f)
	switch f.Kind() {
	case protoreflect.MessageKind:
		return r.inner(v.Message())
	case protoreflect.EnumKind:
		return r.code(f.Enum(), v.Enum())
	case protoreflect.BytesKind:
		return fmt.Sprintf("%x", v.Bytes())
	case protoreflect.BoolKind, protoreflect.StringKind:
		return v.String()
	}
	if o.GetFormat() == schemav1.Format_FORMAT_CIVIL_DATE {
		return care.Date(v.Int()).String()
	}
	return strings.TrimSpace(decimal(v.Int(), int(o.GetDecimals())) + " " + o.GetUnit())
}

func (r formReader) inner(m protoreflect.Message) string {
	var texts []string
	for _, f := range filled(m) {
		if f.IsMap() {
			continue // no message inside a register has one
		}
		texts = append(texts, r.label(f)+" "+r.list(f, m.Get(f)))
	}
	return strings.Join(texts, r.comma())
}

func (r formReader) label(f protoreflect.FieldDescriptor) string {
	return r.either(optionsOf(f).GetZh(), optionsOf(f).GetEn(), string(f.Name()))
}

func (r formReader) code(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	v := e.Values().ByNumber(n)
	if v == nil {
		return fmt.Sprint(n)
	}
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return r.either(o.GetZh(), o.GetEn(), string(v.Name()))
}

func (r formReader) either(zh, en, none string) string {
	text := en
	if r.lang == words.Chinese {
		text = zh
	}
	if text == "" {
		return none
	}
	return text
}

func (r formReader) comma() string {
	if r.lang == words.Chinese {
		return "，"
	}
	return ", "
}

func optionsOf(f protoreflect.FieldDescriptor) *schemav1.FieldOptions {
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return o
}

// decimal writes n with so many of its digits behind the point.
func decimal(n int64, decimals int) string {
	if decimals == 0 {
		return fmt.Sprint(n)
	}
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%0*d", decimals+1, n)
	at := len(text) - decimals
	return sign + text[:at] + "." + text[at:]
}
