// SPDX-License-Identifier: Apache-2.0

// Package intake makes records of rows that were read elsewhere (care/intake), and keeps the
// account of each file in an import_batch record.
//
//	row ──match──▶ record it is about ──lay over──▶ changes ──▶ one transaction a chunk,
//	                                                            with the counts so far
//
// Ids are derived from source, kind and what tells a row from others, so a row that comes
// again finds the record that it made. What a row says fills in what the centre does not have,
// and corrects what the same source said before; what anybody else wrote it never replaces
// unless its author orders so, and then the save names as replaced exactly what it replaces.
//
// Who said a value is known by its dot: the batch keeps which saves of the centre an import
// made. The counts come first in their transaction, so the saves of a chunk are the ones
// behind them, and a centre that is killed right after still knows its own.
//
// The one invariant: each row is in exactly one of created, updated, same, aside and refused,
// and what the batch says of a chunk is on disk together with the chunk. An empty cell clears
// nothing. The package never shows or logs what stands in rows.
package intake
