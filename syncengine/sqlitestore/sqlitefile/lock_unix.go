// SPDX-License-Identifier: Apache-2.0

//go:build unix && !aix && !solaris

package sqlitefile

import (
	"os"

	"golang.org/x/sys/unix"
)

var errTaken error = unix.EWOULDBLOCK

// tryLock locks the open file; another handle of it, in this process too, then
// gets errTaken.
func tryLock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			return err
		}
	}
}

// unlock ends the lock for every copy of the handle.
func unlock(file *os.File) error { return unix.Flock(int(file.Fd()), unix.LOCK_UN) }

// syncFolder makes the names in a folder survive a loss of power.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
