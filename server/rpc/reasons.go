// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/grpc/codes"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

// row is what a reason means on the wire.
type row struct {
	code  codes.Code
	retry bool          // the same request may succeed later, unchanged
	after time.Duration // when retrying is worth while; 0: the call says, or at once
	do    string        // what the caller should do
}

// meaning is the one table from reasons to gRPC. A reason without a row is a bug
// that a test finds.
func meaning(r syncv1.Reason) row {
	switch r {
	case syncv1.Reason_REASON_INTERNAL:
		return row{codes.Internal, true, 30 * time.Second, "try again later; nothing is lost"}
	case syncv1.Reason_REASON_INVALID:
		return row{codes.InvalidArgument, false, 0, "do not repeat it: the caller has a bug"}
	case syncv1.Reason_REASON_TOO_MUCH:
		return row{codes.ResourceExhausted, false, 0, "ask in smaller parts"}
	case syncv1.Reason_REASON_WRONG_SHARD:
		return row{codes.FailedPrecondition, false, 0, "check which county the address belongs to"}
	case syncv1.Reason_REASON_UNREADABLE:
		return row{codes.InvalidArgument, false, 0, "keep the bytes and show them to support"}
	case syncv1.Reason_REASON_SIGNATURE:
		return row{codes.InvalidArgument, false, 0, "keep the bytes and show them to support"}
	case syncv1.Reason_REASON_CERTIFICATE:
		return row{codes.FailedPrecondition, false, 0, "send the certificate along"}
	case syncv1.Reason_REASON_CHAIN:
		return row{codes.FailedPrecondition, false, 0, "keep the bytes and show them to support"}
	case syncv1.Reason_REASON_EXPIRED:
		return row{codes.PermissionDenied, false, 0, "renew the certificate; pushing still works"}
	case syncv1.Reason_REASON_REVOKED:
		return row{codes.PermissionDenied, false, 0, "ask the office; pushing still works"}
	case syncv1.Reason_REASON_RIGHTS:
		return row{codes.PermissionDenied, false, 0, "only others may do this"}
	case syncv1.Reason_REASON_CODE:
		return row{codes.PermissionDenied, false, 0, "ask the office for a new enrolment code"}
	case syncv1.Reason_REASON_SUCCESSION:
		return row{codes.PermissionDenied, false, 0, "enrol anew"}
	case syncv1.Reason_REASON_NOT_FOUND:
		return row{codes.NotFound, false, 0, "it does not exist, or is out of the caller's sight"}
	case syncv1.Reason_REASON_ROLLED_BACK:
		return row{codes.FailedPrecondition, true, 10 * time.Minute, "keep everything; an operator must run restore"}
	case syncv1.Reason_REASON_FULL:
		return row{codes.Unavailable, true, 5 * time.Minute, "keep everything and try again later; the disk is full"}
	case syncv1.Reason_REASON_TOKEN:
		return row{codes.Unauthenticated, true, 0, "log in, then repeat the call"}
	case syncv1.Reason_REASON_LOGIN:
		return row{codes.Unauthenticated, false, 0, "ask for a new challenge and sign that"}
	case syncv1.Reason_REASON_BUSY:
		return row{codes.ResourceExhausted, true, time.Second, "wait, then repeat the call"}
	case syncv1.Reason_REASON_STOPPING:
		return row{codes.Unavailable, true, 0, "repeat the call on a new connection"}
	case syncv1.Reason_REASON_TIMEOUT:
		return row{codes.DeadlineExceeded, true, 0, "try again; on a slow line in smaller parts"}
	case syncv1.Reason_REASON_NOT_CENTRE:
		return row{codes.FailedPrecondition, false, 0, "ask the centre itself: this is a hub"}
	case syncv1.Reason_REASON_NOT_SERVED:
		return row{codes.Unimplemented, false, 0, "do without: this server does not offer it"}
	}
	return row{code: codes.Unknown}
}

// reasonOfEngine is the same reason in the protocol: the numbers follow each other,
// the protocol's begin at 1.
func reasonOfEngine(r syncengine.Reason) syncv1.Reason { return syncv1.Reason(r) + 1 }

// errStopping ends streams when the server stops.
var errStopping = errors.New("stopping")

// reasonOf returns why err was returned.
func reasonOf(err error) syncv1.Reason {
	var busy *admission.Busy
	switch {
	case errors.Is(err, auth.ErrToken):
		return syncv1.Reason_REASON_TOKEN
	case errors.Is(err, auth.ErrLogin):
		return syncv1.Reason_REASON_LOGIN
	case errors.As(err, &busy):
		return syncv1.Reason_REASON_BUSY
	case errors.Is(err, errStopping):
		return syncv1.Reason_REASON_STOPPING
	case errors.Is(err, errNotCentre):
		return syncv1.Reason_REASON_NOT_CENTRE
	case errors.Is(err, county.ErrNoFindings), errors.Is(err, county.ErrNotCounted), errors.Is(err, county.ErrNoExports):
		return syncv1.Reason_REASON_NOT_SERVED
	case errors.Is(err, sessionwire.ErrMalformed):
		return syncv1.Reason_REASON_INVALID
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return syncv1.Reason_REASON_TIMEOUT
	}
	return reasonOfEngine(syncengine.ReasonOf(err))
}

// refusal returns err as the caller sees it: the reason and what to do. What exactly
// went wrong stands in the server's log, because err may name files.
func refusal(err error) *transport.Refusal {
	var own *transport.Refusal
	if errors.As(err, &own) {
		return own
	}
	reason := reasonOf(err)
	r := meaning(reason)
	after := r.after
	var busy *admission.Busy
	if errors.As(err, &busy) {
		after = busy.RetryAfter
	}
	return &transport.Refusal{
		Reason: reason, Retry: r.retry, RetryAfter: after, Code: r.code, Text: transport.ReasonName(reason) + ": " + r.do,
	}
}
