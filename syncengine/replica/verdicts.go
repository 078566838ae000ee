// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// askVerdicts learns what the centre made of own saves while it hands nothing out: to
// a replica that is cut off it gives no states, but whoever pushes a segment again is
// told the verdicts of its saves as they stand (I8). Some were carried by others or
// sent in envelopes, and never answered for; a fence can reach back; and the office
// may have admitted some since.
func (s *syncRun) askVerdicts(ctx context.Context) error {
	if !s.atCentre() {
		return nil
	}
	var doubtful []segment.Hash
	err := s.r.view(ctx, func(tx Reader) error {
		ids, err := ownIDs(tx)
		for _, id := range ids {
			var some []segment.Hash
			if some, err = doubtfulOf(tx, id); err != nil {
				return err
			}
			doubtful = append(doubtful, some...)
		}
		return err
	})
	if err != nil {
		return err
	}
	pushed := s.report
	_, err = s.pushAll(ctx, doubtful)
	s.report.Pushed, s.report.Already, s.report.Refused = pushed.Pushed, pushed.Already, pushed.Refused
	return err
}

// askedAgain is how many of its newest segments a replica asks about besides those
// that are not settled or hold something: as many as go into one call.
const askedAgain = session.MaxPushSegments

// doubtfulOf returns the segments of one own key whose verdicts may be others than are
// known here, in the order of their counters.
func doubtfulOf(tx Reader, id causal.ReplicaID) ([]segment.Hash, error) {
	var all []hashedRow
	err := scan(tx, Chains, id[:], func(row Row) error {
		h := hashOfChainKey(row.Key)
		seg, ok, err := readSegmentRow(tx, h)
		if ok && seg.made {
			all = append(all, hashedRow{h, seg})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []segment.Hash
	for i, s := range all {
		asks := len(all)-i <= askedAgain
		if !asks {
			if _, asks, err = tx.Get(Unsettled, chainKey(s.row.replica, s.row.first, s.hash)); err != nil {
				return nil, err
			}
		}
		if !asks {
			if asks, err = hasHeld(tx, s.row); err != nil {
				return nil, err
			}
		}
		if asks {
			out = append(out, s.hash)
		}
	}
	return out, nil
}
