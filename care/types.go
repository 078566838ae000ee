// SPDX-License-Identifier: Apache-2.0

package care

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Types returns the message of every kind, for those who read forms by their
// descriptors. The map is the caller's.
func Types() map[record.Kind]protoreflect.MessageType {
	out := make(map[record.Kind]protoreflect.MessageType, len(known()))
	for kind, f := range known() {
		out[kind] = f.typ
	}
	return out
}

// NameOf returns the name of kind, for example "home_visit", "" for an unknown one.
func NameOf(kind record.Kind) string {
	if f, ok := known()[kind]; ok {
		return f.info.Name
	}
	return ""
}
