// SPDX-License-Identifier: Apache-2.0

// Package quota divides a county's task among townships, villages and doctors by the people who
// are eligible, and says how far each is beside the time that has passed.
//
// The one invariant: the parts of a whole add up to it exactly, at every node, whatever a person
// has set by hand; what cannot be made to add up is refused with what does not.
//
// It counts nobody and saves nothing: who is eligible and what is done is handed in.
package quota
