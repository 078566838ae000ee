// SPDX-License-Identifier: Apache-2.0

package tablet

import "golang.org/x/sys/windows"

// errNoRoom is what the system says when a disk is full.
const errNoRoom = windows.ERROR_DISK_FULL
