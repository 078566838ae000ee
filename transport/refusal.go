// SPDX-License-Identifier: Apache-2.0

package transport

import (
	"errors"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
)

// Refusal is a call that the server did not do, as a client sees it. Its text names
// no person and no measurement.
type Refusal struct {
	Reason     syncv1.Reason
	Retry      bool          // the same request may succeed later, unchanged
	RetryAfter time.Duration // 0: not said
	Text       string
	Code       codes.Code
}

func (r *Refusal) Error() string { return r.Text }

// GRPCStatus returns the refusal as it travels.
func (r *Refusal) GRPCStatus() *status.Status {
	s := status.New(r.Code, r.Text)
	with, err := s.WithDetails(&syncv1.Refusal{
		Reason: r.Reason, Retry: r.Retry, RetryAfterMs: uint32(min(r.RetryAfter, maxRetryAfter).Milliseconds()),
	})
	if err != nil { // only for a status that is OK, which no refusal has
		return s
	}
	return with
}

const maxRetryAfter = 24 * time.Hour

// RefusalOf returns what the server said, and whether err is a refusal of it: a
// connection that failed has none. A message over the limit is refused by gRPC
// itself, before the server can say why; that is too much, too.
func RefusalOf(err error) (*Refusal, bool) {
	var own *Refusal
	if errors.As(err, &own) {
		return own, true
	}
	var carrier interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &carrier) {
		return nil, false
	}
	s := carrier.GRPCStatus()
	if s.Code() == codes.ResourceExhausted && len(s.Details()) == 0 {
		return &Refusal{Reason: syncv1.Reason_REASON_TOO_MUCH, Text: s.Message(), Code: s.Code()}, true
	}
	for _, d := range s.Details() {
		if m, ok := d.(*syncv1.Refusal); ok {
			return &Refusal{
				Reason:     m.GetReason(),
				Retry:      m.GetRetry(),
				RetryAfter: time.Duration(m.GetRetryAfterMs()) * time.Millisecond,
				Text:       s.Message(),
				Code:       s.Code(),
			}, true
		}
	}
	return nil, false
}

// ReasonOf returns the reason in err, unspecified when it is no refusal.
func ReasonOf(err error) syncv1.Reason {
	if r, ok := RefusalOf(err); ok {
		return r.Reason
	}
	return syncv1.Reason_REASON_UNSPECIFIED
}

// ReasonName returns a reason as it is written in text, for example wrong_shard.
func ReasonName(r syncv1.Reason) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "REASON_"))
}
