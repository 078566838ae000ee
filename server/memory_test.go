// SPDX-License-Identifier: Apache-2.0

package server

import "testing"

// The law: the limit holds against what comes and goes, gives way to what stays for a minute, and comes back.
func TestAMemoryLimitGivesWayToWhatStays(t *testing.T) {
	const mib = 1 << 20
	k := memoryKeeper{given: 200 * mib, now: 200 * mib}
	for i, look := range []struct{ live, want int64 }{
		{50, 200},
		{149, 200},
		{190, 200},
		{190, 200},
		{190, 200},
		{190, 200},
		{190, 200},
		{100, 200}, // it went again
		{190, 200},
		{190, 200},
		{190, 200},
		{190, 200},
		{190, 200},
		{190, 380},
		{190, 380},
		{280, 380},
		{284, 380},
		{286, 380},
		{90, 200},
		{40, 200},
		{0, 200},
	} {
		if got := k.look(look.live * mib); got != look.want*mib {
			t.Errorf("look %d: %d MiB in use: limit %d, want %d", i, look.live, got/mib, look.want)
		}
	}
}
