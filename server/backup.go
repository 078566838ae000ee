// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
)

// backupRetry is how soon a planned backup that failed is tried again, when backups are
// made less often: a share that was gone for a while is not missed for a day.
const backupRetry = 10 * time.Minute

// PlanBackups says where every county is backed up to, and how often. The returned
// function makes the backups until ctx ends, the first ones at once; it is called once.
func (s *Server) PlanBackups(to county.Destination, every time.Duration) (run func(ctx context.Context)) {
	all := s.Counties()
	for _, c := range all {
		c.Plan(to, every)
	}
	return func(ctx context.Context) {
		var running sync.WaitGroup
		for _, c := range all {
			running.Go(func() { backUp(ctx, c, to, every, s.cfg.Log) })
		}
		running.Wait()
	}
}

// backUp makes backups of one county until ctx ends.
func backUp(ctx context.Context, c *county.County, to county.Destination, every time.Duration, log *slog.Logger) {
	for {
		wait := every
		r, err := c.Backup(ctx, to, nil)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("NO BACKUP was made; it is tried again", "county", c.Code, "folder", to.Folder, "err", err)
			wait = min(every, backupRetry)
		default:
			log.Info("backup made", "county", c.Code, "number", r.Number, "leaves", r.Size, "bytes", r.Written, "anew", r.Anew)
			if len(r.Healed)+len(r.Unreadable) > 0 {
				log.Warn("the backup folder had damaged files", "county", c.Code, "healed", r.Healed, "unreadable", r.Unreadable)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}
