// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package tablet

import "golang.org/x/sys/unix"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = unix.ENOSPC
