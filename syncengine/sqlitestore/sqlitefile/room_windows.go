// SPDX-License-Identifier: Apache-2.0

package sqlitefile

import "golang.org/x/sys/windows"

// Room returns how much room there is for us on the disk of a folder, and how large
// that disk is, in bytes; -1: not known.
func Room(dir string) (free, size int64) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1, -1
	}
	var available, total uint64
	if err := windows.GetDiskFreeSpaceEx(name, &available, &total, nil); err != nil {
		return -1, -1
	}
	return int64(min(available, 1<<62)), int64(min(total, 1<<62))
}
