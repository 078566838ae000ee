// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// encodeSaid returns the kind and content of a frame: the message of the same name.
func encodeSaid(shard segment.ShardID, s session.Said) (kind, []byte, error) {
	k, m := toWire(shard, s)
	if k == kindCertificate {
		return k, s.Certificate, nil
	}
	if m == nil {
		return 0, nil, fmt.Errorf("bundle: nothing said")
	}
	b, err := proto.Marshal(m)
	return k, b, err
}

func toWire(shard segment.ShardID, s session.Said) (kind, proto.Message) {
	switch {
	case s.Hello != nil:
		return kindHello, sessionwire.HelloRequestToWire(shard, *s.Hello)
	case s.Push != nil:
		return kindPush, sessionwire.PushRequestToWire(shard, *s.Push)
	case s.Answering != nil:
		return kindAnswering, sessionwire.AnsweringToWire(*s.Answering)
	case s.PushReply != nil:
		return kindPushReply, sessionwire.PushReplyToWire(*s.PushReply)
	case s.HelloReply != nil:
		return kindHelloReply, sessionwire.HelloReplyToWire(*s.HelloReply)
	case s.Page != nil:
		return kindPage, sessionwire.PageToWire(*s.Page)
	case s.Certificate != nil:
		return kindCertificate, nil
	}
	return 0, nil
}

// decodeSaid reads what encodeSaid writes. Its error wraps ErrDamaged: whoever signed
// it wrote what makes no sense.
func decodeSaid(k kind, content []byte) (session.Said, error) {
	s, err := fromWire(k, content)
	if err != nil {
		return session.Said{}, fmt.Errorf("frame of kind %d: %w: %w", k, ErrDamaged, err)
	}
	return s, nil
}

func fromWire(k kind, content []byte) (s session.Said, err error) {
	switch k {
	case kindHello:
		s.Hello, err = read(content, &syncv1.HelloRequest{}, sessionwire.HelloRequestFromWire)
	case kindPush:
		s.Push, err = read(content, &syncv1.PushRequest{}, func(m *syncv1.PushRequest) (session.PushRequest, error) {
			return sessionwire.PushRequestFromWire(m), nil
		})
	case kindAnswering:
		s.Answering, err = read(content, &syncv1.BundleAnswering{}, sessionwire.AnsweringFromWire)
	case kindPushReply:
		s.PushReply, err = read(content, &syncv1.PushResponse{}, sessionwire.PushReplyFromWire)
	case kindHelloReply:
		s.HelloReply, err = read(content, &syncv1.HelloResponse{}, sessionwire.HelloReplyFromWire)
	case kindPage:
		s.Page, err = read(content, &syncv1.PullResponse{}, sessionwire.PageFromWire)
	case kindCertificate:
		s.Certificate = content
	default:
		err = fmt.Errorf("unknown kind")
	}
	return s, err
}

func read[M proto.Message, V any](content []byte, m M, from func(M) (V, error)) (*V, error) {
	if err := proto.Unmarshal(content, m); err != nil {
		return nil, err
	}
	v, err := from(m)
	if err != nil {
		return nil, err
	}
	return &v, nil
}
