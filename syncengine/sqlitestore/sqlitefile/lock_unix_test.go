// SPDX-License-Identifier: Apache-2.0

//go:build unix && !aix && !solaris

package sqlitefile

import (
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A child that is being started has copies of all handles for a moment, of files that are closed meanwhile, too.
func TestAReleasedLockIsFreeThoughACopyOfItsHandleIsOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	held, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	copied, err := unix.Dup(int(held.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(copied) //nolint:errcheck // the process ends
	if err := held.release(); err != nil {
		t.Fatal(err)
	}
	again, err := acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Error(err)
	}
}
