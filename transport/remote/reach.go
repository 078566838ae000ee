// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// reachTimeout is how long Reach and Introduce wait for whoever has somebody else to
// turn to.
const reachTimeout = 10 * time.Second

// notFound is the reason with which a centre says that it is no hub.
const notFound = "not_found"

// ReasonNotHub: the server cannot show that it is a hub of the shard.
const ReasonNotHub = "not_hub"

// Reach signs in, once and without patience: to find out whether somebody is there.
func (c *Centre) Reach(ctx context.Context) error {
	return c.once(ctx, "reach", func(ctx context.Context) error {
		_, err := c.signedIn(ctx)
		return err
	})
}

// Introduce asks a server that is said to be a hub to show so, once and without
// patience, and returns the hub's certificate. Nothing is told or handed over before.
// Reason: not_hub, beside those of a connection.
func (c *Centre) Introduce(ctx context.Context, shardKey ed25519.PublicKey) (segment.Certificate, error) {
	var m *syncv1.IntroduceResponse
	err := c.once(ctx, "introduce", func(ctx context.Context) (err error) {
		m, err = c.hub.Introduce(ctx, &syncv1.IntroduceRequest{Shard: c.cfg.Shard[:]})
		return err
	})
	var refused *Error
	if errors.As(err, &refused) && (refused.Reason == ReasonProtocol || refused.Reason == notFound) {
		refused.Reason = ReasonNotHub // the centre itself, or something else behind this pin
	}
	if err != nil {
		return segment.Certificate{}, err
	}
	cert, err := session.OpenIntroduction(shardKey, c.cfg.Pin, m.GetCertificate(), m.GetSignature())
	if err != nil {
		return cert, &Error{Doing: "introduce", Reason: ReasonNotHub, Err: err}
	}
	return cert, nil
}

// once makes one try of a call.
func (c *Centre) once(ctx context.Context, doing string, call func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	err := call(within)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", doing, ctx.Err())
	}
	f, ok := c.judge(err)
	if !ok {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &Error{doing, f.reason, f.retry, err}
}
