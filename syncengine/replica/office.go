// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// takeOffice keeps the centre's own segments, so that a restored centre can have
// them back. From the centre they are in its ledger by its own word; from a hub
// that is not known, and they are offered to the centre.
func (s *syncRun) takeOffice(tx Tx, wires [][]byte) error {
	for _, wire := range wires {
		seg, err := segment.Open(wire)
		if err != nil {
			return fmt.Errorf("office segment: %w: %w", ErrPage, err)
		}
		bare, err := stripped(tx, seg)
		if err != nil {
			return err
		}
		if bare && !s.atCentre() {
			continue // the centre has it, and it is known from there
		}
		fresh, err := s.r.keepOffice(tx, seg)
		if errors.Is(err, errNotOffice) && !s.atCentre() {
			continue
		}
		if err != nil {
			return err
		}
		if fresh {
			s.report.Office++
		}
		if s.atCentre() {
			if _, err := noteAck(tx, seg.Hash(), ackRow{epoch: s.epoch}); err != nil {
				return err
			}
		}
	}
	return nil
}

var errNotOffice = errors.New("not the centre's segment")

// keepOffice stores a segment of the centre's and reports whether it was new. Its
// error wraps errNotOffice when no certificate known here says that it is one.
func (r *Replica) keepOffice(tx Tx, seg *segment.Segment) (bool, error) {
	h := seg.Header()
	cert, ok, err := r.certificate(tx, h.Certificate)
	if err != nil {
		return false, err
	}
	if !ok || cert.Role != segment.RoleCentre || h.Shard != cert.Shard {
		return false, fmt.Errorf("segment of %s: %w", h.Replica, errNotOffice)
	}
	if err := seg.Verify(cert.PublicKey); err != nil {
		return false, fmt.Errorf("%w: %w", errNotOffice, err)
	}
	row := r.segmentRow(seg)
	row.office = true
	return r.keepForeign(tx, seg, row)
}

// keepForeign stores a segment that was not made here, unless it is here already,
// and reports whether it was new. One under the present key shows a fork.
func (r *Replica) keepForeign(tx Tx, seg *segment.Segment, row segmentRow) (bool, error) {
	if _, good, err := segmentOf(tx, seg.Hash()); err != nil || good {
		return false, err
	}
	made, err := isMade(tx, seg.Hash())
	if err != nil {
		return false, err
	}
	if row.made = made; !made {
		if err := noteFork(tx, row.replica); err != nil {
			return false, err
		}
	}
	if err := keepSegment(tx, seg, row); err != nil {
		return false, err
	}
	if !row.office {
		return true, nil
	}
	if err := noteOrders(tx, seg); err != nil {
		return true, err
	}
	return true, noteArrival(tx, seg.Hash())
}

// noteArrival lists a segment of the centre's for those who pull from here.
func noteArrival(tx Tx, h segment.Hash) error {
	raw, _, err := value(tx, valueArrivals)
	if err != nil {
		return err
	}
	n := uint64(1)
	if len(raw) == 8 {
		n = binary.BigEndian.Uint64(raw) + 1
	}
	key := binary.BigEndian.AppendUint64(nil, n)
	if err := tx.PutHead(Arrivals, key, h[:]); err != nil {
		return err
	}
	return putValue(tx, valueArrivals, key)
}

// shownClass returns the class and division of a segment of the centre's, which
// holds one of each, and whether they can be told.
func shownClass(seg *segment.Segment, schema record.Schema) (record.Class, record.Division, bool) {
	kind := seg.RecordID(0).Kind()
	if kind <= lastActKind {
		return record.ClassEveryone, "", true
	}
	rev, err := seg.Revision(0)
	if err != nil || schema == nil {
		return 0, "", false
	}
	info, ok := schema.Lookup(kind)
	if !ok {
		return 0, "", false
	}
	if info.Class == record.ClassEveryone {
		return info.Class, "", true
	}
	if !rev.ScopeSeen.Dot.IsZero() {
		return info.Class, rev.ScopeSeen.Division, true
	}
	c, ok := rev.Change(record.PathScope)
	return info.Class, record.Division(c.Value.Bytes), ok && c.Value.Form == record.Present
}

// lastActKind is the greatest kind number of what the engine obeys, which goes to
// every receiver.
const lastActKind record.Kind = 7
