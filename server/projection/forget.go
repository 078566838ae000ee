// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"errors"
	"time"
)

// What was erased by order leaves the tables when its person is looked at again. What the tables
// said before is then in the file's log still, until that is cut off.

// forgetting says how far that came.
type forgetting struct {
	asked, done uint64
	wake        chan struct{} // of the one who follows
}

// ErrNotForgotten says that what was erased may be in the file until the projection has followed.
var ErrNotForgotten = errors.New("the file of projections has not followed yet")

const (
	askForgotten = 20 * time.Millisecond
	cutPatience  = time.Second // how long readers may hold up the follower
)

// Forget has the log of the file cut off as soon as everybody was looked at whose records have
// changed by now. It waits at most patience for that; with ErrNotForgotten it is done later.
func (p *Projection) Forget(ctx context.Context, patience time.Duration) error {
	p.mu.Lock()
	p.forgetting.asked++
	mine := p.forgetting.asked
	p.mu.Unlock()
	select {
	case p.forgetting.wake <- struct{}{}:
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(askForgotten)
	defer tick.Stop()
	for {
		p.mu.Lock()
		done := p.forgetting.done
		p.mu.Unlock()
		if done >= mine {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ErrNotForgotten
		}
	}
}

// forget cuts the log off if somebody asked. It is called when nobody waits to be looked at.
// While readers are in the way it is tried again at the next step.
func (p *Projection) forget(ctx context.Context) (done bool, err error) {
	p.mu.Lock()
	asked, at := p.forgetting.asked, p.forgetting.done
	p.mu.Unlock()
	if asked == at {
		return true, nil
	}
	if err := p.file.Forget(ctx, cutPatience); err != nil {
		p.cfg.Log.Warn("what was erased is in the log of projections until readers are done", "err", err)
		return true, ctx.Err()
	}
	p.mu.Lock()
	p.forgetting.done = max(p.forgetting.done, asked)
	p.mu.Unlock()
	return true, nil
}
