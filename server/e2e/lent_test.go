// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet"
)

// away is a clinic that everybody has been at the centre with, once, and that the
// centre is out of reach of.
func (w *world) away(staff ...string) (*clinic, *line, []*tab, string) {
	w.t.Helper()
	l := newLine()
	c := w.clinic(township)
	var tabs []*tab
	for _, name := range staff {
		tabs = append(tabs, w.tablet(name, village).knows(l, c))
	}
	known := tabs[0].add("resident", "", "", `{"name": "王建国", "phone": "139"}`)
	for _, x := range tabs {
		x.run()
	}
	c.up()
	for _, x := range tabs {
		x.run()
		x.by(c)
	}
	l.cut(w.listen, true)
	c.line.cut(w.listen, true)
	return c, l, tabs, known.ID
}

func (x *tab) wantPhone(id, phone string) *tablet.Record {
	x.t.Helper()
	r := x.show(id)
	if got := value(x.t, r.JSON, "phone"); got != phone || r.Conflicts.Len() > 0 {
		x.t.Fatalf("phone %v with %d conflicts, want %q", got, r.Conflicts.Len(), phone)
	}
	return r
}

// The doctor and the nurse of a clinic see each other's saves for days, and save over
// them, while nobody reaches the centre. Whoever gets there first, all comes to the same.
func TestColleaguesSeeEachOthersSavesAtTheClinic(t *testing.T) {
	for _, first := range []string{"the hub", "the doctor", "the nurse"} {
		t.Run("at the centre first: "+first, func(t *testing.T) {
			w := newWorld(t)
			c, l, tabs, known := w.away("zhang", "li")
			doctor, nurse := tabs[0], tabs[1]
			ids := []string{known}
			for day := range 3 {
				phone := fmt.Sprint(1000 + day)
				doctor.save(doctor.show(known).Form, fmt.Sprintf(`{"name": "王建国", "phone": "%s"}`, phone))
				ids = append(ids, doctor.add("resident", "", "", fmt.Sprintf(`{"name": "居民%d", "phone": "1"}`, day)).ID)
				doctor.anyhow()
				nurse.anyhow()
				if r := nurse.wantPhone(known, phone); r.State != tablet.StateClinic || r.FromClinic == 0 || r.Form == "" {
					t.Fatalf("day %d: the nurse sees %+v", day, r)
				}
				if list, err := nurse.Search(fmt.Sprintf("居民%d", day), 0); must(t, list, err).Len() != 1 {
					t.Fatalf("day %d: the new resident is not found", day)
				}
				nurse.save(nurse.show(ids[len(ids)-1]).Form, fmt.Sprintf(`{"name": "居民%d", "phone": "2"}`, day))
				nurse.save(nurse.show(known).Form, fmt.Sprintf(`{"name": "王建国", "phone": "%d"}`, 2000+day))
				visit := nurse.add("home_visit", ids[len(ids)-1], "", `{}`)
				nurse.anyhow()
				doctor.anyhow()
				doctor.wantPhone(known, fmt.Sprint(2000+day))
				doctor.wantPhone(ids[len(ids)-1], "2")
				doctor.wantState(visit.ID, tablet.StateClinic, "")
				w.clock.forward(24 * time.Hour)
			}
			if s := nurse.status(); s.Unsent != 9 || s.Clinic != 9 {
				t.Fatalf("what is lent counts as the nurse's own: %+v", s)
			}
			l.cut(w.listen, false)
			c.line.cut(w.listen, false)
			switch first {
			case "the hub":
				c.up()
			case "the doctor":
				doctor.run()
			default:
				nurse.run()
			}
			for range 2 {
				nurse.run()
				doctor.run()
				c.up()
			}
			for _, x := range tabs {
				x.by(c)
				x.wantPhone(known, "2002")
				for _, id := range ids[1:] {
					x.wantPhone(id, "2")
				}
				for r := range records(t, x) {
					if r.FromClinic > 0 || r.State == tablet.StateClinic {
						t.Fatalf("still at the clinic: %+v", r)
					}
				}
			}
			w.wantAgreed(tabs, ids)
		})
	}
}

// What is lent is lent save by save: by division and by privacy class.
func TestAHubLendsEachTabletItsOwn(t *testing.T) {
	w := newWorld(t)
	c, l, _, _ := w.away("zhang")
	l.cut(w.listen, false)
	c.line.cut(w.listen, false)
	i, err := w.server.Invite(t.Context(), w.county, syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{"wu"}, Divisions: []record.Division{village},
		Classes: []record.Class{record.ClassSensitive}, Label: "without the class of residents",
	}, time.Hour)
	other := w.blank()
	do(t, other.Enrol(t.Context(), must(t, i, err).String(), "wu", nil))
	other.knows(l, c)
	head := w.tablet("sun", township).knows(l, c)
	near, far := w.tablet("li", village).knows(l, c), w.tablet("chen", village2).knows(l, c)
	for _, x := range []*tab{head, near, far, other} {
		x.run()
	}
	c.up()
	l.cut(w.listen, true)
	c.line.cut(w.listen, true)

	a := head.add("resident", "", village, `{"name": "近处的"}`)
	b := head.add("resident", "", village2, `{"name": "远处的"}`)
	head.anyhow() // both in one segment
	near.anyhow()
	far.anyhow()
	other.anyhow()
	near.wantState(a.ID, tablet.StateClinic, "")
	far.wantState(b.ID, tablet.StateClinic, "")
	for x, ids := range map[*tab][]string{near: {b.ID}, far: {a.ID}, other: {a.ID, b.ID}} {
		for _, id := range ids {
			if _, err := x.Get(id); tablet.ReasonOf(err) != "unknown_record" {
				t.Fatalf("%s came down: %v", id, err)
			}
		}
	}
	wantNowhere(t, near.opts.Dir, "近处的", "远处的") // at rest it is sealed like everything else
}

// The hub and the doctor's tablet burn. What the nurse saved over what she saw is kept.
func TestAHubIsLostAfterItLent(t *testing.T) {
	w := newWorld(t)
	c, l, tabs, known := w.away("zhang", "li")
	doctor, nurse := tabs[0], tabs[1]
	doctor.save(doctor.show(known).Form, `{"name": "王建国", "phone": "138"}`)
	doctor.anyhow()
	nurse.anyhow()
	nurse.wantPhone(known, "138")
	nurse.save(nurse.show(known).Form, `{"name": "王建国", "phone": "138", "workplace": "村委会"}`)
	c.stop()
	l.cut(w.listen, false)
	nurse.run()
	if r := nurse.wantPhone(known, "138"); r.FromClinic == 0 {
		t.Fatal("what only the clinic had is not marked")
	}
	if got := value(t, nurse.show(known).JSON, "workplace"); got != "村委会" {
		t.Fatalf("workplace %v", got)
	}
	doctor.run() // it was not burnt after all
	nurse.run()
	if r := nurse.wantPhone(known, "138"); r.FromClinic != 0 {
		t.Fatal("what the centre has is still marked as at the clinic")
	}
	w.wantAgreed(tabs, []string{known})
}

// A legal order reaches a tablet that has the value from a hub only.
func TestWhatIsOrderedGoneGoesFromWhomItWasLentTo(t *testing.T) {
	w := newWorld(t)
	c, l, tabs, known := w.away("zhang", "li")
	doctor, nurse := tabs[0], tabs[1]
	x := doctor.add("resident", "", "", `{"name": "不该记的", "phone": "1380000"}`)
	doctor.anyhow()
	nurse.anyhow()
	nurse.wantPhone(x.ID, "1380000")
	l.cut(w.listen, false)
	doctor.run()
	id, err := record.ParseID(x.ID)
	must(t, id, err)
	h, _, err := w.county.Engine.History(t.Context(), id, syncengine.HistoryPlace{}, 9)
	must(t, h, err)
	do(t, w.county.Engine.Erase(t.Context(), syncengine.Ruling{Record: id, Dot: h[0].Revision.Dot, Author: "office", Reason: "court order 7"}))
	nurse.run()
	if l, err := nurse.Search("不该记的", 0); must(t, l, err).Len() > 0 {
		t.Fatal("what is ordered gone is found")
	}
	nurse.by(c) // which has not heard of the order
	if l, err := nurse.Search("不该记的", 0); must(t, l, err).Len() > 0 {
		t.Fatal("what is ordered gone came back from the hub")
	}
	c.line.cut(w.listen, false)
	c.up()
	nurse.by(c)
	nurse.wantPhone(known, "139")
	w.wantSound()
}
