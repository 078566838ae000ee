// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	// FaultSegmentLost: a sealed segment cannot be read any more.
	FaultSegmentLost Fault = "tablet lost a sealed segment"
	// FaultSaveDamaged: a save cannot be read any more before it was sealed.
	FaultSaveDamaged Fault = "tablet lost a save that was not sealed"
	// FaultBaseDamaged: what the centre sent cannot be read any more.
	FaultBaseDamaged Fault = "tablet lost a state"
)

// stepSegmentLost makes a sealed segment on some disk unreadable.
func (w *World) stepSegmentLost() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	d := pick(w, all)
	var keys [][]byte
	unsent := w.chance(0.7)
	err := d.disk.Store.View(w.ctx, func(r replica.Reader) error {
		rows, err := r.Scan(replica.Segments, nil, nil, 1<<20)
		for _, row := range rows {
			if h := segment.Hash(row.Key); !unsent || !w.oracle.stored[h] {
				keys = append(keys, row.Key)
			}
		}
		return err
	})
	w.must(err, "look")
	if len(keys) == 0 {
		return
	}
	key := pick(w, keys)
	w.must(d.disk.Store.Update(w.ctx, func(tx replica.Tx) error {
		row, _, err := tx.Get(replica.Segments, key)
		if err != nil || w.chance(0.5) {
			return tx.Delete(replica.Segments, key)
		}
		row.Body = slices.Clone(row.Body)
		row.Body[w.rnd.IntN(len(row.Body))] ^= 1 << w.rnd.IntN(8)
		return tx.Put(replica.Segments, row)
	}), "damage a segment")
	w.happens(FaultSegmentLost)
	before, after := dots{}, dots{}
	for _, dot := range w.oracle.segment([32]byte(key), nil) {
		before[dot] = true
		delete(d.had, dot)
		d.lost[dot] = true
	}
	delete(d.seen, [32]byte(key))
	w.oracle.destroyed(before, after)
	w.tell("%s loses segment %.4x", d.name, key)
}

// stepSaveDamaged makes a save unreadable that was not sealed yet.
func (w *World) stepSaveDamaged() {
	d, key := w.damage(replica.Revisions)
	if key == nil {
		return
	}
	w.happens(FaultSaveDamaged)
	before := dots{}
	for dot := range d.own {
		if bytes.Equal(key, binary.BigEndian.AppendUint64(slices.Clone(dot.Replica[:]), dot.Counter)) {
			before[dot] = true
			delete(d.had, dot)
			d.lost[dot] = true
		}
	}
	w.oracle.destroyed(before, dots{})
	w.tell("%s loses save %d", d.name, binary.BigEndian.Uint64(key[len(causal.ReplicaID{}):]))
}

// stepBaseDamaged makes a state unreadable that the centre sent.
func (w *World) stepBaseDamaged() {
	if d, key := w.damage(replica.Bases); key != nil {
		w.happens(FaultBaseDamaged)
		w.tell("%s cannot read the state of %.4x", d.name, key[10:])
	}
}

// damage makes the body of some row in a bucket unreadable; the key is nil when
// there was none.
func (w *World) damage(b replica.Bucket) (*device, []byte) {
	all := w.living()
	if len(all) == 0 {
		return nil, nil
	}
	d := pick(w, all)
	var rows []replica.Row
	w.must(d.disk.Store.View(w.ctx, func(r replica.Reader) (err error) {
		rows, err = r.Scan(b, nil, nil, 1<<20)
		return err
	}), "look")
	if len(rows) == 0 {
		return d, nil
	}
	key := pick(w, rows).Key
	if !d.disk.Store.Damage(b, key) {
		return d, nil
	}
	return d, key
}

// lookAtAll has somebody leaf through every device, which is how damage is met.
func (w *World) lookAtAll() {
	for _, d := range w.living() {
		_, err := d.List(w.ctx, listAll)
		w.must(err, "list")
	}
}
