// SPDX-License-Identifier: Apache-2.0

// Package supervision runs a county's rounds of supervision: it fixes who may be drawn, draws when
// the seed has become known, lays out what to ask, records what came of it, and follows faults
// until they are put right. What a draw and a verdict are is said in care/supervision.
//
// The one invariant: whatever counts is a record that the centre saved; all that a call saves is
// one transaction. The tables of its module only find records again, and follow from them.
//
// It never decides whether a record is true, and it writes nothing about a resident into the log.
package supervision
