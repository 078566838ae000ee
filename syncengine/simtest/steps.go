// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// odds are how likely things go wrong inside one step.
type odds struct {
	requestLost, replyLost, doubled, late  float64 // for each message
	pageCut, pageDoubled, between          float64 // for each page
	centreCrash, diskFull, tabletCrash     float64 // for each call, app step
	stickCut, lazy, stale, wrongAuthor     float64
	saves, syncs, office, trouble, hostile int // weights of whole groups of steps
	servers                                int // of the centre
}

// drawOdds gives each county troubles of its own: many have none of a sort, so
// that others come to bear.
func drawOdds(rnd *rand.Rand) odds {
	some := func(p float64) float64 {
		if rnd.IntN(3) == 0 {
			return 0
		}
		return p * rnd.Float64()
	}
	weight := func(n int) int { return rnd.IntN(3) * n }
	return odds{
		requestLost: some(0.1), replyLost: some(0.2), doubled: some(0.2), late: some(0.15),
		pageCut: some(0.15), pageDoubled: some(0.3), between: some(0.5),
		centreCrash: some(0.1), diskFull: some(0.2), tabletCrash: some(0.15),
		stickCut: some(0.4), lazy: some(1), stale: 0.3 + 0.6*rnd.Float64(), wrongAuthor: some(0.1),
		saves: 8 + weight(6), syncs: 6 + weight(5), office: weight(2), trouble: weight(2), hostile: weight(1),
	}
}

// era is the present one. A seed names a county together with the actions there were
// to draw from in its day, and what chance decided in them.
const era = 7

// action is something that can happen.
type action struct {
	name   string
	weight func(o odds) int
	do     func(w *World)
}

func saves(n int) func(odds) int   { return func(o odds) int { return n * o.saves } }
func syncs(n int) func(odds) int   { return func(o odds) int { return n * o.syncs } }
func office(n int) func(odds) int  { return func(o odds) int { return n * o.office } }
func trouble(n int) func(odds) int { return func(o odds) int { return n * o.trouble } }
func hostile(n int) func(odds) int { return func(o odds) int { return n * o.hostile } }

// actions are all that happens in a county: those of every era up to this one.
func actions(until int) []action {
	all := firstActions()
	if until >= 2 {
		all = append(all,
			action{"save-damaged", trouble(3), (*World).stepSaveDamaged},
			action{"base-damaged", trouble(3), (*World).stepBaseDamaged},
		)
	}
	if until >= 4 {
		all = append(all,
			action{"write", syncs(3), (*World).stepWrite},
			action{"answer", syncs(3), (*World).stepAnswer},
			action{"read", syncs(3), (*World).stepRead},
		)
	}
	if until >= 5 {
		all = append(all,
			action{"clinic", syncs(6), (*World).stepClinic},
			action{"fire", trouble(2), (*World).stepFire},
		)
	}
	if until >= rotations {
		all = append(all,
			action{"rotate-authority", office(5), (*World).stepRotateAuthority},
			action{"rotate-recipient", office(5), (*World).stepRotateRecipient},
			action{"impostor", trouble(12), (*World).stepImpostor},
			action{"locked", syncs(4), (*World).stepLocked},
		)
	}
	return all
}

// firstActions are those of the first era.
func firstActions() []action {
	return []action{
		{"create", saves(6), (*World).stepCreate},
		{"save", saves(20), (*World).stepSave},
		{"open", saves(6), (*World).stepOpen},
		{"resolve", saves(3), (*World).stepResolve},
		{"void", saves(1), (*World).stepVoid},
		{"move", saves(2), (*World).stepMove},
		{"too-large", saves(1), (*World).stepTooLarge},

		{"sync", syncs(20), (*World).stepSync},
		{"hub", syncs(8), (*World).stepHub},
		{"fill", syncs(2), (*World).stepFill},
		{"stick", syncs(2), (*World).stepStick},
		{"late", syncs(2), (*World).stepLate},
		{"sweep", syncs(1), (*World).stepSweep},
		{"tidy", trouble(6), (*World).stepTidy},
		{"time", syncs(3), (*World).stepTime},

		{"backup", office(10), (*World).stepBackup},
		{"restart", office(3), func(w *World) { w.happens(FaultRestart); w.centre.restart() }},
		{"ruling", office(16), (*World).stepRuling},
		{"office-save", office(10), (*World).stepOfficeSave},
		{"fence", office(6), (*World).stepFence},
		{"lift", office(3), (*World).stepLift},
		{"rights", office(8), (*World).stepRights},
		{"erase", office(2), (*World).stepErase},
		{"learn", office(2), (*World).stepLearn},
		{"rule-gap", office(3), (*World).stepRuleGap},
		{"enrol", office(2), (*World).stepEnrol},

		{"clone", trouble(6), (*World).stepClone},
		{"stolen", trouble(3), (*World).stepStolen},
		{"copies", trouble(1), (*World).stepCopies},
		{"image", trouble(8), (*World).stepImage},
		{"set-back", trouble(4), (*World).stepSetBack},
		{"return", trouble(3), (*World).stepReturn},
		{"lose", trouble(2), (*World).stepLose},
		{"segment-lost", trouble(5), (*World).stepSegmentLost},
		{"clock", trouble(4), (*World).stepClock},
		{"away", trouble(3), (*World).stepAway},
		{"restore", trouble(4), (*World).stepRestore},
		{"keep-file", trouble(4), func(w *World) { w.centre.older = w.centre.disk.Clone() }},
		{"copy-back", trouble(2), (*World).stepCopyBack},

		{"hand-made", hostile(30), (*World).stepHandMade},
	}
}

// nearby returns a tablet that somebody has in hand.
func (w *World) nearby() *device {
	all := w.tablets()
	if len(all) == 0 {
		return nil
	}
	return pick(w, all)
}

// author returns who saves: now and then somebody who may not.
func (w *World) author(d *device) string {
	if w.chance(w.odds.wrongAuthor) {
		w.happens(FaultWrongAuthor)
		return "nobody"
	}
	return d.staff()
}

func (w *World) stepCreate() {
	d := w.nearby()
	if d == nil || len(d.rights.Divisions) == 0 {
		return
	}
	kind := pick(w, []record.Kind{KindPerson, KindPerson, KindPerson, KindSecret, KindNovel})
	village := pick(w, villages)
	if !village.WithinAny(d.rights.Divisions) && w.chance(0.8) {
		village = pick(w, w.within(d.rights.Divisions))
	}
	var about record.ID
	if list, err := d.List(w.ctx, replica.Query{Kind: KindPerson, Limit: 3}); err == nil && len(list) > 0 && w.chance(0.3) {
		about = pick(w, list).Record
	}
	f, dot := d.create(kind, w.author(d), village, about, w.changes(&form{})...)
	if !dot.IsZero() {
		d.forms = append(d.forms, f)
	}
}

// within returns the villages under some prefixes, or one if there is none.
func (w *World) within(prefixes []record.Division) []record.Division {
	var out []record.Division
	for _, v := range villages {
		if v.WithinAny(prefixes) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		out = villages[:1]
	}
	return out
}

// changes fills in 1..k fields of a form.
func (w *World) changes(f *form) []record.Change {
	var out []record.Change
	for _, i := range w.rnd.Perm(len(fields))[:1+w.rnd.IntN(4)] {
		out = append(out, f.change(fields[i], w.typed()))
	}
	return out
}

// form returns a form on a device: one that stands open, or one opened now.
func (w *World) form(d *device) *form {
	if len(d.forms) > 0 && w.chance(w.odds.stale) {
		return pick(w, d.forms)
	}
	list, err := d.List(w.ctx, listAll)
	w.must(err, "list")
	if len(list) == 0 {
		return nil
	}
	f := d.openForm(pick(w, list).Record)
	if f != nil {
		d.forms = append(d.forms[max(0, len(d.forms)-7):], f)
	}
	return f
}

func (w *World) stepOpen() {
	if d := w.nearby(); d != nil {
		was := w.odds.stale
		w.odds.stale = 0
		w.form(d)
		w.odds.stale = was
	}
}

func (w *World) stepSave() {
	d := w.nearby()
	if d == nil {
		return
	}
	if f := w.form(d); f != nil {
		d.save(f, w.author(d), w.changes(f)...)
	}
}

func (w *World) stepResolve() {
	d := w.nearby()
	if d == nil {
		return
	}
	list, err := d.List(w.ctx, listConflicts)
	w.must(err, "list conflicts")
	if len(list) == 0 {
		return
	}
	f := d.openForm(pick(w, list).Record)
	if f == nil {
		return
	}
	var changes []record.Change
	for _, g := range f.screen.Registers {
		if g.Conflict() && g.Path != record.PathScope && g.Path != record.PathLife && w.chance(0.8) {
			changes = append(changes, f.change(g.Path, pick(w, g.Siblings).Value.Writable()))
		}
	}
	if len(changes) > 0 {
		d.save(f, d.staff(), changes...)
	}
}

func (w *World) stepVoid() {
	d := w.nearby()
	if d == nil {
		return
	}
	if f := w.form(d); f != nil {
		d.save(f, w.author(d), record.Change{Path: record.PathLife, Value: record.Voided("wrong"), Parents: f.shown.Life})
	}
}

func (w *World) stepMove() {
	d := w.nearby()
	if d == nil {
		return
	}
	if f := w.form(d); f != nil && !f.shown.Scope.Dot.IsZero() {
		to := record.Of([]byte(pick(w, villages)))
		d.save(f, w.author(d), append(w.changes(f)[:w.rnd.IntN(2)], f.change(record.PathScope, to))...)
	}
}

func (w *World) stepTooLarge() {
	d := w.nearby()
	if d == nil {
		return
	}
	if f := w.form(d); f != nil {
		d.save(f, d.staff(), f.change(FieldName, record.Of(make([]byte, record.MaxRevision))))
	}
}

func (w *World) stepSync() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	if d := pick(w, all); d.away == 0 {
		d.syncDirect()
	}
}

func (w *World) stepHub() {
	d, hubs := w.nearby(), w.hubs()
	if d == nil || len(hubs) == 0 || d.away > 0 {
		return
	}
	d.syncHub(pick(w, hubs))
}

func (w *World) stepFill() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	if b := pick(w, all).export(exportSome(w)); b != nil {
		w.sticks = append(w.sticks, b)
	}
}

func (w *World) stepStick() {
	if len(w.sticks) == 0 {
		return
	}
	b := pick(w, w.sticks)
	all := w.living()
	if len(all) == 0 || w.chance(0.4) {
		w.centre.importStick(b)
		return
	}
	pick(w, all).insert(b)
}

func (w *World) stepLate() {
	if len(w.late) == 0 {
		return
	}
	i := w.rnd.IntN(len(w.late))
	m := w.late[i]
	w.late = slices.Delete(w.late, i, i+1)
	m.deliver()
	w.centre.recover()
	w.oracle.readCentre()
	for _, d := range w.living() {
		d.look()
	}
	w.tell("a late message arrives")
}

func (w *World) stepSweep() {
	if all := w.living(); len(all) > 0 {
		pick(w, all).sweep()
	}
}

// stepTidy is a device short of space on the day after two backups, which it hears
// of over a line that breaks.
func (w *World) stepTidy() {
	all := w.living()
	if len(all) == 0 {
		return
	}
	d := pick(w, all)
	if w.chance(0.5) {
		w.passes(replica.OwnKeep)
	}
	d.syncDirect()
	for range 1 + w.rnd.IntN(2) {
		w.centre.back()
	}
	was := w.odds
	w.odds.pageCut = 0.7
	d.syncDirect()
	w.odds = was
	d.sweep()
	if w.chance(0.25) {
		w.stepRestore()
	}
}

func (w *World) stepTime() {
	w.passes(time.Duration(1+w.rnd.IntN(60)) * 24 * time.Hour)
}

func (w *World) stepBackup() { w.centre.back() }

func (w *World) stepEnrol() {
	if len(w.living()) < 7 {
		w.addDevice(fmt.Sprintf("t%d", len(w.devices)+1), w.someRights(segment.RoleTablet))
	}
}

// someRights returns rights such as the office grants them.
func (w *World) someRights(role segment.Role) syncengine.Rights {
	r := syncengine.Rights{Role: role, Classes: []record.Class{record.ClassGeneral}}
	if role == segment.RoleHub || w.chance(0.5) {
		r.Classes = append(r.Classes, record.ClassSensitive)
	}
	for _, s := range []string{"zhang", "li", "wang"} {
		if w.chance(0.6) {
			r.Staff = append(r.Staff, s)
		}
	}
	if len(r.Staff) == 0 {
		r.Staff = []string{"zhang"}
	}
	scopes := [][]record.Division{
		{VillageA1},
		{VillageA1, VillageA2},
		{TownshipA},
		{TownshipA, VillageA1},
		{VillageB1},
		{TownshipB, VillageA2},
		{County},
	}
	if role == segment.RoleHub {
		scopes = [][]record.Division{{TownshipA}, {County}, {TownshipA, VillageB1}}
	}
	r.Divisions = pick(w, scopes)
	return r
}

func (w *World) stepClone() {
	all := w.tablets()
	if len(all) == 0 || len(w.living()) > 6 {
		return
	}
	d := pick(w, all)
	w.happens(FaultClone)
	c := w.switchOn(d.image())
	w.tell("%s is cloned as %s", d.name, c.name)
}

// stepStolen is a thief who copies a tablet, after which its owner and he both go
// on, until the owner reports it.
func (w *World) stepStolen() {
	d := w.nearby()
	if d == nil || len(w.living()) > 6 {
		return
	}
	w.happens(FaultClone)
	thief := w.switchOn(d.image())
	w.tell("%s is copied by a thief as %s", d.name, thief.name)
	for range 1 + w.rnd.IntN(3) {
		for _, x := range []*device{d, thief} {
			if f := w.form(x); f != nil {
				x.save(f, x.staff(), w.changes(f)...)
			}
		}
	}
	d.syncDirect()
	w.fence(d)
}

// stepCopies is a tablet that is copied over and over, until the centre wants to
// see a person before it certifies another key.
func (w *World) stepCopies() {
	d := w.nearby()
	if d == nil || len(w.living()) > 6 {
		return
	}
	was := w.odds
	w.odds = odds{}
	for range 5 {
		c := w.switchOn(d.image())
		w.happens(FaultClone)
		for _, x := range []*device{c, d} {
			if f := w.form(x); f != nil {
				x.save(f, x.staff(), w.changes(f)...)
			}
			x.syncDirect()
		}
		d.syncDirect()
		c.lose()
	}
	w.odds = was
}

func (w *World) stepImage() {
	if all := w.living(); len(all) > 0 {
		w.images = append(w.images[max(0, len(w.images)-5):], pick(w, all).image())
	}
}

func (w *World) stepSetBack() {
	if len(w.images) == 0 {
		return
	}
	m := pick(w, w.images)
	i := slices.IndexFunc(w.devices, func(d *device) bool { return d.name == m.of && d.alive })
	if i < 0 {
		return
	}
	d := w.devices[i]
	w.happens(FaultTabletRestore)
	before := d.had
	d.load(m)
	w.oracle.destroyed(before, d.had)
	w.tell("%s is set back to an older copy", d.name)
}

func (w *World) stepReturn() {
	if len(w.images) == 0 || len(w.living()) > 6 {
		return
	}
	w.happens(FaultReturned)
	d := w.switchOn(pick(w, w.images))
	w.tell("an older copy is switched on as %s", d.name)
}

func (w *World) stepLose() {
	all := w.living()
	if len(all) < 3 {
		return
	}
	d := pick(w, all)
	w.happens(FaultLost)
	d.lose()
	w.tell("%s is lost", d.name)
}

const year = 365 * 24 * time.Hour

func (w *World) stepClock() {
	d := w.nearby()
	if d == nil {
		return
	}
	w.happens(FaultClock)
	if w.chance(0.2) {
		w.centre.skew = pick(w, []time.Duration{0, -20 * year, 80 * year, 40 * 24 * time.Hour})
		w.tell("the clock of the centre says %s", w.centre.now().Format(time.DateOnly))
		return
	}
	frozen := begin.Add(24 * time.Hour)
	since := w.now
	at := pick(w, []time.Time{time.Unix(0, 0), time.Date(2106, 2, 7, 6, 28, 16, 0, time.UTC), frozen, w.now})
	if at == frozen {
		d.clock = func() time.Time { return frozen }
	} else {
		d.clock = func() time.Time { return at.Add(w.now.Sub(since)) }
	}
	w.tell("the clock of %s says %s", d.name, d.clock().Format(time.DateOnly))
}

func (w *World) stepAway() {
	if d := w.nearby(); d != nil {
		w.happens(FaultAway)
		d.away = 5 + w.rnd.IntN(30)
	}
}

func (w *World) stepRestore() {
	for again := true; again; again = w.chance(0.5) { // that was the wrong one
		if list := w.centre.candidates(); len(list) > 0 {
			w.centre.restoreFrom(pick(w, list))
		}
	}
}

func (w *World) stepCopyBack() {
	if w.centre.older != nil && !w.centre.copied {
		w.centre.copyBack()
	}
}

// meanwhile lets something else happen while a device is in the middle of a pull.
func (w *World) meanwhile(l *line) {
	if w.nested > 0 {
		return
	}
	w.nested++
	defer func() { w.nested-- }()
	switch w.rnd.IntN(6) {
	case 0:
		w.stepOfficeSave()
	case 1:
		w.stepRuling()
	case 2:
		w.stepHandMade()
	case 3:
		w.happens(FaultTwoSyncs)
		if _, err := l.from.Sync(w.ctx, l, replica.Options{}); !errors.Is(err, replica.ErrBusy) {
			w.fail("B25", "a second sync of %s: %v", l.from.name, err)
		}
	case 4:
		w.happens(FaultSaveInSync)
		if f := w.form(l.from); f != nil {
			l.from.save(f, l.from.staff(), w.changes(f)...)
		}
	default:
		others := slices.DeleteFunc(w.living(), func(d *device) bool { return d == l.from || d == l.to })
		if len(others) > 0 {
			pick(w, others).syncDirect()
		}
	}
}
