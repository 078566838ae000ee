// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"time"
)

// refreshEvery is how often a server asks what others have saved in a store that they share.
const refreshEvery = time.Second

// Refresh has everybody who waits for changes woken when another server saved in this county's store, until
// ctx ends. Where nobody else has the store it costs nothing.
func (c *County) Refresh(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := c.Engine.Refresh(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			c.means.log().Error("the store does not say what others saved", "err", err)
		}
		failing = err != nil
	}
}
