// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"bytes"
	"testing"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

func TestRequestsAreDecodedWithinTheirLimits(t *testing.T) {
	good, err := proto.Marshal(&syncv1.HelloRequest{Shard: make([]byte, 16), Offers: []*syncv1.OfferRun{{}, {}}})
	if err != nil {
		t.Fatal(err)
	}
	// A million entries of two bytes each would cost a hundred bytes each in memory.
	entry := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), nil)
	for name, row := range map[string]struct {
		raw    []byte
		limit  int
		reason syncengine.Reason
	}{
		"too large":         {good, len(good) - 1, syncengine.ReasonTooMuch},
		"a million entries": {bytes.Repeat(entry, 1e6), 4 << 20, syncengine.ReasonTooMuch},
		"cut":               {good[:len(good)-1], 1 << 10, syncengine.ReasonInvalid},
		"no message":        {[]byte("not a message"), 1 << 10, syncengine.ReasonInvalid},
	} {
		err := decode(row.raw, row.limit, &syncv1.HelloRequest{})
		if err == nil || syncengine.ReasonOf(err) != row.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	var m syncv1.HelloRequest
	if err := decode(good, len(good), &m); err != nil || len(m.GetOffers()) != 2 {
		t.Errorf("a good request: %v", err)
	}
	if err := decode(bytes.Repeat(entry, maxFields), 4<<20, &m); err != nil {
		t.Errorf("as many fields as are allowed: %v", err)
	}
}

// The codec must be the usual one for responses, and for services not ours.
func TestCodecIsTheUsualOneButForFrames(t *testing.T) {
	c := newCodec()
	data, err := c.Marshal(&syncv1.WatchRequest{Shard: []byte("shard")})
	if err != nil {
		t.Fatal(err)
	}
	var f frame
	var m syncv1.WatchRequest
	if err := c.Unmarshal(data, &f); err != nil || !bytes.Equal(f.raw, data.Materialize()) {
		t.Errorf("frame %x, %v", f.raw, err)
	}
	if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(f.raw)}, &m); err != nil || string(m.GetShard()) != "shard" {
		t.Errorf("message %v, %v", &m, err)
	}
	if got, want := c.Name(), encoding.GetCodecV2("proto").Name(); got != want {
		t.Errorf("codec %s", got)
	}
}

func TestPagePlaceIsReadAsWritten(t *testing.T) {
	list := &syncv1.ListRequest{Shard: []byte("a"), PageSize: 5}
	next := &syncv1.ListRequest{Shard: []byte("a"), PageSize: 9, PageToken: "x"}
	want := place{after: 1 << 40, skip: 7, key: []byte("key")}
	token := want.token(list)
	got, err := parsePlace(next, token)
	if err != nil || got.after != want.after || got.skip != want.skip || string(got.key) != "key" {
		t.Errorf("%+v came back as %+v, %v", want, got, err)
	}
	other := &syncv1.ListRequest{Shard: []byte("a"), Filter: &syncv1.RecordFilter{Kind: 3}}
	for name, err := range map[string]error{
		"another filter":  second(parsePlace(other, token)),
		"another request": second(parsePlace(&syncv1.ListHeldRequest{Shard: []byte("a")}, token)),
		"cut":             second(parsePlace(list, token[:12])),
		"garbage":         second(parsePlace(list, "!")),
	} {
		if err == nil || syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
			t.Errorf("token of %s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzDecodeRequest(f *testing.F) {
	for _, m := range requests() {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add(bytes.Repeat([]byte{42, 0}, maxFields+1))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, m := range requests() {
			if decode(raw, 1<<20, m) != nil {
				continue
			}
			convert(m)
		}
	})
}

// requests are one of each that is turned into something by hand.
func requests() []proto.Message {
	change := &syncv1.RegisterChange{
		Path: []byte{4}, Value: &syncv1.RegisterValue{Form: 1, Present: []byte("x")}, Parents: [][]byte{make([]byte, 32)},
	}
	return []proto.Message{
		&syncv1.HelloRequest{Shard: make([]byte, 16), Offers: []*syncv1.OfferRun{{Replica: make([]byte, 16)}}},
		&syncv1.ListRequest{Filter: &syncv1.RecordFilter{Divisions: []string{"130403"}, PrivacyClasses: []uint32{1}, Kind: 16}},
		&syncv1.SaveRequest{Saves: []*syncv1.OfficeSave{{Kind: 16, Changes: []*syncv1.RegisterChange{change}}}},
		&syncv1.CreateInvitationRequest{Role: 2, Staff: []string{"li"}, Divisions: []string{""}, PrivacyClasses: []uint32{1}},
	}
}

// convert must not panic, whatever the message says.
func convert(m proto.Message) {
	switch m := m.(type) {
	case *syncv1.HelloRequest:
		_, _ = sessionwire.HelloRequestFromWire(m)
	case *syncv1.ListRequest:
		_, _ = filterFromWire(m.GetFilter())
		_, _ = flagsFromWire(m.GetFlags())
		_, _ = parsePlace(m, m.GetPageToken())
	case *syncv1.SaveRequest:
		for _, s := range m.GetSaves() {
			_, _ = saveFromWire(s)
		}
	case *syncv1.CreateInvitationRequest:
		_, _ = rightsFromWire(m)
	}
}
