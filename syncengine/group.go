// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// group commits waiting pushes together: the first caller leads and takes
// everybody who waits into one transaction. One caller alone commits at once and in
// its own goroutine, so a fixed order of calls gives a fixed order of commits.
type group struct {
	mu      sync.Mutex
	waiting []*pushJob
	leading bool
}

// do runs j in some batch and returns when that is on disk. It does not end early
// when ctx does: what is being written may already be on disk.
func (g *group) do(ctx context.Context, e *Engine, j *pushJob) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.done = make(chan struct{})
	g.mu.Lock()
	g.waiting = append(g.waiting, j)
	lead := !g.leading
	g.leading = true
	g.mu.Unlock()
	if lead {
		g.lead(context.WithoutCancel(ctx), e)
	}
	<-j.done
	return j.err
}

// lead commits one batch, then hands the lead to whoever waits by then, so that
// no caller works for others without end.
func (g *group) lead(ctx context.Context, e *Engine) {
	e.commitJobs(ctx, g.take(e.cfg.Batch))

	g.mu.Lock()
	g.leading = len(g.waiting) > 0
	again := g.leading
	g.mu.Unlock()
	if again {
		go g.lead(ctx, e)
	}
}

// batchWeight is about how many revisions are committed together: enough for a
// commit's own cost to vanish, few enough for nobody to wait long.
const batchWeight = 1024

// take takes the next batch out of those who wait: one job at least, most at most.
func (g *group) take(most int) []*pushJob {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, weight := 0, 0
	for n < min(len(g.waiting), most) && (n == 0 || weight+g.waiting[n].weight <= batchWeight) {
		weight += g.waiting[n].weight
		n++
	}
	jobs := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	return jobs
}

// commitJobs runs jobs in one transaction. When that fails, be it by a panic, each
// half is tried by itself, so that one that cannot be stored fails nobody else.
func (e *Engine) commitJobs(ctx context.Context, jobs []*pushJob) {
	err := e.runJobs(ctx, jobs, true)
	if errors.Is(err, ErrRecordStored) {
		err = e.runJobs(ctx, jobs, false)
	}
	if half := len(jobs) / 2; err != nil && half > 0 {
		e.commitJobs(ctx, jobs[:half])
		e.commitJobs(ctx, jobs[half:])
		return
	}
	for _, j := range jobs {
		if e.rules.answerAfterCommit {
			j.err = err
		}
		close(j.done)
	}
}

// runJobs runs jobs in one transaction. With trust it can fail with ErrRecordStored,
// and nothing was written then.
func (e *Engine) runJobs(ctx context.Context, jobs []*pushJob, trusting bool) error {
	var position Position
	err := e.update(ctx, func(b *batch) error {
		b.trusting = trusting
		for _, j := range jobs {
			if err := j.run(b); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	position = e.Position()
	for _, j := range jobs {
		for i := range j.reply.Results {
			if r := &j.reply.Results[i]; r.Position == 0 {
				r.Position = position
			}
		}
	}
	return nil
}

func sortBy[T, K any](s []T, key func(T) K, compare func(a, b K) int) {
	slices.SortFunc(s, func(a, b T) int { return compare(key(a), key(b)) })
}
