// SPDX-License-Identifier: Apache-2.0

package supervision_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
)

func dateOf(n int32) care.Date { return care.Date(n) }

func check(contact carev1.VerificationContact, truth carev1.VerificationVerdict, standard carev1.StandardVerdict) *carev1.Verification {
	return &carev1.Verification{Contact: contact, TruthVerdict: truth, StandardVerdict: standard}
}

func TestWhoIsLostIsNotInTheTruthRate(t *testing.T) {
	var sum supervision.Tally
	for _, f := range []*carev1.Verification{
		check(1, isTrue, 1), check(1, isTrue, 2), check(1, untrue, 1), check(1, undecided, 0), check(1, 0, 0),
		check(2, untrue, 0), check(3, 0, 2), check(4, 0, 0), check(0, 0, 0),
	} {
		sum = sum.Plus(supervision.Count(f))
	}
	want := supervision.Tally{
		Drawn: 9, Tried: 8, Reached: 6, Lost: 3, Refused: 1, NotReached: 1, WrongAddress: 1, True: 2, Untrue: 1, Undecided: 2, Standard: 2, NotStandard: 2,
	}
	if sum != want {
		t.Errorf("%+v", sum)
	}
	if r := sum.Truth(); r.Of != 2 || r.Among != 3 || !r.Few() {
		t.Errorf("%+v", r)
	}
	if r := sum.Contact(); r.Of != 6 || r.Among != 9 {
		t.Errorf("%+v", r)
	}
	if r := sum.UpToStandard(); r.Of != 2 || r.Among != 4 {
		t.Errorf("%+v", r)
	}
}

func TestIntervalsAreWilsons(t *testing.T) {
	for _, c := range []struct {
		of, among int
		low, high float64
	}{
		// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{5, 5, 0.5655, 1},
		{35, 35, 0.9011, 1},
		{0, 0, 0, 1},
	} {
		r := supervision.RateOf(c.of, c.among)
		if math.Abs(r.Low-c.low) > 0.00006 || math.Abs(r.High-c.high) > 0.00006 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.of, c.among, r.Low, r.High, c.low, c.high)
		}
	}
	if _, ok := supervision.RateOf(0, 0).Value(); ok {
		t.Error("a rate of nobody")
	}
	if supervision.RateOf(35, 35).Few() || !supervision.RateOf(34, 34).Few() {
		t.Error("35 are enough, 34 are few")
	}
	rapid.Check(t, func(t *rapid.T) {
		among := rapid.IntRange(1, 5000).Draw(t, "among")
		r := supervision.RateOf(rapid.IntRange(0, among).Draw(t, "of"), among)
		if v, _ := r.Value(); r.Low < 0 || r.High > 1 || v < r.Low-1e-12 || v > r.High+1e-12 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestAdjustedFiguresAreTheReportedTimesTheTruthRate(t *testing.T) {
	a := supervision.Adjust(supervision.Figure{Code: "H01", Numerator: 800, Denominator: 1000}, supervision.RateOf(9, 10))
	if !a.OK || math.Abs(a.Value-0.72) > 1e-12 || a.Low >= a.Value || a.High <= a.Value || a.High > 0.8 {
		t.Errorf("%+v", a)
	}
	for _, bad := range []supervision.Adjusted{
		supervision.Adjust(supervision.Figure{Numerator: 1, Denominator: 2}, supervision.RateOf(0, 0)),
		supervision.Adjust(supervision.Figure{Numerator: 0, Denominator: 0}, supervision.RateOf(1, 1)),
	} {
		if bad.OK {
			t.Errorf("%+v", bad)
		}
	}
}

func TestUnitsAreRankedExactly(t *testing.T) {
	tally := func(isTrue, untrue, standard, not int) supervision.Tally {
		return supervision.Tally{True: isTrue, Untrue: untrue, Standard: standard, NotStandard: not}
	}
	got := supervision.RankUnits(map[string]supervision.Tally{
		"a": tally(2, 1, 1, 1), "b": tally(4, 2, 2, 2), "c": tally(3, 0, 0, 0), "d": {}, "e": tally(2, 1, 2, 1), "f": tally(0, 3, 1, 0),
	})
	want := []struct {
		unit  string
		place int
	}{{"c", 1}, {"e", 2}, {"a", 3}, {"b", 3}, {"f", 5}, {"d", 0}}
	for i, w := range want {
		if got[i].Unit != w.unit || got[i].Place != w.place {
			t.Errorf("place %d: %+v, want %+v", i, got[i], w)
		}
	}
}

func answer(at int64) *carev1.RectificationAnswer {
	return &carev1.RectificationAnswer{AnsweredAtMs: at, AnsweredById: "li", Action: 2, Text: "t"}
}

func ruling(at int64, d carev1.RectificationDecision, due int32, seen ...string) *carev1.RectificationRuling {
	return &carev1.RectificationRuling{RuledAtMs: at, RuledById: "zhao", Decision: d, DueOn: due, Seen: seen}
}

func TestWhereARectificationStands(t *testing.T) {
	const closed, returned, withdrawn = 1, 2, 3
	answers := func(keys ...string) map[string]*carev1.RectificationAnswer {
		m := map[string]*carev1.RectificationAnswer{}
		for i, k := range keys {
			m[k] = answer(int64(i))
		}
		return m
	}
	type rulings = map[string]*carev1.RectificationRuling
	for _, c := range []struct {
		name string
		form *carev1.Rectification
		want supervision.Stand
	}{
		{"nothing happened", &carev1.Rectification{}, supervision.Stand{State: supervision.StateOpen, DueOn: 20260401}},
		{"the doctor answered", &carev1.Rectification{Answers: answers("a")}, supervision.Stand{State: supervision.StateAnswered, DueOn: 20260401}},
		{"returned with a new day", &carev1.Rectification{Answers: answers("a"), Rulings: rulings{"r": ruling(5, returned, 20260501, "a")}}, supervision.Stand{State: supervision.StateReturned, DueOn: 20260501}},
		{"answered again", &carev1.Rectification{Answers: answers("a", "b"), Rulings: rulings{"r": ruling(5, returned, 20260501, "a")}}, supervision.Stand{State: supervision.StateAnswered, DueOn: 20260501}},
		{"closed", &carev1.Rectification{Answers: answers("a", "b"), Rulings: rulings{"r": ruling(5, returned, 0, "a"), "s": ruling(6, closed, 0, "a", "b")}}, supervision.Stand{State: supervision.StateClosed, DueOn: 20260401}},
		{"the later ruling holds", &carev1.Rectification{Answers: answers("a"), Rulings: rulings{"s": ruling(6, closed, 0, "a"), "t": ruling(5, returned, 0, "a")}}, supervision.Stand{State: supervision.StateClosed, DueOn: 20260401}},
		{"of one time the greater key", &carev1.Rectification{Rulings: rulings{"s": ruling(6, closed, 0), "t": ruling(6, returned, 0)}}, supervision.Stand{State: supervision.StateReturned, DueOn: 20260401}},
		{"withdrawn without an answer", &carev1.Rectification{Rulings: rulings{"s": ruling(6, withdrawn, 0)}}, supervision.Stand{State: supervision.StateWithdrawn, DueOn: 20260401}},
		{"closed while the doctor answered", &carev1.Rectification{Answers: answers("a", "b"), Rulings: rulings{"s": ruling(6, closed, 0, "a")}}, supervision.Stand{State: supervision.StateAnswered, DueOn: 20260401, Late: true}},
		{"no decision", &carev1.Rectification{Rulings: rulings{"s": ruling(6, 0, 20260601)}}, supervision.Stand{State: supervision.StateOpen, DueOn: 20260601}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.form.DueOn = 20260401
			if got := supervision.StandOf(c.form); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
	st := supervision.Stand{State: supervision.StateOpen, DueOn: 20260401}
	if st.Overdue(20260401) || !st.Overdue(20260402) {
		t.Error("the last day is in time, the next one is not")
	}
	for s := supervision.StateOpen; s <= supervision.StateWithdrawn; s++ {
		if got, ok := supervision.ParseState(s.String()); !ok || got != s {
			t.Errorf("%d", s)
		}
		if over := (supervision.Stand{State: s, DueOn: 20260401}).Overdue(20260501); over != (s == supervision.StateOpen || s == supervision.StateReturned) {
			t.Errorf("%s: %v", s, over)
		}
	}
	if _, ok := supervision.ParseState(""); ok {
		t.Error("no word is a state")
	}
}
