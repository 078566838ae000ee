// SPDX-License-Identifier: Apache-2.0

// Package authenticity says which records look as if nobody had been there: rules A01 to A20.
//
//	evidence := rules.Gather(input, day)                   // of one person: its visits, its keys, what is found in it
//	rules.Shared(kind, members)                            // what persons have in common: a telephone, a photograph, a panel
//	rules.Year(doctor, year, visits, around)               // what one doctor's year shows, and its tests
//	settings.Discover(tests)                               // which tests of a county and quarter stand, with their q
//
// What the rules can see is a Visit: the few numbers of a record that they compare. Where a
// condition about one person can be said in CEL it stands in the rule pack, and Gather takes
// what the pack finds; here is what counts doctors, days and persons against each other. Every
// number that decides is a threshold of the pack.
//
// The invariant: a finding is a function of the records, the pack and the day, and its id of
// what it is about, so that a ruling on it holds while its evidence grows. A suspicion is a
// reason to look, never a penalty: nothing here changes, hides or refuses a record.
//
// The package knows no clock, store or wire, draws no random number, and writes no name, number
// of a document or telephone into a finding.
package authenticity
