// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// agree requires that tallies are the sums of outcomes, today.
func (w *world) agree(what string) (tallied int) {
	w.t.Helper()
	w.follow()
	bad, tallied, day, err := assessment.Disagreements(w.t.Context(), w.a)
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	if today := care.DateOf(w.now); day != today {
		w.t.Errorf("%s: counted on %s, today is %s", what, day, today)
	}
	for i, b := range bad {
		if i < 5 {
			w.t.Errorf("%s: %s", what, b)
		}
	}
	if w.t.Failed() {
		w.t.FailNow()
	}
	return tallied
}

// moved is a pack by which systolic pressure must be below 120.
type moved struct{ assessment.Pack }

func (m moved) Hash() [32]byte { return [32]byte{1} }

func (m moved) Content() *carev1.RulePackContent {
	out := proto.CloneOf(m.Pack.Content())
	for _, th := range out.GetThresholds() {
		if th.GetId() == "systolic_target" {
			th.Value = &carev1.Threshold_Number{Number: 120}
		}
	}
	return out
}

// TestTalliesAreTheSumsOfOutcomes holds the law after random saves, corrections, links, voids,
// moves, days and another rule pack.
func TestTalliesAreTheSumsOfOutcomes(t *testing.T) {
	const seed = 20260710
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	var people, visits []record.ID
	places := []string{village, neighbour, far}
	place := func() string { return places[r.IntN(len(places))] }
	day := func() int32 { return int32(20250101 + 10000*r.IntN(2) + 100*r.IntN(7) + r.IntN(28)) }
	for range 12 {
		people = append(people, w.register("王试", place(), fmt.Sprintf("d%d", r.IntN(3)), int32(19400101+10000*r.IntN(30))))
	}
	if w.agree("at the beginning") == 0 {
		t.Fatal("nothing counts")
	}
	for round := range 25 {
		for range 1 + r.IntN(6) {
			one := people[r.IntN(len(people))]
			switch n := r.IntN(10); {
			case n < 4:
				visits = append(visits, w.visit(one, place(), day(), int32(120+r.IntN(60))))
			case n == 4:
				w.put(one, care.KindResident, patient("王试", village, fmt.Sprintf("d%d", r.IntN(3)), int32(19400101+10000*r.IntN(30))))
			case n == 5:
				other := people[r.IntN(len(people))]
				if other != one {
					state := []carev1.LinkState{carev1.LinkState_LINK_STATE_LINKED, carev1.LinkState_LINK_STATE_UNLINKED}[r.IntN(2)]
					w.put(care.LinkID(one, other), care.KindResidentLink, care.NewLink(one, other, &carev1.LinkRuling{State: state, Basis: carev1.LinkBasis_LINK_BASIS_PERSON}), scope(village))
				}
			case n == 6 && len(visits) > 0:
				w.change(visits[r.IntN(len(visits))], record.Change{Path: record.PathLife, Value: record.Voided("typed twice")})
			case n == 7:
				view, err := w.Get(t.Context(), one)
				if err != nil {
					t.Fatal(err)
				}
				w.change(one, scope(place(), view.State.Registers()...))
			case n == 8:
				people = append(people, w.register("李试", place(), "d9", 19600101))
			case n == 9:
				w.now = w.now.Add(time.Duration(r.IntN(40)) * 24 * time.Hour)
			}
		}
		w.agree(fmt.Sprintf("round %d", round))
	}
	w.pack = moved{w.pack}
	w.agree("with another pack")
}

// TestWindowsAreHeldAgainstTheSameDaysOfTheYearBefore names the windows in words.
func TestWindowsAreHeldAgainstTheSameDaysOfTheYearBefore(t *testing.T) {
	all := assessment.Windows(20260710)
	for _, want := range []string{
		"2026 to 2026-07-10", "2025 to 2025-07-10", "2026H1 to 2026-06-30", "2025H1 to 2025-06-30", "2026H2 to 2026-07-10", "2025H2 to 2025-07-10",
		"2025 to 2025-12-31", "2024 to 2024-12-31", "2026Q3 to 2026-07-10",
	} {
		found := 0
		for _, got := range all {
			if got == want {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%q is there %d times in %q", want, found, all)
		}
	}
	for _, got := range assessment.Windows(20260101) {
		if got == "2026H2 to 2026-01-01" {
			t.Error("a half that has not begun is counted")
		}
	}
}
