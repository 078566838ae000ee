// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"fmt"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Seal turns every save that is not yet sealed into segments, each stored before
// anything is sent, and returns how many it made. From then on they are sent byte
// for byte. Sync does this itself; an app does it before it locks.
func (r *Replica) Seal(ctx context.Context) (int, error) {
	made := 0
	for {
		more := false
		err := r.update(ctx, func(tx Tx) (err error) {
			more, err = r.sealOne(tx)
			return err
		})
		if err != nil {
			return made, fmt.Errorf("seal: %w", err)
		}
		if !more {
			return made, nil
		}
		made++
	}
}

// sealOne seals the first run that is waiting and reports whether there was one.
// A key that was succeeded still seals what was saved under it.
func (r *Replica) sealOne(tx Tx) (bool, error) {
	revs, err := unsealed(tx)
	if err != nil || len(revs) == 0 {
		return false, err
	}
	id := revs[0].Revision.Dot.Replica
	s, err := r.readOwn(tx, id)
	if err != nil {
		return false, err
	}
	if !s.enrolled() {
		return false, ErrNotEnrolled
	}
	signer, err := r.cfg.Keys.Signer(id)
	if err != nil {
		return false, err
	}
	n := max(segment.Plan(revs), 1)
	h := segment.Header{Shard: s.cert.Shard, Certificate: s.cert.Hash, First: revs[0].Revision.Dot.Counter, Previous: s.own.last}
	seg, err := segment.Seal(signer, h, revs[:n])
	if err != nil {
		return false, err
	}
	return true, r.keepSealed(tx, s, seg)
}

// unsealed returns saves of one own key from the first that is not sealed: as
// many as may fit in a segment.
func unsealed(tx Reader) ([]segment.Sealable, error) {
	rows, err := tx.Scan(Revisions, nil, nil, segment.MaxCount)
	if err != nil {
		return nil, err
	}
	var out []segment.Sealable
	size := 0
	for _, row := range rows {
		if len(out) > 0 && string(row.Key[:16]) != string(out[0].Revision.Dot.Replica[:]) {
			break
		}
		full, _, err := tx.Get(Revisions, row.Key)
		if err != nil {
			return nil, err
		}
		rev, err := unpackRevision(full.Body)
		if err != nil {
			return nil, err
		}
		out = append(out, rev)
		if size += len(full.Body); size > 4*segment.MaxSize {
			break
		}
	}
	return out, nil
}

// keepSealed stores a segment made here and forgets the loose saves in it.
func (r *Replica) keepSealed(tx Tx, s self, seg *segment.Segment) error {
	row := r.segmentRow(seg)
	row.made = true
	if err := keepSegment(tx, seg, row); err != nil {
		return err
	}
	hash := seg.Hash()
	if err := tx.PutHead(Made, hash[:], nil); err != nil {
		return err
	}
	for i := range seg.Len() {
		d := seg.Dot(i)
		if err := tx.Delete(Revisions, counterKey(d.Replica, d.Counter)); err != nil {
			return err
		}
	}
	if err := r.keepEnvelope(tx, s, seg); err != nil {
		return err
	}
	s.own.last = hash
	return tx.PutHead(Own, s.id[:], s.own.pack())
}

func (r *Replica) keepEnvelope(tx Tx, s self, seg *segment.Segment) error {
	if r.cfg.Recipient == nil {
		return nil
	}
	e, err := segment.SealEnvelope(r.cfg.Recipient, s.cert.Shard, seg)
	if err != nil {
		return err
	}
	return tx.PutHead(Envelopes, e.Segment[:], e.Encode())
}

func (r *Replica) segmentRow(seg *segment.Segment) segmentRow {
	h := seg.Header()
	row := segmentRow{
		replica: h.Replica, first: h.First, count: uint64(h.Count),
		previous: h.Previous, certificate: h.Certificate,
		size: uint64(len(seg.Bytes())), arrivedMs: r.nowMs(),
	}
	row.savedMs = row.arrivedMs
	if rev, err := seg.Revision(0); err == nil {
		row.savedMs = rev.ClockMs
	}
	return row
}

// keepSegment stores a segment and where its revisions are. It will be offered
// until it is settled.
func keepSegment(tx Tx, seg *segment.Segment, row segmentRow) error {
	hash := seg.Hash()
	if err := tx.Put(Segments, Row{Key: hash[:], Head: row.pack(), Body: seg.Bytes()}); err != nil {
		return err
	}
	chain := chainKey(row.replica, row.first, hash)
	if err := tx.PutHead(Chains, chain, nil); err != nil {
		return err
	}
	if err := tx.PutHead(Unsettled, chain, nil); err != nil {
		return err
	}
	if err := reopenOrders(tx, row); err != nil {
		return err
	}
	for i := range seg.Len() {
		if err := keepPlace(tx, seg, i, row.made); err != nil {
			return err
		}
	}
	return nil
}

// keepPlace notes where a revision is, unless an own segment has it already: a
// clone may seal the same save again.
func keepPlace(tx Tx, seg *segment.Segment, i int, own bool) error {
	key := placeKey(seg.RecordID(i), seg.Dot(i))
	old, ok, err := load(tx, Places, key, unpackPlace)
	if err != nil || ok && old.own && !own {
		return err
	}
	at := placeRow{own: own, segment: seg.Hash(), at: uint64(i), prev: seg.Prev(i)}
	if err := tx.PutHead(Places, key, at.pack()); err != nil {
		return err
	}
	if own {
		return nil // noted when it was saved
	}
	rev, err := seg.Revision(i)
	if err != nil {
		rev.Record = seg.RecordID(i) // it cannot be read, but its record is known
	}
	return noteRecord(tx, rev)
}

// segmentOf returns the wire bytes of a segment held here and whether they are
// there and good.
func segmentOf(r Reader, h segment.Hash) (*segment.Segment, bool, error) {
	row, ok, err := r.Get(Segments, h[:])
	if err != nil || !ok {
		return nil, false, err
	}
	seg, err := segment.Open(row.Body)
	if err != nil || seg.Hash() != h {
		return nil, false, nil // the copy is damaged: as good as lost
	}
	return seg, true, nil
}

func readSegmentRow(r Reader, h segment.Hash) (segmentRow, bool, error) {
	return load(r, Segments, h[:], unpackSegment)
}

// isMade reports whether a segment was made here, even if it was dropped since.
func isMade(r Reader, h segment.Hash) (bool, error) {
	_, ok, err := r.Head(Made, h[:])
	return ok, err
}

// isOwn reports whether a replica id is or was this installation's.
func isOwn(r Reader, id causal.ReplicaID) (bool, error) {
	_, ok, err := r.Head(Own, id[:])
	return ok, err
}
