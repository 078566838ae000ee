// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// checkErased wants the bodies that were ordered gone to be gone: from the centre,
// and from every device that still hears of orders.
func (w *World) checkErased(h holdings, l *law) {
	for _, s := range h.segments {
		w.checkStripped("the centre", s, l)
	}
	for _, d := range w.living() {
		if !d.pulls(l) {
			continue
		}
		for _, s := range d.segments() {
			w.checkStripped(d.name, s, l)
		}
	}
}

func (w *World) checkStripped(holder string, s *segment.Segment, l *law) {
	for i := range s.Len() {
		if _, ordered := l.erased[s.Dot(i)]; ordered && !s.Erased(i) {
			w.fail("erasure", "%s still has the body of %s", holder, short(s.Dot(i)))
		}
	}
}

// segments returns what can be read of the sealed segments on a device's disk.
func (d *device) segments() []*segment.Segment {
	var out []*segment.Segment
	d.w.must(d.disk.Store.View(d.w.ctx, func(r replica.Reader) error {
		rows, err := r.Scan(replica.Segments, nil, nil, 1<<20)
		if err != nil {
			return err
		}
		for _, row := range rows {
			full, _, err := r.Get(replica.Segments, row.Key)
			if err != nil {
				return err
			}
			if s, err := segment.Open(full.Body); err == nil && s.Hash() == segment.Hash(row.Key) {
				out = append(out, s)
			}
		}
		return nil
	}), "look at "+d.name)
	return out
}
