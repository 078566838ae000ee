// SPDX-License-Identifier: Apache-2.0

// Package evidence is the proof file: what the centre hands to somebody who must be
// able to check, on another machine and with nothing but the shard's public key, who
// saved what in one record, when, that it stands unchanged in the ledger, and what
// replaced it later.
//
// A file is a protobuf Proof (proto/xunzhen/sync/v1/evidence.proto): a body that the
// shard's key signed. The body is a bundle of links, and [Check] follows each one:
//
//	revision ─ audit path ─▶ root in a segment's header ─ signature ─▶ key in a certificate
//	                                  │ hash                              │ signature
//	                                  ▼                                   ▼
//	leaf (received when, verdicts) ─ audit path ─▶ checkpoint ─ signature ─▶ shard's key
//
// The one invariant: what [Check] returns without an error is what authors and shard
// signed. No byte of a file can be changed so that it is accepted and says something
// else, not even by the shard for what an author signed.
//
// The outer signature adds the centre's word that nothing about the record is left
// out. That is a promise and no proof: a file cannot show what it does not have. But
// every checkpoint is kept by tablets and hubs, and a centre that left something out has
// signed a lie which one more file shows.
//
// A file has nothing of other records: of each segment the header and the one
// revision, of each leaf the form that the tree hashes (package ledger). What shows of
// the neighbours is how many saves are in the segment and how many of them have which
// verdict. Leaves of builds before fields 6 to 8 show the record ids and dots whose
// verdicts they changed. A certificate shows the staff ids, divisions and name of an
// installation. Of one revision, those that replaced something of it come without
// their values: who, when, and which registers.
//
// The package is pure: no store, network, clock or logger. DESIGN.md beside this file
// says what is checked, in order.
package evidence
