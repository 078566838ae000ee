// SPDX-License-Identifier: Apache-2.0

// Package pgtest starts a PostgreSQL for tests: a cluster of its own in a temporary folder, on a
// socket there, stopped and removed at the end. It touches no cluster that is there already.
package pgtest
