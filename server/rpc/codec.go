// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec that lazily wraps
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/xunzhen/xunzhen/syncengine"
)

// frame is a request as it came, before it is decoded.
type frame struct{ raw []byte }

// lazily is the usual codec, but for frames, which it leaves as they are: so the
// guard looks at a request before anything is built from it.
type lazily struct{ encoding.CodecV2 }

func newCodec() encoding.CodecV2 { return lazily{encoding.GetCodecV2("proto")} }

// Unmarshal copies data into a frame.
func (c lazily) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		f.raw = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// decode reads a request within the limits of its method. Errors: ReasonTooMuch,
// ReasonInvalid.
func decode(raw []byte, limit int, into any) error {
	m, ok := into.(proto.Message)
	if !ok {
		return fmt.Errorf("request of type %T", into)
	}
	if len(raw) > limit {
		return &syncengine.Error{
			Reason: syncengine.ReasonTooMuch, Doing: "request", Err: fmt.Errorf("%d bytes, at most %d", len(raw), limit),
		}
	}
	if !fewFields(raw) {
		return &syncengine.Error{
			Reason: syncengine.ReasonTooMuch, Doing: "request", Err: fmt.Errorf("more than %d fields", maxFields),
		}
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return &syncengine.Error{Reason: syncengine.ReasonInvalid, Doing: "request", Err: err}
	}
	return nil
}

// fewFields reports whether b has at most maxFields fields at its top. Bytes that
// are no message pass: the decoder will say so.
func fewFields(b []byte) bool {
	for fields := 0; len(b) > 0; fields++ {
		if fields == maxFields {
			return false
		}
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return true
		}
		b = b[n:]
	}
	return true
}
