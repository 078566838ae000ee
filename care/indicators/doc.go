// SPDX-License-Identifier: Apache-2.0

// Package indicators counts what a county is assessed by: from the records of a person it takes
// dated facts, and from facts, a period and the settings of the rule pack it says of which
// indicators the person is in the denominator, in the numerator, and why not.
//
// The steps, each a pure function of the one before:
//
//	Extract   records of a person, or one record that is about nobody -> Facts
//	Evaluate  Facts, period, day, cutoff, settings -> Outcomes, explained if wanted
//	Tally     outcomes added up by division or doctor -> a rate, or none
//	Score     a value against its baseline -> points
//
// The one invariant: an outcome depends on the facts, the question and the settings alone. The
// order of records, who asks and when do not matter, and persons whose residents are linked are
// one person.
//
// It holds no threshold: each number that decides stands in the rule pack with its source. It
// never rounds before the end, and never turns an empty denominator into a rate.
package indicators
