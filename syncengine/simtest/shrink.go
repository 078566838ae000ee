// SPDX-License-Identifier: Apache-2.0

package simtest

import "slices"

// shrinkRuns bounds the runs that a shrinking takes.
const shrinkRuns = 400

// Shrink leaves steps out of a run that broke a promise, as long as it breaks the
// same one, and returns the steps that are left. Each step has randomness of its
// own, so leaving one out does not change what the others draw.
func Shrink(o Options) []int {
	o.Trace = nil
	first := Run(o)
	if first.Violation == nil {
		return nil
	}
	keep := o.Keep
	if keep == nil {
		for i := range first.Steps {
			keep = append(keep, i)
		}
	}
	runs := 0
	breaks := func(steps []int) bool {
		runs++
		o.Keep = steps
		v := Run(o).Violation
		return v != nil && v.Check == first.Violation.Check
	}
	for size := max(1, len(keep)/2); runs < shrinkRuns; {
		cut := false
		for from := 0; from < len(keep) && runs < shrinkRuns; {
			rest := slices.Delete(slices.Clone(keep), from, min(from+size, len(keep)))
			if breaks(rest) {
				keep, cut = rest, true
			} else {
				from += size
			}
		}
		if size == 1 && !cut {
			break
		}
		size = max(1, size/2)
	}
	return keep
}

// Hunt lives through at most bound counties, that of the seed known first, until
// one breaks a promise, and returns how many it took; 0: none did. It is how a
// wrong rule is brought down.
func Hunt(o Options, known uint64, bound int) (runs int, r Result) {
	for runs = 1; runs <= bound; runs++ {
		o.Seed = uint64(runs)
		if runs == 1 && known > 0 {
			o.Seed = known
		}
		if r = Run(o); r.Violation != nil {
			return runs, r
		}
	}
	return 0, r
}
