// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
)

// wording writes values for people, in Chinese or in English.
type wording struct{ zh bool }

func (w wording) either(zh, en string) string {
	if w.zh {
		return zh
	}
	return en
}

func (w wording) comma() string { return w.either("，", ", ") }

// field writes the whole content of a field.
func (w wording) field(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	var texts []string
	switch {
	case f.IsMap():
		v.Map().Range(func(_ protoreflect.MapKey, e protoreflect.Value) bool {
			texts = append(texts, w.one(f.MapValue(), e))
			return true
		})
		slices.Sort(texts)
		return strings.Join(texts, w.either("；", "; "))
	case f.IsList():
		for i := range v.List().Len() {
			texts = append(texts, w.one(f, v.List().Get(i)))
		}
		return strings.Join(texts, w.comma())
	}
	return w.one(f, v)
}

// one writes one value of a field.
func (w wording) one(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.MessageKind:
		return w.parts(v.Message())
	case protoreflect.EnumKind:
		return w.code(f.Enum(), v.Enum())
	case protoreflect.BoolKind:
		if v.Bool() {
			return w.either("是", "yes")
		}
		return w.either("否", "no")
	case protoreflect.StringKind:
		return v.String()
	case protoreflect.BytesKind:
		return fmt.Sprintf("%x", v.Bytes())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return v.String()
	}
	return w.number(fieldOptions(f), v.Int())
}

func (w wording) number(o *schemav1.FieldOptions, n int64) string {
	switch o.GetFormat() {
	case schemav1.Format_FORMAT_CIVIL_DATE:
		return care.Date(n).String()
	case schemav1.Format_FORMAT_INSTANT_MS:
		at := time.UnixMilli(n)
		return care.DateOf(at).String()
	}
	return strings.TrimSpace(decimal(n, int(o.GetDecimals())) + " " + o.GetUnit())
}

// parts writes the filled fields of a message, each with its label.
func (w wording) parts(m protoreflect.Message) string {
	var texts []string
	for _, f := range inOrder(m.Descriptor()) {
		if m.Has(f) {
			o := fieldOptions(f)
			texts = append(texts, w.either(o.GetZh(), o.GetEn())+" "+w.field(f, m.Get(f)))
		}
	}
	return strings.Join(texts, w.comma())
}

func (w wording) code(e protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	v := e.Values().ByNumber(n)
	if v == nil {
		return fmt.Sprint(n)
	}
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	if text := w.either(o.GetZh(), o.GetEn()); text != "" {
		return text
	}
	return string(v.Name())
}

// inOrder returns the fields of a message in the order of their numbers.
func inOrder(desc protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	all := make([]protoreflect.FieldDescriptor, desc.Fields().Len())
	for i := range all {
		all[i] = desc.Fields().Get(i)
	}
	slices.SortFunc(all, func(a, b protoreflect.FieldDescriptor) int { return int(a.Number()) - int(b.Number()) })
	return all
}

// decimal writes n with so many of its digits behind the point.
func decimal(n int64, decimals int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	text := fmt.Sprintf("%0*d", decimals+1, n)
	if at := len(text) - decimals; decimals > 0 {
		text = text[:at] + "." + text[at:]
	}
	return sign + text
}
