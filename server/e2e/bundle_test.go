// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/tablet"
)

// letter writes a file on a tablet.
func (x *tab) letter(dir string) *tablet.BundleFile {
	x.t.Helper()
	f, err := x.ExportBundle(x.t.Context(), dir, nil)
	return must(x.t, f, err)
}

// answer has the centre take a file and returns the file with its answer.
func (w *world) answer(path string) (string, county.BundleReport) {
	w.t.Helper()
	in, err := os.Open(path)
	must(w.t, in, err)
	defer in.Close() //nolint:errcheck // read only
	out, err := os.Create(path + ".answer")
	must(w.t, out, err)
	report, err := w.county.ImportBundle(w.t.Context(), in, out, nil)
	must(w.t, report, err)
	do(w.t, out.Close())
	return out.Name(), report
}

func (x *tab) read(path string) *tablet.BundleAnswer {
	x.t.Helper()
	a, err := x.ImportBundle(x.t.Context(), path, nil)
	return must(x.t, a, err)
}

// Two tablets that have no network after they were enrolled, for three weeks.
func TestWeeksByStickOnly(t *testing.T) {
	w := newWorld(t)
	a, b := w.tablet("zhang", village), w.tablet("li", village)
	stick := t.TempDir()
	wang := a.add("resident", "", "", `{"name": "王建国", "phone": "139"}`)
	for day := range 21 {
		w.clock.forward(24 * time.Hour)
		a.add("home_visit", wang.ID, "", `{}`)
		if day == 9 {
			b.save(b.show(wang.ID).Form, `{"name": "王建国", "phone": "138"}`)
			a.save(a.show(wang.ID).Form, `{"name": "王建国", "phone": "137"}`)
		}
		if day%4 != 0 { // somebody comes by
			continue
		}
		for _, x := range []*tab{a, b} {
			down, report := w.answer(x.letter(stick).Path)
			if report.BrokenOff || report.Refused+report.Blocked > 0 {
				t.Fatalf("day %d: %+v", day, report)
			}
			if got := x.read(down); got.Fits != tablet.FitsHere || !got.Sync.Complete {
				t.Fatalf("day %d: %+v, %+v", day, got, got.Sync)
			}
		}
	}
	for _, x := range []*tab{a, b} {
		down, _ := w.answer(x.letter(stick).Path)
		x.read(down)
		if r := x.show(wang.ID); r.Conflicts.Len() != 1 || r.Conflicts.At(0).Values.Len() != 2 {
			t.Fatalf("conflicts of %s", r.JSON)
		}
		if s := x.status(); s.Unsent != 0 || s.LastReason != "" || s.LastSyncMs == 0 {
			t.Fatalf("%+v", s)
		}
	}
	a.wantState(wang.ID, tablet.StateCentre, "")
	wantNowhere(t, stick, "王建国", "zhang", village, "139")
	if r := a.run(); r.Pushed != 0 || r.Received != 0 {
		t.Fatalf("a sync brings what sticks did not: %+v", r)
	}
	w.wantSound()
}

func TestAnAnswerIsTakenUnlockedOnly(t *testing.T) {
	w := newWorld(t)
	a := w.tablet("zhang", village)
	s := a.add("resident", "", "", `{"name": "王建国"}`)
	do(t, a.Lock())
	f := a.letter(filepath.Join(t.TempDir(), "locked.xzb"))
	if f.Saves != 1 {
		t.Fatalf("%+v", f)
	}
	down, _ := w.answer(f.Path)
	_, err := a.ImportBundle(t.Context(), down, nil)
	wantReason(t, err, "locked")
	who, err := a.Unlock(secret)
	must(t, who, err)
	a.read(down)
	a.wantState(s.ID, tablet.StateCentre, "")
}
