// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/api/xunzhen/sync/v1/syncv1grpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

type hubService struct {
	syncv1grpc.UnimplementedHubServiceServer
	cfg Config
}

// Introduce shows that this server is a hub of the caller's shard.
func (s *hubService) Introduce(ctx context.Context, m *syncv1.IntroduceRequest) (*syncv1.IntroduceResponse, error) {
	shard, err := sessionwire.ShardFromWire(m.GetShard())
	switch {
	case err != nil:
		return nil, err
	case s.cfg.Hub == nil:
		return nil, &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "introduce"}
	case s.cfg.Hub.Shard() != shard:
		return nil, &syncengine.Error{Reason: syncengine.ReasonWrongShard, Doing: "introduce"}
	}
	certificate, signature, err := s.cfg.Hub.Introduce(ctx, s.cfg.Pin)
	if err != nil {
		return nil, err
	}
	return &syncv1.IntroduceResponse{Certificate: certificate, Signature: signature}, nil
}
