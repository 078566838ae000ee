// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const (
	// FaultReleased: the office releases a held save.
	FaultReleased Fault = "held save released"
	// FaultWithdrawn: it withdraws an admitted one.
	FaultWithdrawn Fault = "save withdrawn"
	// FaultRevoked: it cuts a replica off.
	FaultRevoked Fault = "replica revoked by a fence"
	// FaultLifted: and lets it in again.
	FaultLifted Fault = "fence lifted"
	// FaultNarrowed: a certificate loses a village or class.
	FaultRights Fault = "rights of a certificate changed"
	// FaultErased: a save's body is erased by order.
	FaultErased Fault = "save erased"
	// FaultLearnt: the centre's build learns a kind.
	FaultLearnt Fault = "centre learnt a kind"
	// FaultGapRuled: the office states a gap for somebody who cannot.
	FaultGapRuled Fault = "gap ruled by the office"
	// FaultAway: a tablet is away for long.
	FaultAway Fault = "tablet away for long"
	// FaultWrongAuthor: somebody saves who is not on the staff list.
	FaultWrongAuthor Fault = "author not on the staff list"
	// FaultOfficeSave: the office saves in a record.
	FaultOfficeSave Fault = "office saved in a record"
)

// anyRecord returns a record that the centre has, of the kinds people save.
func (w *World) anyRecord(flags syncengine.Flags) (syncengine.RecordRow, bool) {
	rows, err := w.centre.List(w.ctx, syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral, record.ClassSensitive}, Flags: flags, Limit: 1000,
	})
	w.must(err, "list")
	if len(rows) == 0 {
		return syncengine.RecordRow{}, false
	}
	return pick(w, rows), true
}

// stepRuling releases or withdraws a save, mostly a held one.
func (w *World) stepRuling() {
	flags := syncengine.FlagHeld
	if w.chance(0.3) {
		flags = 0
	}
	row, ok := w.anyRecord(flags)
	if !ok {
		return
	}
	history := w.history(w.centre.Engine, row.ID)
	if len(history) == 0 {
		return
	}
	h := pick(w, history)
	r := syncengine.Ruling{Record: row.ID, Dot: h.Revision.Dot, Author: "office", Reason: "looked at"}
	if w.chance(0.35) {
		if w.centre.do("withdraw "+short(r.Dot), func() error { return w.centre.Withdraw(w.ctx, r) }) {
			w.happens(FaultWithdrawn)
		}
		return
	}
	if w.centre.do("release "+short(r.Dot), func() error { return w.centre.Release(w.ctx, r) }) && h.Verdict.Held() {
		w.happens(FaultReleased)
	}
}

// stepOfficeSave edits, resolves, moves or voids at the office.
func (w *World) stepOfficeSave() {
	row, ok := w.anyRecord(0)
	if !ok {
		return
	}
	view, err := w.centre.Get(w.ctx, row.ID)
	w.must(err, "get")
	f := &form{parents: map[record.Path][]causal.Dot{}}
	for _, g := range view.State.Registers() {
		f.parents[g.Path] = g.Parents()
	}
	changes := w.changes(f)
	switch w.rnd.IntN(4) {
	case 0:
		changes = []record.Change{f.change(record.PathScope, record.Of([]byte(pick(w, villages))))}
	case 1:
		changes = []record.Change{f.change(record.PathLife, record.Voided("office"))}
	}
	var saves []syncengine.Saved
	if !w.centre.do("save", func() (err error) {
		saves, err = w.centre.Save(w.ctx, "office", syncengine.OfficeSave{Record: row.ID, Changes: changes})
		return err
	}) {
		return
	}
	w.happens(FaultOfficeSave)
	w.oracle.note(&saved{dot: saves[0].Dot, record: row.ID, author: "office", changes: changes, by: "office"})
	w.tell("office saves %s in %.4x:%s", short(saves[0].Dot), row.ID[10:], paths(changes))
}

func (w *World) stepFence() {
	if all := w.living(); len(all) > 2 {
		w.fence(pick(w, all))
	}
}

// fence cuts a device's present key off.
func (w *World) fence(d *device) {
	id, err := d.ID(w.ctx)
	w.must(err, "id")
	if !w.centre.do("fence "+d.name, func() error { return w.centre.Fence(w.ctx, "office", id, "stolen") }) {
		return
	}
	w.happens(FaultRevoked)
	m := fenceMemory{line: w.line(id), had: maps.Clone(w.centre.had), tops: map[causal.ReplicaID]uint64{}, open: true}
	leaves := w.oracle.leaves()
	m.by = w.oracle.segments[leaves[len(leaves)-1].Segment].Dot(0)
	for dot := range m.had {
		m.tops[dot.Replica] = max(m.tops[dot.Replica], dot.Counter)
	}
	w.oracle.fenced = append(w.oracle.fenced, m)
}

// line returns a replica and those that continue it.
func (w *World) line(id causal.ReplicaID) []causal.ReplicaID {
	certs, err := w.centre.Certificates(w.ctx)
	w.must(err, "certificates")
	line := []causal.ReplicaID{id}
	for i := 0; i < len(line); i++ {
		for _, c := range certs {
			if c.Predecessor == line[i] && !slices.Contains(line, c.Replica()) {
				line = append(line, c.Replica())
			}
		}
	}
	return line
}

func (w *World) stepLift() {
	for i := range w.oracle.fenced {
		m := &w.oracle.fenced[i]
		if !m.open || w.chance(0.3) {
			continue
		}
		id := m.line[0]
		if w.centre.do("lift the fence", func() error { return w.centre.LiftFence(w.ctx, "office", id, "found again") }) {
			w.happens(FaultLifted)
			for k := range w.oracle.fenced {
				if o := &w.oracle.fenced[k]; o.line[0] == id {
					o.open = false
				}
			}
		}
		return
	}
}

// stepRights gives a device other rights: a village more or less, a class more or less.
func (w *World) stepRights() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	d := pick(w, all)
	key, err := d.PublicKey(w.ctx)
	w.must(err, "key")
	rights := w.someRights(d.rights.Role)
	rights.Staff = d.rights.Staff
	if w.centre.do("new rights for "+d.name, func() error { _, err := w.centre.Certify(w.ctx, rights, key); return err }) {
		w.happens(FaultRights)
	}
}

func (w *World) stepErase() {
	row, ok := w.anyRecord(0)
	if !ok {
		return
	}
	history := w.history(w.centre.Engine, row.ID)
	if len(history) == 0 {
		return
	}
	r := syncengine.Ruling{Record: row.ID, Dot: pick(w, history).Revision.Dot, Author: "office", Reason: "order 7"}
	if w.centre.do("erase "+short(r.Dot), func() error { return w.centre.Erase(w.ctx, r) }) {
		w.happens(FaultErased)
	}
}

// stepLearn installs a newer build at the centre.
func (w *World) stepLearn() {
	if w.schema.novel {
		return
	}
	w.schema.novel = true
	w.centre.restart()
	w.learn()
}

func (w *World) learn() {
	if w.centre.do("learn a kind", func() error { _, err := w.centre.LearnKinds(w.ctx); return err }) {
		w.happens(FaultLearnt)
	}
}

func (w *World) stepRuleGap() {
	blocked := w.centre.Blocked()
	if len(blocked) > 0 {
		w.ruleGap(pick(w, blocked))
	}
}

func (w *World) ruleGap(b syncengine.Blocked) {
	if w.centre.do("rule a gap", func() error {
		return w.centre.RuleGap(w.ctx, "office", b.Replica, []causal.Range{b.Missing}, "tablet lost")
	}) {
		w.happens(FaultGapRuled)
	}
}
