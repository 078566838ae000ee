// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Dropped is what a sweep let go.
type Dropped struct {
	Segments int
	Bytes    int // on the wire
}

// Droppable returns what Sweep would let go now.
func (r *Replica) Droppable(ctx context.Context) (Dropped, error) {
	var d Dropped
	err := r.view(ctx, func(tx Reader) error {
		list, err := r.droppable(tx)
		for _, s := range list {
			d.Segments++
			d.Bytes += int(s.row.size)
		}
		return err
	})
	return d, err
}

// Sweep lets go of segments that two successive verified backups cover and whose
// ack the own cursor has passed: carried ones at once, own ones after OwnKeep. It
// is for devices short of space; nothing else ever drops a segment (I9). Own
// segments that are some key's last, or hold a save that the centre does not
// admit, stay, and so do the centre's.
func (r *Replica) Sweep(ctx context.Context) (Dropped, error) {
	var d Dropped
	err := r.update(ctx, func(tx Tx) error {
		list, err := r.droppable(tx)
		if err != nil {
			return err
		}
		for _, s := range list {
			if err := dropSegment(tx, s); err != nil {
				return err
			}
			d.Segments++
			d.Bytes += int(s.row.size)
		}
		return nil
	})
	if err != nil {
		return Dropped{}, fmt.Errorf("sweep: %w", err)
	}
	return d, nil
}

func (r *Replica) droppable(tx Reader) ([]hashedRow, error) {
	l, err := r.newLocator(tx)
	if err != nil {
		return nil, err
	}
	k := kept{epoch: l.epoch, marks: l.marks, now: r.cfg.Clock()}
	if k.passed, err = readPassed(tx); err != nil {
		return nil, err
	}
	newest, err := newestOwn(tx)
	if err != nil {
		return nil, err
	}
	var out []hashedRow
	err = scan(tx, Segments, nil, func(row Row) error {
		h := segment.Hash(row.Key)
		k.newest = newest[h]
		if k.row, err = unpackSegment(row.Head); err != nil {
			return err
		}
		if k.ack, err = readAck(tx, h); err != nil {
			return err
		}
		if k.held, err = hasHeld(tx, k.row); err != nil {
			return err
		}
		if !r.rules.droppable(k) {
			return nil
		}
		shown, err := shownFrom(tx, h, k.row)
		if err == nil && !shown {
			out = append(out, hashedRow{h, k.row})
		}
		return err
	})
	return out, err
}

// shownFrom reports whether a state here has a save of an own segment as held: then
// the screen has its values from that segment, whatever the centre said since. While
// locked nobody can tell; nothing is let go then, either.
func shownFrom(tx Reader, h segment.Hash, row segmentRow) (bool, error) {
	if !row.made {
		return false, nil
	}
	seg, ok, err := segmentOf(tx, h)
	if errors.Is(err, ErrLocked) || err == nil && !ok {
		return false, nil
	}
	for i := 0; err == nil && i < seg.Len(); i++ {
		var state record.State
		_, state, err = readState(tx, seg.RecordID(i))
		if errors.Is(err, ErrDamaged) || err == nil && state.Held.Has(seg.Dot(i)) {
			return true, nil
		}
		if errors.Is(err, ErrUnknownRecord) {
			err = nil
		}
	}
	return false, err
}

// newestOwn returns the last segment of every own key.
func newestOwn(tx Reader) (map[segment.Hash]bool, error) {
	out := map[segment.Hash]bool{}
	err := scan(tx, Own, nil, func(row Row) error {
		o, err := unpackOwn(row.Head)
		out[o.last] = true
		return err
	})
	return out, err
}

// hasHeld reports whether a segment made here has a save that the centre did not
// admit when it was last heard.
func hasHeld(tx Reader, s segmentRow) (bool, error) {
	if !s.made {
		return false, nil
	}
	rows, err := tx.Scan(Verdicts, s.replica[:], causal.Dot{Replica: s.replica, Counter: s.first}.Append(nil), 1)
	if err != nil || len(rows) == 0 {
		return false, err
	}
	d, _, err := causal.DecodeDot(rows[0].Key)
	return d.Counter <= s.last(), err
}

// dropSegment forgets a segment. That it was made here and what the centre said
// of it stay known.
func dropSegment(tx Tx, s hashedRow) error {
	seg, ok, err := segmentOf(tx, s.hash)
	if err != nil {
		return err
	}
	for i := 0; ok && i < seg.Len(); i++ {
		key := placeKey(seg.RecordID(i), seg.Dot(i))
		at, has, err := load(tx, Places, key, unpackPlace)
		if err != nil {
			return err
		}
		if has && at.segment == s.hash {
			if err := tx.Delete(Places, key); err != nil {
				return err
			}
		}
	}
	chain := chainKey(s.row.replica, s.row.first, s.hash)
	for _, b := range []Bucket{Chains, Unsettled} {
		if err := tx.Delete(b, chain); err != nil {
			return err
		}
	}
	return tx.Delete(Segments, s.hash[:])
}
