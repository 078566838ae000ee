// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package sqlitefile

import "golang.org/x/sys/unix"

// Room returns how much room there is for us on the disk of a folder, and how large
// that disk is, in bytes; -1: not known.
func Room(dir string) (free, size int64) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return -1, -1
	}
	return int64(s.Bavail) * int64(s.Bsize), int64(s.Blocks) * int64(s.Bsize)
}
