// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// A message is a text in two languages with the values that it names.
type message struct {
	values []messageValue
	zh, en []piece
}

type messageValue struct {
	row   *carev1.MessageValue
	expr  expression
	codes protoreflect.EnumDescriptor // of VALUE_FORMAT_CODE
}

// A piece is a text, and behind it a value unless value is -1.
type piece struct {
	text  string
	value int
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// message compiles the words of a row. Words may name values as {id} and
// thresholds as {t.id}; what they name must be there.
func (c *compiler) message(k *kindPack, row wordedRow, values []*carev1.MessageValue) message {
	var m message
	var names []string
	for _, v := range values {
		one := messageValue{row: v, codes: codeList(v.GetCodeList())}
		switch {
		case !partName.MatchString(v.GetId()), slices.Contains(names, v.GetId()):
			c.fault(row, row.GetId(), "value %q: not a name of its own", v.GetId())
		case (v.GetFormat() == carev1.ValueFormat_VALUE_FORMAT_CODE) != (one.codes != nil):
			c.fault(row, row.GetId(), "value %q: no code list is called %q", v.GetId(), v.GetCodeList())
		case v.GetDecimals() > 6:
			c.fault(row, row.GetId(), "value %q: more than 6 decimals", v.GetId())
		}
		one.expr = c.expression(k, row, "value "+v.GetId(), v.GetExpression(), cel.IntType, cel.StringType, cel.ListType(cel.IntType))
		names = append(names, v.GetId())
		m.values = append(m.values, one)
	}
	m.zh, m.en = c.pieces(row, names, row.GetZh()), c.pieces(row, names, row.GetEn())
	for i, name := range names {
		if !mentions(m.zh, i) && !mentions(m.en, i) {
			c.fault(row, row.GetId(), "value %q: no message names it", name)
		}
	}
	return m
}

func mentions(pieces []piece, value int) bool {
	return slices.ContainsFunc(pieces, func(p piece) bool { return p.value == value })
}

// What the messages of schema checks may name, in this order.
var schemaNames = []string{"field", "value", "min", "max", "unit"}

func (c *compiler) schemaMessage(row *carev1.Rule) message {
	if len(row.GetValues()) > 0 {
		c.fault(row, row.GetId(), "a check of the schema names what it knows: %s", strings.Join(schemaNames, ", "))
	}
	return message{zh: c.pieces(row, schemaNames, row.GetZh()), en: c.pieces(row, schemaNames, row.GetEn())}
}

// pieces splits words at their placeholders. Thresholds are written in at once.
func (c *compiler) pieces(row row, names []string, words string) []piece {
	var out []piece
	rest, text := words, ""
	for _, at := range placeholder.FindAllStringSubmatchIndex(words, -1) {
		text += words[len(words)-len(rest) : at[0]]
		rest = words[at[1]:]
		name := words[at[2]:at[3]]
		if id, ok := strings.CutPrefix(name, "t."); ok {
			text += c.thresholdText(row, id)
			continue
		}
		value := slices.Index(names, name)
		if value < 0 {
			c.fault(row, row.GetId(), "the message names {%s}, and there is no such value", name)
			continue
		}
		out, text = append(out, piece{text, value}), ""
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(words, ""), "{}") {
		c.fault(row, row.GetId(), "a brace in the message that names nothing")
	}
	return append(out, piece{text + rest, -1})
}

func (c *compiler) thresholdText(row row, id string) string {
	for _, t := range c.content.GetThresholds() {
		if t.GetId() != id {
			continue
		}
		_, v := thresholdValue(t)
		return plain(v, t.GetDecimals())
	}
	c.fault(row, row.GetId(), "the message names {t.%s}, and there is no such threshold", id)
	return ""
}

// codeList returns the code list of the forms with this name, nil if there is none.
func codeList(name string) protoreflect.EnumDescriptor {
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(formsPackage + "." + protoreflect.FullName(name))
	if err != nil {
		return nil
	}
	e, _ := d.(protoreflect.EnumDescriptor)
	return e
}

// write returns the words with values, which are in the order of their names.
func write(pieces []piece, values []string) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.text)
		if p.value >= 0 {
			b.WriteString(values[p.value])
		}
	}
	return b.String()
}

// words evaluates the values and returns the message in Chinese and English.
func (m *message) words(s *scope) (zh, en string, err error) {
	inZH, inEN := make([]string, len(m.values)), make([]string, len(m.values))
	for i := range m.values {
		v, err := s.eval(m.values[i].expr)
		if err != nil {
			return "", "", err
		}
		inZH[i], inEN[i] = m.values[i].text(v)
	}
	return write(m.zh, inZH), write(m.en, inEN), nil
}

// text writes one value for people, in Chinese and English.
func (v *messageValue) text(value ref.Val) (zh, en string) {
	switch v.row.GetFormat() {
	case carev1.ValueFormat_VALUE_FORMAT_DATE:
		zh = each(value, dateText)
		return zh, zh
	case carev1.ValueFormat_VALUE_FORMAT_CODE:
		return each(value, func(n int64) string { z, _ := codeLabel(v.codes, n); return z }),
			each(value, func(n int64) string { _, e := codeLabel(v.codes, n); return e })
	}
	zh = plain(value, v.row.GetDecimals())
	return zh, zh
}

// plain writes a number, numbers with commas, or a text.
func plain(value ref.Val, decimals uint32) string {
	if s, ok := value.(types.String); ok {
		return string(s)
	}
	return each(value, func(n int64) string { return decimal(n, decimals) })
}

// each writes a number, or the numbers of a list with commas.
func each(value ref.Val, write func(int64) string) string {
	switch v := value.(type) {
	case types.Int:
		return write(int64(v))
	case traits.Lister:
		var out []string
		for it := v.Iterator(); it.HasNext() == types.True; {
			if n, ok := it.Next().(types.Int); ok {
				out = append(out, write(int64(n)))
			}
		}
		return strings.Join(out, ", ")
	}
	return ""
}

// dateText writes yyyymmdd as yyyy-mm-dd, or its digits if it is none.
func dateText(n int64) string {
	if d := dateOf(types.Int(n)); d.Whole() {
		return d.String()
	}
	return strconv.FormatInt(n, 10)
}

// decimal writes n divided by ten to the power of decimals.
func decimal(n int64, decimals uint32) string {
	if decimals == 0 {
		return strconv.FormatInt(n, 10)
	}
	sign := ""
	if n < 0 {
		sign = "-"
	}
	digits := strings.TrimPrefix(fmt.Sprintf("%0*d", int(decimals)+1, n), "-")
	if pad := int(decimals) + 1 - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	cut := len(digits) - int(decimals)
	return sign + digits[:cut] + "." + digits[cut:]
}

// codeLabel returns what people see for a code, the number for one that the list does not have.
func codeLabel(codes protoreflect.EnumDescriptor, n int64) (zh, en string) {
	if n == int64(int32(n)) {
		if v := codes.Values().ByNumber(protoreflect.EnumNumber(n)); v != nil {
			o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
			if o.GetZh() != "" {
				return o.GetZh(), o.GetEn()
			}
		}
	}
	return strconv.FormatInt(n, 10), strconv.FormatInt(n, 10)
}

func fieldOptions(f protoreflect.FieldDescriptor) *schemav1.FieldOptions {
	o, _ := proto.GetExtension(f.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	return o
}
