// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/tablet"
)

// Codes of the re-coding: village goes to another township, village2 becomes part of village3.
const (
	village3 = "130403001003"
	moved    = "130403005001"
	quiet    = "130403001009" // where nothing changes
)

func change(old, next record.Division, typ carev1.DivisionChangeType) county.CodeChange {
	return county.CodeChange{DivisionChange: care.DivisionChange{Old: old, New: next, From: 20260301, Type: typ}}
}

func yearly() []county.CodeChange {
	return []county.CodeChange{
		change(village, moved, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED),
		change(village2, village3, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_MERGED),
	}
}

func (w *world) recode(changes []county.CodeChange, dry bool) county.RecodeReport {
	w.t.Helper()
	r, err := w.county.Recode(w.t.Context(), "office", changes, dry, func(int, int) {})
	return must(w.t, r, err)
}

// under returns how many records stand in a division.
func (w *world) under(division record.Division) int {
	w.t.Helper()
	rows, err := w.county.Engine.List(w.t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{division}, Classes: []record.Class{record.ClassGeneral}, Limit: 1000,
	})
	must(w.t, rows, err)
	sums, err := w.county.Engine.Sums(w.t.Context())
	must(w.t, sums, err)
	counted := 0
	for key, sum := range sums {
		if key.Division.Within(division) {
			counted += int(sum.Count)
		}
	}
	if counted != len(rows) {
		w.t.Errorf("%s: %d records, and sums of %d", division, len(rows), counted)
	}
	return len(rows)
}

func (w *world) wantNothingHeld() {
	w.t.Helper()
	held, _, err := w.county.Engine.Held(w.t.Context(), syncengine.HeldPlace{}, 10)
	if must(w.t, held, err); len(held) != 0 {
		w.t.Errorf("%d saves are held, the first as %s", len(held), held[0].Verdict)
	}
}

func (w *world) scopesOf(staff string) []record.Division {
	w.t.Helper()
	all, err := w.county.Engine.Replicas(w.t.Context())
	for _, i := range must(w.t, all, err) {
		if slices.Contains(i.Certificate.Staff, staff) {
			return i.Certificate.Divisions
		}
	}
	return nil
}

func (x *tab) wantDivision(id, division string) {
	x.t.Helper()
	if r := x.show(id); r.Division != division || r.Departed {
		x.t.Errorf("record %s in %s, departed %t; want %s", id, r.Division, r.Departed, division)
	}
}

// The whole year's change, with a tablet that syncs at once, one that was offline over it, and one whose village was merged.
func TestDivisionsAreRecoded(t *testing.T) {
	w := newWorld(t)
	online, offline := w.tablet("zhang", village, quiet), w.tablet("li", village)
	merged, target := w.tablet("wu", village2), w.tablet("yu", village3)
	invited := w.invite([]record.Division{village}, "new")

	wang := online.add("resident", "", village, `{"name": "王建国", "phone": "139"}`)
	visit := online.add("home_visit", wang.ID, village, `{}`)
	for i := range 30 {
		online.add("resident", "", quiet, fmt.Sprintf(`{"name": "居民%02d"}`, i))
	}
	lost, kept := merged.add("resident", "", "", `{"name": "李四"}`), target.add("resident", "", "", `{"name": "赵六"}`)
	for _, x := range []*tab{online, offline, merged, target, offline} {
		x.run()
	}

	// Offline over the change: an edit, and a new record under the code that it knows.
	offline.save(offline.show(wang.ID).Form, `{"name": "王建国", "phone": "138"}`)
	late := offline.add("resident", "", "", `{"name": "钱七"}`)

	if r := w.recode(yearly(), true); r.Recorded != 2 || r.Moved != 3 || w.under(village) != 2 {
		t.Fatalf("a rehearsal: %+v", r)
	}
	if r := w.recode(yearly(), false); r.Recorded != 2 || r.Moved != 3 || len(r.Left) != 0 {
		t.Fatalf("%+v", r)
	}
	if w.under(village) != 0 || w.under(moved) != 3 || w.under(village2) != 0 || w.under(village3) != 3 { // with the change itself
		t.Fatalf("after the move: %d, %d, %d, %d", w.under(village), w.under(moved), w.under(village2), w.under(village3))
	}
	if r := w.recode(yearly(), false); r.Recorded != 0 || r.Known != 2 || r.Moved != 0 {
		t.Fatalf("a second time: %+v", r)
	}

	// One sync: the certificate has both codes, nothing departs, and only what moved comes down.
	if r := online.run(); !r.Renewed || r.Departures != 0 || r.Received > 4 {
		t.Fatalf("%+v", r)
	}
	if got := w.scopesOf("zhang"); !slices.Equal(got, []record.Division{village, quiet, moved}) {
		t.Errorf("certificate for %v", got)
	}
	online.wantDivision(wang.ID, moved)
	online.wantDivision(visit.ID, moved)
	if r := online.run(); r.Renewed || r.Received != 0 {
		t.Errorf("a second sync: %+v", r)
	}

	// The one that was offline hands over under the old code, and is right.
	if r := offline.run(); !r.Renewed || r.Departures != 0 {
		t.Fatalf("%+v", r)
	}
	offline.wantState(late.ID, tablet.StateCentre, "")
	offline.wantDivision(wang.ID, moved)
	offline.wantDivision(late.ID, village)
	if value(t, offline.show(wang.ID).JSON, "phone") != "138" {
		t.Errorf("the edit is lost: %s", offline.show(wang.ID).JSON)
	}
	w.wantNothingHeld()
	if r := w.recode(nil, false); r.Moved != 1 || w.under(village) != 0 {
		t.Errorf("what came since: %+v", r)
	}
	offline.run()
	offline.wantDivision(late.ID, moved)
	fresh := offline.add("resident", "", "", `{"name": "孙八"}`) // where nobody says where: the code in force
	offline.wantDivision(fresh.ID, moved)

	// Merged: both clinics see both.
	for _, x := range []*tab{merged, target, offline, online} {
		x.run()
	}
	merged.wantDivision(lost.ID, village3)
	merged.wantDivision(kept.ID, village3)
	target.wantDivision(lost.ID, village3)
	online.wantState(fresh.ID, tablet.StateReceived, "")
	online.wantState(late.ID, tablet.StateReceived, "")

	// A code that was printed before the change.
	x := w.blank()
	do(t, x.Enrol(t.Context(), invited, "new", nil))
	x.run()
	x.wantDivision(wang.ID, moved)
	if s := x.add("resident", "", "", `{"name": "周九"}`); s.Warning != "" {
		t.Errorf("a new save warns of %s", s.Warning)
	}
	x.run()
	w.wantNothingHeld()
	w.wantSound()
}

// When the change is no longer young, the old code goes at a renewal; what was captured stays.
func TestOldCodesLeaveCertificatesInTheEnd(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	w.recode(yearly(), false)
	a.run()
	w.clock.forward(60 * 24 * time.Hour)
	if r := a.run(); !r.Renewed || !slices.Equal(w.scopesOf("zhang"), []record.Division{village, moved}) {
		t.Fatalf("young: %+v %v", r, w.scopesOf("zhang"))
	}
	w.clock.forward(400 * 24 * time.Hour)
	if r := a.run(); !r.Renewed || !slices.Equal(w.scopesOf("zhang"), []record.Division{moved}) {
		t.Fatalf("old: %+v %v", r, w.scopesOf("zhang"))
	}
	a.run()
	a.wantDivision(s.ID, moved)
	w.wantSound()
}

// A tablet cannot say that codes were changed: its certificate would follow its own word.
func TestATabletRecodesNothing(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("division_change", "", village, `{"old_code": "`+village+`", "new_code": "`+village2+`", "valid_from": 20260101, "type": 1}`)
	a.run()
	a.wantState(s.ID, tablet.StateHeld, "held_not_centre")
	if r := a.run(); r.Renewed {
		t.Error("the certificate was renewed")
	}
	if r := w.recode(nil, false); r.Moved != 0 || !slices.Equal(w.scopesOf("zhang"), []record.Division{village}) {
		t.Errorf("%+v %v", r, w.scopesOf("zhang"))
	}
}

func TestARecodingThatCannotBeIsRefusedWhole(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	good := change(village, moved, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED)
	for name, bad := range map[string]county.CodeChange{
		"a level that does not fit":  change(village, township, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED),
		"no type":                    change(village2, village3, 0),
		"the old code goes two ways": change(village, village3, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED),
		"into another county":        change(village2, "130404001001", carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED),
		"of another county":          change("130404001001", village2, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_MERGED),
	} {
		_, err := w.county.Recode(t.Context(), "office", []county.CodeChange{good, bad}, false, func(int, int) {})
		if syncengine.ReasonOf(err) != syncengine.ReasonInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.under(village) != 1 || w.under(moved) != 0 {
		t.Errorf("something was done: %d and %d", w.under(village), w.under(moved))
	}
}

// A split, a village of a merged township without a change of its own, and a change that is not in force.
func TestWhatAPersonMovesIsCounted(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", "130403")
	for _, where := range []string{village, village, village2, "130403002001", "130403002002"} {
		a.add("resident", "", where, `{"name": "王建国"}`)
	}
	a.run()
	split := carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_SPLIT
	later := change(village2, village3, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED)
	later.From = 20260401
	r := w.recode([]county.CodeChange{
		change(village, "130403001011", split), change(village, "130403001012", split), later,
		change("130403002", "130403003", carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_MERGED),
		change("130403002002", "130403003007", carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED),
	}, false)
	want := []county.LeftUnder{{Division: village, Records: 2}, {Division: "130403002001", Records: 1}}
	if r.Moved != 1 || r.Later != 1 || !slices.Equal(r.Left, want) || w.under("130403003007") != 2 {
		t.Errorf("%+v", r)
	}
	w.clock.forward(60 * 24 * time.Hour)
	if r := w.recode(nil, false); r.Moved != 1 || r.Later != 0 {
		t.Errorf("in force: %+v", r)
	}
	w.wantSound()
}

// Cut off in the middle and run again, each record is moved once.
func TestARecodingGoesOnWhereItWasCutOff(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	for i := range 250 {
		a.add("resident", "", "", fmt.Sprintf(`{"name": "居民%03d"}`, i))
	}
	a.run()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.county.Recode(ctx, "office", yearly(), false, func(done, total int) {
		if total != 250 {
			t.Errorf("%d of %d", done, total)
		}
		cancel()
	})
	if err == nil || w.under(village) != 150 {
		t.Fatalf("%d are left, %v", w.under(village), err)
	}
	if r := w.recode(yearly(), false); r.Moved != 150 || w.under(village) != 0 {
		t.Errorf("%+v", r)
	}
	a.run()
	w.wantSound()
}

// A county whose own code changed goes on: new invitations name the new code.
func TestTheCountyItselfIsRecoded(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	all := change("130403", "130409", carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED)
	if r := w.recode([]county.CodeChange{all}, false); r.Moved != 1 {
		t.Fatalf("%+v", r)
	}
	a.run()
	a.wantDivision(s.ID, "130409001001")
	for d, want := range map[record.Division]bool{"130409001001": true, village: true, "130409": true, "130404": false} {
		if w.county.Holds(d) != want {
			t.Errorf("%s: %t", d, !want)
		}
	}
	w.wantSound()
}

// Who has no network gets the new certificate with the answer.
func TestARecodedTabletByStick(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	a.run()
	w.recode(yearly(), false)
	down, _ := w.answer(a.letter(t.TempDir()).Path)
	if got := a.read(down); !got.Sync.Renewed {
		t.Errorf("%+v", got.Sync)
	}
	a.wantDivision(s.ID, moved)
	if !slices.Equal(w.scopesOf("zhang"), []record.Division{village, moved}) {
		t.Errorf("certificate for %v", w.scopesOf("zhang"))
	}
}

// The hub hears first, and the tablet meets only the hub, which cannot renew: what moved departs until the tablet meets the
// centre, what it saved is admitted, and nothing is lost.
func TestARecodedTabletThatMeetsItsHubFirst(t *testing.T) {
	w := newWorld(t)
	l := newLine()
	c := w.clinic(township)
	a := w.tablet("zhang", village).knows(l, c)
	wang := a.add("resident", "", "", `{"name": "王建国", "phone": "139"}`)
	a.anyhow()
	a.anyhow()
	c.up()
	w.recode(yearly(), false)
	w.clock.forward(time.Hour) // the hub signs in again
	c.up()
	cert, err := c.Certificate(t.Context())
	if must(t, cert, err); !record.Division(moved).WithinAny(cert.Divisions) {
		t.Errorf("the hub's certificate is for %v", cert.Divisions)
	}

	l.cut(w.listen, true)
	a.save(a.show(wang.ID).Form, `{"name": "王建国", "phone": "138"}`)
	late := a.add("resident", "", "", `{"name": "李四"}`)
	if with := a.anyhow(); with != c.listen {
		t.Fatalf("synced with %q", with)
	}
	next := a.add("home_visit", wang.ID, moved, `{}`) // the doctor has heard, the certificate has not
	a.anyhow()
	c.up()
	for _, want := range []int{1, 0} {
		if n, err := w.county.Divisions.Follow(t.Context()); must(t, n, err) != want {
			t.Errorf("%d saves released, want %d", n, want)
		}
	}
	w.wantNothingHeld()
	if r := w.recode(nil, false); r.Moved != 1 {
		t.Errorf("%+v", r)
	}

	l.cut(w.listen, false)
	if with := a.anyhow(); with != tablet.CentreName {
		t.Fatalf("synced with %q", with)
	}
	for _, id := range []string{wang.ID, late.ID, next.ID} {
		a.wantDivision(id, moved)
	}
	if value(t, a.show(wang.ID).JSON, "phone") != "138" {
		t.Errorf("the edit is lost: %s", a.show(wang.ID).JSON)
	}
	w.wantSound()
}

// What is outside a certificate by any code stays held, and so does what a person decided about.
func TestOnlyWhatACodeExplainsIsReleased(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	outside := a.add("resident", "", quiet, `{"name": "王建国"}`)
	early := a.add("resident", "", moved, `{"name": "李四"}`) // under a code that is none yet
	decided := a.add("resident", "", moved, `{"name": "赵六"}`)
	a.run()
	w.withdraw(decided)
	if n, err := w.county.Divisions.Follow(t.Context()); must(t, n, err) != 0 {
		t.Errorf("%d saves released before anything changed", n)
	}
	w.recode(yearly(), false)
	if n, err := w.county.Divisions.Follow(t.Context()); must(t, n, err) != 1 {
		t.Errorf("%d saves released", n)
	}
	a.run()
	a.wantState(outside.ID, tablet.StateHeld, "held_scope")
	a.wantState(early.ID, tablet.StateCentre, "")
	if r := a.show(decided.ID); r.State != tablet.StateHeld {
		t.Errorf("what a person left out is %q", r.State)
	}
	w.wantSound()
}

func (w *world) withdraw(s *tablet.Saved) {
	w.t.Helper()
	id, err := record.ParseID(s.ID)
	must(w.t, id, err)
	dot, err := causal.ParseDot(s.Dot)
	must(w.t, dot, err)
	do(w.t, w.county.Engine.Withdraw(w.t.Context(), syncengine.Ruling{Record: id, Dot: dot, Author: "office"}))
}
