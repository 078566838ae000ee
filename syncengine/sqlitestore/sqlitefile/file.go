// SPDX-License-Identifier: Apache-2.0

// Package sqlitefile keeps one SQLite file properly: one process at a time, one
// writer, a few readers on snapshots, numbered migrations, verified backups, and
// errors that say what to do.
//
// Its one invariant: what [File.Update] has returned nil for is on disk, whole;
// of anything else nothing is visible. It knows no tables but its own list of
// migrations, and it never opens a file that it has open by any other means than
// SQLite: closing such a second handle would drop SQLite's locks.
package sqlitefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"zombiezen.com/go/sqlite"
)

// File is an open file. Its methods may be called from many goroutines; its
// closures must not call back into Update, and Views nested deeper than
// Options.Readers wait for each other for ever.
type File struct {
	path    string
	opts    Options
	lock    *lock
	place   place
	writer  chan *sqlite.Conn
	readers chan *sqlite.Conn

	mu      sync.Mutex // guards closed and the start of running
	closed  bool
	running sync.WaitGroup
}

// Path returns the absolute name of the file, symbolic links resolved.
func (f *File) Path() string { return f.path }

// View runs do in a read transaction: from its first question on it sees one
// snapshot. When ctx ends, the running question is interrupted. The connection
// must not be used after do returns.
func (f *File) View(ctx context.Context, do func(*sqlite.Conn) error) error {
	conn, leave, err := f.enter(ctx, f.readers)
	if err != nil {
		return err
	}
	defer leave()
	conn.SetInterrupt(ctx.Done())
	defer conn.SetInterrupt(nil)
	if err := Exec(conn, "BEGIN"); err != nil {
		return f.explain(ctx, err)
	}
	defer func() {
		conn.SetInterrupt(nil)
		_ = Exec(conn, "ROLLBACK") // nothing was written; a failure shows at the next BEGIN
	}()
	return f.explain(ctx, do(conn))
}

// Update runs do in a write transaction and commits it, synchronised to disk,
// unless do returns an error, panics, or ctx ends before the commit begins. A
// commit that has begun is not interrupted. Its errors wrap ErrFull, ErrMoved, ErrBusy,
// ErrReadOnly or ErrCorrupt, beside other things.
//
// If the disk fails in the middle of a commit, Update returns an error and the
// changes are not visible; should the machine lose power right then, the next Open
// may still find them, whole.
func (f *File) Update(ctx context.Context, do func(*sqlite.Conn) error) (err error) {
	conn, leave, err := f.enter(ctx, f.writer)
	if err != nil {
		return err
	}
	defer leave()
	if err := Exec(conn, "BEGIN IMMEDIATE"); err != nil {
		return f.explain(ctx, err)
	}
	defer func() { err = errors.Join(err, rollBack(conn)) }()
	if err := do(conn); err != nil {
		return f.explain(ctx, err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := errors.Join(inTransaction(conn), f.place.check()); err != nil {
		return err
	}
	return f.explain(ctx, Exec(conn, "COMMIT"))
}

// rollBack ends the transaction, if it is still open: SQLite ends it by itself
// after some errors.
func rollBack(conn *sqlite.Conn) error {
	if conn.AutocommitEnabled() {
		return nil
	}
	return Exec(conn, "ROLLBACK")
}

// Close waits for running closures and backups, moves the write-ahead log into
// the file and lets other processes open it. Closing twice is allowed.
func (f *File) Close() error {
	f.mu.Lock()
	closed := f.closed
	f.closed = true
	f.mu.Unlock()
	f.running.Wait()
	if closed {
		return nil
	}
	return f.release()
}

// enter waits for a connection of pool and returns it with what gives it back.
func (f *File) enter(ctx context.Context, pool chan *sqlite.Conn) (*sqlite.Conn, func(), error) {
	if err := f.begin(); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		f.running.Done()
		return nil, nil, err
	}
	select {
	case conn := <-pool:
		return conn, func() {
			pool <- conn
			f.running.Done()
		}, nil
	case <-ctx.Done():
		f.running.Done()
		return nil, nil, ctx.Err()
	}
}

func (f *File) begin() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return fmt.Errorf("%s: %w", f.path, fs.ErrClosed)
	}
	f.running.Add(1)
	return nil
}

// release closes what is open, the writer last, then unlocks.
func (f *File) release() error {
	var errs []error
	for _, pool := range []chan *sqlite.Conn{f.readers, f.writer} {
		for len(pool) > 0 {
			conn := <-pool
			errs = append(errs, conn.Close())
		}
	}
	return errors.Join(append(errs, f.lock.release())...)
}
