// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
)

// The wait after a failure, doubled by each that follows without getting further.
const (
	firstWait = 250 * time.Millisecond
	lastWait  = 8 * time.Second
	// longestAsked is how long a server may ask to be left alone before the call is
	// given up and left to the next sync.
	longestAsked = 30 * time.Second
)

// call makes one call until it succeeds, cannot, or fails too often in a row.
// further reports whether the last try got anywhere; then patience begins anew.
func (c *Centre) call(ctx context.Context, doing string, further func() bool, once func(context.Context) error) error {
	anew := false // a session that was over is no failure, once
	for failed := 0; ; {
		err := once(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil: // the caller does not want the answer any more
			return fmt.Errorf("%s: %w", doing, ctx.Err())
		}
		f, ok := c.judge(err)
		if !ok {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if f.code == syncv1.Reason_REASON_TOKEN {
			c.forgetToken()
			f.retry, f.after = true, 0
			if !anew {
				anew = true
				continue
			}
		}
		if further() {
			failed = 0
		}
		failed++
		if !f.retry || failed >= c.cfg.Tries || f.after > longestAsked {
			return &Error{doing, f.reason, f.retry, err}
		}
		if err := c.cfg.Wait(ctx, patience(failed, f)); err != nil {
			return err
		}
		c.conn.ResetConnectBackoff()
	}
}

// patience is how long to wait after so many failures in a row.
func patience(failed int, f failure) time.Duration {
	return max(f.after, min(firstWait<<(failed-1), lastWait))
}

func never() bool { return false }
