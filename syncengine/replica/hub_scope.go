// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// stateSample is of how many states the bytes are read, where they are reckoned.
const stateSample = 256

// HubScope returns how much of what this hub holds is in a caller's scope: a pull from
// nothing would bring it. The bytes of more than 256 records are reckoned from a sample.
// Its error wraps ErrNotEnrolled or ErrOtherShard as that of a hub's Pull does.
func (r *Replica) HubScope(ctx context.Context, caller segment.Certificate) (session.Extent, error) {
	h := &hub{r, caller}
	var out session.Extent
	err := r.view(ctx, func(tx Reader) error {
		if err := h.enrolled(tx); err != nil {
			return err
		}
		if cut, err := revoked(r, tx, caller); err != nil || cut {
			return fmt.Errorf("revoked: %w", cmp.Or(err, ErrNotEnrolled))
		}
		epoch, err := readEpoch(tx)
		if err != nil {
			return err
		}
		var ids []record.ID
		err = scan(tx, Bases, nil, func(row Row) error {
			b, err := unpackBase(row.Head)
			if err == nil && b.status == baseLive && b.epoch == epoch && inScope(caller, b.class, b.divisions) {
				ids = append(ids, idOfKey(row.Key))
			}
			return err
		})
		if err != nil {
			return err
		}
		out, err = measure(tx, ids)
		return err
	})
	if err != nil {
		return session.Extent{}, fmt.Errorf("hub: scope: %w", err)
	}
	return out, nil
}

// measure returns how much some live records are: the bytes of all where they are few,
// else of as many as stateSample, spread evenly. What cannot be read now counts as the others do.
func measure(tx Reader, ids []record.ID) (session.Extent, error) {
	out := session.Extent{Records: uint64(len(ids))}
	step := max(1, len(ids)/stateSample)
	read, size := uint64(0), uint64(0)
	for i := 0; i < len(ids); i += step {
		row, ok, err := tx.Get(Bases, recordKey(ids[i]))
		if errors.Is(err, ErrDamaged) || errors.Is(err, ErrLocked) {
			continue
		}
		if err != nil {
			return out, err
		}
		if ok {
			read, size = read+1, size+uint64(len(row.Body))
		}
	}
	if out.Sampled = read < out.Records; read > 0 {
		out.StateBytes = size * out.Records / read
	}
	return out, nil
}
