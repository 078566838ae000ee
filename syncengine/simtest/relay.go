// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultViaHub: a tablet syncs with a clinic hub and never sees the centre.
	FaultViaHub Fault = "sync with a hub"
	// FaultStick: what one device holds goes to another on a memory stick.
	FaultStick Fault = "memory stick carried to a device"
	// FaultStickHome: or to the centre.
	FaultStickHome Fault = "memory stick carried to the centre"
	// FaultStickCut: only a part of it could be read.
	FaultStickCut Fault = "memory stick cut off"
	// FaultSwept: a device let go of segments.
	FaultSwept Fault = "segments swept"
)

// syncHub syncs a tablet with a hub.
func (d *device) syncHub(h *device) bool {
	w := d.w
	cert, err := d.Certificate(w.ctx)
	w.must(err, "certificate")
	id, err := h.ID(w.ctx)
	w.must(err, "id")
	w.happens(FaultViaHub)
	l := &line{w: w, from: d, peer: h.Hub(cert), to: h, caller: cert}
	err = d.sync(l, replica.Options{Hub: id, PageRecords: 1 + w.rnd.IntN(4)})
	h.look()
	return err == nil
}

// bundle is a memory stick.
type bundle struct {
	from    string
	parcels []replica.Parcel
}

// export fills a stick.
func (d *device) export(o replica.ExportOptions) *bundle {
	b := &bundle{from: d.name}
	d.arrange()
	_, err := d.Seal(d.w.ctx)
	if d.recover() {
		return nil
	}
	d.w.must(err, "seal")
	d.look()
	err = d.Export(d.w.ctx, o, func(p replica.Parcel) error {
		b.parcels = append(b.parcels, p)
		return nil
	})
	d.w.must(err, "export")
	d.w.tell("%s fills a stick with %d parcels", d.name, len(b.parcels))
	return b
}

// order mixes a stick's contents up, and cuts them off.
func (w *World) tamper(b *bundle) []replica.Parcel {
	out := slices.Clone(b.parcels)
	if w.chance(w.odds.stickCut) && len(out) > 0 {
		w.happens(FaultStickCut)
		out = out[:w.rnd.IntN(len(out))]
	}
	for i := range out {
		out[i].Segments = slices.Clone(out[i].Segments)
		w.rnd.Shuffle(len(out[i].Segments), func(a, b int) {
			out[i].Segments[a], out[i].Segments[b] = out[i].Segments[b], out[i].Segments[a]
		})
	}
	return out
}

// insert puts a stick into a device.
func (d *device) insert(b *bundle) {
	w := d.w
	w.happens(FaultStick)
	for _, p := range w.tamper(b) {
		d.arrange()
		c, err := d.Carry(w.ctx, p)
		if d.recover() {
			break
		}
		w.must(err, "carry")
		for _, r := range c.Refused {
			if r.Reason != "certificate" {
				w.fail("I2", "%s refuses %.8s from the stick of %s: %s", d.name, r.Segment, b.from, r.Reason)
			}
		}
	}
	d.look()
	w.tell("%s takes the stick of %s", d.name, b.from)
}

// importStick hands a stick to the centre.
func (c *centre) importStick(b *bundle) {
	w := c.w
	w.happens(FaultStickHome)
	for _, p := range w.tamper(b) {
		for len(p.Segments)+len(p.Gaps)+len(p.Certificates) > 0 {
			n, g, k := min(len(p.Segments), 1+w.rnd.IntN(8)), min(len(p.Gaps), session.MaxPushSegments), min(len(p.Certificates), session.MaxCertificates)
			q := session.PushRequest{Segments: p.Segments[:n], Gaps: p.Gaps[:g], Certificates: p.Certificates[:k]}
			p.Segments, p.Gaps, p.Certificates = p.Segments[n:], p.Gaps[g:], p.Certificates[k:]
			if !c.do("stick of "+b.from, func() error { _, err := c.Push(w.ctx, q); return err }) {
				return
			}
		}
	}
}

// sweep lets a device drop what it may drop.
func (d *device) sweep() {
	w := d.w
	before, screens := d.present(), d.screens()
	d.arrange()
	_, err := d.Sweep(w.ctx)
	d.recover()
	if err != nil && !errors.Is(err, errCrash) {
		w.must(err, "sweep")
	}
	if d.screens() != screens {
		w.fail("I9", "a sweep of %s changed what it shows", d.name)
	}
	after := d.present()
	for dot := range before {
		if after[dot] {
			continue
		}
		w.happens(FaultSwept)
		if len(w.centre.backups) < 2 || slices.ContainsFunc(w.centre.candidates(), func(b *backup) bool { return !b.had[dot] }) {
			w.fail("I9", "%s dropped %s, which one of the last two backups lacks", d.name, short(dot))
		}
	}
}

// screens sums up everything that a device shows.
func (d *device) screens() [32]byte {
	list, err := d.List(d.w.ctx, listAll)
	d.w.must(err, "list")
	h := sha256.New()
	for _, s := range list {
		h.Write(s.Record[:])
		h.Write(s.State.Append(nil))
		for _, g := range s.Registers {
			_, _ = fmt.Fprint(h, g)
		}
	}
	return [32]byte(h.Sum(nil))
}

// present returns the saves in segments on the device's disk now.
func (d *device) present() dots {
	out := dots{}
	err := d.disk.Store.View(d.w.ctx, func(r replica.Reader) error {
		rows, err := r.Scan(replica.Segments, nil, nil, 1<<20)
		for _, row := range rows {
			for _, dot := range d.w.oracle.segment([32]byte(row.Key), nil) {
				out[dot] = true
			}
		}
		return err
	})
	d.w.must(err, "look")
	return out
}
