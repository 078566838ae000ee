// SPDX-License-Identifier: Apache-2.0

package tablet

import "golang.org/x/sys/windows"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = windows.ERROR_DISK_FULL

// freeBytes returns how much room there is on the disk of a folder; -1: not known.
func freeBytes(dir string) int64 {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return -1
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return -1
	}
	return int64(min(free, 1<<62))
}
