// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"
	"sync"
	"unicode"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The kinds that code names. There are more: every message of xunzhen.care.v1 with a
// kind option is one, and needs no line of Go. The numbers stand in the options; a
// test compares.
const (
	KindResident             record.Kind = 16
	KindHomeVisit            record.Kind = 17
	KindHypertensionFollowUp record.Kind = 18
	KindDiabetesFollowUp     record.Kind = 19
	KindCheckup              record.Kind = 20
	KindResidentLink         record.Kind = 30
	KindVitalEvent           record.Kind = 42
	KindOrganisation         record.Kind = 47
	KindStaff                record.Kind = 48
	KindRulePack             record.Kind = 50
	KindDivisionChange       record.Kind = 51
	KindAccessEntry          record.Kind = 58
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

// KindLabel returns what people call a kind, and whether kind is known.
func KindLabel(kind record.Kind) (Label, bool) {
	f, err := formOf(kind)
	if err != nil {
		return Label{}, false
	}
	return f.label, true
}

// AboutResident reports whether the records of kind are each about one resident, whom
// they name when they are made. A kind that is not known is not.
func AboutResident(kind record.Kind) bool {
	f, err := formOf(kind)
	return err == nil && f.aboutResident
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
	info          record.KindInfo
	label         Label
	aboutResident bool
	typ           protoreflect.MessageType
	layout        *layout
}

type forms map[record.Kind]*form

// Lookup returns what the engine must know of kind, and whether kind is known.
func (f forms) Lookup(kind record.Kind) (record.KindInfo, bool) {
	if one, ok := f[kind]; ok {
		return one.info, true
	}
	return record.KindInfo{}, false
}

// known reads the kinds from the descriptors that are linked into the program when
// somebody first asks.
var known = sync.OnceValue(func() forms {
	all := forms{}
	protoregistry.GlobalFiles.RangeFilesByPackage(carev1.File_xunzhen_care_v1_common_proto.Package(), func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			if desc := file.Messages().Get(i); kindOptions(desc).GetNumber() != 0 {
				f := newForm(typeOf(desc))
				all[f.info.Kind] = f
			}
		}
		return true
	})
	return all
})

// kindOptions returns what makes a message a kind, nil for one that is part of a kind.
func kindOptions(desc protoreflect.MessageDescriptor) *schemav1.KindOptions {
	options, _ := proto.GetExtension(desc.Options(), schemav1.E_Kind).(*schemav1.KindOptions)
	return options
}

func newForm(typ protoreflect.MessageType) *form {
	desc := typ.Descriptor()
	options := kindOptions(desc)
	f := &form{typ: typ, layout: newLayout(desc, ""), label: Label{options.GetZh(), options.GetEn()}}
	f.aboutResident = options.GetSubject() != schemav1.Subject_SUBJECT_NONE
	f.info = record.KindInfo{
		Kind:     record.Kind(options.GetNumber()),
		Name:     snake(string(desc.Name())),
		Class:    record.Class(options.GetPrivacyClass()),
		Boundary: f.layout.boundary,

		OfficeOnly: options.GetOfficeOnly(),
	}
	return f
}

// typeOf returns the Go type of a message, or one made from its descriptor where none
// was generated.
func typeOf(desc protoreflect.MessageDescriptor) protoreflect.MessageType {
	if typ, err := protoregistry.GlobalTypes.FindMessageByName(desc.FullName()); err == nil {
		return typ
	}
	return dynamicpb.NewMessageType(desc)
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
