// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// Completeness says how much of the truth figures can know.
type Completeness struct {
	Tablets        int // in good standing
	Heard          int // of these, since the end of the window
	CoversPermille int
	OldestSyncDays int // of the tablet that has been silent longest
	HeldSaves      int // count only once a person admits them
	Behind         uint64
}

// heldPage and mostHeld bound how many held saves are counted: more than that is many.
const (
	heldPage = 500
	mostHeld = 100_000
)

// completeness says how complete figures of a basis are. A tablet covers a window when it was
// heard of after its last day; of a window that is under way since yesterday. Heard of means that a
// save of it came, or that it was certified: one that has nothing to send is silent.
func (a *Assessment) completeness(ctx context.Context, b Basis) (Completeness, error) {
	if b.Freeze != nil {
		return b.Freeze.Completeness, nil
	}
	devices, err := a.cfg.Module.heard.devices(ctx, a.cfg.Shard)
	if err != nil {
		return Completeness{}, err
	}
	c := TabletsAt(devices, b.AsOf, a.cfg.Clock())
	c.Behind = b.behind()
	for from := (syncengine.HeldPlace{}); c.HeldSaves < mostHeld; {
		some, next, err := a.cfg.Shard.Held(ctx, from, heldPage)
		if err != nil {
			return c, err
		}
		c.HeldSaves += len(some)
		if next == (syncengine.HeldPlace{}) {
			break
		}
		from = next
	}
	return c, nil
}

// TabletsAt says which of a county's devices cover a window that is counted until a day: see
// Completeness. Held saves and what is behind are for others to say.
func TabletsAt(devices []syncengine.Device, last care.Date, now time.Time) (c Completeness) {
	since := min(last, care.DateOf(now).AddDays(-2)).AddDays(1)
	for _, d := range devices {
		heard, ok := d.Heard()
		if !ok {
			continue
		}
		c.Tablets++
		if care.DateOf(heard) >= since {
			c.Heard++
		}
		c.OldestSyncDays = max(c.OldestSyncDays, int(now.Sub(heard)/(24*time.Hour)))
	}
	c.CoversPermille = 1000
	if c.Tablets > 0 {
		c.CoversPermille = c.Heard * 1000 / c.Tablets
	}
	return c
}

// heard keeps the devices as they are at one size of the ledger: to say when each was last heard
// of, the heads of all segments are read.
type heard struct {
	mu    sync.Mutex // held while they are read: who asks beside it waits for the same
	known bool
	epoch ledger.Epoch
	size  ledger.Size
	all   []syncengine.Device
}

func (h *heard) devices(ctx context.Context, shard Shard) ([]syncengine.Device, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	epoch, size := shard.Epoch(), shard.Size() // before they are read: what comes meanwhile is read again
	if h.known && h.epoch == epoch && h.size == size {
		return h.all, nil
	}
	all, err := shard.Devices(ctx)
	if err != nil {
		return nil, err
	}
	h.known, h.epoch, h.size, h.all = true, epoch, size, all
	return all, nil
}
