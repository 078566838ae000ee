// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
	"maps"
	"slices"
	"testing"
)

// A trial is a file with its facts.
type trial struct {
	*county
	facts []Facts
}

// differs reports whether settings give another answer than the file to any question.
func (c *trial) differs(s Settings) bool {
	for _, q := range c.questions {
		e := NewEvaluator(q.ask, s)
		all := map[string][]Outcome{}
		for i, p := range c.persons {
			all[p.name] = e.Append(nil, &c.facts[i])
		}
		for _, a := range q.answers {
			if len(c.compare(a, all)) > 0 {
				return true
			}
		}
	}
	return false
}

// derivedDiffer reports whether settings give another answer to what follows from several outcomes.
func derivedDiffer(s Settings) bool {
	q := Quarters([4]Tally{{Numerator: 30}, {Numerator: 29}, {Numerator: 30}, {}}, Year(2026), 20261231, s)
	return q != Tally{Numerator: 2, Denominator: 4} || !s.RisesEnough(100) || s.RisesEnough(99)
}

// trialsOf reads the files with rows.
func trialsOf(t *testing.T) (trials []*trial) {
	t.Helper()
	for _, file := range []string{"testdata/county.txt", "testdata/rows.txt", "testdata/reasons.txt"} {
		c := &trial{county: readRows(t, file)}
		for _, p := range c.persons {
			c.facts = append(c.facts, p.facts(p.entries))
		}
		trials = append(trials, c)
	}
	return trials
}

// A movedSetting is settings with one number moved.
type movedSetting struct {
	id, how string
	to      Settings
}

// movedSettings returns the settings with each number moved by one, and each list without one of its entries.
func movedSettings(s Settings) (out []movedSetting) {
	for i, want := range numbers {
		for _, by := range []int64{-1, 1} {
			if n := s.number[i] + by; n >= want.min && n <= want.max {
				moved := s
				moved.number[i] = n
				out = append(out, movedSetting{want.id, fmt.Sprintf("%s %+d", want.id, by), moved})
			}
		}
	}
	for i, want := range lists {
		if i == workPointsX100 {
			continue // TestPointsAreThoseOfThePack says each
		}
		for at := range s.list[i] {
			moved := s
			if i != mentalDays {
				moved.list[i] = slices.Delete(slices.Clone(s.list[i]), at, at+1)
				out = append(out, movedSetting{want.id, fmt.Sprintf("%s without %d", want.id, s.list[i][at]), moved})
				continue
			}
			for _, by := range []int64{-1, 1} {
				moved.list[i] = slices.Clone(s.list[i])
				moved.list[i][at] += by
				out = append(out, movedSetting{want.id, fmt.Sprintf("%s[%d] %+d", want.id, at, by), moved})
			}
		}
	}
	return out
}

func TestEveryThresholdMovedByOneFailsARow(t *testing.T) {
	s, trials := settings(t), trialsOf(t)
	differ := func(s Settings) bool {
		return derivedDiffer(s) || slices.ContainsFunc(trials, func(c *trial) bool { return c.differs(s) })
	}
	if differ(s) {
		t.Fatal("the answers are not those of the files")
	}
	for _, moved := range movedSettings(s) {
		if !differ(moved.to) {
			t.Errorf("no row sees %s", moved.how)
		}
	}
}

// tallies returns what all rows add up to.
func tallies(trials []*trial, s Settings) map[Code]Tally {
	all := map[Code]Tally{}
	for _, c := range trials {
		for _, q := range c.questions {
			ask := q.ask
			ask.Explain = false
			e := NewEvaluator(ask, s)
			for i := range c.facts {
				for _, o := range e.Append(nil, &c.facts[i]) {
					all[o.Code] = all[o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
				}
			}
		}
	}
	return all
}

func TestEveryIndicatorNamesTheNumbersThatMoveIt(t *testing.T) {
	s, trials := settings(t), trialsOf(t)
	before := tallies(trials, s)
	missing := map[string]bool{}
	for _, moved := range movedSettings(s) {
		after := tallies(trials, moved.to)
		for _, one := range All() {
			if before[one.Code] != after[one.Code] && !slices.Contains(one.Thresholds, moved.id) {
				missing[fmt.Sprintf("%s does not name %s, which moves it", one.Code, moved.id)] = true
			}
		}
	}
	for _, fault := range slices.Sorted(maps.Keys(missing)) {
		t.Error(fault)
	}
}
