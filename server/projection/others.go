// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
)

// Others are those who are served while projections follow: the server says when it begins to
// make a page for somebody. The zero Others is that of nobody. It may be used by many.
type Others struct {
	running atomic.Int64
	served  atomic.Int64 // nanoseconds
}

// Begin says that somebody is being served until end is called, once.
func (o *Others) Begin() (end func()) {
	if o == nil {
		return func() {}
	}
	o.running.Add(1)
	began := time.Now()
	return func() {
		o.served.Add(int64(time.Since(began)))
		o.running.Add(-1)
	}
}

// traffic is what goes on beside a step.
type traffic struct {
	position syncengine.Position // somebody saved when it moves
	running  bool
	served   time.Duration
}

func (p *Projection) traffic() traffic {
	t := traffic{position: p.cfg.Shard.Position()}
	if o := p.cfg.Others; o != nil {
		t.running, t.served = o.running.Load() > 0, time.Duration(o.served.Load())
	}
	return t
}

// busy reports whether so much went on since before, for so long, that a step should rest:
// somebody saved, or pages were being made for a tenth of the time or more.
func (t traffic) busy(before traffic, took time.Duration) bool {
	return t.position != before.position || t.running && before.running || t.served-before.served >= took/10 && t.served > before.served
}

// While others are served, what a step takes is a tenth of the time: nobody waits for
// projections as a doctor waits for a push or a pull.
const (
	restFactor  = 9
	longestRest = 5 * time.Second
)

// giveWay rests after a step during which others were served.
func (p *Projection) giveWay(ctx context.Context, took time.Duration, before traffic) {
	if !p.traffic().busy(before, took) {
		return
	}
	timer := time.NewTimer(min(restFactor*took, longestRest))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
