// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

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
	revs, hole, err := unsealed(tx)
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
	h := segment.Header{Shard: s.cert.Shard, Certificate: s.cert.Hash, First: revs[0].Revision.Dot.Counter}
	if !hole {
		h.Previous = s.own.last
	}
	seg, err := segment.Seal(signer, h, revs[:n])
	if err != nil {
		return false, err
	}
	return true, r.keepSealed(tx, s, seg)
}

// unsealed returns the next saves of one own key to be sealed, without a hole
// among them: as many as may fit in a segment. hole says that the save before them
// is damaged, so that they follow no segment. The damaged one stays where it is.
func unsealed(tx Reader) (out []segment.Sealable, hole bool, err error) {
	var lost []byte // key of the last damaged save
	size := 0
	err = scanWhile(tx, Revisions, nil, func(row Row) (bool, error) {
		rev, n, err := readSave(tx, row.Key)
		if errors.Is(err, ErrDamaged) {
			lost = row.Key
			return len(out) == 0, nil
		}
		if err != nil {
			return false, err
		}
		if len(out) == 0 {
			hole = lost != nil && slices.Equal(row.Key, nextKey(lost))
		} else if last := out[len(out)-1].Revision.Dot; !slices.Equal(row.Key, counterKey(last.Replica, last.Counter+1)) {
			return false, nil
		}
		out = append(out, rev)
		size += n
		return size <= 4*segment.MaxSize && len(out) < segment.MaxCount, nil
	})
	return out, hole, err
}

// nextKey returns the key of the save behind the one at a key of Revisions.
func nextKey(key []byte) []byte {
	return binary.BigEndian.AppendUint64(slices.Clone(key[:16]), binary.BigEndian.Uint64(key[16:])+1)
}

// readSave returns a save that is not yet sealed and the size of its body. Its
// error wraps ErrDamaged when that is not what was stored.
func readSave(tx Reader, key []byte) (segment.Sealable, int, error) {
	row, ok, err := tx.Get(Revisions, key)
	if err != nil || !ok {
		return segment.Sealable{}, 0, orCorrupt(err)
	}
	rev, err := unpackRevision(row.Body)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return rev, len(row.Body), err
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
// clone may seal the same save again. When the own one is damaged, the clone's has it.
func keepPlace(tx Tx, seg *segment.Segment, i int, own bool) error {
	key := placeKey(seg.RecordID(i), seg.Dot(i))
	old, ok, err := load(tx, Places, key, unpackPlace)
	if err != nil {
		return err
	}
	was := ok && old.own
	if was && !own {
		if good, err := readable(tx, old); good || err != nil {
			return err
		}
	}
	at := placeRow{own: own || was, segment: seg.Hash(), at: uint64(i), prev: seg.Prev(i)}
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

// readable reports whether a revision can be read where it is; one that is not yet
// sealed counts as such.
func readable(r Reader, at placeRow) (bool, error) {
	if at.segment.IsZero() {
		return true, nil
	}
	_, ok, err := segmentOf(r, at.segment)
	return ok, err
}

// segmentOf returns the wire bytes of a segment held here and whether they are
// there and good. Damaged ones are as good as lost.
func segmentOf(r Reader, h segment.Hash) (*segment.Segment, bool, error) {
	row, ok, err := r.Get(Segments, h[:])
	if errors.Is(err, ErrDamaged) {
		return nil, false, nil
	}
	if err != nil || !ok {
		return nil, false, err
	}
	seg, err := segment.Open(row.Body)
	if err != nil || seg.Hash() != h {
		return nil, false, nil //nolint:nilerr // damaged
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
