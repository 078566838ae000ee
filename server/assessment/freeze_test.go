// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func quiet(int, int) {}

var everyClass = []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}

// one returns the figure of a code for a division.
func one(t testing.TB, all []assessment.Figure, code indicators.Code, division record.Division) assessment.Figure {
	t.Helper()
	for _, f := range all {
		if f.Code == code && f.Division == division {
			return f
		}
	}
	t.Fatalf("no figure %s of %s", code, division)
	return assessment.Figure{}
}

func (w *world) figures(q assessment.Query) assessment.Report {
	w.t.Helper()
	w.follow()
	r, err := w.a.Figures(w.t.Context(), q, quiet)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	p := assessment.ProblemOf(err)
	if p == nil || p.Code != code {
		t.Errorf("error %v, want problem %s", err, code)
	}
}

// village of three: two in one village, one in another township.
func (w *world) three() (a, b, c record.ID) {
	a = w.register("甲试", village, "zhang", 19580306)
	b = w.register("乙试", village, "zhang", 19590306)
	c = w.register("丙试", far, "li", 19600306)
	for _, day := range []int32{20260110, 20260210, 20260410, 20260610} {
		w.visit(a, village, day, 130)
	}
	w.visit(b, village, 20260110, 170)
	return a, b, c
}

func TestFiguresOfUnitsAddUpAndAreTheSameFromFactsAndFromTables(t *testing.T) {
	assessment.ShareOf(1, t.Cleanup) // so that several count
	w := newWorld(t)
	w.three()
	q := w.query(assessment.Township)
	fast := w.figures(q)
	if !fast.Basis.FromTables {
		t.Error("a standard window was counted from facts")
	}
	q.ReceivedBy = 20261231
	slow := w.figures(assessment.Query{Period: q.Period, Divisions: q.Divisions, Level: q.Level, Sensitive: true, ReceivedBy: care.DateOf(w.now)})
	if slow.Basis.FromTables {
		t.Error("a cutoff was answered from tables")
	}
	if len(fast.Figures) == 0 || len(fast.Figures) != len(slow.Figures) {
		t.Fatalf("%d figures from tables, %d from facts", len(fast.Figures), len(slow.Figures))
	}
	for i, f := range fast.Figures {
		if f != slow.Figures[i] {
			t.Errorf("from tables %+v, from facts %+v", f, slow.Figures[i])
		}
	}
	whole := one(t, w.figures(w.query(assessment.County, "G01")).Figures, "G01", countyCode)
	if whole.Denominator != 3 {
		t.Errorf("%d residents in the county, want 3", whole.Denominator)
	}
	if f := one(t, fast.Figures, "G01", "431124101"); f.Denominator != 2 {
		t.Errorf("%d residents in the first township, want 2", f.Denominator)
	}
	narrow := w.query(assessment.County, "G01")
	narrow.Divisions = []record.Division{"431124102"}
	if f := one(t, w.figures(narrow).Figures, "G01", countyCode); f.Denominator != 1 {
		t.Errorf("who sees one township sees %d residents, want 1", f.Denominator)
	}
}

func TestCountingFromFactsCanBeGivenUp(t *testing.T) {
	assessment.ShareOf(1, t.Cleanup)
	w := newWorld(t)
	w.three()
	w.follow()
	q := w.query(assessment.County)
	q.ReceivedBy = care.DateOf(w.now)
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := w.a.Figures(ctx, q, func(int, int) {
		told++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || told != 1 {
		t.Errorf("given up: %v, told %d times", err, told)
	}
	if _, err := w.a.Figures(t.Context(), q, quiet); err != nil {
		t.Errorf("asked again: %v", err)
	}
}

func TestPeopleAreBehindEachFigure(t *testing.T) {
	w := newWorld(t)
	a, b, _ := w.three()
	w.follow()
	list := func(code indicators.Code, s assessment.Selection, limit int) (all []assessment.Person) {
		t.Helper()
		q := assessment.PeopleQuery{Query: w.query(assessment.County, code), Code: code, Selection: s, Classes: everyClass, Limit: limit}
		for {
			page, err := w.a.People(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page.People...)
			if q.After = page.Next; !page.More {
				return all
			}
		}
	}
	for _, limit := range []int{1, 2, 100} {
		f := one(t, w.figures(w.query(assessment.County)).Figures, "H02", countyCode)
		counted, failed := list("H02", assessment.Counted, limit), list("H02", assessment.Failed, limit)
		if int64(len(counted)) != f.Numerator || int64(len(failed)) != f.Denominator-f.Numerator {
			t.Errorf("pages of %d: %d count and %d do not, the figure has %d of %d", limit, len(counted), len(failed), f.Numerator, f.Denominator)
		}
		if len(counted) != 1 || counted[0].ID != a || counted[0].Name != "甲试" {
			t.Errorf("who counts: %+v", counted)
		}
		for _, p := range failed {
			if len(p.Outcome.Failed) == 0 {
				t.Errorf("%s does not count, and nobody says why", p.ID)
			}
			if p.ID == b && p.Outcome.Failed[0].ZH == "" {
				t.Errorf("no words: %+v", p.Outcome.Failed)
			}
		}
	}
	_, err := w.a.People(t.Context(), assessment.PeopleQuery{Query: w.query(assessment.County), Code: "G05", Classes: everyClass, Limit: 10})
	wantProblem(t, err, assessment.ProblemPeople)
}

func TestAFrozenWindowStaysAsItIsAndWhatCameLateStandsBesideIt(t *testing.T) {
	w := newWorld(t)
	_, b, _ := w.three()
	w.follow()
	half := indicators.HalfYear(2026)
	f, err := w.a.Freeze(t.Context(), half, "zhao", quiet)
	if err != nil {
		t.Fatal(err)
	}
	if f.Persons < 3 || f.Records < 3 || f.Size == 0 || f.Author != "zhao" {
		t.Errorf("%+v", f)
	}
	before := w.figures(w.query(assessment.County, "H02"))
	if before.Basis.Freeze == nil {
		t.Fatal("the figures are not the frozen ones")
	}
	if again, err := w.a.Freeze(t.Context(), half, "zhao", quiet); err == nil {
		t.Errorf("frozen twice: %+v", again)
	} else {
		wantProblem(t, err, assessment.ProblemFrozen)
	}
	w.now = w.now.Add(time.Hour)
	late := w.visit(b, village, 20260620, 130)
	w.visit(b, village, 20260709, 130) // not in the window
	w.follow()

	after := w.figures(w.query(assessment.County, "H02"))
	if was, is := one(t, before.Figures, "H02", countyCode), one(t, after.Figures, "H02", countyCode); was != is || is.Numerator != 1 {
		t.Errorf("the frozen figure was %+v, is %+v", was, is)
	}
	list, err := w.a.Late(t.Context(), assessment.LateQuery{Period: half, Divisions: []record.Division{""}, Classes: everyClass, Limit: 10})
	if err != nil || len(list.Late) != 1 || list.Late[0].Record != late || list.Late[0].Correction || list.Late[0].Dated != 20260620 || list.More {
		t.Errorf("late: %+v, %v", list, err)
	}
	pairs, _, err := w.a.Compare(t.Context(), w.query(assessment.Village, "H02"), quiet)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, p := range pairs {
		if p.Frozen.Division == village {
			found = true
			if p.Frozen.Numerator != 1 || p.Now.Numerator != 2 {
				t.Errorf("A %+v, B %+v", p.Frozen, p.Now)
			}
		}
	}
	if !found {
		t.Errorf("no pair of the village: %+v", pairs)
	}
	v, err := w.a.VerifyFreeze(t.Context(), half, quiet)
	if err != nil || !v.Same || !v.RootHolds {
		t.Errorf("the ledger says otherwise: %+v, %v", v, err)
	}
	// A correction of a record that was there, too, and it can be told apart.
	w.change(late, record.Change{Path: record.PathLife, Value: record.Voided("typed twice")})
	w.follow()
	list, err = w.a.Late(t.Context(), assessment.LateQuery{Period: half, Divisions: []record.Division{""}, Classes: everyClass, Limit: 10})
	if err != nil || len(list.Late) != 1 || !list.Late[0].Voided {
		t.Errorf("late: %+v, %v", list, err)
	}
	if v, err := w.a.VerifyFreeze(t.Context(), half, quiet); err != nil || !v.Same {
		t.Errorf("after more saves the ledger says otherwise: %+v, %v", v, err)
	}
}

func TestAFreezeThatDoesNotHoldIsFoundOut(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.follow()
	f, err := w.a.Freeze(t.Context(), indicators.HalfYear(2026), "zhao", quiet)
	if err != nil {
		t.Fatal(err)
	}
	view, err := w.Get(t.Context(), f.Record)
	if err != nil {
		t.Fatal(err)
	}
	form, err := care.Message(f.Record.Kind(), view.State.Registers())
	if err != nil {
		t.Fatal(err)
	}
	changed := proto.CloneOf(form.(*carev1.AssessmentFreeze))
	changed.Basis.OutcomesSha256 = make([]byte, 32)
	w.put(f.Record, f.Record.Kind(), changed)
	w.follow()
	v, err := w.a.VerifyFreeze(t.Context(), indicators.HalfYear(2026), quiet)
	if err != nil || v.Same || !v.RootHolds {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAFreezeThatWasTakenBackIsMadeAnew(t *testing.T) {
	w := newWorld(t)
	_, b, _ := w.three()
	w.follow()
	half := indicators.HalfYear(2026)
	f, err := w.a.Freeze(t.Context(), half, "zhao", quiet)
	if err != nil {
		t.Fatal(err)
	}
	view, err := w.Get(t.Context(), f.Record)
	if err != nil {
		t.Fatal(err)
	}
	void := record.Change{Path: record.PathLife, Value: record.Voided("by order")}
	for _, g := range view.State.Registers() {
		if g.Path == record.PathLife {
			void.Parents = g.Parents()
		}
	}
	w.change(f.Record, void)
	w.visit(b, village, 20260620, 130)
	w.follow()
	if r := w.figures(w.query(assessment.County, "H02")); r.Basis.Freeze != nil {
		t.Error("a freeze that was taken back still answers")
	}
	if _, err := w.a.Freeze(t.Context(), half, "zhao", quiet); err != nil {
		t.Fatal(err)
	}
	r := w.figures(w.query(assessment.County, "H02"))
	if f := one(t, r.Figures, "H02", countyCode); r.Basis.Freeze == nil || f.Numerator != 2 {
		t.Errorf("%+v", f)
	}
}

func TestWhatCannotBeAnsweredIsSaidInClearWords(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.follow()
	q := func(change func(*assessment.Query)) error {
		q := w.query(assessment.County)
		change(&q)
		_, err := w.a.Figures(t.Context(), q, quiet)
		return err
	}
	for _, row := range []struct {
		name, problem string
		change        func(*assessment.Query)
	}{
		{"a period that has not begun", assessment.ProblemNotBegun, func(q *assessment.Query) { q.Period = indicators.Year(2027) }},
		{"no period", assessment.ProblemPeriod, func(q *assessment.Query) { q.Period = indicators.Period{From: 20260630, To: 20260101} }},
		{"a day before the period", assessment.ProblemAsOf, func(q *assessment.Query) { q.AsOf = 20251231 }},
		{"a day that is yet to come", assessment.ProblemAsOf, func(q *assessment.Query) { q.AsOf = 20270101 }},
		{"no such indicator", assessment.ProblemCode, func(q *assessment.Query) { q.Codes = []indicators.Code{"Z99"} }},
		{"no such unit", assessment.ProblemUnit, func(q *assessment.Query) { q.Divisions = []record.Division{"43x"} }},
	} {
		t.Run(row.name, func(t *testing.T) { wantProblem(t, q(row.change), row.problem) })
	}
	for _, row := range []struct {
		name, problem string
		period        indicators.Period
	}{
		{"a quarter is not frozen", assessment.ProblemWindow, indicators.Quarter(2026, 1)},
		{"a year that is under way is not frozen", assessment.ProblemNotOver, indicators.Year(2026)},
		{"nor one that has not begun", assessment.ProblemNotBegun, indicators.Year(2027)},
	} {
		t.Run(row.name, func(t *testing.T) {
			size := w.Size()
			_, err := w.a.Freeze(t.Context(), row.period, "zhao", quiet)
			wantProblem(t, err, row.problem)
			if w.Size() != size {
				t.Error("something was written")
			}
		})
	}
	_, err := w.a.Late(t.Context(), assessment.LateQuery{Period: indicators.HalfYear(2026), Divisions: []record.Division{""}, Classes: everyClass, Limit: 10})
	wantProblem(t, err, assessment.ProblemNotFrozen)
	w.register("丁试", village, "zhang", 19580306) // nobody looks at it before the freeze
	_, err = w.a.Freeze(t.Context(), indicators.HalfYear(2026), "zhao", quiet)
	wantProblem(t, err, assessment.ProblemBusy)
}

func TestAnEmptyDenominatorHasNoValue(t *testing.T) {
	w := newWorld(t)
	w.register("甲试", village, "zhang", 19900306)
	f := one(t, w.figures(w.query(assessment.County, "P02")).Figures, "P02", countyCode)
	if f.Value.OK || f.Denominator != 0 {
		t.Errorf("%+v", f)
	}
}

func TestWhoIsCancelledWritesNothing(t *testing.T) {
	w := newWorld(t)
	w.three()
	w.follow()
	size := w.Size()
	ctx, cancel := withCancel(t)
	_, err := w.a.Freeze(ctx, indicators.HalfYear(2026), "zhao", func(int, int) { cancel() })
	if err == nil || errors.Is(err, nil) || w.Size() != size {
		t.Errorf("error %v, the ledger went from %d to %d", err, size, w.Size())
	}
}

func TestRestrictedIndicatorsAreOutOfSight(t *testing.T) {
	w := newWorld(t)
	w.three()
	q := w.query(assessment.County)
	q.Sensitive = false
	for _, f := range w.figures(q).Figures {
		if f.Code == "M01" || f.Code == "P01" || f.Code == "G02.06" {
			t.Errorf("%s is shown", f.Code)
		}
	}
}
