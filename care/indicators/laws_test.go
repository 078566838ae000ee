// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

const seed = 20260730

func TestTheOrderOfRecordsDoesNotMatter(t *testing.T) {
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, p := range readCounty(t).persons {
		want := p.facts(p.entries).Encode()
		for range 3 {
			shuffled := slices.Clone(p.entries)
			rnd.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if got := p.facts(shuffled).Encode(); !slices.Equal(got, want) {
				t.Errorf("%s: other facts in another order", p.name)
			}
		}
	}
}

func TestFactsComeBackFromTheirBytes(t *testing.T) {
	c, s := readCounty(t), settings(t)
	largest := 0
	for _, p := range c.persons {
		f := p.facts(p.entries)
		raw := f.Encode()
		largest = max(largest, len(raw))
		back, err := DecodeFacts(raw)
		if err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		if !slices.Equal(back.Encode(), raw) {
			t.Errorf("%s: other bytes", p.name)
		}
		if a, b := Evaluate(f, c.questions[0].ask, s), Evaluate(back, c.questions[0].ask, s); !reflect.DeepEqual(a, b) {
			t.Errorf("%s: other outcomes", p.name)
		}
		for cut := range raw {
			if _, err := DecodeFacts(raw[:cut]); err == nil {
				t.Fatalf("%s: facts cut off after %d of %d bytes are taken", p.name, cut, len(raw))
			}
		}
	}
	t.Logf("at most %d bytes", largest)
}

// Two residents that are linked are one person in each denominator of persons, and the outcomes are those of one
// person with the records of both.
func TestLinkingTwoResidentsCountsOnce(t *testing.T) {
	c, s := readCounty(t), settings(t)
	q := c.questions[0].ask
	for i, p := range c.persons[:len(c.persons)-1] {
		other := c.persons[i+1]
		linked := &goldenPerson{entries: slices.Concat(p.entries, other.entries), findings: slices.Concat(p.findings, other.findings), received: p.received, division: p.division}
		for id, d := range other.received {
			linked.received[id] = d
		}
		for id, d := range other.division {
			linked.division[id] = d
		}
		seen := map[Code]int64{}
		for _, o := range Evaluate(linked.facts(linked.entries), q, s) {
			one, _ := Lookup(o.Code)
			if one.PerPerson && one.Unit == Percent {
				seen[o.Code] += o.Denominator
			}
		}
		for code, n := range seen {
			if n > 1 {
				t.Errorf("%s and %s linked: %d times in %s", p.name, other.name, n, code)
			}
		}
	}
}

func TestVillagesAddUpToTheirTownshipAndCounty(t *testing.T) {
	c, s := readCounty(t), settings(t)
	for _, q := range c.questions {
		byVillage, byTownship, whole := map[record.Division]map[Code]Tally{}, map[record.Division]map[Code]Tally{}, map[Code]Tally{}
		for _, outcomes := range c.outcomesOf(q.ask, s) {
			for _, o := range outcomes {
				addTo(byVillage, o.Division, o)
				addTo(byTownship, o.Division[:9], o)
				whole[o.Code] = whole[o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
			}
		}
		for _, level := range []map[record.Division]map[Code]Tally{byVillage, byTownship} {
			for code, want := range whole {
				var sum Tally
				for _, part := range level {
					sum = sum.Plus(part[code])
				}
				if sum != want {
					t.Errorf("%s: parts %v, whole %v", code, sum, want)
				}
			}
		}
	}
}

func addTo(all map[record.Division]map[Code]Tally, d record.Division, o Outcome) {
	if all[d] == nil {
		all[d] = map[Code]Tally{}
	}
	all[d][o.Code] = all[d][o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
}

// What a person is credited with for records of care can only become less without one of them: the law holds for
// the indicators that ask for something to have been done, and not for those that ask for something not to be (no
// error, at the target on the latest visit, handled in time).
func TestRemovingARecordNeverRaisesANumeratorThatNeedsIt(t *testing.T) {
	need := []Code{
		"S01", "S02", "S03", "O00", "O02", "T01", "H00", "D00", "C01", "C02", "B01", "B02", "P01", "MC2", "CH1", "CH2",
		"G04", "N01", "N03", "N04", "N05",
	}
	c, s := readCounty(t), settings(t)
	q := c.questions[0].ask
	q.Codes = need
	for _, p := range c.persons {
		before := tallyOf(Evaluate(p.facts(p.entries), q, s))
		for i, e := range p.entries {
			if e.Kind == kindVitalEvent || e.Kind == kindResident || e.Kind == 31 {
				continue
			}
			after := tallyOf(Evaluate(p.facts(slices.Delete(slices.Clone(p.entries), i, i+1)), q, s))
			for _, code := range need {
				if after[code].Numerator > before[code].Numerator || after[code].Amount > before[code].Amount {
					t.Errorf("%s: without record %d %s rises from %v to %v", p.name, i, code, before[code], after[code])
				}
			}
		}
	}
}

func tallyOf(outcomes []Outcome) map[Code]Tally {
	out := map[Code]Tally{}
	for _, o := range outcomes {
		out[o.Code] = out[o.Code].Plus(Tally{o.Numerator, o.Denominator, o.Amount})
	}
	return out
}

func TestExplainingChangesNoNumber(t *testing.T) {
	c, s := readCounty(t), settings(t)
	for _, q := range c.questions {
		quick := q.ask
		quick.Explain = false
		for _, p := range c.persons {
			f := p.facts(p.entries)
			slow := Evaluate(f, q.ask, s)
			for i, o := range Evaluate(f, quick, s) {
				slow[i].Failed = nil
				if !reflect.DeepEqual(o, slow[i]) {
					t.Errorf("%s: %v quickly, %v explained", p.name, o, slow[i])
				}
			}
		}
	}
}

func TestAskingForOneIndicatorGivesWhatAskingForAllGives(t *testing.T) {
	c, s := readCounty(t), settings(t)
	q := c.questions[0].ask
	for _, p := range c.persons {
		f := p.facts(p.entries)
		all := Evaluate(f, q, s)
		for _, one := range All() {
			q := q
			q.Codes = []Code{one.Code}
			want := slices.DeleteFunc(slices.Clone(all), func(o Outcome) bool { return o.Code != one.Code })
			if got := Evaluate(f, q, s); len(got) != len(want) || len(got) > 0 && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s alone %v, among all %v", p.name, one.Code, got, want)
			}
		}
	}
}

func TestWhatIsReceivedAfterACutoffIsAsIfItWereNotThere(t *testing.T) {
	c, s := readCounty(t), settings(t)
	for _, question := range c.questions {
		for _, cutoff := range []care.Date{20251231, 20260510, 20260630, 20261231, 20270119, 20270120} {
			q := question.ask
			q.ReceivedBy = cutoff
			for _, p := range c.persons {
				c.compareCutoff(t, p, q, s)
			}
		}
	}
}

func (c *county) compareCutoff(t *testing.T, p *goldenPerson, q Question, s Settings) {
	t.Helper()
	cut := tallyOf(Evaluate(p.facts(p.entries), q, s))
	early := slices.DeleteFunc(slices.Clone(p.entries), func(e rules.Entry) bool { return p.received[e.ID] > q.ReceivedBy })
	q.ReceivedBy = 0
	if whole := tallyOf(Evaluate(p.facts(early), q, s)); !reflect.DeepEqual(cut, whole) {
		t.Errorf("%s in %s: by a cutoff %v, without the late ones %v", p.name, q.Period, cut, whole)
	}
}

func TestNoPeriodHasOutcomesBeforeItBegins(t *testing.T) {
	c, s := readCounty(t), settings(t)
	for _, p := range c.persons {
		if got := Evaluate(p.facts(p.entries), Question{Period: Year(2026), AsOf: 20251231}, s); got != nil {
			t.Fatalf("%s: %v", p.name, got)
		}
	}
}

func TestAnEmptyDenominatorHasNoRate(t *testing.T) {
	for _, tally := range []Tally{{}, {Numerator: 3}, {Numerator: 0, Amount: 7}} {
		if rate, ok := tally.Rate(); ok {
			t.Errorf("%v has the rate %d", tally, rate)
		}
	}
	if _, ok := PointDifference(Tally{1, 2, 0}, Tally{}); ok {
		t.Error("a difference from nothing")
	}
	if _, ok := Change(5, 0); ok {
		t.Error("a change from nothing")
	}
}
