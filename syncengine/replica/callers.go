// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Newest returns the newest certificate known here of the same replica as shown,
// shown itself when none is newer: an older one may say more than it may do today.
func (r *Replica) Newest(ctx context.Context, shown segment.Certificate) (segment.Certificate, error) {
	newest := shown
	err := r.view(ctx, func(tx Reader) error {
		all, err := r.certificates(tx)
		for _, c := range all {
			if c.Replica() == shown.Replica() && c.IssuedAt.After(newest.IssuedAt) {
				newest = c
			}
		}
		return err
	})
	return newest, err
}

// Revoked reports whether a fence that has come down to this replica cuts off the
// holder of a certificate, or one whose rights it continues.
func (r *Replica) Revoked(ctx context.Context, c segment.Certificate) (out bool, err error) {
	err = r.view(ctx, func(tx Reader) error {
		out, err = revoked(r, tx, c)
		return err
	})
	return out, err
}

// LastIssue returns when the newest certificate known here was issued, by the
// centre's clock: that clock shows at least this now. Zero: none is known.
func (r *Replica) LastIssue(ctx context.Context) (time.Time, error) {
	var last time.Time
	err := r.view(ctx, func(tx Reader) error {
		all, err := r.certificates(tx)
		for _, c := range all {
			if c.IssuedAt.After(last) {
				last = c.IssuedAt
			}
		}
		return err
	})
	return last, err
}

// Waiting is what is held here for the centre: segments that are not known to be
// there, whoever made them.
type Waiting struct {
	Saves    int
	Segments int
	Since    time.Time // when the oldest of them was sealed or taken here, by the own clock; zero: none
}

// Waiting counts what is held here for the centre. It works while bodies are locked.
// What was saved here and is not sealed yet is not counted: see Status.
func (r *Replica) Waiting(ctx context.Context) (Waiting, error) {
	var w Waiting
	err := r.view(ctx, func(tx Reader) error {
		epoch, err := readEpoch(tx)
		if err != nil {
			return err
		}
		return scan(tx, Unsettled, nil, func(row Row) error {
			h := hashOfChainKey(row.Key)
			a, err := readAck(tx, h)
			if err != nil || a.of(epoch) {
				return err
			}
			s, ok, err := readSegmentRow(tx, h)
			if err == nil && ok && !s.office {
				w.add(s)
			}
			return err
		})
	})
	return w, err
}

func (w *Waiting) add(s segmentRow) {
	w.Segments, w.Saves = w.Segments+1, w.Saves+int(s.count)
	if at := time.UnixMilli(s.arrivedMs).UTC(); w.Since.IsZero() || at.Before(w.Since) {
		w.Since = at
	}
}
