// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// B26 by hand: on a disk without a byte of room a tablet is opened, read and synced,
// so that everything that waited comes to the centre; a save says what is wrong.
func TestB26TheJobOnAFullDisk(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("NOT TESTED: a disk that is really full; it needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	one := newShell(t)
	one.serve("--county", "431124")
	two := one.tablet("two")
	one.env["XUNZHEN_TABLET"] = filepath.Join(disk, "tablet")
	for who, s := range map[string]*shell{"li": one, "wang": two} {
		s.ok("tablet", "enrol", strings.TrimSpace(one.ok("enrol", "--scope", village, "--staff", who)))
	}
	for round := range 6 {
		mine := one.save(`{"name": "王试春", "phone": "10000000000"}`, "--kind", "resident")
		theirs := two.save(`{"name": "张试秋"}`, "--kind", "resident")
		two.ok("tablet", "sync")
		fillDisk(t, filepath.Join(disk, "photos"))
		one.in = fmt.Sprintf(`{"name": "李试冬", "phone": "%d"}`, round)
		one.fails(exitFailed, []string{"disk is full"}, "tablet", "save", "--confirm", "--kind", "resident")
		if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "1 save ") {
			t.Errorf("round %d: %s", round, out)
		}
		if got := one.show(mine).Values["phone"]; got != "10000000000" {
			t.Errorf("round %d: phone %v", round, got)
		}
		one.ok("tablet", "sync")
		if out := one.ok("tablet", "status"); !strings.HasPrefix(out, "Everything saved here is at the centre.") {
			t.Errorf("round %d: %s", round, out)
		}
		if got := one.show(theirs).Values["name"]; got != "张试秋" {
			t.Errorf("round %d: name %v", round, got)
		}
		if err := os.Remove(filepath.Join(disk, "photos")); err != nil {
			t.Fatal(err)
		}
	}
}

// fillDisk writes a file until there is no room.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
}
