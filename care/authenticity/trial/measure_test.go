// SPDX-License-Identifier: Apache-2.0

package trial_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/authenticity/trial"
	"github.com/xunzhen/xunzhen/care/rulepack"
)

var (
	county = flag.Int("county", 0, "measure detection with so many honest doctors and a fiftieth as many of each style (500: some minutes)")
	seed   = flag.Uint64("seed", 20261201, "which doctors are invented")
	table  = flag.String("table", "", "write the table of detection into this file")
)

const (
	year  = 2026
	today = 20270115
)

func newRules(t *testing.T) *authenticity.Rules {
	t.Helper()
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	r, err := authenticity.NewRules(pack.Content())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// measure judges so many honest doctors, and so many of each style.
func measure(t *testing.T, honest, each int) trial.Report {
	t.Helper()
	c := trial.NewCounty(newRules(t), today)
	number := 0
	add := func(n int, style trial.Style) {
		for range n {
			one, err := trial.Doctor(*seed, number, style, year)
			if err != nil {
				t.Fatal(err)
			}
			c.Add(one)
			number++
		}
	}
	add(honest, trial.Honest)
	for _, style := range trial.Fabricating() {
		add(each, style)
	}
	return c.Measure()
}

func TestFabricatorsAreFoundAndHonestDoctorsAreNot(t *testing.T) {
	honest, each := 40, 2
	if *county > 0 {
		honest, each = *county, max(*county/50, 1)
	}
	r := measure(t, honest, each)
	text := report(r)
	t.Log("\n" + text)
	if *table != "" {
		if err := os.WriteFile(*table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for rule, rate := range r.Honest {
		// Of a small county only what a rate of 2 % would hardly ever give.
		if limit := 0.02; rate.Share() > limit && (*county > 0 || rate.Of > 9) {
			t.Errorf("%s stops %d of %d honest doctor-quarters", rule, rate.Of, rate.N)
		}
	}
	for style, rate := range r.Any {
		if rate.Share() < 0.5 {
			t.Errorf("%s: %d of %d found", style, rate.Of, rate.N)
		}
	}
}

// report writes two tables of Markdown.
func report(r trial.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| how they fabricate | found | by rule |\n|---|---|---|\n")
	for _, style := range trial.Fabricating() {
		var rules []string
		for _, rule := range trial.Catches(style) {
			rules = append(rules, fmt.Sprintf("%s %d/%d", rule, r.Caught[style][rule].Of, r.Caught[style][rule].N))
		}
		low, high := r.Any[style].Wilson()
		fmt.Fprintf(&b, "| %s | %.0f %% (%.0f–%.0f) | %s |\n", style, 100*r.Any[style].Share(), 100*low, 100*high, strings.Join(rules, ", "))
	}
	fmt.Fprintf(&b, "\n| rule | honest doctor-quarters stopped, of %d | 95 %% interval |\n|---|---|---|\n", r.Quarters)
	for _, rule := range authenticity.Book() {
		low, high := r.Honest[rule.ID].Wilson()
		fmt.Fprintf(&b, "| %s | %d (%.2f %%) | %.2f–%.2f %% |\n", rule.ID, r.Honest[rule.ID].Of, 100*r.Honest[rule.ID].Share(), 100*low, 100*high)
	}
	return b.String()
}

func TestTheSameSeedInventsTheSameDoctor(t *testing.T) {
	rules := newRules(t)
	print := func(seed uint64) []byte {
		one, err := trial.Doctor(seed, 7, trial.Honest, year)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		for i, in := range one.Persons {
			e := rules.Gather(in, today)
			b.Write(one.People[i][:])
			for j := range e.Visits {
				b.Write(e.Visits[j].Encode())
			}
			if i > 3 {
				break
			}
		}
		return b.Bytes()
	}
	if !bytes.Equal(print(1), print(1)) || bytes.Equal(print(1), print(2)) {
		t.Error("a doctor is no function of the seed")
	}
}

func TestTheBaseIsTheFileOfTheDemo(t *testing.T) {
	own, err := os.ReadFile("diabetes442.csv")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := os.ReadFile("../../../cmd/xunzhen/demo/data/diabetes442.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(own, demo) {
		t.Error("the two copies of diabetes442.csv differ")
	}
}
