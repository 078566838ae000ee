// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"slices"
	"strings"
	"sync"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// ownPack loads the pack that comes with this build once: it takes a while to compile.
var ownPack = sync.OnceValues(func() (*carev1.RulePackContent, error) {
	pack, err := rulepack.Load()
	if err != nil {
		return nil, err
	}
	return pack.Content(), nil
})

// settings are those of the pack that comes with this build.
func settings(t testing.TB) Settings {
	t.Helper()
	pack, err := ownPack()
	if err != nil {
		t.Fatal(err)
	}
	s, err := SettingsOf(pack)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outcomesOf returns the outcomes of each person of the county, by name and code.
func (c *county) outcomesOf(q Question, s Settings) map[string][]Outcome {
	out := map[string][]Outcome{}
	for _, p := range c.persons {
		out[p.name] = Evaluate(p.facts(p.entries), q, s)
	}
	return out
}

func TestTheGoldenCountyHasTheAnswersWorkedOutByHand(t *testing.T) {
	c := readCounty(t)
	if len(c.persons) < 60 || len(c.villages) != 3 {
		t.Fatalf("%d persons in %d villages", len(c.persons), len(c.villages))
	}
	c.check(t)
}

func TestTheRowsBesideTheCountyHaveTheirAnswers(t *testing.T) {
	readRows(t, "testdata/rows.txt").check(t)
	readRows(t, "testdata/reasons.txt").check(t)
}

func (c *county) check(t *testing.T) {
	t.Helper()
	s := settings(t)
	for _, q := range c.questions {
		all := c.outcomesOf(q.ask, s)
		for _, a := range q.answers {
			for _, fault := range c.compare(a, all) {
				t.Errorf("question %s: %s:%d: %s: %s", q.text, c.file, a.line, a.code, fault)
			}
		}
	}
}

// compare returns what is not as the file says.
func (c *county) compare(a *goldenAnswer, all map[string][]Outcome) (faults []string) {
	var sum Tally
	in := map[string]Tally{}
	yes, no := map[string]bool{}, map[string]string{}
	for name, outcomes := range all {
		for _, o := range outcomes {
			if o.Code != a.code {
				continue
			}
			sum.Add(o)
			for v, d := range c.villages {
				c.addIn(in, v, d, o)
			}
			if o.Denominator == o.Numerator {
				yes[name] = yes[name] || o.Numerator > 0
			} else if o.Denominator > 0 {
				no[name] = ids(o)
			} else {
				yes[name] = true
			}
		}
	}
	wrong := func(f string) { faults = append(faults, f) }
	if a.rate && (sum.Numerator != a.n || sum.Denominator != a.d) {
		wrong(sprint("is ", sum.Numerator, "/", sum.Denominator, ", by hand ", a.n, "/", a.d))
	}
	if !a.rate && (sum.Numerator != a.n || sum.Amount != a.d) {
		wrong(sprint("is ", sum.Numerator, " persons ", sum.Amount, ", by hand ", a.n, " persons ", a.d))
	}
	faults = append(faults, c.compareNames(a, yes, no)...)
	for where, want := range a.in {
		if got := in[where]; got.Numerator != want[0] || got.Denominator != want[1] {
			wrong(sprint("in ", where, " is ", got.Numerator, "/", got.Denominator, ", by hand ", want[0], "/", want[1]))
		}
	}
	return faults
}

// addIn adds an outcome to its village and its township: A for A1 and A2.
func (c *county) addIn(in map[string]Tally, village string, d record.Division, o Outcome) {
	if o.Division != d {
		return
	}
	for _, where := range []string{village, village[:1]} {
		t := in[where]
		t.Add(o)
		in[where] = t
	}
}

func ids(o Outcome) string {
	var all []string
	for _, f := range o.Failed {
		if f.ZH == "" || f.EN == "" {
			return "a condition without words: " + f.ID
		}
		all = append(all, f.ID)
	}
	return strings.Join(slices.Compact(all), ",")
}

func (c *county) compareNames(a *goldenAnswer, yes map[string]bool, no map[string]string) (faults []string) {
	for _, p := range c.persons {
		why, said := a.no[p.name]
		got, failed := no[p.name]
		switch {
		case said && !failed:
			faults = append(faults, p.name+" should fail: "+why)
		case said && why != got:
			faults = append(faults, p.name+" fails by "+got+", by hand "+why)
		case failed && !said && (len(a.no) > 0):
			faults = append(faults, p.name+" fails by "+got)
		case slices.Contains(a.yes, p.name) && !yes[p.name]:
			faults = append(faults, p.name+" should count; fails by "+got)
		case len(a.yes) > 0 && yes[p.name] && !slices.Contains(a.yes, p.name):
			faults = append(faults, p.name+" should not count")
		case a.everybody && (yes[p.name] || failed) == a.everyoneBu[p.name]:
			faults = append(faults, p.name+" should be in the denominator unless left out")
		}
	}
	return faults
}
