// SPDX-License-Identifier: Apache-2.0

package care

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ErrUnreadable is wrapped when the bytes of a register are not the field that its path names.
var ErrUnreadable = errors.New("not a value of its register")

// Message returns the form of kind that the displayed values of registers make
// up. Fields that this build does not know are in it as unknown fields; header
// registers are not. A register that cannot be read is left out, see Unreadable.
// The only error wraps ErrUnknownKind.
func Message(kind record.Kind, registers []record.Register) (proto.Message, error) {
	f, err := formOf(kind)
	if err != nil {
		return nil, err
	}
	m, _ := f.message(registers)
	return m.Interface(), nil
}

// Unreadable returns the paths, in order, of the registers whose displayed value
// is not the field that its path names: a fault of the program that saved it.
// They are kept, merge like others, and are missing on the form until somebody
// saves them anew. It returns nil for an unknown kind.
func Unreadable(kind record.Kind, registers []record.Register) []record.Path {
	f, err := formOf(kind)
	if err != nil {
		return nil
	}
	_, paths := f.message(registers)
	return paths
}

// message reads all registers at once, and one by one only if that fails.
func (f *form) message(registers []record.Register) (protoreflect.Message, []record.Path) {
	all := make([]byte, 0, usualForm)
	var unreadable []record.Path
	for i := range registers {
		var err error
		if all, err = f.layout.appendWire(all, &registers[i]); err != nil {
			unreadable = append(unreadable, registers[i].Path)
		}
	}
	m := f.empty()
	if proto.Unmarshal(all, m.Interface()) == nil {
		return m, unreadable
	}
	return f.messageOneByOne(registers)
}

func (f *form) messageOneByOne(registers []record.Register) (protoreflect.Message, []record.Path) {
	m := f.empty()
	var unreadable []record.Path
	for _, g := range registers {
		one := f.empty()
		b, err := f.layout.appendWire(nil, &g)
		if err == nil {
			err = proto.Unmarshal(b, one.Interface())
		}
		if err != nil {
			unreadable = append(unreadable, g.Path)
			continue
		}
		proto.Merge(m.Interface(), one.Interface())
	}
	return m, unreadable
}

// usualForm is how many bytes most forms have at most.
const usualForm = 1024

// appendWire adds the displayed value of g as it stands in the form's bytes: within its
// sections. It adds nothing for a header register and a value that is not present, or with an error.
func (l *layout) appendWire(all []byte, g *record.Register) ([]byte, error) {
	if len(g.Siblings) == 0 || g.Siblings[0].Value.Form != record.Present {
		return all, nil
	}
	at, exact := l.exact[g.Path]
	if !exact {
		if first, err := g.Path.Steps(); err == nil && first[0].Number == 0 && !first[0].IsKey {
			return all, nil
		}
		var boundary record.Boundary
		if at, boundary = l.resolve(g.Path); boundary == record.BoundaryWrong {
			return all, fmt.Errorf("%s: %w", g.Path, ErrUnreadable)
		}
	}
	b := g.Siblings[0].Value.Bytes
	if err := at.check(b); err != nil {
		return all, fmt.Errorf("%s: %w", g.Path, err)
	}
	return append(wrap(all, at.wraps, len(b)), b...), nil
}

// wrap adds what stands before size bytes within sections, outermost first.
func wrap(all []byte, wraps []protowire.Number, size int) []byte {
	if len(wraps) == 0 {
		return all
	}
	inner := size
	for i := len(wraps) - 1; i > 0; i-- {
		inner += protowire.SizeTag(wraps[i]) + protowire.SizeVarint(uint64(inner))
	}
	all = protowire.AppendVarint(protowire.AppendTag(all, wraps[0], protowire.BytesType), uint64(inner))
	return wrap(all, wraps[1:], size)
}

// check wants b to be records of the field at this place and of no other, and
// the entry of a map to bear the key that the path has.
func (at place) check(b []byte) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 || !at.takes(number) {
			return ErrUnreadable
		}
		size := protowire.ConsumeFieldValue(number, typ, b[n:])
		if size < 0 {
			return ErrUnreadable
		}
		if at.slot != nil && at.key != nil && entryKey(b[:n+size]) != *at.key {
			return ErrUnreadable
		}
		b = b[n+size:]
	}
	return nil
}

// takes reports whether a record with this number belongs here. A oneof may have
// got a member that this build does not know, and so may an unknown field.
func (at place) takes(number protowire.Number) bool {
	switch {
	case at.around == nil:
		return true
	case at.slot == nil, len(at.slot.fields) > 1:
		known := at.around.at[number]
		return known == nil || known == at.slot
	}
	return number == at.number
}

// entryKey returns the key in one record of a map with string keys; "" is what a
// record without a key means.
func entryKey(entry []byte) (key string) {
	_, _, n := protowire.ConsumeTag(entry)
	payload, _ := protowire.ConsumeBytes(entry[n:])
	for len(payload) > 0 {
		number, typ, n := protowire.ConsumeTag(payload)
		if n < 0 {
			break
		}
		size := protowire.ConsumeFieldValue(number, typ, payload[n:])
		if size < 0 {
			break
		}
		if number == 1 && typ == protowire.BytesType {
			b, _ := protowire.ConsumeBytes(payload[n:])
			key = string(b)
		}
		payload = payload[n+size:]
	}
	return key
}
