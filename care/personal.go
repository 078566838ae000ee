// SPDX-License-Identifier: Apache-2.0

package care

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Personal reports whether the register at p names a person or tells where one lives, in any part of it. What is
// not known may. The registers that every record has do not.
func Personal(kind record.Kind, p record.Path) bool {
	if isHeader(p) {
		return false
	}
	f, err := formOf(kind)
	if err != nil {
		return true
	}
	at, boundary := f.layout.resolve(p)
	if boundary != record.BoundaryExact {
		return true
	}
	for _, field := range at.slot.fields {
		if personal(field, map[protoreflect.FullName]bool{}) {
			return true
		}
	}
	return false
}

// personal looks at a field and at what lies in it; seen are the messages that were looked at.
func personal(f protoreflect.FieldDescriptor, seen map[protoreflect.FullName]bool) bool {
	if fieldOptions(f).GetPersonal() {
		return true
	}
	if f.IsMap() {
		f = f.MapValue()
	}
	m := f.Message()
	if m == nil || seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		if personal(m.Fields().Get(i), seen) {
			return true
		}
	}
	return false
}
