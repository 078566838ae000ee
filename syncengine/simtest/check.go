// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Check holds a quiet world against every invariant.
func (w *World) Check() {
	h := w.oracle.holdings()
	l := newLaw(w.schema, h)
	w.checkNothingLost(l)
	w.checkContents(l)
	w.checkStates(l)
	w.checkLive(l)
	w.checkListed(l)
	w.checkErased(h, l)
	w.checkProofs(l)
	w.checkFences(l)
	w.checkKeys(l)
	w.checkForksListed(l)
	w.checkClocks(l)
	w.checkEngine()
	w.checkLentVerdicts(l)
	for _, d := range w.living() {
		d.checkScreens(l)
		d.checkWhereabouts(l)
	}
	w.checkOtherOrder(h, l)
}

// checkNothingLost wants every save that somebody was told is saved at the centre,
// unless its only holder was destroyed (I2).
func (w *World) checkNothingLost(l *law) {
	for _, d := range w.living() {
		for dot := range d.had {
			if !w.centre.had[dot] {
				w.fail("I2", "%s has or had %s, and it is not at the centre", d.name, short(dot))
			}
		}
	}
	for _, d := range w.oracle.order {
		s := w.oracle.saves[d]
		if w.oracle.excused[d] {
			continue
		}
		if r := l.records[s.record]; r == nil || r.revs[d] == nil {
			w.fail("I2", "save %s by %s in %.4x is not at the centre", short(d), s.by, s.record[10:])
		}
	}
}

// checkContents wants what is stored to be what was typed (I4).
func (w *World) checkContents(l *law) {
	for _, s := range w.oracle.saves {
		r := l.records[s.record]
		if r == nil || r.revs[s.dot] == nil {
			continue
		}
		if v := r.revs[s.dot]; v.bad == 0 && !v.erased() && !s.same(v.rev) {
			w.fail("I4", "save %s by %s is stored as something else", short(s.dot), s.by)
		}
	}
}

func (v *lawRevision) erased() bool {
	return slices.ContainsFunc(v.rev.Changes, func(c record.Change) bool { return c.Value.Form == record.Erased })
}

// checkStates wants the verdicts and states of the engine to be those of the law.
func (w *World) checkStates(l *law) {
	w.compare("I3", w.centre.Engine, l)
}

// compare holds an engine against a law.
func (w *World) compare(check string, e *syncengine.Engine, l *law) {
	for _, id := range sortedRecords(l) {
		r := l.records[id]
		seen := dots{}
		for _, h := range w.history(e, id) {
			d := h.Revision.Dot
			if seen[d] {
				w.fail("I2", "%s is twice in the history of its record", short(d))
			}
			seen[d] = true
			v := r.revs[d]
			if v == nil {
				w.fail("I2", "%s is in a history and in no segment", short(d))
			}
			// A kind learnt late: what is held for another reason as well keeps the
			// first one until somebody touches its record.
			late := h.Verdict == ledger.HeldUnknownKind && v.verdict.Held()
			if h.Verdict != v.verdict && !late {
				w.fail(check, "%s in %.4x is %s, should be %s", short(d), id[10:], h.Verdict, v.verdict)
			}
		}
		if len(seen) != len(r.revs) {
			w.fail("I2", "%.4x: %d of %d stored revisions are in its history", id[10:], len(seen), len(r.revs))
		}
		view, err := e.Get(w.ctx, id)
		w.must(err, "get a stored record")
		if want := r.state().Append(nil); !bytes.Equal(want, view.Row.State) {
			w.fail(check, "state of %.4x is not that of its revisions", id[10:])
		}
	}
}

// history returns all stored revisions of a record, read in small parts.
func (w *World) history(e *syncengine.Engine, id record.ID) (all []syncengine.RevisionView) {
	for from := (syncengine.HistoryPlace{}); ; {
		part, next, err := e.History(w.ctx, id, from, 7)
		w.must(err, "history of a stored record")
		all = append(all, part...)
		if from = next; from == (syncengine.HistoryPlace{}) {
			return all
		}
	}
}

func sortedRecords(l *law) []record.ID {
	return slices.SortedFunc(maps.Keys(l.records), func(a, b record.ID) int { return bytes.Compare(a[:], b[:]) })
}

// checkLive wants each admitted value live, or named as a parent at its path by
// an admitted revision, and not both (I2).
func (w *World) checkLive(l *law) {
	for _, id := range sortedRecords(l) {
		view, err := w.centre.Get(w.ctx, id)
		w.must(err, "get")
		live := map[place]record.Value{}
		for _, e := range view.State.Live {
			live[place{e.Dot, e.Path}] = e.Value
		}
		replaced := map[place]bool{}
		values := map[place]record.Value{}
		for _, v := range l.records[id].revs {
			if v.verdict != ledger.Admitted {
				continue
			}
			for _, c := range v.rev.Changes {
				values[place{v.dot, c.Path}] = c.Value
				for _, q := range c.Parents {
					replaced[place{q, c.Path}] = true
				}
			}
		}
		for p, v := range values {
			got, ok := live[p]
			if ok == replaced[p] || ok && !got.Equal(v) {
				w.fail("I2", "the value of %s at %s in %.4x: live %v, replaced %v", short(p.dot), p.path, id[10:], ok, replaced[p])
			}
		}
		for p := range live {
			if _, ok := values[p]; !ok {
				w.fail("I2", "%s is live at %s in %.4x and nobody admitted it", short(p.dot), p.path, id[10:])
			}
		}
	}
}

// checkListed wants the held and waiting revisions listed for the office, and no
// others (I2, I8).
func (w *World) checkListed(l *law) {
	want := map[causal.Dot]ledger.Verdict{}
	for _, r := range l.records {
		for d, v := range r.revs {
			if v.verdict != ledger.Admitted {
				want[d] = v.verdict
			}
		}
	}
	got := map[causal.Dot]ledger.Verdict{}
	for from := (syncengine.HeldPlace{}); ; {
		list, next, err := w.centre.Held(w.ctx, from, 3)
		w.must(err, "held")
		for _, h := range list {
			if _, twice := got[h.Revision.Dot]; twice {
				w.fail("I8", "%s is listed twice as held", short(h.Revision.Dot))
			}
			got[h.Revision.Dot] = h.Verdict
		}
		if from = next; from == (syncengine.HeldPlace{}) {
			break
		}
	}
	if !maps.EqualFunc(want, got, func(a, b ledger.Verdict) bool { return a.Waiting() == b.Waiting() }) {
		w.fail("I8", "%d revisions are listed as held or waiting, %d are", len(got), len(want))
	}
}

// holds reports whether all these saves are stored. When a restore lost the end of
// a history for good, nobody can say any more what lay before the fence: what a
// copy brings of it is held, and a person decides.
func (l *law) holds(dots map[causal.Dot]bool) bool {
	here := map[causal.Dot]bool{}
	for _, r := range l.records {
		for d := range r.revs {
			here[d] = true
		}
	}
	for d := range dots {
		if !here[d] {
			return false
		}
	}
	return true
}

// checkFences wants what the centre had of a replica when it cut it off to be
// spared, and what it had not and lies behind it to be held (B23).
func (w *World) checkFences(l *law) {
	for _, f := range w.oracle.fenced {
		if !slices.ContainsFunc(l.inForce(f.line[0]), func(o fence) bool { return o.by == f.by }) {
			continue // lifted, or lost by a restore before anybody heard of it
		}
		whole := l.holds(f.had)
		for _, r := range l.records {
			for d, v := range r.revs {
				if !slices.Contains(f.line, d.Replica) || v.verdict == ledger.Waiting || w.ruledOn(l, d) {
					continue
				}
				if whole && f.had[d] && v.verdict == ledger.HeldFence && !l.fencedOften(d.Replica) {
					w.fail("B23", "%s was at the centre before its replica was cut off, and is held", short(d))
				}
				if !f.had[d] && d.Counter > f.tops[d.Replica] && v.verdict == ledger.Admitted {
					w.fail("B23", "%s came after its replica was cut off, and is admitted", short(d))
				}
			}
		}
	}
}

func (w *World) ruledOn(l *law, d causal.Dot) bool { return len(l.rulings[d]) > 0 }

// checkKeys wants nobody to go on under a key under which somebody else has saved.
func (w *World) checkKeys(l *law) {
	for _, d := range w.living() {
		id, err := d.ID(w.ctx)
		w.must(err, "id")
		for _, s := range l.of[id] {
			for _, dot := range dotsOf(s.Segment) {
				if !d.had[dot] && !d.lost[dot] {
					w.fail("fork", "%s goes on as %.4x, under which somebody else saved %s", d.name, id, short(dot))
				}
			}
		}
	}
}

// checkForksListed wants every replica of which two different segments have a
// counter in common listed for the office, and no other.
func (w *World) checkForksListed(l *law) {
	list, err := w.centre.Replicas(w.ctx)
	w.must(err, "replicas")
	for _, r := range list {
		id, forked := r.Certificate.Replica(), false
		for i, a := range l.of[id] {
			for _, b := range l.of[id][:i] {
				forked = forked || a.Header().First <= b.Last() && b.Header().First <= a.Last()
			}
		}
		if forked != (len(r.Forks) > 0) {
			w.fail("fork", "%.4x has two histories: %v, %d forks are listed", id, forked, len(r.Forks))
		}
	}
}

// checkClocks wants each save dated by its own device's clock, later than the one
// before, whatever others' clocks said.
func (w *World) checkClocks(l *law) {
	for _, s := range w.oracle.saves {
		r := l.records[s.record]
		if r == nil || r.revs[s.dot] == nil || r.revs[s.dot].bad != 0 {
			continue
		}
		if at := r.revs[s.dot].rev.ClockMs; s.latest > 0 && (at < s.earliest || at > s.latest) {
			w.fail("clock", "%s is dated %d, by a clock that said %d..%d", short(s.dot), at, s.earliest, s.latest)
		}
	}
}

// fencedOften reports whether more than one fence is in force on a replica and
// those it continues: a lift that had not seen one left it.
func (l *law) fencedOften(r causal.ReplicaID) bool {
	n := 0
	for _, id := range l.lineage(r) {
		n += len(l.inForce(id))
	}
	return n > 1
}

// checkEngine lets the engine verify itself, replay included.
func (w *World) checkEngine() {
	report, err := w.centre.Verify(w.ctx, syncengine.VerifyOptions{Replay: true})
	w.must(err, "verify")
	for _, v := range report.Violations {
		w.fail(v.Invariant, "verify: %s", v.What)
	}
}

// pulls reports whether a device may see records.
func (d *device) pulls(l *law) bool {
	return !d.cutOff(l) && d.w.centre.now().Before(d.certificate().ExpiresAt)
}

// cutOff reports whether a fence is in force on a device's key or one before it.
func (d *device) cutOff(l *law) bool {
	return slices.ContainsFunc(l.lineage(d.certificate().Replica()), func(id causal.ReplicaID) bool {
		return len(l.inForce(id)) > 0
	})
}

// checkScreens wants a device to show, of every record in its scope, what the
// centre has, with its own held saves beside it, and of no other record anything
// but own or carried saves (I6, I12).
func (d *device) checkScreens(l *law) {
	if !d.pulls(l) {
		return
	}
	w := d.w
	cert := d.certificate()
	for _, id := range sortedRecords(l) {
		state := l.records[id].state()
		s, err := d.View(w.ctx, id)
		if errors.Is(err, replica.ErrUnknownRecord) {
			s, err = replica.Screen{}, nil
		}
		w.must(err, "view")
		if d.leftLent(s) {
			continue
		}
		if !w.sends(id, cert) {
			if shows(s) {
				d.explain()
				w.fail("I6", "%s opens %.4x, which is not in its scope", d.name, id[10:])
			}
			continue
		}
		if got := s.State.Append(nil); !bytes.Equal(got, state.Append(nil)) {
			w.fail("I12", "%s shows another state of %.4x than the centre's", d.name, id[10:])
		}
		d.checkHeldBeside(s, state)
	}
}

// shows reports whether a screen has more than own saves that the centre holds.
func shows(s replica.Screen) bool {
	return slices.ContainsFunc(s.Registers, func(g record.Register) bool {
		return slices.ContainsFunc(g.Siblings, func(b record.Sibling) bool { return !b.Held })
	})
}

// checkHeldBeside wants the registers to be the state's, with own held values that
// nothing replaced beside them.
func (d *device) checkHeldBeside(s replica.Screen, state record.State) {
	live := map[place]bool{}
	for _, e := range state.Live {
		live[place{e.Dot, e.Path}] = true
	}
	shown := map[place]bool{}
	for _, g := range s.Registers {
		for _, b := range g.Siblings {
			p := place{b.Dot, g.Path}
			shown[p] = true
			if b.Held == live[p] {
				d.w.fail("screen", "%s shows %s at %s as held: %v", d.name, short(b.Dot), g.Path, b.Held)
			}
			if b.Held && !state.Held.Has(b.Dot) {
				d.w.fail("screen", "%s shows %s as held, which is not", d.name, short(b.Dot))
			}
		}
	}
	for p := range live {
		if !shown[p] {
			d.w.fail("screen", "%s does not show %s at %s", d.name, short(p.dot), p.path)
		}
	}
}

// checkOffice wants a device that came to the end of a pull to have every act of
// the centre, and all that it saved in the scope it was pulled for: to be given back
// should the centre lose it (B7).
func (d *device) checkOffice(cert segment.Certificate) {
	w := d.w
	err := w.centre.disk.Store.View(w.ctx, func(r syncengine.Reader) error {
		heads, err := r.OfficeSegments(0, cert.Divisions, append(slices.Clone(cert.Classes), record.ClassEveryone), 1<<20)
		for _, h := range heads {
			for _, dot := range w.oracle.segment(h.Hash, nil) {
				if !d.had[dot] && !d.lost[dot] {
					w.fail("B7", "%s pulled everything and has not %s of the office", d.name, short(dot))
				}
			}
		}
		return err
	})
	w.must(err, "office segments")
}

// sentTo returns the records that the centre sends to a certificate.
func (w *World) sentTo(cert segment.Certificate) map[record.ID]bool {
	rows, err := w.centre.List(w.ctx, syncengine.FeedQuery{Divisions: cert.Divisions, Classes: cert.Classes, Limit: 1000})
	w.must(err, "list")
	out := map[record.ID]bool{}
	for _, r := range rows {
		out[r.ID] = true
	}
	return out
}

// sends reports whether the centre sends a record to a certificate.
func (w *World) sends(id record.ID, cert segment.Certificate) bool {
	view, err := w.centre.Get(w.ctx, id)
	w.must(err, "get")
	return id.Kind() > 15 && len(view.State.VV) > 0 && slices.Contains(cert.Classes, view.Row.Class) &&
		slices.ContainsFunc(view.Row.Divisions, func(d record.Division) bool { return d.WithinAny(cert.Divisions) })
}

// checkOwn wants every own save on the screen, unless something replaced it, or
// the record left and the save is known to have arrived.
func (d *device) checkOwn() {
	w := d.w
	screens := map[record.ID]replica.Screen{}
	for _, dot := range w.oracle.order {
		s := w.oracle.saves[dot]
		if !d.own[dot] || !d.had[dot] {
			continue
		}
		screen, ok := screens[s.record]
		if !ok {
			var err error
			screen, err = d.View(w.ctx, s.record)
			if errors.Is(err, replica.ErrUnknownRecord) {
				w.fail("screen", "%s does not know %.4x, in which it saved %s", d.name, s.record[10:], short(dot))
			}
			w.must(err, "view")
			screens[s.record] = screen
		}
		d.checkOwnSave(s, screen)
	}
}

func (d *device) checkOwnSave(s *saved, screen replica.Screen) {
	where, err := d.WhereSave(d.w.ctx, s.record, s.dot)
	d.w.must(err, "where")
	if where.Place == replica.PlaceClinic && !d.w.oracle.clinic[s.dot] {
		d.w.fail("I7", "%s says of %s that it is at the clinic, and no hub has had it", d.name, short(s.dot))
	}
	if screen.Damaged {
		return // it shows nothing, and says so
	}
	for _, c := range s.changes {
		g, _ := screen.Register(c.Path)
		shown := slices.ContainsFunc(g.Siblings, func(b record.Sibling) bool { return b.Dot == s.dot })
		// What was swept, or has arrived (in whatever epoch) and is in a record out of
		// scope, is shown no more.
		gone := d.w.oracle.replaced[place{s.dot, c.Path}] || where.Place == 0 ||
			where.Place >= replica.PlaceCentre && !screen.Opens || d.w.oracle.ever[s.dot] && !d.sent[s.record]
		if !shown && !gone {
			d.w.fail("screen", "%s does not show its own save %s at %s (%s, departed %v)", d.name, short(s.dot), c.Path, where.Place, screen.Departed)
		}
	}
}

// checkWhereabouts wants what a device says of its own saves to be so (I7).
func (d *device) checkWhereabouts(l *law) {
	w := d.w
	for _, dot := range w.oracle.order {
		s := w.oracle.saves[dot]
		if !d.own[dot] || !d.had[dot] {
			continue
		}
		where, err := d.WhereSave(w.ctx, s.record, dot)
		w.must(err, "where")
		if where.Place == 0 && w.centre.had[dot] {
			continue // swept: nothing is said of it any more
		}
		if where.Place >= replica.PlaceCentre && !w.centre.had[dot] {
			w.fail("I7", "%s says of %s that it is at the %s, and it is not", d.name, short(dot), where.Place)
		}
		// What was damaged here before it was sealed, and came back in a segment that a copy of this device sealed, has no ack
		// here: it counts as unsent, which claims too little and never too much.
		if where.Place < replica.PlaceCentre && w.centre.had[dot] && !d.lost[dot] {
			w.fail("I7", "%s says of %s that it is at the %s, and it is at the centre", d.name, short(dot), where.Place)
		}
		if where.Place == replica.PlaceBackedUp && slices.ContainsFunc(w.centre.candidates(), func(b *backup) bool { return !b.had[dot] }) {
			w.fail("I9", "%s says of %s that it is backed up, and one of the last two backups lacks it", d.name, short(dot))
		}
		r := l.records[s.record]
		if r == nil || r.revs[dot] == nil || !d.pulls(l) || !w.sends(s.record, d.certificate()) {
			continue
		}
		if held := r.revs[dot].verdict.Held(); held != where.Held {
			w.fail("I8", "%s says of %s that it is held: %v, and its verdict is %s", d.name, short(dot), where.Held, r.revs[dot].verdict)
		}
	}
}
