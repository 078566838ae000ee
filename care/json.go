// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ParseJSON reads a form of kind from protobuf's JSON: fields by the names that
// the .proto has (or in lowerCamelCase), codes by name or number, bytes in
// base64. A field that the form does not have is an error, so a slip of the pen
// does not lose what was meant. Errors wrap ErrUnknownKind or say where the text is wrong.
func ParseJSON(kind record.Kind, text []byte) (proto.Message, error) {
	m, err := New(kind)
	if err != nil {
		return nil, err
	}
	if err := (protojson.UnmarshalOptions{RecursionLimit: 32}).Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	return m, nil
}

// FormatJSON writes a form as ParseJSON reads it, with the .proto's names, the
// same text for the same form. Fields that this build does not know are not in
// it; Diff keeps them all the same.
func FormatJSON(m proto.Message) ([]byte, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	var out bytes.Buffer // protojson varies its blanks on purpose
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	return out.Bytes(), nil
}

// FormatValue writes one value of the register at path for people: as the JSON of
// a form that has nothing else. A cleared value is "{}". It returns an error that
// wraps ErrUnknownKind, or ErrUnreadable for a value that is not what its
// path says.
func FormatValue(kind record.Kind, path record.Path, v record.Value) ([]byte, error) {
	f, err := formOf(kind)
	if err != nil {
		return nil, err
	}
	m, unreadable := f.message([]record.Register{{Path: path, Siblings: []record.Sibling{{Value: v}}}})
	if len(unreadable) > 0 {
		return nil, fmt.Errorf("%s: %w", FormatPath(kind, path), ErrUnreadable)
	}
	return FormatJSON(m.Interface())
}
