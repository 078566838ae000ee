// SPDX-License-Identifier: Apache-2.0

// Package pgstore keeps shards in a database that speaks PostgreSQL's protocol: many counties in
// one database, and no single machine. It fulfils the same contract as the other stores.
//
// A transaction writes one shard. It locks the shard's row before it reads anything and holds it
// to the commit, so whoever reads the head, assigns a position and applies to a record does so
// alone, in whatever process. What is written is gathered and sent together; a question that
// what was gathered could change is asked after it was sent.
//
// The one invariant: a position that can be read is followed by no smaller one that cannot yet.
// Positions are assigned under the lock that is held to the commit, never by a sequence.
//
// Only what every engine on this wire has is used: no sequence, no RETURNING, no ON CONFLICT, no
// advisory lock, no LISTEN, no trigger, and no transaction over two shards. A test reads the SQL.
package pgstore
