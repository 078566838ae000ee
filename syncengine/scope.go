// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// scopeStretches is over how many parts of the feed a sample is spread: old records and
	// new ones differ in size.
	scopeStretches = 16
	// scopeSample is how many records are read at most: with a kilobyte each, a page's worth.
	scopeSample = 1024
)

// Scope returns how much a pull from nothing would bring the caller now, read in one
// snapshot. Records are counted exactly; the bytes of more than 1024 records are reckoned
// from a sample spread over the feed. It reads about as much as one page. Errors:
// ReasonExpired, ReasonRevoked, ReasonTooMuch, ReasonRolledBack, or the store's.
func (e *Engine) Scope(ctx context.Context, caller segment.Certificate) (session.Extent, error) {
	var out session.Extent
	if _, err := e.mayPull(caller, session.PullRequest{}); err != nil {
		return out, err
	}
	err := e.view(ctx, func(r Reader) (err error) {
		if e.revoked(caller) {
			return refuse(ReasonRevoked, "scope", nil)
		}
		sums, err := r.Sums()
		if err != nil {
			return err
		}
		for k, v := range sums {
			if k.Division.WithinAny(caller.Divisions) && slices.Contains(caller.Classes, k.Class) {
				out.Records += v.Count
			}
		}
		return sampleScope(r, caller, &out)
	})
	if err != nil {
		return session.Extent{}, fmt.Errorf("scope: %w", err)
	}
	return out, nil
}

// sampleScope reckons the bytes: of all records where they are few, else from as many out
// of each stretch of the feed.
func sampleScope(r Reader, caller segment.Certificate, out *session.Extent) error {
	head, err := readPosition(r)
	if err != nil || out.Records == 0 {
		return err
	}
	stretches := Position(1)
	if out.Records > scopeSample {
		stretches, out.Sampled = scopeStretches, true
	}
	read, size := uint64(0), uint64(0)
	for i := range stretches {
		rows, err := r.Feed(FeedQuery{
			After: head * i / stretches, UpTo: head * (i + 1) / stretches,
			Divisions: caller.Divisions, Classes: caller.Classes, Limit: scopeSample / int(stretches), Bytes: session.MaxPageBytes,
		})
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.received() && !row.huge() {
				read, size = read+1, size+uint64(len(row.State))
			}
		}
	}
	if out.Sampled = out.Sampled || read < out.Records; read > 0 {
		out.StateBytes = size * out.Records / read
	}
	return nil
}
