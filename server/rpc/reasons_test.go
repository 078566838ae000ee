// SPDX-License-Identifier: Apache-2.0

package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/auth"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
	"github.com/xunzhen/xunzhen/transport"
)

func TestEveryReasonHasARow(t *testing.T) {
	for number, name := range syncv1.Reason_name {
		r := syncv1.Reason(number)
		if r == syncv1.Reason_REASON_UNSPECIFIED {
			continue
		}
		row := meaning(r)
		if row.code == codes.Unknown || row.code == codes.OK || row.do == "" {
			t.Errorf("%s has no row", name)
		}
		if row.after > 0 && !row.retry {
			t.Errorf("%s says when to retry, but not to", name)
		}
	}
}

// Clients and people see one name, whether a reason comes in a refusal, in the
// result of one segment, or in a log.
func TestEngineAndProtocolNameReasonsAlike(t *testing.T) {
	for _, r := range syncengine.Reasons() {
		if got := transport.ReasonName(reasonOfEngine(r)); got != r.String() {
			t.Errorf("%s is %s in the protocol", r, got)
		}
	}
}

func TestErrorsBecomeRefusals(t *testing.T) {
	for _, r := range syncengine.Reasons() {
		err := fmt.Errorf("push: %w", &syncengine.Error{Reason: r, Doing: "push", Err: errors.New("/data/shard.db")})
		got, ok := transport.RefusalOf(refusal(err).GRPCStatus().Err())
		if !ok || got.Reason != reasonOfEngine(r) || got.Code != meaning(got.Reason).code || got.Retry != meaning(got.Reason).retry {
			t.Errorf("%s arrives as %+v", r, got)
		}
		if strings.Contains(got.Text, "/data") {
			t.Errorf("%s tells the public what only the log should say: %s", r, got.Text)
		}
	}
	for name, row := range map[string]struct {
		err  error
		want syncv1.Reason
	}{
		"no session":        {auth.ErrToken, syncv1.Reason_REASON_TOKEN},
		"wrong key":         {auth.ErrLogin, syncv1.Reason_REASON_LOGIN},
		"busy":              {&admission.Busy{RetryAfter: 3 * time.Second}, syncv1.Reason_REASON_BUSY},
		"stopping":          {errStopping, syncv1.Reason_REASON_STOPPING},
		"asked of a hub":    {errNotCentre, syncv1.Reason_REASON_NOT_CENTRE},
		"no findings":       {county.ErrNoFindings, syncv1.Reason_REASON_NOT_SERVED},
		"malformed":         {sessionwire.ErrMalformed, syncv1.Reason_REASON_INVALID},
		"too slow":          {context.DeadlineExceeded, syncv1.Reason_REASON_TIMEOUT},
		"disk full":         {syncengine.ErrStoreFull, syncv1.Reason_REASON_FULL},
		"anything else":     {errors.New("disk on fire"), syncv1.Reason_REASON_INTERNAL},
		"refused elsewhere": {&transport.Refusal{Reason: syncv1.Reason_REASON_CODE}, syncv1.Reason_REASON_CODE},
	} {
		if got := refusal(fmt.Errorf("call: %w", row.err)); got.Reason != row.want {
			t.Errorf("%s: %s", name, transport.ReasonName(got.Reason))
		}
	}
	if got := refusal(&admission.Busy{RetryAfter: 3 * time.Second}).RetryAfter; got != 3*time.Second {
		t.Errorf("busy for %v", got)
	}
}

func TestClientsThatAreGoneAreNoErrorsOfTheServer(t *testing.T) {
	for code, want := range map[codes.Code]syncv1.Reason{
		codes.Canceled:          syncv1.Reason_REASON_TIMEOUT,
		codes.DeadlineExceeded:  syncv1.Reason_REASON_TIMEOUT,
		codes.Unavailable:       syncv1.Reason_REASON_TIMEOUT,
		codes.ResourceExhausted: syncv1.Reason_REASON_INTERNAL, // a response over its limit
		codes.Internal:          syncv1.Reason_REASON_INTERNAL, // one that cannot be encoded
	} {
		if got := reasonOf(sendError(status.Error(code, "sending"))); got != want {
			t.Errorf("%s: %s", code, transport.ReasonName(got))
		}
	}
	if err := sendError(nil); err != nil {
		t.Errorf("what was sent: %v", err)
	}
}
