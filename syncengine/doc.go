// SPDX-License-Identifier: Apache-2.0

// Package syncengine is the centre of one shard: it takes sealed segments, gives
// each revision in them a verdict, keeps them in a tamper-evident ledger, merges
// them into record states, and hands those states out in commit order.
//
// Invariants, cited by number in code, tests, verify and the simulation:
//
//	I1  A stored segment, its leaf and every change of state and feed are one transaction.
//	I2  No silent loss: each admitted value is live or named as parent at its path by an
//	    admitted revision; each stored revision is applied, held or waiting for prev, and
//	    the last two are listed.
//	I3  Same received and admitted sets in one ledger give the same canonical state bytes,
//	    in any order that respects prev, any number of times.
//	I4  A dot names one byte string for ever.
//	I5  Positions are gap-free per epoch; counters are dense per history or covered by a gap.
//	I6  A reader at a cursor gets every later state in its scope at least once or its newer
//	    one; a page applied twice changes nothing.
//	I7  "At the centre" is shown only on a signed ack of this epoch.
//	I8  Held revisions are visible at both ends and block nothing.
//	I9  Nobody drops a segment before two verified backups cover it and its own cursor has
//	    passed its ack.
//	I10 Authority comes from signatures and what was seen, never from the carrier.
//	I11 Checkpoints are consistent within an epoch; replay reproduces every state and verdict.
//	I12 Two replicas with equal fingerprints of a scope hold the same canonical states.
//
// The engine has no network and no files of its own: store, clock, randomness,
// schema and logger are handed in. It knows no care; a kind is a number with a
// privacy class and register boundaries.
package syncengine
