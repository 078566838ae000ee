// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"encoding/binary"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	// FaultLent: a tablet shows what only a hub has of a colleague's.
	FaultLent Fault = "colleague's save shown from a hub"
	// FaultLentReplaced: somebody saves over such a value.
	FaultLentReplaced Fault = "save over a colleague's that only a hub has"
	// FaultLentLost: the hub and the colleague's tablet are lost, and the value is all
	// that is left.
	FaultLentLost Fault = "lent save lost everywhere else"
)

// stepClinic is a day at a clinic: people save and sync with the hub, and nobody
// reaches the centre.
func (w *World) stepClinic() {
	hubs := w.hubs()
	if len(hubs) == 0 {
		return
	}
	h := pick(w, hubs)
	for range 3 + w.rnd.IntN(5) {
		d := w.nearby()
		if d == nil {
			return
		}
		if w.chance(0.6) {
			d.syncHub(h)
		}
		switch f := w.form(d); {
		case f == nil || w.chance(0.2):
			w.stepCreate()
		case w.chance(0.2) && !f.shown.Scope.Dot.IsZero():
			d.save(f, d.staff(), f.change(record.PathScope, record.Of([]byte(pick(w, villages)))))
		default:
			d.save(f, w.author(d), w.changes(f)...)
		}
		d.syncHub(h)
		d.checkLent()
	}
}

// stepFire takes a hub and a tablet that was there, after others had seen from the hub
// what that tablet saved last.
func (w *World) stepFire() {
	hubs, all := w.hubs(), w.tablets()
	if len(hubs) == 0 || len(all) < 3 {
		return
	}
	h, d := pick(w, hubs), pick(w, all)
	f := w.form(d)
	if f == nil {
		return
	}
	d.save(f, d.staff(), w.changes(f)...)
	for _, x := range append([]*device{d}, all...) {
		x.syncHub(h)
	}
	for _, x := range []*device{h, d} {
		w.happens(FaultLost)
		x.lose()
		w.tell("%s is lost in a fire", x.name)
	}
}

// checkLoans wants what leaves a hub to be what somebody really sealed, of a class
// that the caller has, and of a record that somebody saved in the caller's divisions.
func (w *World) checkLoans(cert segment.Certificate, p session.Page) {
	for _, l := range p.Loans {
		part, err := segment.OpenPart(l.Part)
		w.must(err, "open a loan")
		s := w.oracle.segments[part.Hash()]
		if s == nil {
			w.fail("loan", "%.8s is lent, and nobody sealed it", part.Hash())
		}
		for _, r := range part.Revisions() {
			rev := r.Revision
			at := int(rev.Dot.Counter - s.Header().First)
			if s.Dot(at) != rev.Dot || s.RecordID(at) != rev.Record {
				w.fail("loan", "%s is lent as something else", short(rev.Dot))
			}
			if info, ok := w.schema.Lookup(rev.Record.Kind()); !ok || !slices.Contains(cert.Classes, info.Class) {
				w.fail("loan", "%s is lent to somebody without its class", short(rev.Dot))
			}
			if !w.savedWithin(rev.Record, cert.Divisions) {
				w.fail("loan", "%s of %.4x is lent to somebody in %v", short(rev.Dot), rev.Record[10:], cert.Divisions)
			}
		}
	}
}

// savedWithin reports whether any save of a record saw or set a scope within divisions.
func (w *World) savedWithin(id record.ID, divisions []record.Division) bool {
	for _, s := range w.oracle.segments {
		for i := range s.Len() {
			if s.RecordID(i) != id {
				continue
			}
			rev, _ := s.Revision(i)
			c, _ := rev.Change(record.PathScope)
			if rev.ScopeSeen.Division.WithinAny(divisions) || record.Division(c.Value.Bytes).WithinAny(divisions) {
				return true
			}
		}
	}
	return false
}

// checkLent wants what a device shows beyond its base and the segments it holds to be
// what somebody really saved and a hub had, as typed, of a class it may see, and not
// received by its base.
func (d *device) checkLent() {
	w := d.w
	list, err := d.List(w.ctx, listAll)
	w.must(err, "list")
	cert, err := d.Certificate(w.ctx)
	w.must(err, "certificate")
	for _, s := range list {
		if len(s.Lent) == 0 {
			continue
		}
		w.happens(FaultLent)
		base := d.base(s.Record)
		if info, _ := w.schema.Lookup(s.Record.Kind()); s.Departed || !slices.Contains(cert.Classes, info.Class) {
			w.fail("lent", "%s shows saves of %.4x, which is not for it", d.name, s.Record[10:])
		}
		for _, dot := range s.Lent {
			if !w.oracle.clinic[dot] {
				w.fail("lent", "%s shows %s from a hub, and no hub has had it", d.name, short(dot))
			}
			w.oracle.lent[dot] = true
			if base.Received(dot) {
				w.fail("lent", "%s shows %s as at the clinic, and its base has received it", d.name, short(dot))
			}
		}
		d.checkLentValues(s)
	}
}

func (d *device) checkLentValues(s replica.Screen) {
	for _, g := range s.Registers {
		for _, b := range g.Siblings {
			typed := d.w.oracle.saves[b.Dot]
			if typed == nil || !s.Lent.Has(b.Dot) {
				continue
			}
			for _, c := range typed.changes {
				if c.Path == g.Path && !c.Value.Equal(b.Value) {
					d.w.fail("lent", "%s shows %s at %s otherwise than it was typed", d.name, short(b.Dot), g.Path)
				}
			}
		}
	}
}

// checkLentVerdicts wants nothing to have been shown from a hub that the centre holds
// for what can be told everywhere: its bytes, its author, its class.
func (w *World) checkLentVerdicts(l *law) {
	for _, id := range sortedRecords(l) {
		for d, v := range l.records[id].revs {
			if !w.oracle.lent[d] || v.erased() || len(v.sources) > 1 {
				continue
			}
			switch v.verdict {
			case ledger.HeldAuthor, ledger.HeldClass, ledger.HeldMalformed, ledger.HeldTooLarge, ledger.HeldBoundary, ledger.HeldNotCentre:
				w.fail("lent", "%s was shown from a hub, and is %s", short(d), v.verdict)
			}
		}
	}
}

// base returns the state that a device has from the centre; the empty one for none.
func (d *device) base(id record.ID) (out record.State) {
	key := append(binary.BigEndian.AppendUint16(nil, uint16(id.Kind())), id[:]...)
	d.w.must(d.disk.Store.View(d.w.ctx, func(r replica.Reader) error {
		row, ok, err := r.Get(replica.Bases, key)
		if err == nil && ok && len(row.Body) > 0 {
			out, err = record.DecodeState(row.Body)
		}
		return err
	}), "look at a base")
	return out
}

// leftLent wants nothing that was lent to be left in a quiet world, but what is lost
// everywhere else, and reports whether there is such.
func (d *device) leftLent(s replica.Screen) bool {
	for _, dot := range s.Lent {
		if d.w.oracle.held(dot) {
			d.w.fail("lent", "%s still shows %s as at the clinic", d.name, short(dot))
		}
		d.w.happens(FaultLentLost)
	}
	return len(s.Lent) > 0
}

// replacesLent counts a save over a value that only a hub had.
func (w *World) replacesLent(f *form, changes []record.Change) {
	if slices.ContainsFunc(changes, func(c record.Change) bool {
		return slices.ContainsFunc(c.Parents, func(q causal.Dot) bool { return f.screen.Lent.Has(q) })
	}) {
		w.happens(FaultLentReplaced)
	}
}
