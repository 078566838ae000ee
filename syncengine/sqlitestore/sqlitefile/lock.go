// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// lock keeps other processes from a file, and this one from opening it twice. It
// is a lock of the operating system on a file of its own, path + ".lock", so it
// ends with the process, however that ends. SQLite's own exclusive mode would do
// the same, but would allow no readers beside the writer.
//
// The lock file says who holds it. It is never removed: a lock on a removed file
// keeps nobody out.
type lock struct{ file *os.File }

// acquire takes the lock of path, or returns an error that wraps ErrLocked.
func acquire(path string) (*lock, error) {
	file, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	switch {
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return nil, fmt.Errorf("%w: %w", ErrReadOnly, err)
	case err != nil:
		return nil, err
	}
	if err := tryLock(file); err != nil {
		holder := readHolder(file)
		return nil, errors.Join(refusal(path, holder, err), file.Close())
	}
	l := &lock{file}
	if err := l.sign(); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// Hold takes the lock that a file at path would have while it is open, where what it would hold is kept
// elsewhere, until release is called. An error wraps ErrLocked, or ErrReadOnly.
func Hold(path string) (release func() error, err error) {
	l, err := acquire(path)
	if err != nil {
		return nil, err
	}
	return l.release, nil
}

func refusal(path, holder string, err error) error {
	if !errors.Is(err, errTaken) {
		return fmt.Errorf("lock %s: %w", path, err)
	}
	return fmt.Errorf("%s is open in %s: stop that program first, or do it through that program: %w", path, holder, ErrLocked)
}

// sign writes down who holds the lock.
func (l *lock) sign() error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	holder := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt([]byte(holder), 0)
	return err
}

func readHolder(file *os.File) string {
	text := make([]byte, 200)
	n, _ := file.ReadAt(text, 0) // it only serves the message
	if holder := strings.TrimSpace(string(text[:n])); holder != "" {
		return holder
	}
	return "another process"
}

// release lets others in. Closing the file alone would not always do: a child process that is just being started has
// a copy of the handle until its own program runs.
func (l *lock) release() error { return errors.Join(unlock(l.file), l.file.Close()) }
