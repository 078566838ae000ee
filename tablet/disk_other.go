// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin && !windows

package tablet

import "syscall"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = syscall.ENOSPC
