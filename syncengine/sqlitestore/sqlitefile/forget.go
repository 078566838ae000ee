// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
)

// ErrRead: a View, or another program, reads the write-ahead log: it was not cut off.
var ErrRead = errors.New("the write-ahead log is being read")

const sqlCutLog = `PRAGMA wal_checkpoint(TRUNCATE)`

// Forget moves the write-ahead log into the file and cuts it off, so that no page of it
// from before the last Update is left. It waits at most patience for Views; its error
// wraps ErrRead when they went on.
func (f *File) Forget(ctx context.Context, patience time.Duration) (err error) {
	if err := f.begin(); err != nil {
		return err
	}
	defer f.running.Done()
	conn, err := connect(f.path, sqlite.OpenReadWrite)
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	conn.SetBusyTimeout(patience)
	conn.SetInterrupt(ctx.Done())
	busy := false
	_, err = One(conn, sqlCutLog, nil, func(s *sqlite.Stmt) { busy = s.ColumnInt64(0) != 0 })
	switch {
	case err == nil && busy, sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy:
		return fmt.Errorf("forget: %w", ErrRead)
	case err != nil:
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}
