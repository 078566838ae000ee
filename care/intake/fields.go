// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Fields that are about a row and stand in no form.
const (
	Ignored  = "-"         // not wanted
	Division = "@division" // the village: its code, or a name that the profile knows
	Township = "@township" // its name, in front of that of the village
	Key      = "@key"      // what the source calls the row
	Number   = "@number"   // of the document of whom the row is about
	Name     = "@name"     // of whom the row is about
	Birth    = "@birth"    // of whom the row is about
	Item     = "@item"     // which statistic
	statOf   = "@statistic"
)

var roles = map[string]bool{Ignored: true, Division: true, Township: true, Key: true, Number: true, Name: true, Birth: true, Item: true}

// ErrField is wrapped when a path names no field that a column can fill.
var ErrField = errors.New("no such field")

// maxIndex is the greatest number of an entry of a map: medications.3.name.
const maxIndex = 32

// step is one field on the way to a value, with the number of the entry where it is a map; -1
// for one entry a value.
type step struct {
	field protoreflect.FieldDescriptor
	index int
}

// Field is what a column stands for: a value of a form, or a role.
type Field struct {
	Path string
	role bool

	steps   []step
	leaf    protoreflect.FieldDescriptor
	options *schemav1.FieldOptions
	codes   *codeList
	// statistic and year are those of a column of figures.
	statistic int32
	year      int32
}

// Personal reports whether what stands there names somebody.
func (f Field) Personal() bool {
	switch f.Path {
	case Number, Name, Birth:
		return true
	}
	return f.options.GetPersonal() || f.options.GetFormat() == schemav1.Format_FORMAT_ID_NUMBER || f.options.GetFormat() == schemav1.Format_FORMAT_PHONE
}

// Label returns what forms call the field; of a role its name.
func (f Field) Label() care.Label {
	if f.options == nil {
		return care.Label{ZH: f.Path, EN: f.Path}
	}
	return care.Label{ZH: f.options.GetZh(), EN: f.options.GetEn()}
}

// parseField resolves a path within the form of a kind.
func parseField(kind record.Kind, path string) (Field, error) {
	if roles[path] {
		return Field{Path: path, role: true}, nil
	}
	form, err := care.New(kind)
	if err != nil {
		return Field{}, err
	}
	f, desc := Field{Path: path}, form.ProtoReflect().Descriptor()
	names := strings.Split(path, ".")
	for i := 0; i < len(names); i++ {
		if desc == nil {
			return f, fmt.Errorf("%s: %w", path, ErrField)
		}
		field := desc.Fields().ByName(protoreflect.Name(names[i]))
		if field == nil || reserved[field.Name()] && len(f.steps) == 0 {
			return f, fmt.Errorf("%s: %w", path, ErrField)
		}
		s := step{field, -1}
		desc = field.Message()
		if field.IsMap() {
			desc = field.MapValue().Message()
			if i+1 < len(names) {
				if n, err := strconv.Atoi(names[i+1]); err == nil && n >= 1 && n <= maxIndex {
					s.index = n
					i++
				}
			}
		}
		f.steps = append(f.steps, s)
	}
	if desc != nil {
		return f, fmt.Errorf("%s: %w", path, ErrField)
	}
	f.leaf = f.steps[len(f.steps)-1].field
	return f, f.finish()
}

// reserved are fields that an import fills in by itself, or that are no business of a file.
var reserved = map[protoreflect.Name]bool{"status": true, "capture": true, "confirmed_values": true, "reviews": true, "photos": true}

func (f *Field) finish() error {
	f.options, _ = proto.GetExtension(f.leaf.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	switch f.leaf.Kind() {
	case protoreflect.EnumKind:
		f.codes = codesOf(f.leaf.Enum())
	case protoreflect.BytesKind:
		return fmt.Errorf("%s: %w", f.Path, ErrField)
	}
	if f.options.GetFormat() == schemav1.Format_FORMAT_INSTANT_MS {
		return fmt.Errorf("%s: %w", f.Path, ErrField)
	}
	return nil
}

// labels returns the heads that the form itself gives its fields, by what same makes of them:
// the label, and that of the message around it in front.
func labels(kind record.Kind) (map[string]string, error) {
	form, err := care.New(kind)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	walkLabels(form.ProtoReflect().Descriptor(), "", "", 0, out)
	return out, nil
}

const deepest = 3

func walkLabels(desc protoreflect.MessageDescriptor, path, above string, depth int, out map[string]string) {
	for i := range desc.Fields().Len() {
		field := desc.Fields().Get(i)
		if depth == 0 && reserved[field.Name()] || field.IsMap() || field.Kind() == protoreflect.BytesKind {
			continue
		}
		o, _ := proto.GetExtension(field.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
		at := path + string(field.Name())
		if field.Message() != nil {
			if !field.IsList() && depth < deepest {
				walkLabels(field.Message(), at+".", o.GetZh(), depth+1, out)
			}
			continue
		}
		for _, head := range []string{o.GetZh(), o.GetEn(), above + o.GetZh(), string(field.Name()), at} {
			head = same(head)
			if was, ok := out[head]; ok && was != at && strings.Count(was, ".") <= depth {
				if strings.Count(was, ".") == depth && depth > 0 {
					out[head] = "" // two are called so: neither is meant for certain
				}
				continue
			}
			out[head] = at
		}
	}
}

// codeList is the codes of a field.
type codeList struct {
	enum protoreflect.EnumDescriptor
	by   map[string]protoreflect.EnumNumber // by label in either language, by name
	bare map[string]protoreflect.EnumNumber // by the code that the national form prints
	yes  bool                               // yes or no, in one way or the other
}

func codesOf(e protoreflect.EnumDescriptor) *codeList {
	l := &codeList{enum: e, by: map[string]protoreflect.EnumNumber{}, bare: map[string]protoreflect.EnumNumber{}}
	words := map[string]bool{}
	for i := range e.Values().Len() {
		v := e.Values().Get(i)
		if v.Number() == 0 {
			continue
		}
		o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
		for _, word := range []string{o.GetZh(), o.GetEn(), string(v.Name())} {
			l.by[same(word)] = v.Number()
		}
		words[o.GetZh()] = true
		code := o.GetCode()
		if code == "" {
			code = strconv.Itoa(int(v.Number()))
		}
		l.bare[strings.TrimLeft(code, "0")] = v.Number()
	}
	l.yes = len(words) <= 3 && (words["无"] && words["有"] || words["否"] && words["是"])
	for word, n := range otherWords[e.Name()] {
		l.by[same(word)] = n
	}
	return l
}
