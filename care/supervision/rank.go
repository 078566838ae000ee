// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"cmp"
	"maps"
	"slices"
)

// RankUnits orders units by truth rate, then by the rate of what is up to standard, both descending,
// then by name. Units without a truth rate stand last, without a place.
func RankUnits(units map[string]Tally) []Ranked {
	var out []Ranked
	for _, name := range slices.Sorted(maps.Keys(units)) {
		out = append(out, Ranked{Unit: name, Tally: units[name]})
	}
	slices.SortStableFunc(out, func(a, b Ranked) int { return better(a.Tally, b.Tally) })
	for i := range out {
		switch {
		case out[i].Tally.Truth().Among == 0:
		case i > 0 && better(out[i-1].Tally, out[i].Tally) == 0:
			out[i].Place = out[i-1].Place
		default:
			out[i].Place = i + 1
		}
	}
	return out
}

// better is negative where a stands before b.
func better(a, b Tally) int {
	return cmp.Or(compareRates(a.Truth(), b.Truth()), compareRates(a.UpToStandard(), b.UpToStandard()))
}

// compareRates compares exactly, by cross products; the greater first, none last.
func compareRates(a, b Rate) int {
	switch {
	case a.Among == 0 || b.Among == 0:
		return cmp.Compare(min(b.Among, 1), min(a.Among, 1))
	default:
		return cmp.Compare(b.Of*a.Among, a.Of*b.Among)
	}
}
