// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Test is one statistical test about a doctor and a quarter.
type Test struct {
	N         int     // how many values it looked at
	Statistic float64 // as DF says
	DF        float64 // degrees of freedom of a chi-square; 0: Statistic is a share in percent, by a binomial test
	P         float64 // one-sided, or of the chi-square
	Q         float64 // the false discovery rate at which it stands, among the quarter's tests
	Large     bool    // what was found is as large as the rule asks, beside being unlikely
	Finding   Finding
}

// leastExpected is how many must be expected in each class of a chi-square test: below it the
// distribution is not one (Cochran 1954).
const leastExpected = 5

// chiSquare tests counts against shares that add up to 1, and reports whether there are enough
// of them: every expected count is 5 or more.
func chiSquare(counts, shares []float64) (chi2, p float64, ok bool) {
	total := 0.0
	for _, c := range counts {
		total += c
	}
	expected := make([]float64, len(shares))
	for i, s := range shares {
		if expected[i] = s * total; expected[i] < leastExpected {
			return 0, 1, false
		}
	}
	chi2 = stat.ChiSquare(counts, expected)
	return chi2, distuv.ChiSquared{K: float64(len(counts) - 1)}.Survival(chi2), true
}

// atLeast returns the probability of so many successes or more of n, each of this probability.
func atLeast(successes, n int, probability float64) float64 {
	switch {
	case successes <= 0:
		return 1
	case successes > n:
		return 0
	case successes == n:
		return math.Pow(probability, float64(n))
	}
	return distuv.Binomial{N: float64(n), P: probability}.Survival(float64(successes - 1))
}

// spread returns mean and standard deviation of values, and the probability that values with
// this usual deviation vary so little.
func spread(values []float64, usual float64) (mean, sd, chi2, p float64) {
	mean, sd = stat.MeanStdDev(values, nil)
	chi2 = float64(len(values)-1) * sd * sd / (usual * usual)
	return mean, sd, chi2, distuv.ChiSquared{K: float64(len(values) - 1)}.CDF(chi2)
}

// Weigh sets Q of all tests of one county and quarter: the smallest rate of false discoveries
// among those that stand, at which it stands (Benjamini and Hochberg 1995).
func Weigh(tests []Test) {
	order := make([]int, len(tests))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(tests[a].P, tests[b].P) })
	least := 1.0
	for rank := len(order); rank > 0; rank-- {
		t := &tests[order[rank-1]]
		least = min(least, t.P*float64(len(tests))/float64(rank))
		t.Q = least
	}
}

// Discover sets Q of all tests of one county and quarter and returns the findings of those that
// stand. Their order is that of tests.
func (r *Rules) Discover(tests []Test) []Finding {
	Weigh(tests)
	var out []Finding
	for _, t := range tests {
		if r.Stands(t) {
			f := t.Finding
			f.Test = &Test{N: t.N, Statistic: t.Statistic, DF: t.DF, P: t.P, Q: t.Q, Large: true}
			out = append(out, f)
		}
	}
	return out
}

// Stands reports whether a test that was weighed is a finding: large enough, with p and q as
// small as the pack wants them.
func (r *Rules) Stands(t Test) bool {
	const millionth = 1e-6
	return t.Large && t.P <= float64(r.Settings.P)*millionth && t.Q <= float64(r.Settings.Q)*millionth
}

// survival returns the probability that a chi-square is so large.
func survival(chi2, df float64) float64 { return distuv.ChiSquared{K: df}.Survival(chi2) }
