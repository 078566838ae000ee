// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"fmt"
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

func TestEveryThresholdMovedByOneFailsARow(t *testing.T) {
	s := settings(t)
	var trials []*trial
	for _, file := range []string{"testdata/county.txt", "testdata/rows.txt"} {
		c := &trial{county: readRows(t, file)}
		for _, p := range c.persons {
			c.facts = append(c.facts, p.facts(p.entries))
		}
		trials = append(trials, c)
	}
	differ := func(s Settings) bool {
		return derivedDiffer(s) || slices.ContainsFunc(trials, func(c *trial) bool { return c.differs(s) })
	}
	if differ(s) {
		t.Fatal("the answers are not those of the files")
	}
	check := func(how string, moved Settings) {
		if !differ(moved) {
			t.Errorf("no row sees %s", how)
		}
	}
	for i, want := range numbers {
		for _, by := range []int64{-1, 1} {
			if n := s.number[i] + by; n >= want.min && n <= want.max {
				moved := s
				moved.number[i] = n
				check(fmt.Sprintf("%s %+d", want.id, by), moved)
			}
		}
	}
	for i, want := range lists {
		if i == workPointsX100 {
			continue // the rows of TestPoints move each
		}
		for at := range s.list[i] {
			moved := s
			moved.list[i] = slices.Delete(slices.Clone(s.list[i]), at, at+1)
			if i != mentalDays {
				check(fmt.Sprintf("%s without %d", want.id, s.list[i][at]), moved)
				continue
			}
			for _, by := range []int64{-1, 1} {
				moved.list[i] = slices.Clone(s.list[i])
				moved.list[i][at] += by
				check(fmt.Sprintf("%s[%d] %+d", want.id, at, by), moved)
			}
		}
	}
}
