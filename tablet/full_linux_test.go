// SPDX-License-Identifier: Apache-2.0

package tablet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/xunzhen/xunzhen/tablet"
)

// disk is a small file system in memory with a tablet's folder.
type disk struct {
	t   *testing.T
	dir string
	*tablet.Options
}

func mountDisk(t *testing.T) *disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		t.Skipf("NOT TESTED: a disk that is really full; it needs the right to mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	o := options(t)
	o.Dir = filepath.Join(dir, "tablet")
	return &disk{t: t, dir: dir, Options: o}
}

// fill leaves no room, as photos or another app would.
func (d *disk) fill() {
	d.t.Helper()
	file, err := os.OpenFile(filepath.Join(d.dir, "photos"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(d.t, file, err)
	defer file.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
}

func (d *disk) free() { do(d.t, os.Remove(filepath.Join(d.dir, "photos"))) }

// reserve returns the size of what is kept for when there is no room.
func (d *disk) reserve() int64 {
	d.t.Helper()
	info, err := os.Stat(filepath.Join(d.Dir, "reserve"))
	return must(d.t, info, err).Size()
}

func (d *disk) open() *tablet.Tablet {
	d.t.Helper()
	tb, err := tablet.OpenWith(d.Options, secret)
	return must(d.t, tb, err)
}

// B26: on a disk without a byte of room a tablet is opened, again and again, and
// read; wrong secrets are still counted; a save says why it is refused, and loses
// nothing of what was saved before.
func TestB26ATabletIsOpenedOnAFullDisk(t *testing.T) {
	d := mountDisk(t)
	tb, err := tablet.Create(d.Options, secret)
	must(t, tb, err)
	whole := d.reserve()
	var ids []string
	for i := range 20 {
		ids = append(ids, addResident(t, tb, fmt.Sprintf(`{"name": "王建国", "phone": "%d"}`, i)).ID)
	}
	do(t, tb.Close())
	for round := range 30 { // more often than there are pieces to give up
		d.fill()
		_, err := tablet.OpenWith(d.Options, "000000")
		wantReason(t, err, "secret")
		tb := d.open()
		d.fill()
		for i, id := range ids {
			if got := fields(t, get(t, tb, id).JSON)["phone"]; got != fmt.Sprint(i) {
				t.Fatalf("round %d: phone %v of resident %d", round, got, i)
			}
		}
		for err = nil; err == nil; { // a leftover of the last opening may do for some
			var s *tablet.Saved
			if s, err = tb.Add("resident", "", village, fmt.Sprintf(`{"name": "赵六", "phone": "%d"}`, len(ids)), "zhang"); err == nil {
				ids = append(ids, s.ID)
			}
		}
		wantReason(t, err, "full")
		do(t, tb.Close())
		if kept := d.reserve(); kept < whole/2 {
			t.Fatalf("round %d: %d bytes of %d are left in reserve", round, kept, whole)
		}
	}
	for range 5 { // no more guesses than with room
		_, err := tablet.OpenWith(d.Options, "000000")
		wantReason(t, err, "secret")
	}
	_, err = tablet.OpenWith(d.Options, secret)
	wantReason(t, err, "wait")
	d.free()
	d.Clock.(*clock).ms += 3_600_000
	tb = d.open()
	defer tb.Close()
	if kept := d.reserve(); kept < whole {
		t.Errorf("with room again the reserve has %d bytes of %d", kept, whole)
	}
	addResident(t, tb, `{"name": "王建国"}`)
	status, err := tb.Status()
	if must(t, status, err).Unsent != len(ids)+1 {
		t.Errorf("%d saves of %d", status.Unsent, len(ids)+1)
	}
}

// A tablet whose process was ended on a full disk has its newest saves in the log
// beside the file; it is opened all the same.
func TestB26ATabletThatDiedOnAFullDiskIsOpened(t *testing.T) {
	d := mountDisk(t)
	tb, err := tablet.Create(d.Options, secret)
	must(t, tb, err)
	do(t, tb.Close())
	said := killedAfter(t, d.Dir, 40)
	d.fill()
	for range 3 {
		tb = d.open()
		status, err := tb.Status()
		if must(t, status, err).Unsent < len(said) {
			t.Fatalf("%d saves of %d", status.Unsent, len(said))
		}
		do(t, tb.Close())
	}
}
