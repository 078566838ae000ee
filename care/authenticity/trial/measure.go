// SPDX-License-Identifier: Apache-2.0

package trial

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// County judges the cases of one county, handed to it one after the other, as the centre does.
// The zero value has no rules: make one with NewCounty.
type County struct {
	rules  *authenticity.Rules
	today  care.Date
	cases  map[string]Style
	doctor map[record.ID]string // of a record
	keys   map[key][]authenticity.Member
	tests  map[authenticity.Quarter][]authenticity.Test
	found  []authenticity.Finding
}

type key struct {
	kind authenticity.KeyKind
	hash int64
}

// NewCounty returns a county that is looked at on a day.
func NewCounty(rules *authenticity.Rules, today care.Date) *County {
	return &County{
		rules: rules, today: today, cases: map[string]Style{}, doctor: map[record.ID]string{},
		keys: map[key][]authenticity.Member{}, tests: map[authenticity.Quarter][]authenticity.Test{},
	}
}

// Add looks at a case by itself.
func (c *County) Add(one Case) {
	c.cases[one.Doctor] = one.Style
	var visits []authenticity.Visit
	around := authenticity.Around{Homes: map[record.ID]authenticity.Point{}}
	var posts authenticity.Posts
	for _, in := range one.Persons {
		e := c.rules.Gather(in, c.today)
		visits = append(visits, e.Visits...)
		c.found = append(c.found, e.Found...)
		for _, k := range e.Keys {
			c.keys[key{k.Kind, k.Hash}] = append(c.keys[key{k.Kind, k.Hash}], k.Member)
			c.doctor[k.Member.Record] = k.Member.Doctor
		}
		for _, h := range e.Homes {
			around.Homes[h.Household] = h.Point
		}
		for _, p := range e.Posts {
			posts = p
		}
	}
	if posts.Staff != "" {
		around.OnList = func(staff string, day care.Date) bool { return staff == posts.Staff && posts.On(day) }
	}
	years := map[int][]authenticity.Visit{}
	for _, v := range visits {
		c.doctor[v.Record] = v.Doctor
		years[v.Day.Year()] = append(years[v.Day.Year()], v)
	}
	for _, year := range slices.Sorted(maps.Keys(years)) {
		found, tests := c.rules.Year(one.Doctor, year, years[year], around)
		c.found = append(c.found, found...)
		for q, some := range tests {
			c.tests[q] = append(c.tests[q], some...)
		}
	}
}

// Findings compares the cases with each other, weighs their tests, and returns all that is
// found, by id.
func (c *County) Findings() []authenticity.Finding {
	out := slices.Clone(c.found)
	for k, members := range c.keys {
		if len(members) > 1 {
			out = append(out, c.rules.Shared(k.kind, k.hash, members)...)
		}
	}
	for _, q := range slices.Sorted(maps.Keys(c.tests)) {
		out = append(out, c.rules.Discover(c.tests[q])...)
	}
	slices.SortFunc(out, func(a, b authenticity.Finding) int {
		one, other := a.ID(), b.ID()
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), slices.Compare(one[:], other[:]))
	})
	return out
}

// Rate is how often something happened.
type Rate struct{ Of, N int }

// Share returns the rate as a share, 0 of nothing.
func (r Rate) Share() float64 {
	if r.N == 0 {
		return 0
	}
	return float64(r.Of) / float64(r.N)
}

// Wilson returns the 95 % interval of the share (Wilson 1927).
func (r Rate) Wilson() (low, high float64) {
	if r.N == 0 {
		return 0, 1
	}
	const z = 1.959964
	n, p := float64(r.N), r.Share()
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(middle-half, 0), min(middle+half, 1)
}

// Report is how well rules tell doctors apart.
type Report struct {
	Honest   map[string]Rate           // by rule: honest doctor-quarters with a finding
	Caught   map[Style]map[string]Rate // by style and rule: its doctors with a finding
	Any      map[Style]Rate            // found by one of the rules that are for it
	Quarters int
}

// Measure counts findings by doctor and quarter: one of several doctors' records counts for each.
func (c *County) Measure() Report {
	const quarters = 4
	type place struct {
		rule, doctor string
		quarter      authenticity.Quarter
	}
	quarterly, yearly := map[place]bool{}, map[place]bool{}
	for _, f := range c.Findings() {
		doctors := map[string]bool{}
		if f.Doctor != "" {
			doctors[f.Doctor] = true
		} else {
			for _, i := range f.Items {
				doctors[c.doctor[i.Record]] = true
			}
		}
		for doctor := range doctors {
			quarterly[place{f.Rule, doctor, f.Quarter}] = true
			yearly[place{f.Rule, doctor, 0}] = true
		}
	}
	r := Report{Honest: map[string]Rate{}, Caught: map[Style]map[string]Rate{}, Any: map[Style]Rate{}}
	size := map[Style]int{}
	for _, style := range c.cases {
		size[style]++
	}
	r.Quarters = size[Honest] * quarters
	for _, rule := range authenticity.Book() {
		r.Honest[rule.ID] = Rate{0, r.Quarters}
	}
	for p := range quarterly {
		if c.cases[p.doctor] == Honest {
			was := r.Honest[p.rule]
			r.Honest[p.rule] = Rate{was.Of + 1, r.Quarters}
		}
	}
	for _, style := range Fabricating() {
		if size[style] == 0 {
			continue
		}
		r.Caught[style] = map[string]Rate{}
		caught := map[string]bool{}
		for _, rule := range Catches(style) {
			n := 0
			for doctor, of := range c.cases {
				if of == style && yearly[place{rule, doctor, 0}] {
					caught[doctor] = true
					n++
				}
			}
			r.Caught[style][rule] = Rate{n, size[style]}
		}
		r.Any[style] = Rate{len(caught), size[style]}
	}
	return r
}
