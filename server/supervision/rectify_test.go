// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"slices"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	law "github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/supervision"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

var until = supervision.Issuing{Due: 20260401}

func TestARectificationGoesWhereItsRecordIsAndIsMadeOnce(t *testing.T) {
	w := newWorld(t)
	id := w.resident(1, village, "wang", hypertense)
	visit := w.visit(id, village, "li", 20260110)
	fault := supervision.Fault{Record: visit, Rule: "Q11", Text: "next date is missing"}
	out, before, problems, err := w.Issue(t.Context(), "chen", []supervision.Fault{fault, fault}, until, everything)
	if err != nil || len(problems) > 0 || before != 0 || len(out) != 2 || out[0].ID != out[1].ID {
		t.Fatal(out, before, problems, err)
	}
	view, err := w.Get(t.Context(), out[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	subject, _ := view.State.Subject()
	if f := out[0].Form; f.GetDoctorId() != "li" || f.GetOrganisationCode() != "130403001" || subject != id || view.Row.Divisions[0] != village || len(f.GetTargetRevisions()) != 1 {
		t.Errorf("%v about %s in %v", f, subject, view.Row.Divisions)
	}
	if _, before, _, err := w.Issue(t.Context(), "chen", []supervision.Fault{fault}, supervision.Issuing{Due: 20260501}, everything); err != nil || before != 1 {
		t.Error(before, err)
	}
	l, next, err := w.Rectifications(t.Context(), supervision.FaultQuery{Doctor: "li"}, everything, supervision.Place{}, 10)
	if err != nil || next != nil || len(l) != 1 || l[0].DueOn != 20260401 || l[0].DaysLeft != 30 || l[0].Overdue {
		t.Fatalf("%+v %v", l, err)
	}
	w.now = w.now.AddDate(0, 0, 31)
	for q, want := range map[supervision.FaultQuery]int{
		{OverdueOnly: true}: 1, {State: law.StateAnswered}: 0, {Division: elsewhere}: 0, {Division: "130403001", Unsettled: true}: 1, {Doctor: "wang"}: 0,
	} {
		if l, _, err := w.Rectifications(t.Context(), q, everything, supervision.Place{}, 10); err != nil || len(l) != want {
			t.Errorf("%+v: %d %v", q, len(l), err)
		}
	}
	if l, _, err := w.Rectifications(t.Context(), supervision.FaultQuery{}, supervision.Sight{Divisions: []record.Division{elsewhere}}, supervision.Place{}, 10); err != nil || len(l) != 0 {
		t.Errorf("another township sees it: %v", err)
	}
}

func TestARectificationThatCannotBeIsRefusedAndNothingIsSaved(t *testing.T) {
	w := newWorld(t)
	id := w.resident(1, village, "wang", hypertense)
	visit := w.visit(id, village, "li", 20260110)
	secret := w.put(record.ID{}, secretKind(t), must(care.New(secretKind(t))), village, id)
	good := supervision.Fault{Record: visit, Text: "x"}
	for name, one := range map[string]struct {
		fault supervision.Fault
		how   supervision.Issuing
		sight supervision.Sight
		code  string
	}{
		"of the sensitive class": {supervision.Fault{Record: secret, Text: "x"}, until, everything, "sensitive"},
		"of nothing that is":     {supervision.Fault{Record: record.DerivedID(18, []byte("x")), Text: "x"}, until, everything, "unknown"},
		"of no check":            {supervision.Fault{Check: record.DerivedID(43, []byte("x"))}, until, everything, "unknown"},
		"without a fault":        {supervision.Fault{Record: visit, Text: " "}, until, everything, "no_fault"},
		"of nobody anywhere":     {supervision.Fault{Text: "registers differ"}, until, everything, "no_division"},
		"in another county":      {supervision.Fault{Text: "registers differ", Division: "110101"}, until, everything, "no_division"},
		"due before today":       {good, supervision.Issuing{Due: 20260301}, everything, "due_on"},
		"due on no day":          {good, supervision.Issuing{}, everything, "due_on"},
		"out of sight":           {good, until, supervision.Sight{Divisions: []record.Division{elsewhere}}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			size := w.Size()
			_, _, problems, err := w.Issue(t.Context(), "chen", []supervision.Fault{good, one.fault}, one.how, one.sight)
			if err != nil || !slices.Contains(codes(problems), one.code) || w.Size() != size {
				t.Errorf("%v %v", problems, err)
			}
		})
	}
	if _, _, problems, err := w.Issue(t.Context(), "chen", []supervision.Fault{{Text: "registers differ", Division: village, Unit: "130403001"}}, until, everything); err != nil || len(problems) > 0 {
		t.Error("a fault of a unit", problems, err)
	}
}

// secretKind is a kind of the sensitive class.
func secretKind(t *testing.T) record.Kind {
	t.Helper()
	k, ok := care.KindNamed("tuberculosis_follow_up")
	if info, known := care.Kinds().Lookup(k); !ok || !known || info.Class != record.ClassSensitive {
		t.Fatal("no such kind")
	}
	return k
}

func TestARulingIsOverTheAnswersThatWereSeen(t *testing.T) {
	w := newWorld(t)
	visit := w.visit(w.resident(1, village, "wang"), village, "li", 20260110)
	out, _, _, err := w.Issue(t.Context(), "chen", []supervision.Fault{{Record: visit, Text: "x"}}, until, everything)
	if err != nil {
		t.Fatal(err)
	}
	id := out[0].ID
	closed, returned := carev1.RectificationDecision(1), carev1.RectificationDecision(2)
	for name, r := range map[string]supervision.Ruling{
		"decision": {}, "reason": {Decision: returned}, "due_on": {Decision: closed, DueOn: 20260101}, "seen": {Decision: closed, Seen: []string{"nobody"}},
	} {
		if _, problems, err := w.Rule(t.Context(), "chen", id, r, everything); err != nil || !slices.Equal(codes(problems), []string{name}) {
			t.Errorf("%s: %v %v", name, problems, err)
		}
	}
	if _, problems, err := w.Rule(t.Context(), "chen", id, supervision.Ruling{Decision: closed}, supervision.Sight{}); err != nil || !slices.Equal(codes(problems), []string{"no_rectification"}) {
		t.Errorf("%v %v", problems, err)
	}
	r, problems, err := w.Rule(t.Context(), "chen", id, supervision.Ruling{Decision: returned, Reason: "once more", DueOn: 20260501}, everything)
	if err != nil || len(problems) > 0 || r.State != law.StateReturned || r.DueOn != 20260501 || r.OnTablet {
		t.Errorf("%+v %v %v", r, problems, err)
	}
	a := w.announce(roundOf(&carev1.SupervisionPlan{FromOn: 20260101, ToOn: 20260331, Divisions: []string{"130403"}, Strata: law.VillageRound(0, 0).Strata}))
	if a.Carried != 1 {
		t.Errorf("%d carried", a.Carried)
	}
	if l, _, err := w.Rectifications(t.Context(), supervision.FaultQuery{Round: a.ID}, everything, supervision.Place{}, 10); err != nil || len(l) != 1 || len(l[0].Form.GetCarried()) != 1 {
		t.Errorf("%+v %v", l, err)
	}
	if r, _, err = w.Rule(t.Context(), "chen", id, supervision.Ruling{Decision: closed}, everything); err != nil || r.State != law.StateClosed {
		t.Errorf("%+v %v", r, err)
	}
}
