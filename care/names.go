// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrUnknownPath is wrapped when a text names no register of the kind.
var ErrUnknownPath = errors.New("no such register")

// FormatPath writes a path with the names of the form's fields, for example
// "general.body_size" or "medications[k7f3q2xw]". A path that the kind does not
// have is written with numbers, as record.Path does.
func FormatPath(kind record.Kind, p record.Path) string {
	f, err := formOf(kind)
	if err != nil || isHeader(p) {
		return p.String()
	}
	at, boundary := f.layout.resolve(p)
	if boundary != record.BoundaryExact {
		return p.String()
	}
	var b strings.Builder
	l := f.layout
	for _, number := range at.wraps {
		b.WriteString(string(l.at[number].field().Name()) + ".")
		l = l.at[number].parts
	}
	b.WriteString(at.slot.name())
	if at.key != nil {
		b.WriteString("[" + *at.key + "]")
	}
	return b.String()
}

// name returns the name of the field, of a oneof that of the whole.
func (s *slot) name() string {
	if len(s.fields) > 1 {
		return string(s.field().ContainingOneof().Name())
	}
	return string(s.field().Name())
}

// ParsePath reads what FormatPath writes of a register that kind has, the
// registers of every record ("subject", "scope", "life") included. Its errors
// wrap ErrUnknownKind or ErrUnknownPath.
func ParsePath(kind record.Kind, text string) (record.Path, error) {
	f, err := formOf(kind)
	if err != nil {
		return "", err
	}
	for _, p := range []record.Path{record.PathSubject, record.PathScope, record.PathLife} {
		if text == p.String() {
			return p, nil
		}
	}
	name, key, hasKey := strings.Cut(text, "[")
	if hasKey {
		if key, hasKey = strings.CutSuffix(key, "]"); !hasKey {
			return "", fmt.Errorf("%q: %w", text, ErrUnknownPath)
		}
	}
	s := f.layout.find(strings.Split(name, "."))
	if s == nil || s.keyed() != hasKey {
		return "", fmt.Errorf("%q: %w", text, ErrUnknownPath)
	}
	if hasKey {
		return s.path.Key(key), nil
	}
	return s.path, nil
}

// find returns the register that names lead to, nil if there is none.
func (l *layout) find(names []string) *slot {
	for i := range l.slots {
		s := &l.slots[i]
		switch {
		case s.name() != names[0], (s.parts == nil) != (len(names) == 1):
		case s.parts != nil:
			return s.parts.find(names[1:])
		default:
			return s
		}
	}
	return nil
}

// A Label is what people see, in both languages.
type Label struct{ ZH, EN string }

// LabelOf returns the label of the register at p, with those of its sections
// before it, and whether the kind has such a register with a label.
func LabelOf(kind record.Kind, p record.Path) (Label, bool) {
	f, err := formOf(kind)
	if err != nil || isHeader(p) {
		return Label{}, false
	}
	at, boundary := f.layout.resolve(p)
	if boundary != record.BoundaryExact {
		return Label{}, false
	}
	var out Label
	l := f.layout
	for _, number := range append(at.wraps, protowire.Number(at.slot.field().Number())) {
		out = out.with(l.at[number].field())
		l = l.at[number].parts
	}
	return out, out != Label{}
}

func (l Label) with(f protoreflect.FieldDescriptor) Label {
	o := fieldOptions(f)
	if l == (Label{}) {
		return Label{o.GetZh(), o.GetEn()}
	}
	return Label{l.ZH + "：" + o.GetZh(), l.EN + ": " + o.GetEn()}
}
