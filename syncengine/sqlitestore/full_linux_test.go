// SPDX-License-Identifier: Apache-2.0

package sqlitestore_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/storetest"
)

// B26 once more with a disk that is really full, in the middle of a commit too:
// a file system in memory of 4 MiB, filled by a ballast file.
func TestFullFileSystem(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(folder, 0)) })
	s := open(t, filepath.Join(folder, "shard.db"))
	must(t, storetest.NewRandom(1).Update(s))
	ballast := filepath.Join(folder, "ballast")
	stored := 0
	for round := range 30 {
		before := everything(t, s)
		fill(t, ballast, round*8192)
		err := s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, stored, 8000) })
		isFull(t, err)
		if d := storetest.Diff(before, everything(t, s)); d != "" {
			t.Fatalf("round %d: an update failed and left (+): %s", round, d)
		}
		must(t, os.Remove(ballast))
		must(t, s.Update(t.Context(), func(tx syncengine.Tx) error { return putNew(tx, stored, 10) }))
		stored += 10
	}
	findings, err := s.Check(t.Context())
	must(t, err)
	if len(findings) > 0 {
		t.Errorf("check: %q", findings)
	}
}

// fill writes a file until the disk is full, then gives back so many bytes.
func fill(t *testing.T, path string, spare int) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	size := 0
	for block := make([]byte, 4096); ; {
		n, err := file.Write(block)
		size += n
		if err != nil {
			break
		}
	}
	must(t, file.Truncate(int64(max(0, size-spare))), file.Close())
}
