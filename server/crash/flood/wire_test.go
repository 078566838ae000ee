// SPDX-License-Identifier: Apache-2.0

package flood_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/transport"
)

// request is one gRPC call as bytes: what no gRPC library would send can be in it.
type request struct {
	method   string // of package xunzhen.sync.v1
	encoding string // how its message says it is compressed; "": it does not
	message  []byte
	claims   uint32 // how long it says it is; 0: as long as it is
	stranger bool   // without a session
}

// browser returns a client that speaks HTTP/2 with the server.
func (p *place) browser() *http.Client {
	transport := &http.Transport{TLSClientConfig: transport.ClientTLS(p.pin), ForceAttemptHTTP2: true, DisableCompression: true}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// post sends a request and returns the error that came back, as a gRPC client would
// see it.
func (q request) post(ctx context.Context, c *http.Client, d *device) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+d.p.server.address+"/xunzhen.sync.v1."+q.method, bytes.NewReader(q.frame()))
	if err != nil {
		return err
	}
	r.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	if q.encoding != "" {
		r.Header.Set("Grpc-Encoding", q.encoding)
	}
	if !q.stranger {
		r.Header.Set("Authorization", "Bearer "+d.token)
	}
	reply, err := c.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil {
		return err
	}
	return said(reply)
}

func (q request) frame() []byte {
	flag := byte(0)
	if q.encoding != "" {
		flag = 1
	}
	claims := q.claims
	if claims == 0 {
		claims = uint32(len(q.message))
	}
	return append(binary.BigEndian.AppendUint32([]byte{flag}, claims), q.message...)
}

// said reads the status of a reply, which stands in its trailers or, with no message
// before them, in its headers.
func said(reply *http.Response) error {
	from := reply.Trailer
	if from.Get("Grpc-Status") == "" {
		from = reply.Header
	}
	code, err := strconv.Atoi(from.Get("Grpc-Status"))
	if err != nil || code == int(codes.OK) {
		return err
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(from.Get("Grpc-Status-Details-Bin"), "="))
	if refusal := refusalIn(raw); err == nil && refusal != nil {
		return &transport.Refusal{Reason: refusal.GetReason(), Code: codes.Code(code), Text: from.Get("Grpc-Message")}
	}
	return status.Error(codes.Code(code), from.Get("Grpc-Message"))
}

// refusalIn returns the refusal among the details of a google.rpc.Status, nil when
// there is none.
func refusalIn(raw []byte) *syncv1.Refusal {
	for len(raw) > 0 {
		number, kind, n := protowire.ConsumeTag(raw)
		m := protowire.ConsumeFieldValue(number, kind, raw[max(n, 0):])
		if n < 0 || m < 0 {
			return nil
		}
		var detail anypb.Any
		var refusal syncv1.Refusal
		if value, _ := protowire.ConsumeBytes(raw[n:]); number == 3 && proto.Unmarshal(value, &detail) == nil && detail.UnmarshalTo(&refusal) == nil {
			return &refusal
		}
		raw = raw[n+m:]
	}
	return nil
}

// field returns a message with one field of so many zero bytes.
func field(number protowire.Number, size int) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), make([]byte, size))
}

// inShard returns a message for the shard with more fields after that.
func (p *place) inShard(more ...[]byte) []byte {
	shard := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p.shard[:])
	return bytes.Join(append([][]byte{shard}, more...), nil)
}

// greedy is a zstd frame of four bytes that claims to need a window of 256 MiB: magic
// number, descriptor, window (2^(10+18)), the head of a last block as it is, the block.
func greedy() []byte {
	return []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 18 << 3, 4<<3 | 1, 0, 0, 'z', 's', 't', 'd'}
}

// bomb returns a zstd frame of a message with one field of so many zero bytes, without
// ever holding them.
func bomb(number protowire.Number, size int) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	head := protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.BytesType), uint64(size))
	_, _ = w.Write(head) // a buffer takes everything
	for zeros := make([]byte, 1<<20); size > 0; size -= len(zeros) {
		_, _ = w.Write(zeros[:min(size, len(zeros))])
	}
	_ = w.Close()
	return out.Bytes()
}

// raw sends requests as the bytes they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }

func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = bytes.Clone(b); return nil }

func (raw) Name() string { return "proto" }
