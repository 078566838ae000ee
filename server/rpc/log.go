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
		c.log("ok", nil)
		return nil
	}
	r := refusal(err)
	c.log(transport.ReasonName(r.Reason), err)
	return r
}

// needsAPerson reports whether somebody must look after the server: it failed, its disk
// is full, or its files were set back.
func needsAPerson(outcome string) bool {
	return slices.ContainsFunc([]syncv1.Reason{
		syncv1.Reason_REASON_INTERNAL, syncv1.Reason_REASON_FULL, syncv1.Reason_REASON_ROLLED_BACK,
	}, func(r syncv1.Reason) bool { return outcome == transport.ReasonName(r) })
}

// log writes the one line about a call: ids and numbers, never what was said.
func (c *call) log(outcome string, err error) {
	attrs := []slog.Attr{
		slog.String("method", c.method.name),
		slog.String("outcome", outcome),
		slog.Int64("took_us", c.guard.cfg.Clock().Sub(c.began).Microseconds()),
		slog.Int("bytes", c.bytes),
		slog.String("from", c.from.String()),
		slog.Any("caller", c.principal),
	}
	if c.county != nil {
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
