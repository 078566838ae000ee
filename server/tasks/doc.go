// SPDX-License-Identifier: Apache-2.0

// Package tasks gives out a county's tasks, divided to the last doctor by care/quota, and says how
// far each part is.
//
// The one invariant: all parts of a task that one call changes are one transaction of the
// ledger, so a task is there with all of its parts that add up, or as it was before. Ids follow
// from county, set and unit: divided again, the same parts have the same records.
//
// It counts nobody itself: who is eligible and what is done is asked of others.
package tasks
