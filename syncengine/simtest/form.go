// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

const (
	// FaultStaleForm: a form is saved that was opened before the last sync.
	FaultStaleForm Fault = "save from a form opened before a sync"
	// FaultTooLarge: somebody tries to save more than a revision holds.
	FaultTooLarge Fault = "save over the size limit refused"
)

// form is a record on somebody's screen. Whatever arrives later, it shows what it
// showed when it was opened.
type form struct {
	screen  replica.Screen
	shown   replica.Shown
	parents map[record.Path][]causal.Dot
	synced  bool // a sync happened since it was opened
}

// openForm opens a record on a device; nil when it opens no form.
func (d *device) openForm(id record.ID) *form {
	s, err := d.View(d.w.ctx, id)
	if errors.Is(err, replica.ErrUnknownRecord) {
		return nil
	}
	d.w.must(err, "view")
	if !s.Opens {
		return nil
	}
	f := &form{screen: s, shown: s.Shown, parents: map[record.Path][]causal.Dot{}}
	for _, g := range s.Registers {
		f.parents[g.Path] = g.Parents()
	}
	return f
}

// typed returns a new value, or now and then one that somebody typed before, or
// an emptied field.
func (w *World) typed() record.Value {
	switch {
	case w.chance(0.06):
		return record.Value{}
	case w.values > 0 && w.chance(0.1):
		return record.Of(fmt.Appendf(nil, "v%d", w.rnd.IntN(w.values)))
	}
	w.values++
	return record.Of(fmt.Appendf(nil, "v%d", w.values-1))
}

// change replaces what the form shows at a path.
func (f *form) change(p record.Path, v record.Value) record.Change {
	return record.Change{Path: p, Value: v, Parents: f.parents[p]}
}

// save saves changes from a form. A zero dot says that the app died before anyone
// was told that it is saved.
func (d *device) save(f *form, author string, changes ...record.Change) causal.Dot {
	q := replica.SaveRequest{Shown: f.shown, Author: author, Changes: changes}
	if f.shown.Scope.Dot.IsZero() {
		q.Scope = pick(d.w, d.w.within(d.rights.Divisions)) // nobody knows where it is: somebody says so
	}
	return d.keep(f, author, changes, q)
}

// create saves a new record of a kind in a village.
func (d *device) create(kind record.Kind, author string, village record.Division, subject record.ID, changes ...record.Change) (*form, causal.Dot) {
	f := &form{parents: map[record.Path][]causal.Dot{}}
	dot := d.keep(f, author, changes, replica.SaveRequest{Kind: kind, Author: author, Subject: subject, Scope: village, Changes: changes})
	return f, dot
}

func (d *device) keep(f *form, author string, changes []record.Change, q replica.SaveRequest) causal.Dot {
	w := d.w
	// Should the app die over it, it may be saved and nobody is told.
	w.oracle.replacing(append(slices.Clone(changes), record.Change{Path: record.PathLife, Parents: q.Shown.Life}))
	d.tries++
	now := d.clock().UnixMilli()
	latest := max(now, d.clockMs+d.tries)
	d.clockMs = max(d.clockMs, now)
	d.arrange()
	s, err := d.Save(w.ctx, q)
	if d.recover() {
		return causal.Dot{}
	}
	if errors.Is(err, record.ErrTooLarge) {
		w.happens(FaultTooLarge)
		return causal.Dot{}
	}
	w.must(err, d.name+" saves")
	if f.synced {
		w.happens(FaultStaleForm)
	}
	d.had[s.Dot], d.own[s.Dot] = true, true
	w.oracle.note(&saved{dot: s.Dot, record: s.Record, author: author, changes: changes, by: d.name, earliest: now, latest: latest})
	f.shown = s.Shown
	for _, c := range changes {
		f.parents[c.Path] = []causal.Dot{s.Dot}
	}
	w.replacesLent(f, changes)
	w.tell("%s saves %s in %.4x: %s", d.name, short(s.Dot), s.Record[10:], paths(changes))
	d.checkSave(s, changes)
	return s.Dot
}

// checkSave wants a save on its author's screen at once, in place of what it
// replaced.
func (d *device) checkSave(s replica.Saved, changes []record.Change) {
	screen, err := d.View(d.w.ctx, s.Record)
	d.w.must(err, "view")
	if screen.Damaged {
		return // it shows nothing, and says so
	}
	for _, c := range changes {
		g, _ := screen.Register(c.Path)
		mine := slices.IndexFunc(g.Siblings, func(b record.Sibling) bool { return b.Dot == s.Dot })
		if mine < 0 || !g.Siblings[mine].Value.Equal(c.Value) || g.Siblings[mine].Held {
			d.w.fail("screen", "%s does not show its own new save %s at %s", d.name, short(s.Dot), c.Path)
		}
		for _, b := range g.Siblings {
			if slices.Contains(c.Parents, b.Dot) {
				d.w.fail("screen", "%s still shows %s at %s, which its save %s replaced", d.name, short(b.Dot), c.Path, short(s.Dot))
			}
		}
	}
}

func short(d causal.Dot) string {
	return fmt.Sprintf("%x-%d-%x", d.Replica[:2], d.Counter, d.Hash[:2])
}

func paths(changes []record.Change) string {
	out := ""
	for _, c := range changes {
		out += fmt.Sprintf(" %s=%.12q", c.Path, c.Value.Bytes)
		for _, p := range c.Parents {
			out += "←" + short(p)
		}
	}
	return out
}
