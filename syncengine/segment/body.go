// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// decodeBody is record.DecodeBody into the memory of buf.
func decodeBody(buf, shared []record.Change, body []byte) ([]record.Change, error) {
	out := append(buf[:0], shared...)
	tokens, values, ok := column(body), column(body), true
	for range out {
		values.take(&ok)
	}
	for i := range out {
		v := &out[i].Value
		switch token := tokens.take(&ok); {
		case token == 0:
			v.Form = record.Clear
		case token == 1 || token-2 > uint64(len(values)):
			ok = false
		default:
			v.Form, v.Bytes = record.Present, values[:token-2:token-2]
			values = values[token-2:]
		}
	}
	if !ok || len(values) > 0 {
		return nil, fmt.Errorf("body does not fit its shape: %w", record.ErrMalformed)
	}
	return out, nil
}

// erasedBody returns the changes of an erased revision in the memory of buf.
func erasedBody(buf, shared []record.Change) []record.Change {
	out := append(buf[:0], shared...)
	for i := range out {
		out[i].Value = record.Value{Form: record.Erased}
	}
	return out
}
