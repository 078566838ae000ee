// SPDX-License-Identifier: Apache-2.0

// Package assessment counts: how far the county, its townships, villages and doctors are by the
// indicators of package care/indicators, who is behind each number, what was frozen for a
// half-year or a year, and what points follow.
//
// Module keeps, per person, the facts that count, and for the standard windows (this year's and
// the last years' years, halves and quarters) what they add up to, by village and doctor:
//
//	person ──▶ facts ──▶ outcomes of each window ──▶ tallies (window, indicator, village, doctor)
//
// A person who changes takes the old outcomes out and puts the new ones in. When the day or the
// rule pack changes, a second generation of tallies is made beside the first, in pieces, and
// replaces it when it is whole: so an answer is of one day and one pack, and says of which.
// Any other window, day or cutoff is counted from the facts while the caller waits.
//
// The one invariant: tallies are the sums of what indicators.Evaluate says of all facts. What was
// frozen is a record, saved whole or not at all, and never counted anew in silence.
//
// It never holds a name or a number of a resident: those are read from the records when a list of
// people is asked for.
package assessment
