// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package tablet

import "golang.org/x/sys/unix"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = unix.ENOSPC

// freeBytes returns how much room there is on the disk of a folder; -1: not known.
func freeBytes(dir string) int64 {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * int64(s.Bsize)
}
