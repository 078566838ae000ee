// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// guardedStream reads requests as the guard does, and does not wait for ever for a
// client that reads nothing.
type guardedStream struct {
	grpc.ServerStream
	call *call
	ctx  context.Context
}

// Context returns the call's context.
func (s *guardedStream) Context() context.Context { return s.ctx }

// RecvMsg reads the next request.
func (s *guardedStream) RecvMsg(into any) error {
	return s.call.receive(s.ctx, s.ServerStream.RecvMsg, into)
}

// SendMsg sends a response. When the client does not take it in time, it returns an
// error, which ends the call and with it the sending.
func (s *guardedStream) SendMsg(m any) error {
	sent := make(chan error, 1)
	go func() { sent <- s.ServerStream.SendMsg(m) }()
	timer := time.NewTimer(s.call.guard.cfg.Limits.Stall)
	defer timer.Stop()
	select {
	case err := <-sent:
		return sendError(err)
	case <-timer.C:
		return fmt.Errorf("the client does not read: %w", context.DeadlineExceeded)
	}
}

// sendError tells a client that is gone from a response that cannot be sent.
func sendError(err error) error {
	switch status.Code(err) {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable:
		return fmt.Errorf("the client is gone: %w", context.Canceled)
	}
	return err
}
