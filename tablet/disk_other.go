// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !windows

package tablet

import "syscall"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = syscall.ENOSPC

// freeBytes returns -1: it is not known here.
func freeBytes(string) int64 { return -1 }
