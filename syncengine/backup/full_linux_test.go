// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
)

// A share that is full says so, what lies in it stays whole, and room is all it takes.
func TestAFullFolderKeepsWhatItHas(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("NOT TESTED: a folder that is really full; it needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	c := newCounty(t, memstore.New())
	c.folder = disk
	c.configure(func(b *backup.Config) { b.Folder = disk })
	c.save(50, "138")
	c.back()
	filler := filepath.Join(disk, "photos")
	fill(t, filler)
	c.save(200, "139")
	if _, err := c.writer.Run(t.Context(), nil); !errors.Is(err, backup.ErrFull) {
		t.Fatalf("err = %v", err)
	}
	found := c.found()
	if e := c.restored(found.Newest(), memstore.New()); found.Newest().Number != 1 || e.Size() != found.Newest().Checkpoint.Size {
		t.Error("the first backup is not whole")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	c.back()
	wantSame(t, c.restored(c.found().Newest(), memstore.New()), c.Engine)
}

func fill(t *testing.T, path string) {
	t.Helper()
	file := must(os.Create(path))(t)
	defer file.Close() //nolint:errcheck // it is full
	for block := make([]byte, 1024); ; {
		if _, err := file.Write(block); err != nil {
			return
		}
	}
}
