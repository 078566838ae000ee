// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/transport"
)

// end gives back what the call took, writes its line, and returns err as the caller
// sees it. panicked is what recover gave.
func (c *call) end(err error, panicked any) error {
	for _, give := range c.give {
		give()
	}
	if panicked != nil {
		c.guard.cfg.Log.Error("a call panicked", "method", c.method.name, "stack", string(debug.Stack()))
		err = fmt.Errorf("panic of type %T", panicked)
	}
	var inside *syncengine.PanicError
	if errors.As(err, &inside) {
		c.guard.cfg.Log.Error("an update panicked", "method", c.method.name, "stack", inside.Stack)
	}
	if errors.Is(err, io.EOF) {
		err = nil // the client has said all
	}
	if err == nil {
		c.tell("ok", codes.OK, nil)
		return nil
	}
	r := refusal(err)
	c.tell(transport.ReasonName(r.Reason), r.Code, err)
	return r
}

// needsAPerson reports whether somebody must look after the server: it failed, its disk
// is full, or its files were set back.
func needsAPerson(outcome string) bool {
	return slices.ContainsFunc([]syncv1.Reason{
		syncv1.Reason_REASON_INTERNAL, syncv1.Reason_REASON_FULL, syncv1.Reason_REASON_ROLLED_BACK,
	}, func(r syncv1.Reason) bool { return outcome == transport.ReasonName(r) })
}

// tell tells the log and the observer how the call ended.
func (c *call) tell(outcome string, code codes.Code, err error) {
	took := c.guard.cfg.Clock().Sub(c.began)
	c.log(outcome, took, err)
	c.guard.cfg.Observer.Called(Ended{
		Method: c.method.name, Reason: outcome, Code: code, At: c.began, Took: took, Bytes: c.bytes, Principal: c.principal, Stage: c.stage,
	})
}

// log writes the one line about a call: ids and numbers, never what was said.
func (c *call) log(outcome string, took time.Duration, err error) {
	attrs := []slog.Attr{
		slog.String("method", c.method.name),
		slog.String("outcome", outcome),
		slog.Int64("took_us", took.Microseconds()),
		slog.Int("bytes", c.bytes),
		slog.String("from", c.from.String()),
		slog.Any("caller", c.principal),
	}
	if c.peer != nil {
		attrs = append(attrs, slog.String("shard", c.principal.Shard.String()))
	}
	level := slog.LevelInfo
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
		if needsAPerson(outcome) {
			level = slog.LevelError
		}
	}
	c.guard.cfg.Log.LogAttrs(context.WithoutCancel(c.ctx), level, "call", attrs...)
}
