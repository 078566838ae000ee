// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"cmp"
	"math/bits"
	"slices"
)

// Most is the greatest number that a task or a count of people may have.
const Most = 10_000_000

// Part is one of those among whom a number is divided.
type Part struct {
	Key    string // breaks ties: the smaller first
	Weight int64  // 0 or more
	Fixed  *int64 // set by a person; nil: by the rule
}

// Divide divides total among parts in proportion to their weights, by largest remainder: each has
// its share rounded down, and what is left goes one each to those with the greatest remainders,
// of equal ones to the smaller key. Fixed parts have what they have, and the others divide the
// rest. Where nobody among the others has a weight, all of them count alike.
//
// The result is in the order of parts and adds up to total. ok is false where that cannot be:
// the fixed parts sum to more than total, or to less where all are fixed, or there are none.
// It requires numbers from 0 to Most, and at most Most parts.
func Divide(total int64, parts []Part) (out []int64, ok bool) {
	out = make([]int64, len(parts))
	rest, weight := total, int64(0)
	var free []int
	for i, p := range parts {
		if p.Fixed != nil {
			out[i] = *p.Fixed
			rest -= *p.Fixed
			continue
		}
		free = append(free, i)
		weight += p.Weight
	}
	if rest < 0 || rest > 0 && len(free) == 0 {
		return nil, false
	}
	weights := make([]int64, len(free))
	for i, at := range free {
		weights[i] = parts[at].Weight
		if weight == 0 {
			weights[i] = 1
		}
	}
	for i, share := range largestRemainder(rest, max(weight, 1), weight == 0, weights, func(a, b int) int {
		return cmp.Compare(parts[free[a]].Key, parts[free[b]].Key)
	}) {
		out[free[i]] = share
	}
	return out, true
}

func largestRemainder(total, sum int64, even bool, weights []int64, byKey func(a, b int) int) []int64 {
	if even {
		sum = int64(len(weights))
	}
	shares, remainders, order := make([]int64, len(weights)), make([]uint64, len(weights)), make([]int, len(weights))
	left := total
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(total), uint64(w))
		q, r := bits.Div64(hi, lo, uint64(sum)) // w ≤ sum, so that the quotient is at most total
		shares[i], remainders[i], order[i] = int64(q), r, i
		left -= int64(q)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(remainders[b], remainders[a]), byKey(a, b)) })
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares
}
