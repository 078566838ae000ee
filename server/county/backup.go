// SPDX-License-Identifier: Apache-2.0

package county

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
)

// Destination is where backups go.
type Destination struct {
	Folder    string // absolute
	Recipient string // age1…; empty: not encrypted
}

// BackupState is what is known of a county's backups. The zero value: none was made by
// this process, and none is planned.
type BackupState struct {
	// Planned is where this server makes backups by itself, and Every how often; zero: it
	// does not.
	Planned Destination
	Every   time.Duration
	// Last is what the last good one came to, and LastTo where it went.
	Last   backup.Report
	LastTo Destination
	// Failed is when the last one failed, and Why; zero when the last one was good.
	Failed time.Time
	Why    error
}

// backups makes a county's backups and remembers what came of them.
type backups struct {
	mu      sync.Mutex
	writers map[Destination]*backup.Writer
	state   BackupState
}

// Plan says where and how often backups are made, for State to tell.
func (c *County) Plan(to Destination, every time.Duration) {
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	c.backups.state.Planned, c.backups.state.Every = to, every
}

// BackupState returns what is known of the county's backups.
func (c *County) BackupState() BackupState {
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	return c.backups.state
}

// Backup makes a backup, reads it back and marks it; see backup.Writer.Run.
func (c *County) Backup(ctx context.Context, to Destination, progress backup.Progress) (backup.Report, error) {
	w, err := c.writer(to)
	if err != nil {
		return backup.Report{}, err
	}
	report, err := w.Run(ctx, progress)
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	if err != nil {
		c.backups.state.Failed, c.backups.state.Why = c.means.Clock(), err
		return report, err
	}
	c.backups.state.Last, c.backups.state.LastTo = report, to
	c.backups.state.Failed, c.backups.state.Why = time.Time{}, nil
	return report, nil
}

// writer returns the writer to a destination: it knows what it has read back.
func (c *County) writer(to Destination) (*backup.Writer, error) {
	c.backups.mu.Lock()
	defer c.backups.mu.Unlock()
	if w, ok := c.backups.writers[to]; ok {
		return w, nil
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	w, err := backup.NewWriter(backup.Config{
		Engine: c.Engine, County: c.Code, Folder: to.Folder, Owner: host + " " + c.Dir, Clock: c.means.Clock,
		Recipient: to.Recipient,
		Keys: func() ([]backup.KeyFile, error) {
			return c.Keys(filepath.Join(filepath.Dir(c.Dir), keysOfServer))
		},
	})
	if err != nil {
		return nil, err
	}
	if c.backups.writers == nil {
		c.backups.writers = map[Destination]*backup.Writer{}
	}
	c.backups.writers[to] = w
	return w, nil
}

// Overdue reports whether the last good backup is older than backups may be when they
// are made as planned. Where none was ever made it is so once the first one failed.
func (s BackupState) Overdue(last ledger.BackupMark, now time.Time) bool {
	if last.Number == 0 {
		return s.Why != nil
	}
	return s.Every > 0 && now.Sub(last.VerifiedAt) > overdueAfter*s.Every
}

// overdueAfter is how many planned backups may fail before it is said loudly.
const overdueAfter = 3
