// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/xunzhen/xunzhen/syncengine/devicestore"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// A full disk must not keep a doctor from what is already there. So the tablet
// keeps a file of no content beside its own and gives it up, piece by piece, to
// open and to sync; saves never get any of it, or they would use it up. What was
// not needed is taken back at once.
const (
	reserveName = "reserve"
	// reserveSize is enough to hand over some thousand saves and to take what came
	// of them.
	reserveSize = 4 << 20
	// reservePiece is given up at a time: what is left stays out of others' reach.
	reservePiece = 256 << 10
	// reserveOpening is for opening alone, which needs some 40 KiB and gives them
	// back: a long sync cannot use up the last of it.
	reserveOpening = 1 << 20
	// reserveShare of the free room is what a tablet asks for at most.
	reserveShare = 4
)

// reserve is room on the disk that is kept for when there is none.
type reserve struct {
	dir  string
	want int64 // bytes that it had, or was to have
}

func openReserve(dir string) *reserve {
	r := &reserve{dir: dir}
	r.want = r.size()
	return r
}

func (r *reserve) path() string { return filepath.Join(r.dir, reserveName) }

func (r *reserve) size() int64 {
	info, err := os.Stat(r.path())
	if err != nil {
		return 0
	}
	return info.Size()
}

// keep brings the reserve to its full size, as far as the disk has room to spare.
func (r *reserve) keep() {
	r.want = max(r.want, min(reserveSize, (r.size()+freeBytes(r.dir))/reserveShare))
	r.fill()
}

// fill takes back, as far as there is room, what was given up.
func (r *reserve) fill() { r.grow(r.want) }

// grow writes up to size bytes, as far as there is room. They are drawn, because
// some disks store nothing for bytes that are alike.
func (r *reserve) grow(size int64) {
	at := r.size()
	if at >= size {
		return
	}
	file, err := os.OpenFile(r.path(), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return // nothing is lost by it but the comfort
	}
	defer file.Close()
	block := make([]byte, 16<<10)
	_, _ = rand.Read(block) // never fails
	for ; at < size && err == nil; at += int64(len(block)) {
		_, err = file.WriteAt(block[:min(int64(len(block)), size-at)], at)
	}
}

// give gives up a piece, unless no more than least bytes are left, and reports
// whether it did.
func (r *reserve) give(least int64) bool {
	size := r.size()
	if size <= least {
		return false
	}
	if os.Truncate(r.path(), max(least, size-reservePiece)) == nil {
		return true
	}
	return os.Remove(r.path()) == nil
}

// spend does what needs room, giving up pieces of the reserve down to least bytes
// until it is done or ends for another reason, and takes back what was not used.
// What it does must be such that it can be done again.
func (t *Tablet) spend(least int64, do func() error) error {
	err := t.noRoom(do())
	for errors.Is(err, errNoRoom) && t.reserve.give(least) {
		t.settle()
		err = t.noRoom(do())
	}
	t.reserve.fill()
	return err
}

// settle moves the store's log into its file, so that the log's room is used again.
func (t *Tablet) settle() {
	if t.store == nil {
		return
	}
	if err := t.store.Settle(context.Background()); err != nil {
		t.log.Warn("the log of the store stays as it is", "err", err)
	}
}

// noRoom returns err, so that it wraps errNoRoom when it came of a disk that is full.
func (t *Tablet) noRoom(err error) error {
	unwritable := errors.Is(err, sqlitefile.ErrFull) || devicestore.Unwritable(err) && t.diskFull()
	if !unwritable || errors.Is(err, errNoRoom) {
		return err
	}
	return fmt.Errorf("%w: %w", errNoRoom, err)
}

// diskFull reports whether the disk has no room for what SQLite makes beside a file.
func (t *Tablet) diskFull() bool {
	free := freeBytes(t.opts.Dir)
	return free >= 0 && free < 64<<10
}

// roomOn returns how much room there is on the disk of a folder in bytes; -1: not known.
func freeBytes(dir string) int64 {
	free, _ := sqlitefile.Room(dir)
	return free
}
