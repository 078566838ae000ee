// SPDX-License-Identifier: Apache-2.0

package care

import (
	"time"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// CapturedAt returns when a form was saved that the displayed values of these registers
// make up, by the savers' clocks: the latest of them. The header's registers do not count,
// since a move is no entry. It is the zero time for a form without values.
func CapturedAt(registers []record.Register) time.Time {
	latest, any := int64(0), false
	for _, g := range registers {
		if len(g.Siblings) == 0 || g.Siblings[0].Value.Form != record.Present || isHeader(g.Path) {
			continue
		}
		if at := g.Siblings[0].ClockMs; !any || at > latest {
			latest, any = at, true
		}
	}
	if !any {
		return time.Time{}
	}
	return time.UnixMilli(latest).UTC()
}
