// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/transport"
)

// Reasons that no server gives, beside those of syncv1.Reason in lower case.
const (
	// ReasonUnreachable: nobody answers, or the connection keeps breaking off.
	ReasonUnreachable = "unreachable"
	// ReasonPin: whoever answers is not the server of the invitation.
	ReasonPin = "pin"
	// ReasonProtocol: the answer makes no sense, or the server does not know the
	// call: one of both programs is too old.
	ReasonProtocol = "protocol"
)

// Error is a call that was given up.
type Error struct {
	Doing  string // the call
	Reason string // in snake_case
	Retry  bool   // the same may succeed later, unchanged
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s: %v", e.Doing, e.Reason, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// BrokenOff reports whether the call did not come through in time: with less to
// carry it may.
func (e *Error) BrokenOff() bool {
	return e.Reason == ReasonUnreachable || e.Reason == transport.ReasonName(syncv1.Reason_REASON_TIMEOUT)
}

// ReasonOf returns the reason in err; "" when no call failed.
func ReasonOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// failure is one try that failed, as far as another one depends on it.
type failure struct {
	reason string
	code   syncv1.Reason
	retry  bool
	after  time.Duration // 0: not said
}

// judge says what to do about an error, and whether it came by gRPC at all: others
// are the caller's own and are no failure of a call.
func (c *Centre) judge(err error) (failure, bool) {
	if r, ok := transport.RefusalOf(err); ok {
		return failure{transport.ReasonName(r.Reason), r.Reason, r.Retry, r.RetryAfter}, true
	}
	s, ok := status.FromError(err)
	if !ok {
		return failure{}, false
	}
	return c.judgeStatus(s.Code()), true
}

// judgeStatus judges a status that the server's own code did not give.
func (c *Centre) judgeStatus(code codes.Code) failure {
	switch code {
	case codes.Unimplemented, codes.InvalidArgument, codes.OutOfRange, codes.ResourceExhausted:
		return failure{reason: ReasonProtocol}
	}
	if c.wrongServer() != nil {
		return failure{reason: ReasonPin, retry: len(c.cfg.Addresses) > 1}
	}
	return failure{reason: ReasonUnreachable, retry: true}
}

func protocolError(doing string, err error) error {
	return &Error{Doing: doing, Reason: ReasonProtocol, Err: err}
}
