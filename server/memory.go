// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

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

// KeepMemory looks after the limit that LimitMemory set until ctx ends, for a server whose county may need more than
// that for good: what it knows of half a million people alone may be more. At the limit it would collect garbage all the time and answer
// everything twice as late. So a limit that what is in use has come near to for a minute gives way, and comes back
// when less is in use. Who attacks for a minute can have it give way, too; lanes and budgets bound that.
func KeepMemory(ctx context.Context, bytes int64) {
	k := memoryKeeper{given: bytes, now: bytes}
	tick := time.NewTicker(memoryLook)
	defer tick.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(live)
		if before := k.now; k.look(int64(live[0].Value.Uint64())) != before {
			debug.SetMemoryLimit(k.now)
		}
	}
}

const (
	memoryLook = 10 * time.Second
	tightLooks = 6 // in a row
)

// memoryKeeper decides on the limit by what is in use.
type memoryKeeper struct {
	given, now int64
	tight      int // how often in a row three quarters were in use
}

// look takes in how many bytes were in use after the last collection, and returns the limit that holds.
func (k *memoryKeeper) look(live int64) int64 {
	switch {
	case live > k.now/4*3:
		if k.tight++; k.tight == tightLooks {
			k.now, k.tight = 2*live, 0
		}
	case live < k.now/4:
		k.now, k.tight = max(k.given, 2*live), 0
	default:
		k.tight = 0
	}
	return k.now
}
