// SPDX-License-Identifier: Apache-2.0

package server

import "runtime/debug"

// UsualMemory is the memory in bytes near which a server stays on purpose. What SQLite
// caches does not count in it: some 60 MiB when it is all in use. Both together stay
// under 300 MiB, whoever attacks.
const UsualMemory = 200 << 20

// collectAt is how much garbage there may be when it is collected, in percent of what
// is in use: far from the limit memory is cheaper than time.
const collectAt = 200

// LimitMemory has the process collect its garbage early enough to stay near a limit in
// bytes, and seldom while it is far from it. It is no hard limit: who needs more gets
// it, and pays with time. Lanes and budgets (package rpc) see to it that nobody does for
// long.
func LimitMemory(bytes int64) {
	debug.SetMemoryLimit(bytes)
	debug.SetGCPercent(collectAt)
}
