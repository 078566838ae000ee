// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"context"
	"errors"
	"fmt"

	"zombiezen.com/go/sqlite"
)

var (
	// ErrLocked: another process, or this one, has the file open.
	ErrLocked = errors.New("the file is open elsewhere")
	// ErrNewer: the file was written by a newer build.
	ErrNewer = errors.New("the file is newer than this program")
	// ErrForeign: the file is a database of something else.
	ErrForeign = errors.New("the file is not one of ours")
	// ErrCorrupt: the file is damaged, or no database at all.
	ErrCorrupt = errors.New("the file is damaged")
	// ErrReadOnly: the file cannot be written.
	ErrReadOnly = errors.New("the file cannot be written")
	// ErrMoved: the file was moved, replaced or removed while it was open; nothing was
	// written.
	ErrMoved = errors.New("moved, replaced or removed while it was open")
	// ErrBusy: another program keeps the file from being written; nothing was.
	ErrBusy = errors.New("another program is writing to the file: close that program")
	// ErrFull: there is no room left; nothing was written.
	ErrFull = errors.New("no room left on the disk")
)

// errEnded is returned by writes after SQLite has rolled back by itself: what
// follows would otherwise be committed piece by piece.
var errEnded = errors.New("the transaction was rolled back by an earlier error")

// explain gives an error of SQLite the name that callers ask for, with all it said.
func (f *File) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultInterrupt && ctx.Err() != nil {
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	}
	return named(f.path, err)
}

func named(path string, err error) error {
	var name error
	code := sqlite.ErrCode(err)
	if code == sqlite.ResultIOErrSHMSize {
		code = sqlite.ResultFull // that is how it says so before anything is written
	}
	switch code.ToPrimary() {
	case sqlite.ResultFull:
		name = ErrFull
	case sqlite.ResultCorrupt, sqlite.ResultNotADB:
		name = ErrCorrupt
	case sqlite.ResultBusy:
		name = ErrBusy
	case sqlite.ResultReadOnly:
		name = ErrReadOnly
	default:
		return err
	}
	if errors.Is(err, name) {
		return err
	}
	return fmt.Errorf("%s: %w: %w", path, name, err)
}
