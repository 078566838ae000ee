// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"sync"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The kinds this package knows. The numbers stand as options in the messages; a
// test compares.
const (
	KindResident             record.Kind = 16
	KindHomeVisit            record.Kind = 17
	KindHypertensionFollowUp record.Kind = 18
	KindDiabetesFollowUp     record.Kind = 19
	KindCheckup              record.Kind = 20
	KindResidentLink         record.Kind = 30
	KindRulePack             record.Kind = 50
)

// ErrUnknownKind is wrapped when a kind is none of this package's.
var ErrUnknownKind = errors.New("unknown kind")

// Kinds returns the kinds of this package: what the engine must know of them.
// The value never changes and may be used by many at once.
func Kinds() record.Schema { return known() }

// KindNamed returns the kind called name, for example "home_visit", and whether
// there is one.
func KindNamed(name string) (record.Kind, bool) {
	for _, f := range known() {
		if f.info.Name == name {
			return f.info.Kind, true
		}
	}
	return 0, false
}

// New returns an empty form of kind, or an error that wraps ErrUnknownKind.
func New(kind record.Kind) (proto.Message, error) {
	f, err := formOf(kind)
	if err != nil {
		return nil, err
	}
	return f.empty().Interface(), nil
}

// A form is one kind with its registers.
type form struct {
	info   record.KindInfo
	typ    protoreflect.MessageType
	layout *layout
}

type forms map[record.Kind]*form

// Lookup returns what the engine must know of kind, and whether kind is known.
func (f forms) Lookup(kind record.Kind) (record.KindInfo, bool) {
	if one, ok := f[kind]; ok {
		return one.info, true
	}
	return record.KindInfo{}, false
}

var known = sync.OnceValue(func() forms {
	all := forms{}
	for _, m := range []proto.Message{
		(*carev1.Resident)(nil),
		(*carev1.HomeVisit)(nil),
		(*carev1.HypertensionFollowUp)(nil),
		(*carev1.DiabetesFollowUp)(nil),
		(*carev1.Checkup)(nil),
		(*carev1.ResidentLink)(nil),
		(*carev1.RulePack)(nil),
	} {
		f := newForm(m.ProtoReflect().Type())
		all[f.info.Kind] = f
	}
	return all
})

func newForm(typ protoreflect.MessageType) *form {
	desc := typ.Descriptor()
	options, _ := proto.GetExtension(desc.Options(), schemav1.E_Kind).(*schemav1.KindOptions)
	f := &form{typ: typ, layout: newLayout(desc, "")}
	f.info = record.KindInfo{
		Kind:     record.Kind(options.GetNumber()),
		Name:     snake(string(desc.Name())),
		Class:    record.Class(options.GetPrivacyClass()),
		Boundary: f.layout.boundary,
	}
	return f
}

func formOf(kind record.Kind) (*form, error) {
	if f, ok := known()[kind]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("kind %d: %w", kind, ErrUnknownKind)
}

func (f *form) empty() protoreflect.Message { return f.typ.New() }

// snake turns HomeVisit into home_visit.
func snake(name string) string {
	var out []rune
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			out = append(out, '_')
		}
		out = append(out, unicode.ToLower(r))
	}
	return string(out)
}
