// SPDX-License-Identifier: Apache-2.0

// Package replica is the other half of the engine: what a tablet or a clinic hub
// does, over any store and any connection.
//
// It saves, seals, offers, pushes and pulls; it shows a record as the centre's
// state with the revisions held here that the state has not received; it says how
// far each save has come; it hands on what others made. The one invariant: every
// public step is a sequence of transactions, each of which leaves the store in a
// state from which everything can go on, so a crash between any two loses nothing
// that was saved.
//
// It has no clock, randomness, network or disk of its own: all are handed in. It
// never joins two states, never makes an ack, and believes a peer only what the
// shard has signed, or what a hub may be believed: states of records in scope.
// DESIGN.md beside this file has the laws and the rows of the store.
package replica
