// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import (
	"os"

	"golang.org/x/sys/windows"
)

var errTaken error = windows.ERROR_LOCK_VIOLATION

// lockedByte lies far behind what the file holds: on Windows a locked byte cannot
// be read by others, and they shall read who holds the lock.
const lockedByte = 1 << 30

// tryLock locks the open file; another handle of it, in this process too, then
// gets errTaken.
func tryLock(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: lockedByte})
}

// unlock does nothing: the lock is this process's, and ends with the handle.
func unlock(*os.File) error { return nil }

// syncFolder does nothing: NTFS journals names by itself.
func syncFolder(string) error { return nil }
